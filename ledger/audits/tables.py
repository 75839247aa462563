"""The audit's working tables (审计工作表): temporary, one set a connection, gone with the transaction.

Names begin with ``audit_``. States of a metric are :class:`ledger.audits.metrics.State` numbers; days are
YYYYMMDD; ``leaf`` is the index of the statement that a row comes from.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.types import TypeEngine

_META = MetaData()
CODE = String().with_variant(String(collation="C"), "postgresql")
BIG = BigInteger().with_variant(Integer(), "sqlite")


def _table(name: str, *columns: Column[object], rowid: bool = False, large: bool = False) -> Table:
    """``rowid``: the key is SQLite's own row number. ``large``: a row a unit or entry, see :func:`create`."""
    return Table(
        f"audit_{name}",
        _META,
        *columns,
        prefixes=["TEMPORARY"],
        info={"large": large},
        sqlite_with_rowid=rowid or not any(column.primary_key for column in columns),
    )


def _key(name: str, kind: TypeEngine[Any] | None = None) -> Column[object]:
    return Column(name, kind or Integer(), primary_key=True, autoincrement=False)


def _int(name: str) -> Column[object]:
    return Column(name, Integer)


def _big(name: str) -> Column[object]:
    return Column(name, BIG)


def _text(name: str) -> Column[object]:
    return Column(name, CODE)


ORGANISATION = _table(
    "organisation",
    _key("id"),
    _text("code"),
    Column("hash", LargeBinary),
    _int("scoped"),
    _int("root"),
    rowid=True,
)
"""Every organisation under a number, in the order of codes."""

CALENDAR = _table(
    "calendar", _key("epoch"), _int("day"), _int("ordinal"), _int("special"), rowid=True
)
"""Days since 1970, see :class:`ledger.audits.periods.CalendarRow`."""

DATE = _table("date", _key("day"), _int("epoch"), _int("ordinal"), rowid=True)
"""The calendar by YYYYMMDD."""

WORKDAY = _table("workday", _key("ordinal"), _int("day"), rowid=True)
"""The working day with a number."""

DAY = _table("day", _key("id"), _int("before"), _int("upto"), _int("late"), rowid=True)
"""See :class:`ledger.audits.periods.DayRow`; ``id`` is the cycle's number and the day: c * 10^8 + YYYYMMDD."""

CYCLE = _table(
    "cycle", _key("cycle"), _int("number"), _int("first_day"), _int("last_day"), _int("due")
)
"""See :class:`ledger.audits.periods.CycleRow`."""

BIT = _table("bit", _key("bit"), rowid=True)
"""The single bits of an exemption's scope."""

EXEMPTION = _table(
    "exemption",
    _key("kind", CODE),
    _key("target", CODE),
    _key("bit"),
    _int("leaf"),
    _int("expires"),
)
"""What is exempt on the audit's day, one row a bit of scope; ``leaf`` of the first statement that says so."""

EXEMPT = _table("exempt", _key("kind", CODE), _key("target", CODE), _int("mask"))
"""The scopes of which a target is exempt."""

UNREADABLE = _table("unreadable", _key("subject", LargeBinary()), _int("leaf"))
"""Subjects about which a statement is malformed, and the newest such."""

ENTRY = _table(
    "entry",
    _key("code", CODE),
    _int("org"),
    _int("scoped"),
    _text("library"),
    _text("state"),
    _int("in_force"),
    _int("share"),
    _int("cycle"),
    _int("leaf"),
    _big("recorded_at"),
    _int("exempt"),
    _int("resource"),
    _int("edition"),
    _int("hidden"),
    _int("item_count"),
    Column("names", LargeBinary),
    Column("names_en", LargeBinary),
    _int("mount"),
    _int("on_chain"),
    _int("consistent"),
    large=True,
)
"""Catalogue entries: ``resource`` 2 where a live one is mounted, 1 where only closed ones are."""

UNIT = _table(
    "unit",
    _key("leaf"),
    _text("code"),
    _int("type"),
    _text("parent"),
    _text("top"),
    _int("child"),
    _int("org"),
    _int("scoped"),
    _int("cycle"),
    _int("due_from"),
    _int("due_upto"),
    _int("valid_from"),
    _int("version"),
    _big("recorded_at"),
    _int("standing"),
    _int("exempt"),
    _int("bound"),
    _text("entry"),
    _int("binding_leaf"),
    _big("bound_at"),
    _int("rebound"),
    _int("lost"),
    _text("entry_state"),
    _int("in_force"),
    _int("share"),
    _int("entry_leaf"),
    _big("entry_at"),
    _int("resource"),
    _int("edition"),
    _int("hidden"),
    _int("item_count"),
    Column("names", LargeBinary),
    Column("names_en", LargeBinary),
    rowid=True,
    large=True,
)
"""Tables and expected entries (应归集): what answers each, and how that stands."""

SHARED = _table("shared", _key("entry", CODE), _int("leaf"), _text("top"))
"""Entries that answer several obligations, and the first binding of each."""

DIFFERENCE = _table(
    "difference",
    _key("delivery"),
    _big("missing"),
    _big("extra"),
    _big("changed"),
    _big("duplicates"),
    _big("empty_keys"),
    rowid=True,
)
"""What a collector counted where a delivery is not what its manifest says."""

REPEATED = _table("repeated", _key("leaf"), rowid=True)
"""Deliveries that were replaced by a later one of the same period."""

