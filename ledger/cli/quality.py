"""``govledger quality``: record scores, and read them (质量评分, DB31/T 1523-2024)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from ledger.catalogue.documents import read_document
from ledger.catalogue.problems import EntryRefused
from ledger.cli import (
    quality_assess,
    quality_files,
    quality_import,
    quality_reproduce,
    quality_views,
)
from ledger.cli.catalogue_acts import refused
from ledger.cli.listing import cut
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, print_json, print_table, say
from ledger.cli.quality_views import percent
from ledger.cli.session import (
    AsOf,
    Json,
    KeyName,
    Limit,
    existing_file,
    opened,
    prepare_to_sign,
    reading,
    record,
    unlock,
)
from ledger.office import Office
from ledger.quality import queries
from ledger.quality.dimensions import DIMENSIONS
from ledger.quality.queries import Score
from ledger.quality.statements import ScoreDraft
from ledger.quality.statements import score as score_batch
from ledger.statements import MAX_BATCH

app = typer.Typer(
    no_args_is_help=True, help="Assess data by rules, record scores and read them / 质量评估与评分."
)
app.command("assess")(quality_assess.assess)
app.command("reproduce")(quality_reproduce.reproduce)
app.command("import")(quality_import.import_results)
app.add_typer(quality_files.rules_app, name="rules")
app.command("weights")(quality_files.weights)
app.command("show")(quality_views.show)
app.command("trend")(quality_views.trend)
app.command("worst")(quality_views.worst)
app.command("indicators")(quality_views.indicators)


@app.command("score")
def score(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: one score, or a list of them.")],
    key: KeyName,
    json_output: Json = False,
) -> None:
    """Record scores; signed by an ASSESSOR, or by the owner's steward (a self-assessment).

    Example: govledger quality score scores.yaml --key assessor
    """
    drafts = _drafts(existing_file(file))
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        versioned = [_versioned(office, draft, speaker) for draft in drafts]
        deadline = office.deadline()
        batches = [
            score_batch(versioned[at : at + MAX_BATCH], speaker=speaker, deadline=deadline)
            for at in range(0, len(versioned), MAX_BATCH)
        ]
        record(office, batches, key=key, json_output=json_output, what=("质量评分", "score"))


def _drafts(file: Path) -> list[ScoreDraft]:
    try:
        value, lines = read_document(file)
    except EntryRefused as refusal:
        raise refused(refusal) from refusal
    rows: list[Any] = value if isinstance(value, list) else [value]
    drafts = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise Problem(f"{file.name}, {number + 1}: {say('不是一条评分', 'not a score')}")
        try:
            drafts.append(ScoreDraft.model_validate(dict(row)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            pointer = (f"/{number}" if isinstance(value, list) else "") + "".join(
                f"/{step}" for step in first["loc"]
            )
            line = lines.get(pointer) or lines.get(pointer.rpartition("/")[0])
            where = f"{file.name}:{line}" if line else file.name
            raise Problem(
                f"{where} {pointer}: {first['msg']}",
                say(
                    "更正后重试；尚未写入任何内容", "correct it and try again; nothing was written"
                ),
            ) from error
    return drafts


def _versioned(office: Office, draft: ScoreDraft, speaker: str) -> ScoreDraft:
    """The draft as the next version of what this organisation said of the entry and period."""
    with office.read() as connection:
        earlier = [
            found
            for found in queries.scores(connection, entry=draft.entry, assessor=speaker)
            if (found.period_start, found.period_end) == (draft.period_start, draft.period_end)
        ]
    return draft.model_copy(update={"version": earlier[0].version + 1 if earlier else 1})


def _row(found: Score) -> tuple[object, ...]:
    return (
        found.entry,
        found.edition,
        f"{found.period_start}–{found.period_end}",
        *(percent(found.dimensions[dimension.name]) for dimension in DIMENSIONS),
        percent(found.total),
        found.grade or "–",
        percent(found.coverage),
        found.assessor_name or found.assessor or "?",
        found.leaf_from,
    )


def _print(title: str, found: list[Score]) -> None:
    dimensions = [say(dimension.zh, dimension.en[:6]) for dimension in DIMENSIONS]
    print_table(
        title,
        [
            say("条目", "entry"),
            say("版", "ed."),
            say("期间", "period"),
            *dimensions,
            say("总分", "total"),
            say("等级", "grade"),
            say("覆盖", "cover"),
            say("评估方", "assessor"),
            say("日志", "leaf"),
        ],
        [_row(one) for one in found],
        right=[*dimensions, say("总分", "total"), say("覆盖", "cover")],
        fold=[say("期间", "period"), say("评估方", "assessor")],
        spare=[
            say("等级", "grade"),
            say("版", "ed."),
            say("覆盖", "cover"),
            say("评估方", "assessor"),
            say("日志", "leaf"),
        ],
    )


@app.command("list")
def list_command(
    entry: Annotated[str | None, typer.Option(help="Only this entry.")] = None,
    assessor: Annotated[str | None, typer.Option(help="Only by this organisation.")] = None,
    limit: Limit = 20,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Scores, newest first, in per cent. Example: govledger quality list --entry 318001/000001"""
    with reading(as_of) as (connection, size):
        found = queries.scores(
            connection, entry=entry, assessor=assessor, as_of=size, limit=limit + 1
        )
    listed = cut(found, limit)
    if json_output:
        print_json({"scores": listed.rows, "more": listed.more})
        return
    _print(say(f"质量评分：{listed.size}", f"Quality scores: {listed.size}"), listed.rows)
    listed.print_more()


@app.command("history")
def history(entry: str, as_of: AsOf = None, json_output: Json = False) -> None:
    """Every score of an entry, corrected ones too. Example: govledger quality history 318001/000001"""
    with reading(as_of) as (connection, size):
        found = queries.history(connection, entry, as_of=size)
    if not found:
        raise Problem(
            say(f"{entry} 尚无质量评分", f"{entry} has no quality score"), code=Exit.NOT_FOUND
        )
    if json_output:
        print_json({"scores": found})
        return
    _print(entry, found)


@app.command("league")
def league(
    dimension: Annotated[
        str | None,
        typer.Option(help=f"By one dimension: {', '.join(one.name for one in DIMENSIONS)}."),
    ] = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Organisations by quality; those without any score stand there too. Example: govledger quality league"""
    with reading(as_of) as (connection, size):
        try:
            found = queries.league(connection, dimension=dimension, as_of=size)
        except ValueError as error:
            raise Problem(
                str(error),
                say(
                    "维度名称见 `govledger quality league --help`",
                    "see `govledger quality league --help`",
                ),
                Exit.USAGE,
            ) from error
    if json_output:
        print_json({"organisations": found})
        return
    print_table(
        say("各机构质量评分", "Quality by organisation"),
        [
            say("机构", "organisation"),
            say("条目", "entries"),
            say("已评", "scored"),
            say("覆盖", "rate"),
            say("均分", "mean"),
            say("最低", "lowest"),
            say("等级", "grade"),
        ],
        [
            (
                o.name,
                o.entries,
                o.scored,
                percent(o.rate),
                percent(o.mean),
                percent(o.lowest),
                o.grade or "–",
            )
            for o in found
        ],
        right=[
            say("条目", "entries"),
            say("已评", "scored"),
            say("覆盖", "rate"),
            say("均分", "mean"),
            say("最低", "lowest"),
        ],
        fold=[say("机构", "organisation")],
    )
