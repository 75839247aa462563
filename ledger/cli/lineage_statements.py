"""``govledger lineage declare | steps | rule …``: what is said of lineage by signature (声明血缘)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from ledger.catalogue import queries as catalogue
from ledger.catalogue.documents import read_document
from ledger.catalogue.problems import EntryRefused
from ledger.cli.catalogue_acts import refused
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, err, print_json, print_table, say
from ledger.cli.session import (
    AsOf,
    Json,
    KeyName,
    existing_file,
    opened,
    prepare_to_sign,
    reading,
    record,
    unlock,
)
from ledger.codes import InForce, StepType
from ledger.lineage import queries
from ledger.lineage.attribution import Rule
from ledger.lineage.queries import Step, StepEnd
from ledger.lineage.statements import RuleDraft, StepDraft, attribute, declare
from ledger.office import Office
from ledger.statements import DATASET_RULE, MAX_BATCH, STEP

rule_app = typer.Typer(
    no_args_is_help=True,
    help="Which data sets belong to which entry / 归属规则. Example: govledger lineage rule list",
)

_Draft = TypeVar("_Draft", bound=BaseModel)
Reasons = Annotated[list[str], typer.Option("--reason", help="Why; it is published.")]


def declare_command(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: one step, or a list of them.")],
    key: KeyName,
    json_output: Json = False,
) -> None:
    """Declare steps of processing by hand; signed by a STEWARD.

    Example: govledger lineage declare steps.yaml --key education-steward
    """
    drafts = _drafts(existing_file(file), StepDraft)
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        versioned = [_next(office, draft) for draft in drafts]
        deadline = office.deadline()
        batches = [
            declare(some, speaker=speaker, deadline=deadline) for some in _at_most(versioned)
        ]
        record(office, batches, key=key, json_output=json_output, what=("加工步骤", "step"))


def steps(
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Withdrawn ones too.")] = False,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Declared steps of processing. Example: govledger lineage steps"""
    with reading(as_of) as (connection, size):
        found = queries.steps(connection, withdrawn=withdrawn, as_of=size)
    if json_output:
        print_json({"steps": found})
        return
    print_table(
        say(f"加工步骤：{len(found)}", f"Steps: {len(found)}"),
        [
            say("代码", "code"),
            say("名称", "name"),
            say("类型", "type"),
            say("输入", "inputs"),
            say("输出", "outputs"),
            say("去标识化", "de-identified"),
            say("机构", "organisation"),
            say("状态", "status"),
        ],
        [_step_row(step) for step in found],
        fold=[say("输入", "inputs"), say("输出", "outputs")],
        spare=[say("状态", "status"), say("机构", "organisation")],
    )


def _step_row(step: Step) -> tuple[object, ...]:
    kind, how = StepType.of(step.type), step.deidentification
    return (
        step.code,
        step.name,
        say(kind.zh, kind.value),
        "\n".join(map(_end, step.inputs)),
        "\n".join(map(_end, step.outputs)),
        how["method"] if how else "–",
        step.organisation or "?",
        _status(active=step.active),
    )


def _end(end: StepEnd) -> str:
    return end.entry or f"{end.namespace} {end.name}"


def _status(*, active: bool) -> str:
    status = InForce.ACTIVE if active else InForce.WITHDRAWN
    return say(status.zh, status.en)


def _warn_of_unknown(office: Office, codes: Sequence[str]) -> None:
    """A rule may come before its entry; more often its code is a slip."""
    with office.read() as connection:
        known = catalogue.standing(connection, codes)
    for code in sorted(set(codes) - set(known)):
        err.print(
            say(
                f"! 账本上还没有目录 {code}：若代码有误，请撤回该规则（`govledger lineage rule withdraw`）",
                f"! there is no entry {code} on the ledger yet: if that is a slip, withdraw the rule "
                "(`govledger lineage rule withdraw`)",
            ),
            markup=False,
            style="yellow",
        )


