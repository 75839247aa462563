"""``govledger obligation``: what signs (登记、调整、取消、绑定、解绑、异议、答复)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.catalogue.rows import TableError, read_rows
from ledger.cli.drafts import draft_of, read_drafts
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, say
from ledger.cli.session import (
    Json,
    KeyName,
    existing_file,
    opened,
    prepare_to_sign,
    record,
    unlock,
)
from ledger.cli.wording import problem_of
from ledger.codes import BindingStatus, ObjectionState, ObligationStatus
from ledger.obligations import queries
from ledger.obligations.queries import Obligation
from ledger.obligations.statements import (
    BindingDraft,
    ObjectionDraft,
    ObligationDraft,
    bind,
    in_order,
    object_to,
    oblige,
)
from ledger.office import Office
from ledger.organisations import queries as organisations
from ledger.statements import BINDING, MAX_BATCH, OBJECTION, OBLIGATION, Batch

Code = Annotated[str, typer.Argument(help="Code of the obligation.")]
Reasons = Annotated[list[str], typer.Option("--reason", help="Why; published. May be repeated.")]
FileOfObligations = Annotated[
    Path, typer.Argument(help="YAML or JSON: one obligation, or a list (see docs/obligations.md).")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands that sign."""
    app.command("register")(register)
    app.command("amend")(amend)
    app.command("withdraw")(withdraw)
    app.command("bind")(bind_command)
    app.command("release")(release)
    app.command("object")(object_command)
    app.command("answer")(answer)


def register(file: FileOfObligations, key: KeyName, json_output: Json = False) -> None:
    """Register obligations (登记归集义务): duties, systems, tables, expected entries; signed by an AUTHORITY.

    Parents may stand in the same file, in any order.

    Example: govledger obligation register water.yaml --key authority
    """
    drafts = read_drafts(file, ObligationDraft)
    with opened() as office:
        prepare_to_sign(office)
        _file(office, drafts, key, json_output=json_output, fresh=True)


def amend(file: FileOfObligations, key: KeyName, json_output: Json = False) -> None:
    """Amend obligations (调整归集义务): the file says them whole, as they are to be; all versions stay visible.

    Example: govledger obligation amend water.yaml --key authority
    """
    drafts = read_drafts(file, ObligationDraft)
    with opened() as office:
        prepare_to_sign(office)
        _file(office, drafts, key, json_output=json_output, fresh=False)


def withdraw(code: Code, key: KeyName, reason: Reasons, json_output: Json = False) -> None:
    """Withdraw an obligation (取消归集义务) with reasons; `audit denominator` shows it for ever.

    Example: govledger obligation withdraw QP-07-S1 --reason 系统已并入市级平台 --key authority
    """
    with opened() as office:
        prepare_to_sign(office)
        held = known(office, [code])[code]
        draft = draft_of(ObligationDraft, **_as_draft(held, reason))
        _file(office, [draft], key, json_output=json_output, fresh=False)


def bind_command(
    key: KeyName,
    code: Annotated[str | None, typer.Argument(help="Code of the obligation.")] = None,
    entry: Annotated[
        str | None, typer.Argument(help="Resource code of the catalogue entry.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="CSV or XLSX with the columns obligation and entry; rows without an entry are left."
        ),
    ] = None,
    json_output: Json = False,
) -> None:
    """Say which entry answers an obligation (绑定); by the responsible department's STEWARD, or an AUTHORITY.

    Example: govledger obligation bind QP-07-S1-T1 318001/000001 --key water-steward
    Example: govledger obligation bind --file published.csv --key authority
    """
    pairs = _pairs(code, entry, file)
    codes = [pair[0] for pair in pairs]
    _require_once(codes)
    with opened() as office:
        prepare_to_sign(office)
        known(office, codes)
        versions = office.next_versions(BINDING, codes)
        drafts = [
            draft_of(BindingDraft, obligation=one, entry=answer, version=versions[one])
            for one, answer in pairs
        ]
        _send(office, key, bind, drafts, ("绑定", "binding"), json_output=json_output)


