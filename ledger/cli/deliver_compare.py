"""``govledger deliver compare``: which rows of a delivery are missing, extra or changed (差异)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlalchemy import Connection

from ledger.cli.deliver_options import EntryCode, Offset, ShowValues
from ledger.cli.output import Exit, Problem, out, print_fields, print_json, print_table, say
from ledger.cli.session import Json, opened
from ledger.deliveries import computing, queries
from ledger.deliveries.comparing import Changes, changes_between, keys_at
from ledger.deliveries.queries import Delivery, Manifest
from ledger.deliveries.shelf import Kind, Shelf
from ledger.records.schema import RecordSchema

if TYPE_CHECKING:
    from ledger.records.store import LeafStore


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("compare")(compare)


def compare(
    entry: EntryCode,
    number: Annotated[
        int | None, typer.Option(min=1, help="Which delivery of the entry; the newest.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Where to look up keys: what was signed, what arrived, or both."),
    ] = None,
    offset: Offset = None,
    show_values: ShowValues = False,
    json_output: Json = False,
) -> None:
    """Count which rows of a delivery are missing, extra or changed; with --show-values name them by key.

    Needs the leaves of manifest and delivery, which are kept where they were made or handed over.

    Example: govledger deliver compare --entry 318001/000001 --source schools.parquet --show-values
    """
    with opened() as office:
        _ = office.deployment
        office.refresh()
        with office.read() as connection:
            arrived = queries.delivery(connection, entry, number)
            signed = None if arrived is None else _named(connection, arrived)
        if arrived is None or signed is None:
            raise Problem(
                say(
                    f"{entry} 没有可比对的交付",
                    f"there is no delivery of {entry} against a manifest",
                ),
                say("用 `govledger deliver show` 查看", "see `govledger deliver show`"),
                Exit.NOT_FOUND,
            )
        shelf = Shelf(office.data_dir)
        left = _store(shelf, "manifests", signed.body_digest, say("数据清单", "the manifest"))
        right = _store(shelf, "deliveries", arrived.body_digest, say("交付", "the delivery"))
        changes = changes_between(left, right)
        schema, meant = left.schema, left.offset if offset is None else offset
        keys = _keys(schema, source or [], changes, meant) if show_values else {}
    _print_changes(arrived, changes, schema, keys, show_values=show_values, json_output=json_output)


def _named(connection: Connection, arrived: Delivery) -> Manifest | None:
    if arrived.manifest_leaf is None:
        return None
    return queries.manifest_at(connection, arrived.manifest_leaf)


def _store(shelf: Shelf, kind: Kind, body_digest: str, what: str) -> LeafStore:
    place = shelf.find(kind, bytes.fromhex(body_digest[2:]))
    if place is None:
        raise Problem(
            say(f"此处没有{what}的叶子存档", f"the leaves of {what} are not kept here"),
            say(
                "清单的叶子由提供部门移交：deliver handover --leaves",
                "a manifest's leaves are handed over by the department: deliver handover --leaves",
            ),
            Exit.NOT_FOUND,
        )
    return computing.leaves_in(place)


def _keys(
    schema: RecordSchema, sources: list[str], changes: Changes, offset: str | int | None
) -> dict[int, tuple[str | None, ...]]:
    places = {*changes.missing, *changes.extra, *changes.changed}
    found: dict[int, tuple[str | None, ...]] = {}
    for name in sources:
        found |= keys_at(name, schema, places - found.keys(), offset)
    return found


def _print_changes(
    arrived: Delivery,
    changes: Changes,
    schema: RecordSchema,
    keys: dict[int, tuple[str | None, ...]],
    *,
    show_values: bool,
    json_output: bool,
) -> None:
    labelled = (
        ("missing", "缺少", changes.missing),
        ("extra", "多出", changes.extra),
        ("changed", "改动", changes.changed),
    )
    if json_output:
        told: dict[str, Any] = {"entry": arrived.entry, "delivery": arrived.number}
        for name, _, places in labelled:
            told[name] = len(places)
        if show_values:
            told["key"] = list(schema.key)
            told["rows"] = {
                name: [list(keys[place]) if place in keys else None for place in places]
                for name, _, places in labelled
            }
        print_json(told)
        return
    period = f"{arrived.period_start} – {arrived.period_end}"
    print_fields(
        say(
            f"{arrived.entry} 第 {arrived.number} 次交付（{period}）",
            f"{arrived.entry}, delivery {arrived.number} ({period})",
        ),
        [(say(zh, name), f"{len(places):,}") for name, zh, places in labelled],
    )
    if changes.none:
        out.print(
            say("✓ 与数据清单逐条相符", "✓ record for record those of the manifest"), style="green"
        )
    if show_values and not changes.none:
        rows = [
            (say(zh, name), *(keys.get(place) or ["?"] * len(schema.key)))
            for name, zh, places in labelled
            for place in places
        ]
        print_table("", [say("差异", "what"), *schema.key], rows)
