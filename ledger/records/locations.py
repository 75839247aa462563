"""The text that names a source of records (数据源名称), taken apart; its forms: :mod:`ledger.records.sources`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from ledger.records.problems import SourceError

_DATABASES = ("duckdb", "sqlite", "postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class Location:
    """A source's name, taken apart."""

    kind: str
    """``csv``, ``parquet``, ``xlsx``, ``duckdb``, ``sqlite`` or ``postgresql``."""
    text: str
    path: Path | None = None
    table: str = ""
    query: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name as it may be shown and kept: without credentials."""
        if self.kind != "postgresql":
            return self.text
        parts = urlsplit(self.text)
        known = [(name, value) for name, value in parse_qsl(parts.query) if "pass" not in name]
        shown = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
        shown += f"?{urlencode(known, safe='/')}" if known else ""
        return f"{shown}#{self.table}" if self.table else f"{shown}?query={self.query}"


def locate(text: str) -> Location:
    """The parts of a source's name; raises :class:`SourceError` for one that means nothing."""
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme:
        return _locate_database(scheme, text)
    # A name may hold # and ?: the file that exists wins.
    name, table, options = text, "", {}
    if not Path(name).exists():
        name, _, asked = name.partition("?")
        options = dict(parse_qsl(asked))
        if not Path(name).exists():
            name, _, table = name.partition("#")
    path = Path(name)
    kind = {
        ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
        ".xlsx": "xlsx", ".xlsm": "xlsx",
    }.get(path.suffix.lower())  # fmt: skip
    if kind is None:
        raise SourceError(
            f"{path.suffix or 'a name without an ending'} is no kind of source",
            "不认识这种数据源",
            where=text,
            hint="sources are .csv, .tsv, .parquet, .xlsx, duckdb:///FILE#TABLE, sqlite:///FILE#TABLE, "
            "postgresql://HOST/DB#TABLE",
            hint_zh="可用：.csv、.tsv、.parquet、.xlsx、duckdb:///文件#表、sqlite:///文件#表、postgresql://主机/库#表",
        )
    unknown = set(options) - {"encoding"}
    if unknown or (options and kind != "csv"):
        raise SourceError(
            f"options that this kind of source has not: {', '.join(sorted(options))}",
            "该数据源没有这些选项",
            where=text,
            hint="a CSV file takes ?encoding=gb18030; queries are for databases",
            hint_zh="CSV 可用 ?encoding=gb18030；查询只用于数据库",
        )
    _existing(path, text)
    return Location(kind, text, path, table, options=options)


def _existing(path: Path, text: str) -> None:
    if not path.is_file():
        raise SourceError(
            "there is no such file", "没有这个文件", where=text,
            hint="check the path", hint_zh="请检查路径",
        )  # fmt: skip


_QUERY = re.compile(r"[?&]query=")


def _locate_database(scheme: str, text: str) -> Location:
    if scheme not in _DATABASES:
        raise SourceError(
            f"{scheme}:// is no kind of source", "不认识这种数据源", where=text.partition("@")[2] or text,
            hint=f"databases are: {', '.join(_DATABASES[:3])}",
            hint_zh="可用的数据库：DuckDB、SQLite、PostgreSQL",
        )  # fmt: skip
    kind = "postgresql" if scheme.startswith("postgres") else scheme
    # A query is taken as it stands, whatever characters it holds, unless it is percent-encoded.
    before, asked, query = (
        re.split(r"([?&]query=)", text, maxsplit=1) if _QUERY.search(text) else (text, "", "")
    )
    if asked and re.search(r"%[0-9A-Fa-f]{2}", query) and not re.search(r"\s", query):
        query = unquote(query.replace("+", " "))
    before, _, table = before.partition("#")
    location = Location(kind, text, None, unquote(table), query.strip().rstrip(";"))
    if bool(location.table) == bool(location.query):
        raise SourceError(
            "it must name one table or one query", "须指明一个表或一个查询", where=location.label,
            hint=f"write {kind}://…#TABLE or {kind}://…?query=SELECT …",
            hint_zh=f"请写作 {kind}://…#表名 或 {kind}://…?query=SELECT …",
        )  # fmt: skip
    if kind == "postgresql":
        return Location(kind, before, None, location.table, location.query)
    name = unquote(before.partition("://")[2]).removeprefix("/")
    path = Path(name)
    if not path.exists() and not path.is_absolute():
        path = Path("/") / name
    _existing(path, text)
    return Location(kind, text, path, location.table, location.query)
