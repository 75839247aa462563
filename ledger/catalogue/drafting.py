"""What one filing or decision says by itself: its rows but for the edition, or why it is malformed (起草)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from ledger.catalogue import drafted_rows as rows
from ledger.catalogue.compiled import compiled_entry
from ledger.catalogue.drafted_rows import CODED, state_told
from ledger.catalogue.entry import Entry, pointer_of
from ledger.catalogue.problems import EntryRefused
from ledger.codes import GRADES, EntryState
from ledger.mirror.projections import Decoded
from ledger.statements import DECISION, FILING, WORD, Value, text_hash
from ledger.typed_data import integer

# What anybody may have signed becomes a key of rows: databases take neither U+0000 nor any length,
# and two codes that look the same must be the same.
_PLAIN_CODE = re.compile(r"(?=\S)[^\x00-\x1f\x7f-\x9f]{1,128}(?<=\S)")
ENVELOPE_FIELDS = {"code", "commitment", "provider", "restricted"}
_FILED: tuple[str | None, ...] = (EntryState.DRAFT.value, EntryState.SUBMITTED.value)
_TYPED = {**{member: len(table) for _, member, table in CODED}, "grade": len(GRADES)}
"""Typed members that the body states too, and their highest number."""
_SIGNED = itemgetter(*_TYPED)


class Draft(NamedTuple):
    """What follows from one statement alone: everything but which edition it is about, which the entry's earlier
    statements decide. Rows are lists in their table's order of columns.
    """

    code: str
    subject: bytes
    leaf: int
    version: int
    state: str | None
    recorded_at: int
    decided_by: bytes | None
    entry: list[Any] | None
    """None for a decision, which renews the row of the filing before it."""
    items: Sequence[list[Any]]
    names: list[Any] | None
    """None where there are no items."""


def draft_of(decoded: Decoded) -> Draft | str:
    """The rows of a statement as far as it says them itself, or why it is malformed."""
    if decoded.struct is FILING:
        return _drafted_filing(decoded)
    if decoded.struct is DECISION:
        state = state_told(decoded)
        return _malformed_decision(decoded, state) or _drafted(decoded, state, None)
    return f"a {decoded.struct.name} is no statement about a catalogue entry"


def _wrong_provider(provider: object, organisation: bytes) -> str | None:
    if not isinstance(provider, str) or _hash_of(provider) != organisation:
        return f"body/provider: {provider!r} is not the organisation that signed"
    if not _PLAIN_CODE.fullmatch(provider):
        return f"body/provider: {provider!r} cannot be the code of an organisation"
    return None


# Hashing is dear, and a provider's statements come by the hundred.
_hash_of = lru_cache(maxsize=1024)(text_hash)


def is_envelope(body: dict[str, Any]) -> bool:
    """Whether a filing's body is the envelope of a restricted entry."""
    return "commitment" in body


def _drafted_filing(decoded: Decoded) -> Draft | str:
    body, state = decoded.body, state_told(decoded)
    why = _wrong_code(decoded)
    if why is not None:
        return why
    if state not in _FILED:
        return f"state: {decoded.values['state']!r} is not filed but decided"
    why = _wrong_provider(body.get("provider"), decoded.statement.org)
    if why is not None:
        return why
    if is_envelope(body):
        why = _malformed_envelope(body) or _out_of_table(decoded.values)
        return why or _drafted(decoded, state, rows.envelope_row(decoded))
    try:
        entry = compiled_entry(decoded.statement.body) or Entry.parse(body)
    except EntryRefused as refusal:
        first = refusal.problems[0]
        return f"body{first.pointer}: {first.en}"
    return _disagreement(entry, decoded.values) or _drafted(
        decoded,
        state,
        rows.entry_row(decoded, entry),
        rows.item_rows(decoded, entry) if entry.items else [],
        rows.names_row(decoded, entry) if entry.items else None,
    )


def _disagreement(entry: Entry, values: Mapping[str, Value]) -> str | None:
    """Why an entry that can be read is not the one that was signed, or None."""
    if entry.is_restricted:
        return "body: a restricted entry (grade 3-4, or marked so) stands open on the chain"
    codes = (entry.share_type, entry.open_type, entry.update_cycle, entry.library)
    stated = (*[0 if code is None else code.number for code in codes], entry.effective_grade or 0)
    signed = _SIGNED(values)
    if stated != signed:
        told = zip(_TYPED, stated, signed, strict=True)
        name, here, there = next(each for each in told if each[1] != each[2])
        return f"{name}: signed as {there!r}, the body says {here!r}"
    return None


def _drafted(
    decoded: Decoded,
    state: str | None,
    entry: list[Any] | None,
    items: Sequence[list[Any]] = (),
    names: list[Any] | None = None,
) -> Draft:
    statement = decoded.statement
    return Draft(
        decoded.body["code"],
        statement.subject,
        statement.index,
        statement.version,
        state,
        statement.recorded_at,
        statement.org if entry is None else None,
        entry,
        items,
        names,
    )


def _out_of_table(values: Mapping[str, Value]) -> str | None:
    """Numbers that no code table has; a document's own codes are compared with them instead."""
    for name, most in _TYPED.items():
        if integer(values[name]) > most:
            return f"{name}: {values[name]!r} is not in 0..{most}"
    return None


def _wrong_code(decoded: Decoded) -> str | None:
    code = decoded.body.get("code")
    if not isinstance(code, str) or text_hash(code) != decoded.values["code"]:
        return f"body/code: {code!r} is not the code that was signed"
    if not _PLAIN_CODE.fullmatch(code):
        return f"body/code: {code!r} is not 1 to 128 printable characters"
    return None


def _malformed_envelope(body: dict[str, Any]) -> str | None:
    if set(body) != ENVELOPE_FIELDS:
        return f"body: an envelope has the members {', '.join(sorted(ENVELOPE_FIELDS))}"
    commitment = body["commitment"]
    if body["restricted"] is not True:
        return "body/restricted: an envelope says true"
    if (
        not isinstance(commitment, str)
        or len(commitment) != 2 * WORD
        or set(commitment) - set("0123456789abcdef")
    ):
        return "body/commitment: not 64 lower-case hex digits"
    return None


def _malformed_decision(decoded: Decoded, state: str | None) -> str | None:
    body, values = decoded.body, decoded.values
    why = _wrong_code(decoded)
    if why is not None:
        return why
    if state is None:
        return f"state: {values['state']!r} is no state of an entry"
    if body.get("decision") != state:
        return f"body/decision: {body.get('decision')!r}, signed as {state}"
    reasons = body.get("reasons", [])
    if not isinstance(reasons, list) or not all(isinstance(one, str) for one in reasons):
        return "body/reasons: not a list of texts"
    unknown = set(body) - {"code", "decision", "reasons"}
    return f"body{pointer_of((min(unknown),))}: there is no such field" if unknown else None