def _pairs(code: str | None, entry: str | None, file: Path | None) -> list[tuple[str, str]]:
    """The obligations to bind, each with its entry: from the command line, or from a table."""
    if file is None and code is not None and entry is not None:
        return [(code, entry)]
    if file is None or code is not None or entry is not None:
        raise Problem(
            say(
                "给出义务与目录的代码，或用 --file 给出表格",
                "name an obligation and an entry, or a --file",
            ),
            say("两者择一", "one or the other"),
            Exit.USAGE,
        )
    try:
        rows = list(read_rows(existing_file(file)))
    except TableError as error:
        raise (problem_of(error) or error) from error
    if not rows or not {"obligation", "entry"} <= set(rows[0].cells):
        raise Problem(
            say(
                f"{file.name} 须有 obligation 与 entry 两列",
                f"{file.name} needs the columns obligation and entry",
            ),
            say(
                "可由 obligation import --published-out 生成",
                "obligation import --published-out writes one",
            ),
            Exit.USAGE,
        )
    pairs = [(row.cells["obligation"], row.cells["entry"]) for row in rows if row.cells["entry"]]
    if not pairs:
        raise Problem(
            say(f"{file.name} 中没有填写 entry 的行", f"no row of {file.name} names an entry"),
            say("填写目录代码后重试", "fill in the entries' codes and try again"),
            Exit.USAGE,
        )
    return pairs


def release(code: Code, key: KeyName, reason: Reasons, json_output: Json = False) -> None:
    """Say that the bound entry no longer answers an obligation (解绑), and why.

    Example: govledger obligation release QP-07-S1-T1 --reason 目录合并 --key water-steward
    """
    with opened() as office:
        prepare_to_sign(office)
        known(office, [code])
        with office.read() as connection:
            held = queries.bindings(connection, [code]).get(code)
        if held is None or held.status != BindingStatus.BOUND.value:
            raise Problem(
                say(f"义务 {code} 没有绑定目录", f"no entry is bound to obligation {code}"),
                say("用 `govledger obligation show` 查看", "see `govledger obligation show`"),
                Exit.NOT_FOUND,
            )
        draft = draft_of(
            BindingDraft,
            obligation=code,
            entry=held.entry,
            status=BindingStatus.RELEASED,
            reasons=reason,
            version=office.next_version(BINDING, code),
        )
        _send(office, key, bind, [draft], ("解绑", "release"), json_output=json_output)


def object_command(code: Code, key: KeyName, reason: Reasons, json_output: Json = False) -> None:
    """Object to an obligation (提出异议); by STEWARD or HEAD of the responsible department. It stays in force.

    Example: govledger obligation object QP-07 --reason 该职责已于2025年划转 --key water-head
    """
    _objection(code, key, ObjectionState.RAISED, reason, json_output=json_output)


def answer(
    code: Code,
    key: KeyName,
    reason: Reasons,
    upheld: Annotated[
        bool, typer.Option("--upheld/--dismissed", help="Whether the objection is right.")
    ],
    json_output: Json = False,
) -> None:
    """Answer an open objection (答复异议); by an AUTHORITY. One that is upheld is followed by `amend` or `withdraw`.

    Example: govledger obligation answer QP-07 --dismissed --reason 职责仍在三定方案内 --key authority
    """
    state = ObjectionState.UPHELD if upheld else ObjectionState.DISMISSED
    _objection(code, key, state, reason, json_output=json_output)


def _objection(
    code: str, key: str, state: ObjectionState, reasons: Sequence[str], *, json_output: bool
) -> None:
    with opened() as office:
        prepare_to_sign(office)
        known(office, [code])
        draft = draft_of(
            ObjectionDraft,
            obligation=code,
            state=state,
            reasons=reasons,
            version=office.next_version(OBJECTION, code),
        )
        _send(office, key, object_to, [draft], ("异议", "objection"), json_output=json_output)


def known(office: Office, codes: Sequence[str]) -> dict[str, Obligation]:
    """These obligations as they stand; raises :class:`Problem` naming one that is not on the ledger."""
    with office.read() as connection:
        found = queries.standing(connection, codes)
    for code in codes:
        if code not in found:
            raise unknown(code)
    return found


