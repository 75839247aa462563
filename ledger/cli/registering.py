"""Registering the organisations that a list names and the ledger does not know (登记清单中的机构)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, err, say
from ledger.cli.session import record, unlock
from ledger.codes import Level
from ledger.office import Office
from ledger.organisations import queries as organisations
from ledger.organisations.statements import OrganisationDraft, parents_first, register
from ledger.statements import MAX_BATCH


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation as a list names it; ``evidence`` says what its code rests on."""

    code: str
    name: str
    parent: str | None = None
    evidence: str | None = None


def register_parties(
    office: Office,
    parties: Sequence[Party],
    authority: str,
    what: tuple[str, str] = ("发布单位", "publisher"),
) -> int:
    """Register those that the ledger does not know, under the root where no parent is named.

    ``authority`` is the name of the key that signs. Returns how many were registered.
    """
    with office.read() as connection:
        known = {found.code for found in organisations.organisations(connection)}
        tops = organisations.organisations(connection, parent="")
    if not tops:
        raise Problem(
            say("账本上还没有任何机构", "no organisation is on the ledger yet"),
            say(
                "先登记主管部门：govledger org register --key authority --code … --name …",
                "register the authority first: govledger org register --key authority --code … --name …",
            ),
            Exit.REFUSED,
        )
    drafts = [
        OrganisationDraft(
            code=party.code,
            name=party.name,
            parent=party.parent or tops[0].code,
            level=Level.DISTRICT,
            evidence=party.evidence,
        )
        for party in parties
        if party.code not in known
    ]
    speaker = speaker_of(office, unlock(office, authority).address)
    ordered = parents_first(drafts)
    batches = [
        register(ordered[at : at + MAX_BATCH], speaker=speaker, deadline=office.deadline())
        for at in range(0, len(ordered), MAX_BATCH)
    ]
    if batches:
        record(office, batches, key=authority, what=what, told=err)
    return len(ordered)