@rule_app.command("add")
def rule_add(
    key: KeyName,
    file: Annotated[
        Path | None, typer.Option("--file", help="YAML or JSON: one rule, or a list of them.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="Code of the rule.")] = None,
    entry: Annotated[str | None, typer.Option(help="Code of the catalogue entry.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Pattern: * any characters, ? one.")] = None,
    name: Annotated[str | None, typer.Option(help="Pattern of the data sets' names.")] = None,
    holder: Annotated[
        str | None, typer.Option(help="Organisation whose data these are; the signer's by default.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="The information system.")] = None,
    priority: Annotated[int, typer.Option(help="The highest that matches counts.")] = 0,
    note: Annotated[str | None, typer.Option(help="A remark.")] = None,
    json_output: Json = False,
) -> None:
    """Tie data sets to an entry, or change such a rule; signed by the holder's STEWARD, or an AUTHORITY.

    Example: govledger lineage rule add --code R-1 --entry 318001/000001 --namespace "postgres://edu*"
    --name "ods.school*" --key education-steward
    """
    single = {
        "code": code,
        "entry": entry,
        "namespace": namespace,
        "name": name,
        "holder": holder,
        "system": system,
        "priority": priority,
        "note": note,
    }
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        if file is not None:
            drafts = _drafts(existing_file(file), RuleDraft, holder=speaker)
        else:
            given = {field: value for field, value in single.items() if value is not None}
            drafts = [_validated(RuleDraft, {"holder": speaker, **given}, "rule")]
        _warn_of_unknown(office, [draft.entry for draft in drafts])
        versioned = [_next(office, draft) for draft in drafts]
        deadline = office.deadline()
        batches = [
            attribute(some, speaker=speaker, deadline=deadline) for some in _at_most(versioned)
        ]
        record(office, batches, key=key, json_output=json_output, what=("归属规则", "rule"))


@rule_app.command("withdraw")
def rule_withdraw(code: str, key: KeyName, reason: Reasons, json_output: Json = False) -> None:
    """End a rule. Example: govledger lineage rule withdraw R-1 --reason "table dropped" --key education-steward"""
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        with office.read() as connection:
            found = queries.rule(connection, code)
        if found is None or not found.active:
            raise Problem(
                say(f"没有有效的规则 {code}", f"there is no rule {code} in force"),
                say("用 `govledger lineage rule list` 查看", "see `govledger lineage rule list`"),
                Exit.NOT_FOUND,
            )
        told = {
            name: getattr(found, name) for name in RuleDraft.model_fields if hasattr(found, name)
        }
        ended = {
            **told,
            "status": InForce.WITHDRAWN,
            "reasons": reason,
            "version": found.version + 1,
        }
        draft = _validated(RuleDraft, ended, code)
        batch = attribute([draft], speaker=speaker, deadline=office.deadline())
        record(office, [batch], key=key, json_output=json_output, what=("归属规则", "rule"))


@rule_app.command("list")
def rule_list(
    holder: Annotated[str | None, typer.Option(help="Only of this organisation.")] = None,
    entry: Annotated[str | None, typer.Option(help="Only for this entry.")] = None,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Withdrawn ones too.")] = False,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Rules that tie data sets to entries. Example: govledger lineage rule list --entry 318001/000001"""
    with reading(as_of) as (connection, size):
        found = queries.rules(
            connection, holder=holder, entry=entry, withdrawn=withdrawn, as_of=size
        )
    if json_output:
        print_json({"rules": found})
        return
    _print_rules(say(f"归属规则：{len(found)}", f"Rules: {len(found)}"), found)


@rule_app.command("match")
def rule_match(namespace: str, name: str, as_of: AsOf = None, json_output: Json = False) -> None:
    """Which rule counts for a data set. Example: govledger lineage rule match postgres://edu:5432 ods.schools"""
    with reading(as_of) as (connection, size):
        found = queries.attribution(connection, size).rule_of(namespace, name)
    if json_output:
        print_json({"rule": found})
        return
    if found is None:
        raise Problem(
            say(f"没有规则适用于 {name}", f"no rule matches {name}"),
            say("用 `govledger lineage rule add` 登记", "state one: `govledger lineage rule add`"),
            Exit.NOT_FOUND,
        )
    _print_rules(f"{namespace} {name}", [found])


def _print_rules(title: str, found: Sequence[Rule]) -> None:
    print_table(
        title,
        [
            say("代码", "code"),
            say("条目", "entry"),
            say("命名空间", "namespace"),
            say("数据集", "name"),
            say("优先级", "priority"),
            say("机构", "holder"),
            say("系统", "system"),
            say("状态", "status"),
        ],
        [
            (
                one.code,
                one.entry,
                one.namespace,
                one.name,
                one.priority,
                one.holder,
                one.system or "–",
                _status(active=one.active),
            )
            for one in found
        ],
        right=[say("优先级", "priority")],
        fold=[say("命名空间", "namespace"), say("数据集", "name")],
        spare=[
            say("优先级", "priority"),
            say("状态", "status"),
            say("系统", "system"),
            say("机构", "holder"),
        ],
    )


def _drafts(file: Path, model: type[_Draft], **defaults: object) -> list[_Draft]:
    """The drafts in a file, each fault told with its line."""
    try:
        value, lines = read_document(file)
    except EntryRefused as refusal:
        raise refused(refusal) from refusal
    rows: list[Any] = value if isinstance(value, list) else [value]
    drafts = []
    for number, row in enumerate(rows):
        at = f"/{number}" if isinstance(value, list) else ""
        if not isinstance(row, Mapping):
            raise Problem(f"{file.name} {at}: {say('应为对象', 'an object is needed')}")
        try:
            drafts.append(model.model_validate_json(json.dumps({**defaults, **row})))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            pointer = at + "".join(f"/{step}" for step in first["loc"])
            line = lines.get(pointer) or lines.get(pointer.rpartition("/")[0])
            raise Problem(
                f"{file.name}{f':{line}' if line else ''} {pointer}: {first['msg']}",
                say(
                    "更正后重试；尚未写入任何内容", "correct it and try again; nothing was written"
                ),
            ) from error
    return drafts


def _validated(model: type[_Draft], told: Mapping[str, Any], where: str) -> _Draft:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "/".join(str(step) for step in first["loc"])
        raise Problem(f"{where}: {field}: {first['msg']}", code=Exit.USAGE) from error


def _next(office: Office, draft: Any) -> Any:  # noqa: ANN401 - either draft
    struct = DATASET_RULE if isinstance(draft, RuleDraft) else STEP
    return draft.model_copy(update={"version": office.next_version(struct, draft.code)})


def _at_most(drafts: Sequence[Any]) -> list[Sequence[Any]]:
    return [drafts[at : at + MAX_BATCH] for at in range(0, len(drafts), MAX_BATCH)]
