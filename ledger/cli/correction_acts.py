"""``govledger correction``: ask for a correction, answer, evaluate (提出、受理、答复、评价、撤回)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from ledger.catalogue.documents import read_document
from ledger.catalogue.problems import EntryRefused
from ledger.cli.catalogue_acts import refused
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, out, say
from ledger.cli.session import (
    Json,
    KeyName,
    existing_file,
    opened,
    prepare_to_sign,
    record,
    unlock,
)
from ledger.codes import CorrectionType
from ledger.corrections.drafting import StepsRefused, check, completed
from ledger.corrections.statements import CorrectionDraft, Step, steps
from ledger.corrections.vocabulary import Vocabulary, VocabularyError, load_vocabulary
from ledger.corrections.words import Category, Outcome
from ledger.office import Office
from ledger.settings import Settings
from ledger.statements import MAX_BATCH

CodeArgument = Annotated[str, typer.Argument(help="Code of the correction request.")]
ReasonCodes = Annotated[
    list[str],
    typer.Option("--reason", help="A reason's code (see `correction reasons`). May be repeated."),
]
Comment = Annotated[str | None, typer.Option("--comment", help="A word on it; published.")]
NeededComment = Annotated[str, typer.Option("--comment", help="Why, in words; published.")]
Attachments = Annotated[
    list[Path] | None,
    typer.Option(
        "--attachment",
        help="A file that is handed over otherwise: its name and SHA-256 are published. May be repeated.",
    ),
]
WHAT = ("校核步骤", "correction step")


def add_to(app: typer.Typer) -> None:
    """Register the commands that sign."""
    app.command("file")(file)
    app.command("take")(take)
    app.command("reject")(reject)
    app.command("answer")(answer)
    app.command("evaluate")(evaluate)
    app.command("cancel")(cancel)


def vocabulary_of(settings: Settings) -> Vocabulary:
    """The reasons in use; raises :class:`Problem` where the office's own list cannot be used."""
    try:
        return load_vocabulary(settings.correction_reasons)
    except VocabularyError as error:
        raise Problem(
            say(error.zh, str(error)),
            say(
                "请更正设置 correction_reasons 所指的文件", "correct the file of correction_reasons"
            ),
            Exit.USAGE,
        ) from error


