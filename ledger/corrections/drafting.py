"""From what a person writes to a step that can be signed: what the ledger knows is filled in, and what it would
refuse is refused here, with words.

The contract judges the same things again; nothing here is trusted by anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from ledger.catalogue import queries as catalogue
from ledger.codes import CORRECTION_TRANSITIONS, CorrectionState
from ledger.corrections import queries
from ledger.corrections.answers import OPEN, Request
from ledger.corrections.statements import FiledDraft, HandledDraft, Step, check_reasons
from ledger.corrections.vocabulary import Vocabulary, VocabularyError
from ledger.deliveries import queries as deliveries

BY_REQUESTER = frozenset(
    {CorrectionState.FILED, CorrectionState.EVALUATED, CorrectionState.CANCELLED}
)
"""Steps of the requester; the others are the provider's."""


class Fault(msgspec.Struct, frozen=True):
    """One reason why a step cannot be taken: which of the drafts, which member, and in words."""

    position: int
    member: str
    code: str
    en: str
    zh: str


class StepsRefused(ValueError):
    """Steps that the ledger would not take; ``faults`` has every reason."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.en for fault in faults))
        self.faults = tuple(faults)


def code_prefix(requester: str) -> str:
    """How the codes that are given to an organisation's requests begin: ``JH-<organisation>-``."""
    return f"JH-{requester}-"


def completed(
    connection: Connection, given: Sequence[Mapping[str, Any]], *, speaker: str
) -> list[dict[str, Any]]:
    """The drafts with what the ledger knows: new requests get a code, steps their entry, type and version.

    What is given stays as it is. Nothing is checked: a draft of an unknown request is left without.
    """
    codes = [
        str(one["code"]) for one in given if one.get("state", "filed") != "filed" and "code" in one
    ]
    known = _known(connection, codes)
    whole: list[dict[str, Any]] = []
    number = 0
    for one in given:
        draft = {"state": "filed", **one}
        if draft["state"] == "filed":
            if draft.get("code") is None:
                prefix = code_prefix(speaker)
                number = number or queries.next_number(connection, prefix)
                draft["code"] = f"{prefix}{number:04d}"
                number += 1
        elif (request := known.get(str(draft.get("code")))) is not None:
            filled = {"entry": request.entry, "type": request.type, "version": request.version + 1}
            draft = {
                **filled,
                **{name: value for name, value in draft.items() if value is not None},
            }
        whole.append(draft)
    return whole


def check(
    connection: Connection, drafts: Sequence[Step], *, speaker: str, vocabulary: Vocabulary
) -> None:
    """Raise :class:`StepsRefused` where the ledger, as the mirror knows it, would not take a step."""
    asked = [draft.code for draft in drafts]
    asked += [draft.follows for draft in drafts if isinstance(draft, FiledDraft) and draft.follows]
    known = _known(connection, asked)
    entries = catalogue.standing(connection, sorted({draft.entry for draft in drafts}))
    faults: list[Fault] = []
    for position, draft in enumerate(drafts):
        found: list[tuple[str, str, str, str]] = []
        try:
            check_reasons(draft, vocabulary)
        except VocabularyError as error:
            found.append(("reasons", "unknown_reason", str(error), error.zh))
        if isinstance(draft, FiledDraft):
            found += _filing_faults(draft, speaker, known, entries)
        else:
            found += _step_faults(draft, speaker, known.get(draft.code))
        if isinstance(draft, HandledDraft):
            found += _answer_faults(connection, draft, entries)
        faults += [Fault(position, *one) for one in found]
    if faults:
        raise StepsRefused(faults)


def _known(connection: Connection, codes: Sequence[str]) -> dict[str, Request]:
    return {one.code: one for one in queries.of_codes(connection, codes)}


