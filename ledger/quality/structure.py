"""Rules that read no rows: the table's structure against the entry's items, and addresses that answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from ledger.quality import checks
from ledger.quality.reasons import NotAssessable
from ledger.quality.terms import Counts

if TYPE_CHECKING:
    import ibis.expr.schema as sch

_WORKERS = 8
_FIRST_FAILING_STATUS = 400

Items = Sequence[Mapping[str, Any]]
"""数据项 as the entry's document has them."""


def columns_of_items(items: Items, columns: Sequence[str]) -> dict[str, str | None]:
    """The column of each item by the item's name: of that name, or of its English one, letters' case
    aside; None where there is none.
    """
    known = {column.casefold(): column for column in columns}
    found = {}
    for item in items:
        names = (str(item["name"]), str(item.get("name_en") or item["name"]))
        found[names[0]] = next((known[n.casefold()] for n in names if n.casefold() in known), None)
    return found


def agreement(items: Items | None, schema: sch.Schema) -> Counts:
    """Items that are columns of a type that can hold them (数据项与元数据一致性).

    Raises :class:`NotAssessable` where the entry lists none.
    """
    if not items:
        raise NotAssessable("no_items")
    columns = columns_of_items(items, schema.names)
    good = 0
    for item in items:
        column = columns[str(item["name"])]
        good += column is not None and _holds(item.get("data_type"), schema[column])
    return Counts(len(items), len(items) - good)


def _holds(wanted: object, kind: Any) -> bool:  # noqa: ANN401 - an Ibis type
    """Whether a column's type can hold what the item's ``data_type`` says; text can hold anything."""
    if kind.is_string() or wanted is None:
        return True
    if wanted in ("numeric", "currency", "double", "float", "decimal"):
        return bool(kind.is_numeric()) and not kind.is_boolean()
    fits = {
        "integer": kind.is_integer(),
        "date": kind.is_date() or kind.is_timestamp(),
        "datetime": kind.is_timestamp() or kind.is_date(),
        "time": kind.is_time(),
        "logical": kind.is_boolean() or kind.is_integer(),
        "char": False,
        "memo": False,
        "general": kind.is_binary(),
    }
    return bool(fits.get(str(wanted), True))


def answering(rule: checks.Reachable) -> Counts:
    """How many of the addresses do not answer, each within the rule's time. No redirect is followed."""
    with (
        httpx.Client(timeout=rule.seconds, follow_redirects=False, trust_env=False) as client,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        found = list(pool.map(lambda address: _answers(client, address), rule.addresses))
    return Counts(len(found), found.count(False))


def _answers(client: httpx.Client, address: str) -> bool:
    if not address.startswith(("http://", "https://")):
        try:
            place = Path(address.removeprefix("file://"))
            return place.is_file() and place.stat().st_size > 0
        except OSError:
            return False
    try:
        with client.stream("GET", address) as response:
            return response.status_code < _FIRST_FAILING_STATUS
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
