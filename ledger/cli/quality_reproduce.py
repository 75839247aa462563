"""``govledger quality reproduce``: an assessment done again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ledger.cli.output import Exit, Problem, err, out, print_json, print_table, say
from ledger.cli.quality_files import References, SourceText
from ledger.cli.quality_inputs import (
    SecretFile,
    carried_out,
    inputs_of,
    kept_place,
    secret_of,
    subject_of_score,
)
from ledger.cli.session import Json, existing_file, opened
from ledger.quality import queries
from ledger.quality.ruleset import load_rules, read_model
from ledger.quality.weights import WeightProfile

if TYPE_CHECKING:
    from ledger.quality.results import Result


def reproduce(
    statement: Annotated[int, typer.Argument(min=0, help="Log index of the score.")],
    source: SourceText,
    result: Annotated[
        Path | None,
        typer.Option("--result", help="The score's result document; default: the one kept here."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Its rules, where there is no document.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Its weights, where there is none.")
    ] = None,
    reference: References = None,
    secret_file: SecretFile = None,
    json_output: Json = False,
) -> None:
    """Do an assessment again, and say whether it comes out equal, or which rule or data differ (复现).

    Example: govledger quality reproduce 42 schools.csv --result result.json
    """  # fmt: skip
    from ledger.quality import reproducing  # noqa: PLC0415
    from ledger.quality.results import load_result  # noqa: PLC0415

    with opened() as office:
        _ = office.deployment
        office.refresh()
        with office.read() as connection:
            score = queries.at_leaf(connection, statement)
            outcomes = queries.outcomes(connection, statement)
        if score is None:
            raise Problem(
                say(
                    f"日志位置 {statement} 不是质量评分",
                    f"log index {statement} is no quality score",
                ),
                say("用 `govledger quality list` 查看", "see `govledger quality list`"),
                Exit.NOT_FOUND,
            )
        place = result or kept_place(office, score.result_digest)
    then = None if place is None else load_result(existing_file(place))
    evidence = reproducing.evidence_of(
        score,
        outcomes,
        result=then,
        rules=None if rules is None else load_rules(existing_file(rules)),
        profile=None if weights is None else read_model(existing_file(weights), WeightProfile),
    )
    secret = (
        secret_of(secret_file) if secret_file or then is None else bytes.fromhex(then.data.secret)
    )
    subject = then.subject if then is not None else subject_of_score(score)
    salted = then is not None or secret_file is not None
    with inputs_of(
        source,
        subject=subject,
        rules=evidence.rules,
        profile=evidence.profile,
        file=rules or result or Path(),
        reference=reference,
        secret=secret,
        schema=schema_in(then),
        rooted=salted and score.data_root is not None,
        delivery=score.delivery,
        observed=reproducing.observed_before(evidence),
    ) as inputs:
        again = carried_out(inputs)
    told = reproducing.compare(score, then, evidence, again)
    if json_output:
        print_json({"statement": statement, **msgspec.structs.asdict(told)})
    else:
        _print_reproduction(statement, told, salted=salted and score.data_root is not None)
    if not told.equal:
        raise Problem(
            say(
                f"日志位置 {statement} 的评分未能复现",
                f"the score at log index {statement} was not reproduced",
            ),
            say("上表列出不同之处", "what differs is listed above"),
            Exit.NOT_PROVEN,
        )


def schema_in(then: Result | None) -> Any:  # noqa: ANN401 - a RecordSchema
    from ledger.records.schema import RecordSchema  # noqa: PLC0415

    if then is None or then.data.row_schema is None:
        return None
    return RecordSchema.from_document(then.data.row_schema)


def _print_reproduction(statement: int, told: Any, *, salted: bool) -> None:  # noqa: ANN401
    if told.equal:
        out.print(
            say(
                f"✓ 日志位置 {statement} 的评分已复现，完全一致",
                f"✓ the score at log index {statement} comes out equal",
            ),
            style="green",
        )
    else:
        print_table(
            say("不同之处", "What differs"),
            [say("类别", "what"), say("名称", "name"), say("声明", "stated"), say("复现", "found")],
            [(one.what, one.name, one.stated, one.found) for one in told.differences],
            fold=[say("声明", "stated"), say("复现", "found")],
        )
    notes = []
    if not salted:
        notes.append(
            say(
                "未比对数据根：需要结果文件或 --secret-file",
                "the data's root was not compared: it needs the result document or --secret-file",
            )
        )
    if told.observed:
        notes.append(say("沿用当时观测：", "taken as observed then: ") + ", ".join(told.observed))
    for note in notes:
        err.print(f"! {note}", markup=False, style="yellow")
