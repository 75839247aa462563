"""``govledger quality assess``: a score from rules and data."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.catalogue import queries as catalogue
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, err, out, print_fields, print_json, say
from ledger.cli.quality_files import References, SourceText, entry_document, weights_in
from ledger.cli.quality_inputs import (
    KEPT,
    Delivered,
    SecretFile,
    carried_out,
    delivered_as,
    inputs_of,
    secret_of,
    subject_of_entry,
)
from ledger.cli.session import Json, existing_file, opened, prepare_to_sign, record, unlock
from ledger.quality import queries
from ledger.quality.ruleset import RuleSet, load_rules
from ledger.quality.statements import score as score_batch

if TYPE_CHECKING:
    from ledger.quality.assessing import Inputs
    from ledger.quality.results import Result

MOST_EXAMPLES = 100

Rules = Annotated[Path, typer.Option("--rules", help="YAML or JSON file of quality rules.")]
Weights = Annotated[
    Path | None, typer.Option("--weights", help="Weight profile; without one, this project's own.")
]


def assess(
    source: SourceText,
    entry: Annotated[str, typer.Option(help="Code of the catalogue entry that the table is of.")],
    rules: Rules,
    weights: Weights = None,
    period: Annotated[
        str | None,
        typer.Option(
            help="2026-Q1, 2026-03, 2026, or 2026-01-01..2026-03-31; default: the delivery's."
        ),
    ] = None,
    delivery: Annotated[
        int | None, typer.Option(min=1, help="Number of the delivery that the data are.")
    ] = None,
    day: Annotated[
        str | None,
        typer.Option(help="Day from which freshness counts; default: the period's last."),
    ] = None,
    reference: References = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            help="Key that signs (assessor, or the owner's steward); without: nothing is recorded.",
        ),
    ] = None,
    result: Annotated[
        Path | None, typer.Option("--result", "-o", help="Where to put the result document, too.")
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, max=MOST_EXAMPLES, help="Masked keys shown for each failing rule.")
    ] = 0,
    root: Annotated[
        bool, typer.Option("--root/--no-root", help="Whether the score commits to the rows.")
    ] = True,
    secret_file: SecretFile = None,
    notes: Annotated[str | None, typer.Option(help="A remark; published.")] = None,
    json_output: Json = False,
) -> None:
    """Assess a table by rules and record the score (质量评估).

    Example: govledger quality assess schools.csv --entry 318001/000001 --rules rules.yaml --period 2026-Q1
    """  # fmt: skip
    rule_set, profile = load_rules(existing_file(rules)), weights_in(weights)
    _check_entry(rule_set, entry)
    document = entry_document(entry)
    delivered = None if delivery is None else delivered_as(entry, delivery, secret_file)
    with inputs_of(
        source,
        subject=subject_of_entry(entry, document, period=period, day=day, delivered=delivered),
        rules=rule_set,
        profile=profile,
        file=rules,
        reference=reference,
        secret=delivered.secret if delivered else secret_of(secret_file),
        schema=delivered.schema if delivered else None,
        rooted=root or delivered is not None,
        delivery=delivery,
    ) as inputs:
        made = carried_out(inputs)
        if delivered is not None and made.data.root != delivered.root.removeprefix("0x"):
            raise _other_data(delivered, made)
        found = _examples(inputs, made, document, limit=examples)
    kept = _keep(made, result)
    if root and made.data.root is None:
        err.print(
            say(
                "! 规则未说明 key（主键列）：评分不含数据根，事后无法证明评估的是哪些数据",
                "! the rules name no `key`: the score commits to no rows, and cannot show which data it is of",
            ),
            style="yellow",
        )
    if not json_output:
        _print(made, found, kept)
    receipts: list[Any] = []
    if key is not None:
        receipts = _sign(made, key=key, notes=notes, json_output=json_output)
    elif not json_output:
        err.print(say("未给出 --key：评分未上链", "no --key was given: the score is not recorded"))
    if json_output:
        print_json(
            {
                "result": str(kept),
                "result_digest": made.digest().hex(),
                "score": made.draft().model_dump(mode="json"),
                "marks": [one.model_dump(mode="json") for one in made.marks],
                "outcomes": [one.model_dump(mode="json") for one in made.outcomes],
                "examples": found,
                "receipts": receipts,
            }
        )


def _check_entry(rules: RuleSet, entry: str) -> None:
    if rules.entry is not None and rules.entry != entry:
        raise Problem(
            say(
                f"规则文件属于条目 {rules.entry}，不是 {entry}",
                f"the rules are for entry {rules.entry}, not {entry}",
            ),
            say(
                "请用该条目的规则，或去掉文件中的 entry",
                "use that entry's rules, or drop `entry` from the file",
            ),
            Exit.USAGE,
        )


def _other_data(delivered: Delivered, made: Result) -> Problem:
    return Problem(
        say(
            f"数据不是第 {delivered.number} 次交付的数据：数据根为 {made.data.root}，交付为 {delivered.root}",
            f"these data are not those of delivery {delivered.number}: their root is {made.data.root}, "
            f"the delivery's is {delivered.root}",
        ),
        say(
            "请用交付时的数据；尚未记录任何内容",
            "use the data as they were delivered; nothing was recorded",
        ),
        Exit.NOT_PROVEN,
    )


def _examples(
    inputs: Inputs, made: Result, document: Mapping[str, Any], *, limit: int
) -> list[Any]:
    if not limit:
        return []
    from ledger.quality import masking  # noqa: PLC0415
    from ledger.quality.assessing import bench_of, job_of  # noqa: PLC0415

    columns = inputs.source.table.columns
    grades = masking.grades_of(document.get("items"), columns, document.get("grade"))
    with ExitStack() as closing:
        job = job_of(inputs, bench_of(inputs, closing))
        return list(masking.examples(job, made.outcomes, grades, inputs.secret, limit=limit))


def _keep(made: Result, elsewhere: Path | None) -> Path:
    """The result document in the data directory, by its digest, and wherever else it is wanted."""
    with opened() as office:
        place = office.data_dir / KEPT
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = place / f"{made.digest().hex()}.json"
    made.save(kept)
    if elsewhere is not None:
        made.save(elsewhere)
        return elsewhere
    return kept


def _sign(made: Result, *, key: str, notes: str | None, json_output: bool) -> list[Any]:
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        with office.read() as connection:
            standing = catalogue.standing(connection, [made.subject.entry])[made.subject.entry]
            period = (made.subject.period_start, made.subject.period_end)
            earlier = [
                one
                for one in queries.scores(connection, entry=made.subject.entry, assessor=speaker)
                if (one.period_start, one.period_end) == period
            ]
        draft = made.draft(public=not standing.restricted, notes=notes)
        draft = draft.model_copy(update={"version": earlier[0].version + 1 if earlier else 1})
        batch = score_batch([draft], speaker=speaker, deadline=office.deadline())
        if standing.provider == speaker and not json_output:
            err.print(
                say(
                    "本评分由目录提供方自评，将标明",
                    "the owner scores its own entry: this is marked",
                ),
                style="yellow",
            )
        return list(
            record(
                office,
                [batch],
                key=key,
                what=("质量评分", "score"),
                told=err if json_output else out,
            )
        )


def _print(made: Result, found: list[Any], kept: Path) -> None:
    from ledger.cli.quality_views import print_marks, print_outcomes  # noqa: PLC0415

    print_marks(made)
    print_outcomes(made.outcomes)
    for one in found:
        keys = ["  ".join(f"{name}={value}" for name, value in key.items()) for key in one.keys]
        print_fields(
            "",
            [
                (
                    one.rule,
                    "\n".join(keys) or say("（无单条记录可列）", "(no single record to name)"),
                )
            ],
        )
    out.print(
        say(
            f"结果文件：{kept}（与数据同等保密；其摘要 {made.digest().hex()} 将上链）",
            f"result document: {kept} (as secret as the data; its digest {made.digest().hex()} goes on the ledger)",
        ),
        markup=False,
    )
