"""``govledger quality import``: scores from what other tools found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.catalogue import queries as catalogue
from ledger.cli.deliver_options import period_of
from ledger.cli.organisations import speaker_of
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    out,
    print_fields,
    print_json,
    print_table,
    say,
    write_whole,
)
from ledger.cli.quality_files import weights_in
from ledger.cli.quality_views import percent
from ledger.cli.session import Json, existing_file, opened, prepare_to_sign, record, unlock
from ledger.quality import queries
from ledger.quality.indicators import INDICATORS
from ledger.quality.reasons import REASONS
from ledger.quality.scoring import STATE_LABELS
from ledger.quality.statements import score as score_batch

if TYPE_CHECKING:
    from ledger.quality.foreign.scoring import Imported, Placed


def import_results(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="What a tool wrote: Great Expectations, Soda, dbt (with its manifest.json), Pointblank, "
            "Frictionless, Pandera, or an OpenLineage event.",
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(help="YAML file that gives checks their indicators, read before our own."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weight profile; without one, this project's own.")
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(
            min=0, help="Records that were checked, where the tool does not tell (Pandera)."
        ),
    ] = None,
    entry: Annotated[
        str | None, typer.Option(help="Code of the catalogue entry that was checked.")
    ] = None,
    period: Annotated[
        str | None, typer.Option(help="2026-Q1, 2026-03, 2026, or 2026-01-01..2026-03-31.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Key that signs the score; without: nothing is recorded."),
    ] = None,
    result: Annotated[
        Path | None, typer.Option("--result", "-o", help="Where to put the document of the result.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Take over what another tool found, and record it as a score (导入其他工具的检查结果).

    Exceptions and skips never pass. Checks that no mapping knows are listed and left out of the score.
    Values of the data in a tool's file are dropped.

    Example: govledger quality import run_results.json manifest.json --entry 318001/000001 --period 2026-Q1
    """  # fmt: skip
    made = _read(files, mapping, weights, rows)
    if result is not None:
        write_whole(result, [made.canonical()])
    if not json_output:
        _print(made)
    receipts: list[Any] = []
    if key is not None:
        if entry is None or period is None:
            raise Problem(
                say(
                    "要上链须给出 --entry 与 --period",
                    "to record a score, --entry and --period are needed",
                ),
                say(
                    "说明检查的是哪个目录、哪个时期",
                    "say which entry was checked, and for which period",
                ),
                Exit.USAGE,
            )
        receipts = _sign(made, entry, period, key, json_output=json_output)
    if json_output:
        print_json({**made.document(), "digest": made.digest().hex(), "receipts": receipts})


def _read(
    files: list[Path], mapping: Path | None, weights: Path | None, rows: int | None
) -> Imported:
    from ledger.quality.foreign.found import ResultsError  # noqa: PLC0415 - few commands need it
    from ledger.quality.foreign.mapping import mapping_in  # noqa: PLC0415
    from ledger.quality.foreign.reading import parsed, read_results  # noqa: PLC0415
    from ledger.quality.foreign.scoring import imported  # noqa: PLC0415

    given = [(place.name, existing_file(place).read_bytes()) for place in files]
    try:
        documents = [(name, parsed(data, name)) for name, data in given]
        reading = read_results(documents, rows=rows)
    except ResultsError as error:
        raise Problem(
            say(error.zh, str(error)),
            say("请给出工具原样写出的文件", "give the file as the tool wrote it"),
            Exit.REFUSED,
        ) from error
    lines = mapping_in(None if mapping is None else existing_file(mapping))
    return imported(reading, given, lines, weights_in(weights))


def _sign(made: Imported, entry: str, period: str, key: str, *, json_output: bool) -> list[Any]:
    days = period_of(period)
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        with office.read() as connection:
            standing = catalogue.standing(connection, [entry]).get(entry)
            if standing is None:
                raise Problem(
                    say(f"没有目录 {entry}", f"there is no entry {entry}"),
                    say("用 `catalogue search` 查找", "look for it with `catalogue search`"),
                    Exit.NOT_FOUND,
                )
            earlier = [
                one
                for one in queries.scores(connection, entry=entry, assessor=speaker)
                if (one.period_start, one.period_end) == days
            ]
        try:
            draft = made.draft(
                entry=entry, edition=standing.edition, period=days, public=not standing.restricted
            )
        except ValueError as error:
            raise Problem(
                say("没有可计分的检查，因此没有评分", str(error)),
                say(
                    "用 --mapping 为检查指定指标，或重新运行被跳过的检查",
                    "give the checks indicators with --mapping, or run those that were skipped",
                ),
                Exit.REFUSED,
            ) from error
        draft = draft.model_copy(update={"version": earlier[0].version + 1 if earlier else 1})
        batch = score_batch([draft], speaker=speaker, deadline=office.deadline())
        return list(
            record(
                office,
                [batch],
                key=key,
                what=("质量评分", "score"),
                told=err if json_output else out,
            )
        )


def _print(made: Imported) -> None:
    print_table(
        say("导入的检查", "Checks taken over"),
        [
            say("检查", "check"),
            say("列", "column"),
            say("指标", "indicator"),
            say("状态", "state"),
            say("元素数", "elements"),
            say("不合格", "failing"),
        ],
        [_row(one) for one in made.placed],
        right=[say("元素数", "elements"), say("不合格", "failing")],
    )
    print_fields(
        "",
        [
            (
                say("工具", "tool"),
                " ".join(filter(None, (made.reading.tool, made.reading.version))),
            ),
            (say("总分", "total"), "–" if made.total is None else percent(made.total)),
            (say("覆盖率", "coverage"), percent(made.coverage)),
            (say("未对应指标的检查", "checks without an indicator"), str(len(made.unmapped))),
            (say("结果摘要", "digest of the result"), made.digest().hex()),
        ],
    )


def _row(one: Placed) -> list[str]:
    found = one.found
    if one.indicator is not None:
        named = INDICATORS[one.indicator]
        indicator = f"{one.indicator} {say(named.zh, named.en)}"
    else:
        indicator = one.reason or say("（未对应）", "(none known)")
    state = say(*STATE_LABELS[found.state])
    if found.reason:
        state = f"{state}: {say(*REASONS[found.reason])}"
    return [
        found.check,
        found.column or "",
        indicator,
        state,
        str(found.evaluated),
        str(found.failing),
    ]
