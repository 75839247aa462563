"""Questions about rules, declared steps and checkpoints, and about how far the journal is known.

Every function takes a connection to the mirror; ``as_of`` is a size of the ledger, None for what is held now.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, select

from ledger.lineage.attribution import Attribution, Rule
from ledger.lineage.models import (
    CHECKPOINTS,
    CURSORS,
    DATASETS,
    EDGES,
    FLAGS,
    INPUT,
    JOBS,
    RULES,
    RUNS,
    STEP_COLUMNS,
    STEP_EDGES,
    STEPS,
)
from ledger.mirror import queries as mirror
from ledger.organisations import queries as organisations
from ledger.store.ranged import held


class AnchoredCheckpoint(msgspec.Struct, frozen=True):
    """A journal's checkpoint as it stands on the ledger, at leaf ``leaf_from``."""

    origin: str
    size: int
    root: str
    organisation: str | None
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class StepEnd(msgspec.Struct, frozen=True):
    """What a declared step reads or writes; ``entry`` where it names a catalogue entry."""

    dataset: int
    namespace: str
    name: str
    entry: str | None


class StepColumn(msgspec.Struct, frozen=True):
    """From column to column, data sets by number; an empty field means the whole."""

    output: int
    output_field: str
    input: int
    input_field: str
    kind: str
    subtype: str
    masking: bool


class Step(msgspec.Struct, frozen=True):
    """A declared step as one statement left it."""

    code: str
    active: bool
    name: str
    name_en: str | None
    type: str
    organisation: str | None
    deidentification: dict[str, Any] | None
    note: str | None
    inputs: tuple[StepEnd, ...]
    outputs: tuple[StepEnd, ...]
    columns: tuple[StepColumn, ...]
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Counts(msgspec.Struct, frozen=True):
    """How much the tables of edges hold, and up to which size of the journal."""

    folded: int
    datasets: int
    jobs: int
    runs: int
    edges: int
    flagged: int


def journal_size(connection: Connection, as_of: int | None = None) -> int | None:
    """Up to which journal position answers go at ledger size ``as_of``: None for everything.

    The size that the newest checkpoint anchored by then vouches for; 0 where none was.
    """
    if as_of is None:
        return None
    origin = select(CURSORS.c.origin).scalar_subquery()
    found = connection.execute(
        select(CHECKPOINTS.c.size).where(held(CHECKPOINTS, as_of), CHECKPOINTS.c.origin == origin)
    ).scalar_one_or_none()
    return int(found or 0)


def checkpoints(
    connection: Connection, *, origin: str | None = None, as_of: int | None = None
) -> list[AnchoredCheckpoint]:
    """Every checkpoint anchored by ``as_of``, of one journal or of all, in order of leaves."""
    asked = select(CHECKPOINTS).order_by(CHECKPOINTS.c.leaf_from)
    if origin is not None:
        asked = asked.where(CHECKPOINTS.c.origin == origin)
    if as_of is not None:
        asked = asked.where(CHECKPOINTS.c.leaf_from < as_of)
    return _checkpoints(connection, asked, as_of)