def _filing_faults(
    draft: FiledDraft,
    speaker: str,
    known: Mapping[str, Request],
    entries: Mapping[str, catalogue.EntrySummary],
) -> list[tuple[str, str, str, str]]:
    found = []
    if draft.code in known:
        found.append(
            (
                "code",
                "code_taken",
                f"there is a request {draft.code} already; choose another code, or leave it out",
                f"申请编号 {draft.code} 已被使用；请换一个，或留空由系统编号",
            )
        )
    entry = entries.get(draft.entry)
    if entry is None:
        found.append(
            (
                "entry",
                "unknown_entry",
                f"the catalogue has no entry {draft.entry}",
                f"目录中没有条目 {draft.entry}",
            )
        )
    elif entry.provider == speaker:
        found.append(
            (
                "entry",
                "own_entry",
                f"the entry {draft.entry} is {speaker}'s own: correct it instead of asking for that",
                f"条目 {draft.entry} 属于本机构：请直接更正，无需申请",
            )
        )
    if draft.follows is not None:
        found += _follow_faults(draft, known.get(draft.follows))
    return found


def _follow_faults(draft: FiledDraft, old: Request | None) -> list[tuple[str, str, str, str]]:
    if old is None:
        return [
            (
                "follows",
                "unknown_request",
                f"there is no request {draft.follows} to take up again",
                f"没有可供再次提出的申请 {draft.follows}",
            )
        ]
    if old.entry != draft.entry:
        return [
            (
                "follows",
                "other_entry",
                f"the request {old.code} is about {old.entry}, not about {draft.entry}",
                f"申请 {old.code} 针对 {old.entry}，而非 {draft.entry}",
            )
        ]
    if old.state in OPEN:
        return [
            (
                "follows",
                "still_open",
                f"the request {old.code} is still open: wait for its answer, or cancel it first",
                f"申请 {old.code} 尚未办结：请等待答复，或先撤回",
            )
        ]
    return []


def _step_faults(
    draft: Step, speaker: str, request: Request | None
) -> list[tuple[str, str, str, str]]:
    if request is None:
        return [
            (
                "code",
                "unknown_request",
                f"there is no correction request {draft.code}",
                f"没有校核申请 {draft.code}",
            )
        ]
    held = CorrectionState.of(request.state)
    if draft.to not in CORRECTION_TRANSITIONS[held]:
        return [
            (
                "state",
                "illegal_transition",
                f"the request {draft.code} is {held.en} and cannot become {draft.to.en}"
                + _advice(
                    held, "; what was evaluated is not opened anew: file a request that follows it"
                ),
                f"申请 {draft.code} 的状态为“{held.zh}”，不能变为“{draft.to.zh}”"
                + _advice(held, "；已评价的申请不再重开，请提出注明 follows 的新申请"),
            )
        ]
    mine = draft.to in BY_REQUESTER
    party = request.requester if mine else request.provider
    if party is not None and party != speaker:
        who, who_zh = ("requester", "申请机构") if mine else ("provider", "提供单位")
        return [
            (
                "state",
                "not_party",
                f"only the {who} {party} may say that {draft.code} is {draft.to.en}, not {speaker}",
                f"只有{who_zh} {party} 可以将申请 {draft.code} 置为“{draft.to.zh}”，{speaker} 不可以",
            )
        ]
    return [
        (
            member,
            "member_fixed",
            f"the {member} of the request {draft.code} is {said} and never changes",
            f"申请 {draft.code} 的 {member} 为 {said}，不可变更",
        )
        for member, said, given in (
            ("entry", request.entry, draft.entry),
            ("type", request.type, draft.type.value),
        )
        if said != given
    ]


def _answer_faults(
    connection: Connection,
    draft: HandledDraft,
    entries: Mapping[str, catalogue.EntrySummary],
) -> list[tuple[str, str, str, str]]:
    found = []
    entry = entries.get(draft.entry)
    if draft.edition is not None and entry is not None and draft.edition > entry.edition:
        found.append(
            (
                "edition",
                "unknown_edition",
                f"the entry {draft.entry} has {entry.edition} editions, not {draft.edition}",
                f"条目 {draft.entry} 只有 {entry.edition} 版，没有第 {draft.edition} 版",
            )
        )
    if (
        draft.delivery is not None
        and deliveries.delivery(connection, draft.entry, draft.delivery) is None
    ):
        found.append(
            (
                "delivery",
                "unknown_delivery",
                f"the entry {draft.entry} has no delivery {draft.delivery}",
                f"条目 {draft.entry} 没有第 {draft.delivery} 次交付",
            )
        )
    return found


def _advice(held: CorrectionState, text: str) -> str:
    return text if held is CorrectionState.EVALUATED else ""
