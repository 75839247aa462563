"""What the commands of ``govledger deliver`` share: options, and how they are read."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from ledger.cli.output import Exit, Problem, say
from ledger.codes import DeliveryMode
from ledger.days import china_day
from ledger.deliveries.computing import Reading, scales_in
from ledger.deliveries.periods import FORMS, Period, period_in
from ledger.office import Office

SourceName = Annotated[
    str,
    typer.Argument(
        help="data.csv, data.parquet, book.xlsx#Sheet, sqlite:///FILE#TABLE, duckdb:///FILE#TABLE, "
        "postgresql://HOST/DB#TABLE, or one of these with ?query=SELECT …",
        metavar="SOURCE",
    ),
]
EntryCode = Annotated[str, typer.Option("--entry", help="Code of the catalogue entry.")]
PeriodText = Annotated[str, typer.Option("--period", help=f"The period: {FORMS}.")]
RowKey = Annotated[
    list[str] | None,
    typer.Option(
        "--row-key", help="Column that tells rows apart; repeat it for a key of several columns."
    ),
]
Mode = Annotated[DeliveryMode, typer.Option("--mode", help="All rows, or those of the period.")]
Scales = Annotated[
    list[str] | None,
    typer.Option("--scale", help="Decimal places of a column: amount=2. May be repeated."),
]
Offset = Annotated[
    str | None, typer.Option("--offset", help="Where times carry no zone: theirs, as +08:00.")
]
TextColumns = Annotated[
    list[str] | None,
    typer.Option("--text", help="Column to take as text, such as identity numbers in a CSV file."),
]
Note = Annotated[str | None, typer.Option("--note", help="A note; published.")]
ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Print values of rows, which are left out otherwise.")
]


def period_of(text: str) -> Period:
    """The period that an option names."""
    try:
        return period_in(text)
    except ValueError as error:
        raise Problem(
            say(f"--period：{text} 不是期间", f"--period: {error}"),
            say(f"可写作 {FORMS}", f"write one of {FORMS}"),
            Exit.USAGE,
        ) from error


def reading_of(
    key: list[str], scale: list[str] | None, offset: str | None, text: list[str] | None
) -> Reading:
    """How a source is to be read."""
    try:
        scales = scales_in(scale or [])
    except ValueError as error:
        raise Problem(
            say(f"--scale：{error}", f"--scale: {error}"),
            say("写作 --scale 金额=2", "write it like --scale amount=2"),
            Exit.USAGE,
        ) from error
    # Several columns may also stand in one option, with commas between them.
    columns = [name.strip() for one in key for name in one.split(",") if name.strip()]
    return Reading(tuple(columns), scales, offset, tuple(text or ()))


def today_of(office: Office) -> date:
    """Today in China, by the chain's time or ours, whichever is later."""
    return china_day(office.now())
