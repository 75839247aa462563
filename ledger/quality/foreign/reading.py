"""From files to what they say: which tool wrote them is told from their content."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ledger.quality.foreign import (
    dbt,
    frictionless,
    great_expectations,
    openlineage,
    pandera,
    pointblank,
    soda,
)
from ledger.quality.foreign.found import NotJsonError, Reading, ResultsError

MAX_BYTES = 64 << 20
TOOLS = (
    great_expectations.TOOL,
    soda.TOOL,
    dbt.TOOL,
    pointblank.TOOL,
    frictionless.TOOL,
    pandera.TOOL,
    openlineage.TOOL,
)


def parsed(data: bytes, name: str) -> Any:  # noqa: ANN401 - any JSON
    """A file's JSON; raises :class:`NotJsonError`. Tools in Python write NaN, which is read as null."""
    if len(data) > MAX_BYTES:
        raise NotJsonError(
            f"{name}: {len(data)} bytes; at most {MAX_BYTES} are read",
            zh=f"{name} 有 {len(data)} 字节，最多读取 {MAX_BYTES} 字节",
        )
    try:
        return json.loads(
            data.decode("utf-8-sig"), parse_constant=lambda _: None, object_pairs_hook=_once
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0][:200]
        raise NotJsonError(f"{name}: not JSON: {first}", zh=f"{name} 不是 JSON：{first}") from error


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice[:40]!r} twice")
    return found


def read_results(documents: Sequence[tuple[str, Any]], *, rows: int | None = None) -> Reading:
    """What one result says. ``documents`` are names and parsed JSON: the result, and for dbt its manifest.

    ``rows`` is how many records were checked, where the tool does not tell. Raises :class:`ResultsError` for
    what no tool known here writes.
    """
    manifests = [one for _, one in documents if isinstance(one, Mapping) and dbt.is_manifest(one)]
    others = [(name, one) for name, one in documents if not any(one is m for m in manifests)]
    if len(others) != 1 or len(manifests) > 1:
        names = ", ".join(name for name, _ in others) or "none"
        raise ResultsError(
            f"one result at a time, and for dbt one manifest beside it: {names}",
            zh=f"每次导入一份结果（dbt 另附一份 manifest）：{names}",
        )
    ((name, document),) = others
    if pointblank.is_result(document):
        return pointblank.read(document)
    if pandera.is_result(document):
        return pandera.read(document, rows)
    if isinstance(document, Mapping):
        if dbt.is_result(document):
            return dbt.read(document, manifests[0] if manifests else None)
        for reader in (great_expectations, soda, frictionless, openlineage):
            if reader.is_result(document):
                found: Reading = reader.read(document)
                return found
    raise ResultsError(
        f"{name}: no result of a tool known here ({', '.join(TOOLS)})",
        zh=f"{name} 不是已知工具（{', '.join(TOOLS)}）的结果",
    )
