"""Building the catalogue's statements: filings (目录报送) by owners, decisions (审核发布) by
authorities.

A filing's body is the entry as canonical JSON (RFC 8785). A restricted entry (grade 3-4, or marked
so) goes on the chain as an *envelope*: code, provider and ``commitment = SHA-256(salt || canonical
text)`` with a random 32-byte salt, so that the text cannot be guessed from the chain; text and
salt stay off chain (:mod:`ledger.catalogue.sealing`). Nothing here signs, sends, or reads a clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.canonical import canonical_json
from ledger.catalogue.checks import Names, check_entry, duplicates, provider_check
from ledger.catalogue.completeness import missing_elements
from ledger.catalogue.dictionaries import ProviderCheck
from ledger.catalogue.entry import Entry
from ledger.catalogue.problems import EntryRefused, Problem, errors, problem
from ledger.codes import Code, EntryState
from ledger.statements import DECISION, FILING, MAX_BODY_BYTES, Batch, Value, sha256

SALT_BYTES = 32
REASONS_NEEDED = frozenset({EntryState.RETURNED, EntryState.SUSPENDED, EntryState.REVOKED})
"""Decisions that must give reasons (the contract refuses them with an empty body)."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What is to be filed: the entry, its version (the head's plus one), and draft or submitted."""

    entry: Entry
    version: int = 1
    state: EntryState = EntryState.SUBMITTED


@dataclass(frozen=True, slots=True)
class Envelope:
    """A restricted entry's text and salt, which stay off chain,
    with the commitment that went on.
    """

    code: str
    commitment: bytes
    salt: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Filing:
    """A batch to sign,
    and the envelopes to seal *before* it is sent (a lost salt proves nothing).
    """

    batch: Batch
    envelopes: tuple[Envelope, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an authority decides on one entry; ``version`` is the head's plus one."""

    code: str
    version: int
    state: EntryState
    reasons: tuple[str, ...] = ()


def commitment_of(salt: bytes, text: bytes) -> bytes:
    """``SHA-256(salt || text)``; raises :class:`ValueError` where the salt has not 32 bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, this one has {len(salt)}")
    return sha256(salt + text)


def refusals(entry: Entry, organisation: str, state: EntryState) -> list[Problem]:
    """Why ``organisation`` may not file ``entry`` in ``state``; empty where it may.

    Errors refuse a draft too; missing legal elements only what is submitted.
    """
    found = errors(check_entry(entry))
    if entry.provider != organisation:
        found.append(
            problem("provider_mismatch", "/provider", value=entry.provider, speaker=organisation)
        )
    if state is not EntryState.DRAFT:
        found += missing_elements(entry)
    return found


def filing(
    organisation: str,
    revisions: Sequence[Revision],
    deadline: int,
    *,
    known: Names | None = None,
    new_salt: Callable[[], bytes] = lambda: secrets.token_bytes(SALT_BYTES),
) -> Filing:
    """The batch in which ``organisation`` (its code) files ``revisions``; ``deadline`` in Unix
    seconds.

    ``known`` are the names on the ledger (:func:`ledger.catalogue.lookups.names_of`), so that one
    catalogue does not get two codes. Raises :class:`EntryRefused` naming entry and fields where one
    may not be filed.
    """
    repeated = duplicates([revision.entry for revision in revisions], known)
    values: list[dict[str, Value]] = []
    bodies: list[bytes] = []
    envelopes: list[Envelope] = []
    for position, revision in enumerate(revisions):
        entry = revision.entry
        found = refusals(entry, organisation, revision.state) + repeated.get(position, [])
        if found:
            raise EntryRefused(found, entry.code)
        body, envelope = body_of(entry, new_salt)
        if envelope is not None:
            envelopes.append(envelope)
        values.append(filing_values(revision))
        bodies.append(body)
    batch = Batch(FILING, organisation, deadline, tuple(values), tuple(bodies))
    return Filing(batch, tuple(envelopes))


def filing_values(revision: Revision) -> dict[str, Value]:
    """The typed members of a filing, without ``bodyDigest``; 0 stands for *not stated*."""
    entry = revision.entry
    return {
        "code": entry.code,
        "version": revision.version,
        "state": revision.state.number,
        "shareType": _number(entry.share_type),
        "openType": _number(entry.open_type),
        "grade": entry.effective_grade or 0,
        "updateCycle": _number(entry.update_cycle),
        "library": _number(entry.library),
    }


def filed_document(entry: Entry) -> dict[str, Any]:
    """The entry's document with its provider's code judged (``provider_check``)."""
    document = entry.document()
    standing = provider_check(entry.provider, entry.provider_evidence)
    if standing is not ProviderCheck.VALID or entry.provider_check is not None:
        document["provider_check"] = standing.value
    return document


def body_of(entry: Entry, new_salt: Callable[[], bytes]) -> tuple[bytes, Envelope | None]:
    """What is published of an entry: its document, or the envelope body of a restricted one."""
    text = canonical_json(filed_document(entry))
    if len(text) > MAX_BODY_BYTES:
        reason = f"the entry has {len(text)} bytes as JSON, at most {MAX_BODY_BYTES} can be filed"
        raise EntryRefused([problem("invalid", "", reason=reason)], entry.code)
    if not entry.is_restricted:
        return text, None
    salt = new_salt()
    envelope = Envelope(entry.code, commitment_of(salt, text), salt, text)
    published = {
        "code": entry.code,
        "commitment": envelope.commitment.hex(),
        "provider": entry.provider,
        "restricted": True,
    }
    return canonical_json(published), envelope


def decision(organisation: str, verdicts: Sequence[Verdict], deadline: int) -> Batch:
    """The batch in which the authority ``organisation`` decides; raises :class:`EntryRefused`."""
    values: list[dict[str, Value]] = []
    bodies: list[bytes] = []
    for verdict in verdicts:
        reasons = [reason.strip() for reason in verdict.reasons if reason.strip()]
        if verdict.state in REASONS_NEEDED and not reasons:
            raise EntryRefused([problem("required", "/reasons")], verdict.code)
        if verdict.state in (EntryState.DRAFT, EntryState.SUBMITTED):
            reason = f"{verdict.state.value} is filed by the owner, not decided"
            raise EntryRefused([problem("invalid", "/decision", reason=reason)], verdict.code)
        values.append(
            {"code": verdict.code, "version": verdict.version, "state": verdict.state.number}
        )
        bodies.append(
            canonical_json(
                {"code": verdict.code, "decision": verdict.state.value, "reasons": reasons}
            )
        )
    return Batch(DECISION, organisation, deadline, tuple(values), tuple(bodies))


def _number(code: Code | None) -> int:
    return 0 if code is None else code.number
