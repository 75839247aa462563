"""Data sets that nobody would catalogue (噪声): temporary tables, logs, a database's own tables.

Patterns are as in rules: ``*`` any characters, ``?`` one; case does not matter. ``docs/lineage.md`` lists them.
"""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

LAST_NAMES = (
    "tmp",
    "tmp_*",
    "temp",
    "temp_*",
    "*_tmp",
    "*_temp",
    "*__dbt_tmp*",
    "*__dbt_backup",
    "#*",
    "_temporary*",
    "_success",
    "_spark_metadata",
    "_delta_log",
    "log",
    "logs",
    "*_log",
    "*_logs",
    "*.log",
    "sqlite_*",
    "pg_temp_*",
)
"""Of a name's last part, behind the last ``.`` or ``/``."""
NAMES = (
    "information_schema.*",
    "*.information_schema.*",
    "pg_catalog.*",
    "*.pg_catalog.*",
    "sys.*",
    "*/_temporary/*",
    "tmp/*",
    "/tmp/*",  # noqa: S108 - a pattern, no place
    "*/tmp/*",
    "var/log/*",
    "/var/log/*",
    "*/checkpoints/*",
)
"""Of whole names."""


def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # Of a pattern's own signs only * and ? are used here, so that a shell's patterns do.
    return re.compile("|".join(f"(?:{fnmatch.translate(one)})" for one in patterns), re.IGNORECASE)


_LAST, _WHOLE = _compiled(LAST_NAMES), _compiled(NAMES)


@lru_cache(maxsize=65_536)
def is_noise(name: str) -> bool:
    """Whether a data set of this name is left out of what should be catalogued."""
    trimmed = name.rstrip("/")
    last = re.split(r"[./]", trimmed)[-1]
    return bool(_LAST.match(last) or _LAST.match(trimmed.rsplit("/", 1)[-1]) or _WHOLE.match(name))