def unknown(code: str) -> Problem:
    """The refusal of a code that no obligation has."""
    return Problem(
        say(f"账本上没有归集义务 {code}", f"no obligation {code} is on the ledger"),
        say("用 `govledger obligation list` 查找", "look for it with `govledger obligation list`"),
        Exit.NOT_FOUND,
    )


def _file(
    office: Office, drafts: Sequence[ObligationDraft], key: str, *, json_output: bool, fresh: bool
) -> None:
    codes = [draft.code for draft in drafts]
    _require_once(codes)
    with office.read() as connection:
        held = queries.standing(connection, codes)
        parents = queries.standing(connection, [one.parent for one in drafts if one.parent])
        registered = {one.code for one in organisations.organisations(connection) if one.active}
    for draft in drafts:
        if fresh and draft.code in held:
            raise Problem(
                say(f"义务 {draft.code} 已登记", f"obligation {draft.code} is registered already"),
                say(
                    "要调整它，用 `govledger obligation amend`",
                    "to change it, use `govledger obligation amend`",
                ),
            )
        if not fresh and draft.code not in held:
            raise unknown(draft.code)
        if draft.responsible not in registered and draft.status is ObligationStatus.IN_FORCE:
            raise Problem(
                say(
                    f"义务 {draft.code} 的责任机构 {draft.responsible} 未登记或已撤并",
                    f"obligation {draft.code}: organisation {draft.responsible} is not registered, or dissolved",
                ),
                say("用 `govledger org list` 查看", "see `govledger org list`"),
            )
    _require_parents(drafts, parents)
    versions = office.next_versions(OBLIGATION, codes)
    ordered = [
        draft.model_copy(update={"version": versions[draft.code]}) for draft in in_order(drafts)
    ]
    _send(office, key, oblige, ordered, ("归集义务", "obligation"), json_output=json_output)


def _require_once(codes: Sequence[str]) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise Problem(
                say(f"义务 {code} 在文件中出现两次", f"obligation {code} stands in the file twice"),
                say("每项义务写一次", "write each obligation once"),
            )
        seen.add(code)


def _require_parents(drafts: Sequence[ObligationDraft], on_ledger: dict[str, Obligation]) -> None:
    """Every parent is on the ledger or in the file, and of a type above."""
    types = {code: one.type for code, one in on_ledger.items()}
    types |= {draft.code: draft.type.value for draft in drafts}
    numbers = {kind.value: kind.number for kind in type(drafts[0].type)}
    for draft in drafts:
        if draft.parent is None:
            continue
        above = types.get(draft.parent)
        if above is None:
            raise Problem(
                say(
                    f"义务 {draft.code} 的上级 {draft.parent} 不在账本上，也不在文件中",
                    f"obligation {draft.code}: its parent {draft.parent} is neither on the ledger nor in the file",
                ),
                say("先登记上级，或写入同一文件", "register it first, or write it into the file"),
            )
        if numbers[above] >= draft.type.number:
            raise Problem(
                say(
                    f"义务 {draft.code}：{draft.type.zh}不能以 {draft.parent} 为上级",
                    f"obligation {draft.code}: {draft.parent} does not stand above a {draft.type.en}",
                ),
                say(
                    "次序为 职责 → 系统 → 业务表 → 目录",
                    "the order is duty, system, table, entry",
                ),
            )


def _as_draft(held: Obligation, reasons: Sequence[str]) -> dict[str, Any]:
    """An obligation as it stands, withdrawn."""
    fields = ObligationDraft.model_fields
    said = {name: getattr(held, name) for name in fields if name != "version"}
    return {**said, "status": ObligationStatus.WITHDRAWN, "reasons": reasons}


def _send(
    office: Office,
    key: str,
    build: Callable[..., Batch],
    drafts: Sequence[Any],
    what: tuple[str, str],
    *,
    json_output: bool,
) -> None:
    speaker = speaker_of(office, unlock(office, key).address)
    deadline = office.deadline()
    batches = [
        build(drafts[at : at + MAX_BATCH], speaker=speaker, deadline=deadline)
        for at in range(0, len(drafts), MAX_BATCH)
    ]
    record(office, batches, key=key, json_output=json_output, what=what)
