"""``govledger reconcile``: two states of the same records, row by row (比对)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.deliver_options import Offset, Scales, ShowValues, TextColumns, reading_of
from ledger.cli.output import (
    Exit,
    Problem,
    out,
    print_fields,
    print_json,
    print_table,
    progress_bar,
    say,
)
from ledger.cli.session import Json

if TYPE_CHECKING:
    from ledger.deliveries.computing import Reading
    from ledger.records.reconciliation import Difference, Reconciliation
    from ledger.records.schema import RecordSchema
    from ledger.records.sources import Source
    from ledger.records.store import LeafStore

Name = Annotated[
    str,
    typer.Argument(
        help="data.csv, data.parquet, book.xlsx#Sheet, sqlite:///FILE#TABLE, duckdb:///FILE#TABLE, "
        "postgresql://HOST/DB#TABLE, or a directory that leaves are stored in."
    ),
]
KINDS = (("missing", "缺少"), ("extra", "多出"), ("changed", "改动"))


def reconcile(
    left: Name,
    right: Name,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="Column that tells rows apart; repeat it, or use commas."),
    ] = None,
    scale: Scales = None,
    offset: Offset = None,
    text: TextColumns = None,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work",
            help="Keep fingerprints here (rows too: keep it like the data). An interrupted run goes on "
            "from them, and comparing again takes seconds.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Most differences shown.")] = 20,
    show_values: ShowValues = False,
    json_output: Json = False,
) -> None:
    """Say which rows of RIGHT are missing, extra or changed against LEFT, and which columns differ.

    Exit code 0: both hold the same rows; 5: they do not. Values of rows are shown with --show-values only;
    without it a row is named by the place of its key.

    Example: govledger reconcile people.parquet postgresql://host/db#people --key id

    Example: govledger reconcile june.csv july.csv --key code --scale area=2 --show-values
    """
    from ledger.records import reconciliation  # noqa: PLC0415 - engines take a while to load

    with _directory(work) as place:
        ours, theirs = _stores(left, right, reading_of(key or [], scale, offset, text), place)
        with progress_bar(say("比对", "Comparing")) as bar:
            found = reconciliation.reconcile(
                ours, theirs, values=show_values, most=limit, progress=bar
            )
    if json_output:
        print_json(_document(found, left, right, show_values=show_values))
    else:
        _print(found, ours.schema, show_values=show_values)
    if not found.equal:
        raise typer.Exit(Exit.NOT_PROVEN)


@contextmanager
def _directory(work: Path | None) -> Iterator[Path]:
    """Where stores are kept: what was asked for, or a directory that goes when all is done."""
    if work is not None:
        yield work
        return
    with TemporaryDirectory(prefix="govledger-reconcile-") as name:
        yield Path(name)


def _stores(left: str, right: str, reading: Reading, work: Path) -> tuple[LeafStore, LeafStore]:
    """Both sides as stores of leaves, made with one schema and one secret."""
    from ledger.records.store import LeafStore  # noqa: PLC0415
    from ledger.records.workplace import secret_in  # noqa: PLC0415

    kept = {name: LeafStore.open(Path(name)) for name in (left, right) if _is_store(name)}
    if kept:
        first = next(iter(kept.values()))
        schema, secret = first.schema, first.secret
    elif not reading.key:
        raise Problem(
            say("缺少 --key", "--key is missing"),
            say(
                "请指定能区分各行的列：--key id", "name the column that tells rows apart: --key id"
            ),
            Exit.USAGE,
        )
    else:
        schema, secret = _schema(left, right, reading), secret_in(work)
    sides = [
        kept[name] if name in kept else _stored(name, schema, reading, secret, work / side, label)
        for name, side, label in (
            (left, "left", say("读取左侧", "Reading the left")),
            (right, "right", say("读取右侧", "Reading the right")),
        )
    ]
    return sides[0], sides[1]


def _is_store(name: str) -> bool:
    return "://" not in name and Path(name, "store.json").is_file()


def _schema(left: str, right: str, reading: Reading) -> RecordSchema:
    """The schema of the side that knows its types: of a text file it would be guessed."""
    from ledger.deliveries.computing import schema_in  # noqa: PLC0415
    from ledger.records.locations import locate  # noqa: PLC0415

    guessed = [locate(name).kind in ("csv", "xlsx") for name in (left, right)]
    return schema_in(right if guessed[0] and not guessed[1] else left, reading)


def _stored(
    name: str, schema: RecordSchema, reading: Reading, secret: bytes, work: Path, label: str
) -> LeafStore:
    from ledger.records.sources import open_source  # noqa: PLC0415
    from ledger.records.workplace import store_of  # noqa: PLC0415

    with open_source(name, schema) as source, progress_bar(label) as bar:
        fitting = schema.at_offset(reading.offset if _has_local_times(source, schema) else None)
        return store_of(source, fitting, secret, work, progress=bar)


def _has_local_times(source: Source, schema: RecordSchema) -> bool:
    types = dict(source.table.schema().items())
    times = (types[name] for name in schema.names if name in types)
    return any(kind.is_timestamp() and kind.timezone is None for kind in times)


def _document(found: Reconciliation, left: str, right: str, *, show_values: bool) -> dict[str, Any]:
    from ledger.records.locations import locate  # noqa: PLC0415

    names = [name if _is_store(name) else locate(name).label for name in (left, right)]
    return {
        "equal": found.equal,
        "left": {"name": names[0], "rows": found.left_rows},
        "right": {"name": names[1], "rows": found.right_rows},
        "missing": found.missing,
        "extra": found.extra,
        "changed": found.changed,
        "columns": found.columns,
        "listed": [
            {"kind": one.kind, "place": one.place, "columns": list(one.columns)}
            | ({"left": one.left, "right": one.right} if show_values else {})
            for one in found.listed
        ],
    }


def _print(found: Reconciliation, schema: RecordSchema, *, show_values: bool) -> None:
    if found.equal:
        out.print(
            say(
                f"✓ 两侧一致：{found.left_rows:,} 行",
                f"✓ both hold the same {found.left_rows:,} rows",
            ),
            style="green",
        )
        return
    counts = (found.missing, found.extra, found.changed)
    print_fields(
        say("两侧不一致", "The two sides differ"),
        [
            (say("左侧行数", "rows on the left"), f"{found.left_rows:,}"),
            (say("右侧行数", "rows on the right"), f"{found.right_rows:,}"),
            *((say(zh, en), f"{count:,}") for (en, zh), count in zip(KINDS, counts, strict=True)),
            (
                say("涉及的列", "columns"),
                ", ".join(f"{name} ({count:,})" for name, count in found.columns.items()),
            ),
        ],
    )
    if found.listed:
        _print_listed(found, schema, show_values=show_values)
    hidden = found.differences - len(found.listed)
    if hidden:
        out.print(say(f"另有 {hidden:,} 处，见 --limit", f"and {hidden:,} more: see --limit"))
    if not show_values:
        out.print(
            say(
                "主键与数值未显示；需要时加 --show-values",
                "keys and values are left out; --show-values shows them",
            ),
            style="dim",
        )


def _print_listed(found: Reconciliation, schema: RecordSchema, *, show_values: bool) -> None:
    labels = {en: say(zh, en) for en, zh in KINDS}
    if show_values:
        columns = [*schema.key, say("列", "column"), say("左侧", "left"), say("右侧", "right")]
        rows = [
            (labels[one.kind], *_key(one, schema), *cells)
            for one in found.listed
            for cells in _values(one)
        ]
    else:
        columns = [say("位", "place"), say("列", "columns")]
        rows = [(labels[one.kind], one.place, ", ".join(one.columns)) for one in found.listed]
    print_table("", [say("差异", "what"), *columns], rows, fold=columns[-2:])


def _key(one: Difference, schema: RecordSchema) -> list[str]:
    shown = one.left or one.right or {}
    return [shown.get(name) or "" for name in schema.key]


def _values(one: Difference) -> list[tuple[str, str, str]]:
    """Column, value on the left, value on the right; one empty line for a row that is on one side only."""
    if one.left is None or one.right is None:
        return [("", "", "")]
    return [(name, _shown(one.left[name]), _shown(one.right[name])) for name in one.columns]


def _shown(text: str | None) -> str:
    return "NULL" if text is None else text