def file(
    key: KeyName,
    document: Annotated[
        Path | None, typer.Argument(help="YAML or JSON: one request, or a list; or use options.")
    ] = None,
    entry: Annotated[str | None, typer.Option(help="Code of the entry that is wrong.")] = None,
    title: Annotated[str | None, typer.Option(help="What it is about, in a line.")] = None,
    description: Annotated[str | None, typer.Option(help="What is wrong, in words.")] = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(
            "--reason", help="A reason's code (see `correction reasons`). May be repeated."
        ),
    ] = None,
    type_: Annotated[CorrectionType, typer.Option("--type")] = CorrectionType.USE,
    category: Annotated[Category, typer.Option()] = Category.QUALITY,
    basis: Annotated[
        str | None, typer.Option(help="How you know: law, source, comparison.")
    ] = None,
    item: Annotated[
        list[str] | None, typer.Option("--item", help="A data item that is meant. May be repeated.")
    ] = None,
    resource: Annotated[str | None, typer.Option(help="The resource that is meant.")] = None,
    attachment: Attachments = None,
    contact: Annotated[str | None, typer.Option(help="The office to ask; not a person.")] = None,
    follows: Annotated[
        str | None, typer.Option(help="The request that this one takes up again.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="A code of your own; given by default.")] = None,
    json_output: Json = False,
) -> None:
    """Ask the owner of an entry to check and correct it (提出校核申请); signed by a STEWARD or ASSESSOR.

    Example: govledger correction file --entry 318001/000001 --title 缺少新建学校 --description 较年报少 3 所
    --reason missing_rows --key civil-steward
    """
    asked = {
        "entry": entry,
        "title": title,
        "description": description,
        "reasons": reason,
        "type": type_.value,
        "category": category.value,
        "basis": basis,
        "items": item,
        "resource": resource,
        "attachments": _attached(attachment),
        "contact": contact,
        "follows": follows,
        "code": code,
    }
    if document is not None:
        given, lines = _read(existing_file(document))
    else:
        given, lines = [{name: value for name, value in asked.items() if value is not None}], {}
    _take(given, key, json_output=json_output, document=document, lines=lines)


def take(
    code: CodeArgument, key: KeyName, comment: Comment = None, json_output: Json = False
) -> None:
    """Take a request up (受理); signed by the STEWARD of the entry's owner.

    Example: govledger correction take JH-… --key education-steward
    """
    _take([{"code": code, "state": "handling", "comment": comment}], key, json_output=json_output)


def reject(
    code: CodeArgument,
    key: KeyName,
    reason: ReasonCodes,
    comment: NeededComment,
    json_output: Json = False,
) -> None:
    """Do not take a request up, and say why (不予受理); it counts as an answer.

    Example: govledger correction reject JH-… --reason no_basis --comment 未附比对依据 --key education-steward
    """
    step = {"code": code, "state": "rejected", "reasons": reason, "comment": comment}
    _take([step], key, json_output=json_output)


def answer(
    code: CodeArgument,
    key: KeyName,
    outcome: Annotated[Outcome, typer.Option(help="What came of it.")],
    answer_: Annotated[str, typer.Option("--answer", help="What was found and done; published.")],
    edition: Annotated[
        int | None, typer.Option(min=1, help="Edition of the entry that has the correction.")
    ] = None,
    delivery: Annotated[
        int | None, typer.Option(min=1, help="Delivery that has the corrected data.")
    ] = None,
    attachment: Attachments = None,
    json_output: Json = False,
) -> None:
    """Answer a request after checking and correcting (核查、校正、反馈).

    Example: govledger correction answer JH-… --outcome corrected --answer 已补录 3 所 --key education-steward
    """
    step = {
        "code": code,
        "state": "handled",
        "outcome": outcome.value,
        "answer": answer_,
        "edition": edition,
        "delivery": delivery,
        "attachments": _attached(attachment),
    }
    _take([step], key, json_output=json_output)


def evaluate(
    code: CodeArgument,
    key: KeyName,
    score: Annotated[int, typer.Option(min=1, max=5, help="1 (poor) to 5 (good).")],
    solved: Annotated[bool, typer.Option("--solved/--not-solved", help="Is the problem gone?")],
    comment: Comment = None,
    json_output: Json = False,
) -> None:
    """Evaluate the answer (评价); this ends the request for good. A new one may follow it.

    Example: govledger correction evaluate JH-… --score 4 --solved --key civil-steward
    """
    step = {
        "code": code,
        "state": "evaluated",
        "score": score,
        "solved": solved,
        "comment": comment,
    }
    _take([step], key, json_output=json_output)


def cancel(
    code: CodeArgument,
    key: KeyName,
    reason: ReasonCodes,
    comment: NeededComment,
    json_output: Json = False,
) -> None:
    """Take an unanswered request back (撤回), and say why.

    Example: govledger correction cancel JH-… --reason settled --comment 已电话核实 --key civil-steward
    """
    step = {"code": code, "state": "cancelled", "reasons": reason, "comment": comment}
    _take([step], key, json_output=json_output)


def _attached(files: Sequence[Path] | None) -> list[dict[str, str]] | None:
    """The names and SHA-256 of files; their content stays where it is."""
    if not files:
        return None
    told = []
    for place in files:
        with existing_file(place).open("rb") as stream:
            told.append({"name": place.name, "sha256": file_digest(stream, "sha256").hexdigest()})
    return told


def _read(place: Path) -> tuple[list[Mapping[str, Any]], Mapping[str, int]]:
    try:
        value, lines = read_document(place)
    except EntryRefused as refusal:
        raise refused(refusal) from refusal
    rows: list[Any] = value if isinstance(value, list) else [value]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise Problem(
                f"{place.name}, {number}: {say('不是一条校核申请', 'not a correction request')}"
            )
    many = isinstance(value, list)
    return rows, lines if many else {f"/0{pointer}": line for pointer, line in lines.items()}


def _take(
    given: Sequence[Mapping[str, Any]],
    key: str,
    *,
    json_output: bool,
    document: Path | None = None,
    lines: Mapping[str, int] | None = None,
) -> None:
    with opened() as office:
        vocabulary = vocabulary_of(office.settings)
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)

        def where(position: int, member: str) -> str:
            pointer = f"/{position}" + (f"/{member}" if member else "")
            line = (lines or {}).get(pointer) or (lines or {}).get(f"/{position}")
            place = f"{document.name}:{line} " if document and line else ""
            return place + (member or say("申请", "request"))

        with office.read() as connection:
            whole = completed(connection, given, speaker=speaker)
            drafts = [_draft(one, position, where) for position, one in enumerate(whole)]
            try:
                check(connection, drafts, speaker=speaker, vocabulary=vocabulary)
            except StepsRefused as refusal:
                told = [
                    f"{where(fault.position, fault.member)}: {say(fault.zh, fault.en)}"
                    for fault in refusal.faults
                ]
                absent = {"unknown_request", "unknown_entry"}
                missing = all(fault.code in absent for fault in refusal.faults)
                raise Problem(
                    "\n  ".join(told),
                    say(
                        "更正后重试；尚未写入任何内容。用 `govledger correction list` 查看现有申请",
                        "correct it and try again; nothing was written. `govledger correction list` "
                        "shows the requests there are",
                    ),
                    Exit.NOT_FOUND if missing else Exit.REFUSED,
                ) from refusal
        record_steps(office, drafts, speaker, key, json_output=json_output)


def _draft(given: Mapping[str, Any], position: int, where: Any) -> Step:  # noqa: ANN401 - a function
    stated = {name: value for name, value in given.items() if value is not None}
    try:
        return CorrectionDraft.model_validate(stated).root
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # a discriminated union names the step before the member
        location = [str(step) for step in first["loc"] if step != stated.get("state")]
        if first["type"] == "missing" and location[:1] in (["entry"], ["type"], ["version"]):
            code = stated.get("code")
            raise Problem(
                say(f"没有校核申请 {code}", f"there is no correction request {code}"),
                say("用 `govledger correction list` 查看", "see `govledger correction list`"),
                Exit.NOT_FOUND,
            ) from error
        raise Problem(
            f"{where(position, '/'.join(location))}: {first['msg'].removeprefix('Value error, ')}",
            say("更正后重试；尚未写入任何内容", "correct it and try again; nothing was written"),
            Exit.USAGE,
        ) from error


def record_steps(
    office: Office, drafts: Sequence[Step], speaker: str, key: str, *, json_output: bool
) -> None:
    """Sign the steps, have them recorded, and tell each."""
    deadline = office.deadline()
    batches = [
        steps(drafts[at : at + MAX_BATCH], speaker=speaker, deadline=deadline)
        for at in range(0, len(drafts), MAX_BATCH)
    ]
    record(office, batches, key=key, json_output=json_output, what=WHAT)
    if not json_output:
        for draft in drafts:
            out.print(f"  {draft.code}  {say(draft.to.zh, draft.to.en)}  {draft.entry}")