def newest_checkpoints(
    connection: Connection,
    *,
    origin: str | None = None,
    as_of: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[AnchoredCheckpoint]:
    """:func:`checkpoints` with the newest first; a page begins before a leaf."""
    asked = select(CHECKPOINTS).order_by(CHECKPOINTS.c.leaf_from.desc()).limit(limit)
    if origin is not None:
        asked = asked.where(CHECKPOINTS.c.origin == origin)
    for end in (as_of, before):
        if end is not None:
            asked = asked.where(CHECKPOINTS.c.leaf_from < end)
    return _checkpoints(connection, asked, as_of)


def checkpoint_over(
    connection: Connection, origin: str, position: int, as_of: int | None = None
) -> AnchoredCheckpoint | None:
    """The first anchored checkpoint that vouches for entry ``position``, None where none does yet."""
    asked = (
        select(CHECKPOINTS)
        .where(CHECKPOINTS.c.origin == origin, CHECKPOINTS.c.size > position)
        .order_by(CHECKPOINTS.c.leaf_from)
        .limit(1)
    )
    if as_of is not None:
        asked = asked.where(CHECKPOINTS.c.leaf_from < as_of)
    return next(iter(_checkpoints(connection, asked, as_of)), None)


def newest_checkpoint(connection: Connection, origin: str) -> AnchoredCheckpoint | None:
    """The checkpoint in force of a journal."""
    asked = select(CHECKPOINTS).where(held(CHECKPOINTS, None), CHECKPOINTS.c.origin == origin)
    return next(iter(_checkpoints(connection, asked, None)), None)


def rules(
    connection: Connection,
    *,
    holder: str | None = None,
    entry: str | None = None,
    withdrawn: bool = False,
    as_of: int | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Rule]:
    """Rules in force (with ``withdrawn``: those too), by code; a page begins after a code."""
    asked = select(RULES).where(held(RULES, as_of)).order_by(RULES.c.code).limit(limit)
    if after is not None:
        asked = asked.where(RULES.c.code > after)
    if holder is not None:
        asked = asked.where(RULES.c.holder == holder)
    if entry is not None:
        asked = asked.where(RULES.c.entry == entry)
    if not withdrawn:
        asked = asked.where(RULES.c.active)
    return [_told(row, Rule) for row in connection.execute(asked).mappings()]


def rule(connection: Connection, code: str, as_of: int | None = None) -> Rule | None:
    """One rule as it stands, withdrawn or not."""
    asked = select(RULES).where(held(RULES, as_of), RULES.c.code == code)
    row = connection.execute(asked).mappings().one_or_none()
    return None if row is None else _told(row, Rule)


def attribution(
    connection: Connection, as_of: int | None = None, *, cursor: mirror.Cursor | None = None
) -> Attribution:
    """The rules in force, ready to be asked. Those of a mirror that did not change are kept in memory.

    ``cursor`` is how far the mirror is, where that was read already.
    """
    cursor = cursor or mirror.cursor_of(connection)
    if cursor is None:
        return Attribution(rules(connection, as_of=as_of))
    key = (str(connection.engine.url), cursor.log, cursor.size, cursor.root, as_of)
    with _KEEPING:
        kept = _KEPT.pop(key, None)
        if kept is not None:
            _KEPT[key] = kept
            return kept
    made = Attribution(rules(connection, as_of=as_of))
    with _KEEPING:
        _KEPT[key] = made
        while len(_KEPT) > _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
    return made


def rules_at(size: int | None) -> Select[Any]:
    """Rules in force at a ledger size, as rows with ``leaf``."""
    shown = [column for column in RULES.columns if column.name not in _INSIDE]
    asked = select(*shown, RULES.c.leaf_from.label("leaf"))
    return asked.where(held(RULES, size), RULES.c.active)


def steps_at(size: int | None) -> Select[Any]:
    """Declared steps in force at a ledger size, as rows with ``leaf``."""
    shown = [column for column in STEPS.columns if column.name not in _INSIDE]
    asked = select(*shown, STEPS.c.leaf_from.label("leaf"))
    return asked.where(held(STEPS, size), STEPS.c.active)


def steps(
    connection: Connection,
    *,
    codes: Sequence[str] | None = None,
    withdrawn: bool = False,
    as_of: int | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Step]:
    """Declared steps in force (with ``withdrawn``: those too), by code; a page begins after a code."""
    asked = select(STEPS).where(held(STEPS, as_of)).order_by(STEPS.c.code).limit(limit)
    if codes is not None:
        asked = asked.where(STEPS.c.code.in_(codes))
    if after is not None:
        asked = asked.where(STEPS.c.code > after)
    if not withdrawn:
        asked = asked.where(STEPS.c.active)
    rows = connection.execute(asked).mappings().all()
    if limit is not None:
        codes = [row["code"] for row in rows]
    names = organisations.names(connection, {bytes(row["organisation"]) for row in rows}, as_of)
    ends: dict[tuple[str, int], list[StepEnd]] = {}
    for row in connection.execute(_in_force(STEP_EDGES, codes, as_of)).mappings():
        end = StepEnd(row["dataset_id"], row["namespace"], row["name"], row["entry"])
        ends.setdefault((row["code"], row["direction"]), []).append(end)
    columns: dict[str, list[StepColumn]] = {}
    for row in connection.execute(_in_force(STEP_COLUMNS, codes, as_of)).mappings():
        column = StepColumn(
            row["output_id"],
            row["output_field"],
            row["input_id"],
            row["input_field"],
            row["kind"],
            row["subtype"],
            bool(row["masking"]),
        )
        columns.setdefault(row["code"], []).append(column)
    found = []
    for row in rows:
        code, speaker = row["code"], names.get(bytes(row["organisation"]))
        how = row["deidentification"]
        found.append(
            Step(
                code=code,
                active=bool(row["active"]),
                name=row["name"],
                name_en=row["name_en"],
                type=row["type"],
                organisation=speaker.code if speaker else None,
                deidentification=None if how is None else json.loads(how),
                note=row["note"],
                inputs=tuple(ends.get((code, INPUT), ())),
                outputs=tuple(ends.get((code, 1 - INPUT), ())),
                columns=tuple(columns.get(code, ())),
                version=row["version"],
                recorded_at=row["recorded_at"],
                leaf_from=row["leaf_from"],
                leaf_until=row["leaf_until"],
            )
        )
    return found


def folded_size(connection: Connection) -> int:
    """Up to which size of the journal the edges are."""
    return int(connection.execute(select(func.max(CURSORS.c.size))).scalar_one() or 0)


def counts(connection: Connection) -> Counts:
    """How much there is now."""

    def number(asked: Select[Any]) -> int:
        found: int | None = connection.execute(asked).scalar_one_or_none()
        return found or 0

    return Counts(
        folded=folded_size(connection),
        datasets=number(select(func.count()).select_from(DATASETS)),
        jobs=number(select(func.count()).select_from(JOBS)),
        runs=number(select(func.count()).select_from(RUNS)),
        edges=number(select(func.count()).select_from(EDGES).where(EDGES.c.pos_until.is_(None))),
        flagged=number(select(func.count()).select_from(FLAGS)),
    )


_KEPT: dict[Any, Attribution] = {}
_KEEPING = threading.Lock()
_MOST_KEPT = 8
_INSIDE = frozenset({"leaf_from", "leaf_until", "search"})


def _in_force(table: Any, codes: Sequence[str] | None, as_of: int | None) -> Select[Any]:  # noqa: ANN401
    asked = select(table).where(held(table, as_of)).order_by(*table.primary_key.columns)
    return asked if codes is None else asked.where(table.c.code.in_(codes))


def _checkpoints(
    connection: Connection, asked: Select[Any], as_of: int | None
) -> list[AnchoredCheckpoint]:
    rows = connection.execute(asked).mappings().all()
    names = organisations.names(connection, {bytes(row["organisation"]) for row in rows}, as_of)
    return [
        AnchoredCheckpoint(
            origin=row["origin"],
            size=row["size"],
            root="0x" + bytes(row["root"]).hex(),
            organisation=name.code if (name := names.get(bytes(row["organisation"]))) else None,
            version=row["version"],
            recorded_at=row["recorded_at"],
            leaf_from=row["leaf_from"],
            leaf_until=row["leaf_until"],
        )
        for row in rows
    ]


def _told(row: RowMapping, of: type[Rule]) -> Rule:
    return of(**{name: row[name] for name in of.__struct_fields__})
