"""Computing what a manifest or a delivery says of rows (计算): schema, counts, root, leaves, contents.

Rows go no further than this module: what comes out are digests, counts and names of columns. Engines are
heavy, so that they are imported when something is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.records.problems import SchemaChanged
from ledger.records.schema import Column, RecordSchema, conform, schema_of

if TYPE_CHECKING:
    from ledger.records.commitment import Commitment
    from ledger.records.sources import Source
    from ledger.records.store import LeafStore

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source is to be read where no schema is known yet.

    ``key``: the key's columns. ``scales``: decimal places of columns that have none of their own.
    ``offset``: at which offset from UTC times without a zone are meant. ``text``: columns to take as
    text whatever they look like, such as identity numbers in a CSV file.
    """

    key: tuple[str, ...]
    scales: Mapping[str, int] = field(default_factory=dict)
    offset: str | None = None
    text: tuple[str, ...] = ()


def opened(name: str, schema: RecordSchema | None = None) -> AbstractContextManager[Source]:
    """The source with this name; raises :class:`~ledger.records.problems.RecordsError`."""
    from ledger.records.sources import open_source  # noqa: PLC0415

    return open_source(name, schema)


def schema_in(name: str, reading: Reading) -> RecordSchema:
    """The schema of what ``name`` holds; raises :class:`~ledger.records.problems.RecordsError`."""
    with opened(name) as source:
        found = schema_of(source.table, reading.key, reading.scales, reading.offset)
    unknown = [column for column in reading.text if column not in found.names]
    if unknown:
        raise SchemaChanged(
            f"columns to be taken as text that are not there: {', '.join(unknown)}",
            f"要按文本读取的列不存在：{'、'.join(unknown)}",
            where=name,
            hint=f"the columns are: {', '.join(found.names)}",
            hint_zh=f"现有列：{'、'.join(found.names)}",
        )
    as_text = {name: Column(name, "string") for name in reading.text}
    return replace(found, columns=tuple(as_text.get(c.name, c) for c in found.columns))


def committed(
    name: str,
    schema: RecordSchema,
    secret: bytes,
    store: Path,
    progress: Progress | None = None,
) -> Commitment:
    """Commit to every row of a source; leaves and tree are kept in ``store``, rows and secret are not.

    Raises :class:`~ledger.records.problems.RecordsError` naming what is wrong: duplicate or incomplete
    keys, columns or types that are not the schema's, a source that changed. Nothing is kept then.
    """
    from ledger.records.commitment import commit  # noqa: PLC0415

    with opened(name, schema) as source:
        return commit(source, schema, secret, store=store, progress=progress, bare=True)


def fitted(source: Source, schema: RecordSchema, offset: str | int | None) -> RecordSchema:
    """``schema``, conforming to the source; ``offset`` is taken where its times carry no zone.

    Raises :class:`~ledger.records.problems.RecordsError` where columns or types are others.
    """
    types = dict(source.table.schema().items())
    times = [column.name for column in schema.columns if column.type == "timestamp"]
    local = any(name in types and types[name].timezone is None for name in times)
    return conform(source.table, schema.at_offset(offset if local else None))


def new_secret() -> bytes:
    """A fresh secret for a manifest: 32 random bytes."""
    from ledger.records.commitment import new_secret as random_secret  # noqa: PLC0415

    return random_secret()


def leaves_in(store: Path, secret: bytes | None = None) -> LeafStore:
    """A store of leaves; raises :class:`~ledger.records.problems.RecordsError` where it is not whole."""
    from ledger.records.store import LeafStore  # noqa: PLC0415

    return LeafStore.open(store, secret)


def columns_between(
    before: RecordSchema, after: RecordSchema
) -> tuple[list[str], list[str], list[str]]:
    """Columns that were dropped, columns that were added, and columns whose type is another."""
    old = {column.name: column.described() for column in before.columns}
    new = {column.name: column.described() for column in after.columns}
    dropped = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    changed = [name for name in old if name in new and old[name] != new[name]]
    return dropped, added, changed


def scales_in(texts: Sequence[str]) -> dict[str, int]:
    """``col=2`` as a mapping; raises :class:`ValueError` naming the text that is not of this form."""
    scales: dict[str, int] = {}
    for text in texts:
        name, equals, digits = text.rpartition("=")
        if not equals or not name or not digits.isascii() or not digits.isdigit():
            raise ValueError(f"{text!r} is not of the form COLUMN=2")
        scales[name] = int(digits)
    return scales