SUPPLY = _table(
    "supply",
    _key("unit"),
    _int("manifested"),
    _big("newest_manifest"),
    _int("delivered"),
    _big("newest_delivery"),
    _int("filled"),
    _int("incomplete"),
    _big("rows_due"),
    _big("rows_here"),
    _int("spans"),
    _int("timely"),
    _int("several"),
    _int("reshaped"),
    _int("early"),
    _int("late_leaf"),
    _int("full_end"),
    rowid=True,
    large=True,
)
"""Manifests and deliveries of a unit's entry. ``manifested`` and ``delivered`` are the last periods covered;
the newest of each are packed with their period: see ``supply.sql``."""

BARE = _table(
    "bare",
    _key("entry", CODE),
    _int("period_end"),
    _int("leaf"),
    _int("filled"),
)
"""Deliveries of periods for which there is no manifest: the newest of each entry."""

SPREAD = _table(
    "spread",
    _key("unit"),
    _text("entry"),
    _int("cycle"),
    _int("due_from"),
    _int("due_upto"),
    rowid=True,
)
"""Units whose data arrived on time in several spans of days, or without a manifest."""

TIMELY = _table("timely", _key("unit"), _int("periods"), rowid=True)
"""Periods that arrived on time, where several spans of days have to be put together."""

SCORE = _table(
    "score",
    _key("entry", CODE),
    _int("leaf"),
    _int("total"),
    _int("own"),
    _big("recorded_at"),
    large=True,
)
"""The quality score that counts for an entry; ``own`` where only its owner scored it."""

OPEN = _table("open", _key("entry", CODE), _int("leaf"), _big("filed_at"))
"""The oldest correction request that waits for an answer."""

VERDICT = _table(
    "verdict",
    _key("unit"),
    _int("cataloguing"),
    _int("collection"),
    _int("records"),
    _int("timeliness"),
    _int("quality"),
    _int("items"),
    _int("rung"),
    _text("reason"),
    _int("on_time"),
    _int("manifest_leaf"),
    _int("delivery_leaf"),
    _big("rows_due"),
    _big("rows_here"),
    _int("items_due"),
    _int("items_here"),
    rowid=True,
    large=True,
)
"""How each unit stands in each metric, and the first rung of the ladder that is broken (0: none)."""

FAMILY = _table(
    "family",
    _key("unit"),
    _int("cataloguing"),
    _int("collection"),
    _int("records"),
    _int("timeliness"),
    _int("quality"),
    _int("items"),
    rowid=True,
)
"""Business tables with expected entries below them: the worst of each metric, ranked."""

BELOW = _table("below", _key("parent", CODE), _int("tables"), _int("catalogued"), _int("excused"))
"""Tables directly below a duty or system: how many, catalogued, exempt."""

GAP = _table(
    "gap",
    _key("unit"),
    _text("code"),
    _int("org"),
    _int("scoped"),
    _int("acts"),
    _int("rung"),
    _text("reason"),
    _int("since"),
    _int("due"),
    rowid=True,
    large=True,
)
"""Units with a broken rung: ``acts`` is the organisation that must act, from a day and by a working day."""

ITEMS = _table("items", _key("unit"), _int("here"), rowid=True)
"""Items that columns of the manifest bear the names of, where those are not all the same."""

SOURCE = _table(
    "source",
    _text("name"),
    _int("leaf"),
    _int("holders"),
    _int("producers"),
    _int("org"),
    _int("scoped"),
    _int("state"),
)
"""Items that somebody says to produce: how many organisations hold them, and how many say so."""

USED = _table(
    "used",
    _text("namespace"),
    _text("name"),
    _text("entry"),
    _int("noise"),
    _int("leaf"),
    _big("position"),
    _text("organisation"),
)
"""Data sets in use as lineage tells them: see :class:`ledger.lineage.findings.usage.Used`."""

DATASET = _table(
    "dataset",
    _text("namespace"),
    _text("name"),
    _text("entry"),
    _int("org"),
    _int("scoped"),
    _int("leaf"),
    _big("position"),
    _int("state"),
)
"""The same with whose they are, and whether an entry in force covers them."""

CLOCK = _table(
    "clock",
    _text("clock"),
    _text("code"),
    _int("leaf"),
    _int("org"),
    _int("scoped"),
    _int("started"),
    _int("due"),
    _int("done"),
    _int("state"),
)
"""Statutory clocks: whose, begun on which day, due by which, done on which (null: not yet)."""

FINDING = _table(
    "finding",
    _text("name"),
    _text("subject"),
    _int("org"),
    _int("scoped"),
    _int("leaf"),
    _int("other"),
    _big("number"),
    _text("detail"),
)
"""What an auditor must look at, see :mod:`ledger.audits.findings`."""

UPPER = _table(
    "upper",
    _key("code", CODE),
    _int("leaf"),
    _int("type"),
    _text("parent"),
    _int("org"),
    _int("scoped"),
    _int("standing"),
    _int("exempt"),
    _int("tables"),
    _int("catalogued"),
    _int("excused"),
    _int("state"),
    large=True,
)
"""Duties and information systems, and what stands below them."""


def create(connection: Connection) -> None:
    """Create the working tables.

    PostgreSQL joins large tables by hashing them, so that a key would only cost time there; SQLite joins by keys.
    """
    for table in TABLES:
        if connection.dialect.name == "postgresql" and table.info["large"]:
            columns = ", ".join(
                f"{column.name} {column.type.compile(connection.dialect)}"
                for column in table.columns
            )
            connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {table.name} ({columns})")
        else:
            table.create(connection, checkfirst=False)


TABLES: tuple[Table, ...] = tuple(_META.sorted_tables)
"""All of them; none refers to another."""
