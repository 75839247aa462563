"""What an audit asks of the capabilities (审计取数): their selects, as temporary views of the database.

A view is the capability's own select with the log size written into it, narrowed to what the audit's SQL
understands everywhere: truth values as 0 and 1, codes that are compared by number as numbers. Nothing is copied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    case,
    cast,
    func,
    literal,
    select,
)

from ledger.catalogue import queries as catalogue
from ledger.codes import Code, DeliveryMode, ObligationType, ShareType, UpdateCycle
from ledger.corrections import queries as corrections
from ledger.deliveries import queries as deliveries
from ledger.mirror import queries as mirror
from ledger.obligations import queries as obligations
from ledger.organisations import queries as organisations
from ledger.quality import queries as quality

PREFIX = "audit_in_"
_SCANNED = frozenset({"obligation", "entry", "act", "item"})
"""Views that steps walk through from end to end."""
_HELD = re.compile(r"\w+\.leaf_(?:from|until) (?=<|>=|IS NULL)")
"""What holds at the size is all but always nearly every row, which SQLite finds faster in the order in which rows lie
than through an index. A plus before the column keeps it from the index, and changes nothing else."""


def inputs(size: int, dialect: str) -> dict[str, Select[Any]]:
    """The selects at a log size, by the names of their views without :data:`PREFIX`.

    ``dialect`` is the database's name: text becomes bytes by another function in each.
    """
    return {
        "organisation": organisations.organisations_at(size),
        "obligation": _obligations(size),
        "binding": obligations.bindings_at(size),
        "objection": obligations.objections_at(size),
        "exemption": obligations.exemptions_at(size),
        "entry": _entries(size),
        "act": catalogue.acts_at(size),
        "edition": _editions(size, dialect),
        "item": _items(size),
        "statement": mirror.statements_at(size),
        "correction": corrections.corrections_at(size),
        "resource": deliveries.resources_at(size),
        "manifest": _manifests(size),
        "delivery": _deliveries(size),
        "received": _received(size),
        "score": quality.scores_at(size),
        "unreadable": mirror.unreadable_at(size),
    }


def create_views(connection: Connection, size: int) -> None:
    """Create the views on a connection, for its own eyes; they go with the transaction."""
    for name, asked in inputs(size, connection.dialect.name).items():
        compiled = asked.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        told = str(compiled)
        if connection.dialect.name == "sqlite" and name in _SCANNED:
            told = _HELD.sub(r"+\g<0>", told)
        connection.exec_driver_sql(f"CREATE TEMPORARY VIEW {PREFIX}{name} AS {told}")


def drop_views(connection: Connection) -> None:
    """Drop them again."""
    for name in NAMES:
        connection.exec_driver_sql(f"DROP VIEW {PREFIX}{name}")


def _obligations(size: int) -> Select[Any]:
    return _with(
        obligations.obligations_at(size),
        type=_number(ObligationType, "type"),
        update_cycle=_number(UpdateCycle, "update_cycle"),
        produces_data=_flag("produces_data"),
    )


def _entries(size: int) -> Select[Any]:
    return _with(
        catalogue.entries_at(size),
        in_force=_flag("in_force"),
        share_type=_number(ShareType, "share_type"),
        update_cycle=_number(UpdateCycle, "update_cycle"),
        restricted=_flag("restricted"),
    )


def _editions(size: int, dialect: str) -> Select[Any]:
    """With the document as the bytes that its statement carries."""

    def document(columns: Mapping[str, Any]) -> ColumnElement[Any]:
        text = columns["document"]
        if dialect == "postgresql":
            found: ColumnElement[Any] = func.convert_to(text, literal("UTF8"))
            return found
        return cast(text, LargeBinary)

    return _with(catalogue.editions_at(size), document=document)


def _items(size: int) -> Select[Any]:
    return _with(catalogue.items_at(size), locally_generated=_flag("locally_generated"))


def _manifests(size: int) -> Select[Any]:
    """With ``newest``: whether no later version of entry and period was recorded before the size."""

    def newest(columns: Mapping[str, Any]) -> ColumnElement[Any]:
        until = columns["leaf_until"]
        return case((until.is_(None), literal(1)), (until >= size, literal(1)), else_=literal(0))

    return _with(deliveries.manifests_at(size), mode=_number(DeliveryMode, "mode"), newest=newest)


def _deliveries(size: int) -> Select[Any]:
    return _with(
        deliveries.deliveries_at(size),
        mode=_number(DeliveryMode, "mode"),
        complete=_flag("complete"),
    )


def _received(size: int) -> Select[Any]:
    """Deliveries without the manifests that they name, so that the database can look them up one by one."""
    told = deliveries.deliveries_at(size).selected_columns
    names = ("leaf", "entry", "number", "manifest", "period_start", "period_end")
    more = ("rows", "schema", "root", "content", "differences", "recorded_at")
    asked = select(*(told[name] for name in (*names, *more)), told["mode"])
    return _with(asked.where(told["leaf"] < size), mode=_number(DeliveryMode, "mode"))


def _with(asked: Select[Any], **columns: Any) -> Select[Any]:  # noqa: ANN401 - column makers
    """``asked`` with some columns made anew out of its own."""
    plain = {column.key: column for column in asked.selected_columns}
    made = {name: make(plain) for name, make in columns.items()}
    every = [column for name, column in plain.items() if name not in made]
    shown = [*every, *(column.label(name) for name, column in made.items())]
    return asked.with_only_columns(*shown, maintain_column_froms=True)


def _number(codes: type[Code], name: str) -> Any:  # noqa: ANN401 - a column maker
    def make(columns: Mapping[str, Any]) -> ColumnElement[Any]:
        found = [(columns[name] == code.value, literal(code.number)) for code in codes]
        return case(*found, else_=literal(0))

    return make


def _flag(name: str) -> Any:  # noqa: ANN401 - a column maker
    def make(columns: Mapping[str, Any]) -> ColumnElement[Any]:
        return case((columns[name], literal(1)), else_=literal(0))

    return make


NAMES = tuple(inputs(0, "sqlite"))
"""The views, without their prefix."""
