"""The publishers' table (提供方对照表): names in a source catalogue, and the organisations they
are.

A CSV that a steward completes: ``name,code,parent,ordinal,entries,note``. A publisher without a
unified social credit code gets a provisional one, made from its name, and is flagged as such: a
missing code is no wall.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.catalogue.names import bare
from ledger.catalogue.rows import TableError, read_rows
from ledger.identifiers import (
    IdentifierError,
    check_organisation_code,
    is_provisional,
    normalise_code,
    provisional_code,
)

COLUMNS = ("name", "code", "parent", "ordinal", "entries", "note")
MAX_ORDINAL = 9999


@dataclass(frozen=True, slots=True)
class Publisher:
    """A publisher: ``ordinal`` (1..9999) goes into the resource codes of its entries; ``flag`` is
    ``provisional``, ``unchecked`` (fails GB 32100-2015), or empty.
    """

    name: str
    code: str
    ordinal: int
    parent: str | None = None
    flag: str = ""


@dataclass(slots=True)
class Publishers:
    """The publishers of one source catalogue, by bare name; new names get the next ordinal."""

    catalogue: str
    known: dict[str, Publisher]

    @classmethod
    def empty(cls, catalogue: str) -> Publishers:
        return cls(catalogue, {})

    def of(self, name: str) -> Publisher:
        """The publisher called ``name``, provisional where the table has none of that name."""
        plain = bare(name)
        found = self.known.get(plain)
        if found is None:
            ordinal = max((one.ordinal for one in self.known.values()), default=0) + 1
            if ordinal > MAX_ORDINAL:
                raise TableError(f"more than {MAX_ORDINAL} publishers: split the source")
            code = provisional_for(self.catalogue, plain)
            found = Publisher(name, code, ordinal, flag="provisional")
            self.known[plain] = found
        return found


def provisional_for(catalogue: str, name: str) -> str:
    """The provisional code of a publisher without one: always the same for the same name."""
    label = re.sub(r"[^0-9A-Z]", "", catalogue.upper())[:12]
    digest = hashlib.sha256(f"{catalogue}\n{bare(name)}".encode()).hexdigest()[:10].upper()
    return provisional_code(f"{label}-{digest}" if label else digest)


def read_publishers(path: Path, catalogue: str) -> Publishers:
    """The table in a CSV or XLSX file.

    Raises :class:`TableError` with the line for a code that is none, or a name or ordinal that
    stands twice. An empty code becomes a provisional one.
    """
    known: dict[str, Publisher] = {}
    ordinals: dict[int, str] = {}
    for row in read_rows(path):
        where = f"{path.name}, line {row.line}"
        if "name" not in row.cells or "code" not in row.cells:
            raise TableError(f"{path.name} needs the columns name and code; it has others")
        name = row.cells["name"]
        plain = bare(name)
        if not plain:
            raise TableError(f"{where}: the name is empty")
        if plain in known:
            raise TableError(f"{where}: {name!r} stands in the table twice")
        ordinal = _ordinal(row.cells.get("ordinal", ""), ordinals, where)
        if ordinal in ordinals:
            raise TableError(f"{where}: ordinal {ordinal} belongs to {ordinals[ordinal]!r}")
        ordinals[ordinal] = name
        code, flag = _code(row.cells["code"], catalogue, plain, where)
        parent = row.cells.get("parent", "")
        if parent:
            parent = _code(parent, catalogue, "", f"{where}, parent")[0]
        known[plain] = Publisher(name, code, ordinal, parent or None, flag)
    return Publishers(catalogue, known)


def _ordinal(text: str, taken: Mapping[int, str], where: str) -> int:
    if not text:
        return max(taken, default=0) + 1
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_ORDINAL:
        raise TableError(f"{where}: ordinal {text!r} is not in 1..{MAX_ORDINAL}")
    return int(text)


def _code(text: str, catalogue: str, name: str, where: str) -> tuple[str, str]:
    code = normalise_code(text)
    if not code:
        return provisional_for(catalogue, name), "provisional"
    if is_provisional(code):
        return code, "provisional"
    try:
        verdict = check_organisation_code(code)
    except IdentifierError as error:
        raise TableError(f"{where}: {error}") from error
    return code, "" if verdict is None or verdict.valid else "unchecked"


def publishers_csv(publishers: Iterable[tuple[Publisher, int]]) -> str:
    """The table as CSV text, with how many entries each has; provisional codes are left to fill in.

    Write it as ``utf-8-sig`` so that spreadsheet programs read it right.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    notes = {
        "provisional": "缺少统一社会信用代码，暂用临时代码",
        "unchecked": "未通过 GB 32100-2015 校验",
        "": "",
    }
    for publisher, entries in sorted(publishers, key=lambda one: one[0].ordinal):
        writer.writerow(
            (
                harmless(publisher.name),
                publisher.code,
                publisher.parent or "",
                publisher.ordinal,
                entries,
                notes[publisher.flag],
            )
        )
    return out.getvalue()


def harmless(text: str) -> str:
    """``text`` so that a spreadsheet program does not take it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
