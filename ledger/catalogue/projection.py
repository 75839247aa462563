"""From filings and decisions to rows: the entry as it stands, its editions, items and acts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from ledger.bodies import names_digest
from ledger.catalogue.compiled import compiled_entry
from ledger.catalogue.completeness import missing_fields
from ledger.catalogue.entry import Entry, pointer_of
from ledger.catalogue.models import ACTS, EDITIONS, ENTRIES, ITEMS
from ledger.catalogue.names import bare, folded
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.search_index import INDEX
from ledger.codes import GRADES, EntryState, Library, OpenType, ShareType, UpdateCycle
from ledger.mirror import queries as mirror
from ledger.mirror.own_indexes import OwnIndex
from ledger.mirror.projections import Decoded
from ledger.statements import (
    DECISION,
    FILING,
    WORD,
    StatementError,
    Value,
    struct_of,
    text_hash,
)
from ledger.store.bulk import insert_rows
from ledger.store.ranged import supersede_rows
from ledger.typed_data import integer

# What anybody may have signed becomes a key of rows: databases take neither U+0000 nor any length,
# and two codes that look the same must be the same.
_PLAIN_CODE = re.compile(r"(?=\S)[^\x00-\x1f\x7f-\x9f]{1,128}(?<=\S)")
ENVELOPE_FIELDS = {"code", "commitment", "provider", "restricted"}
_LOOKUP = 500
_CODED: tuple[tuple[str, str, type[ShareType | OpenType | UpdateCycle | Library]], ...] = (
    ("share_type", "shareType", ShareType),
    ("open_type", "openType", OpenType),
    ("update_cycle", "updateCycle", UpdateCycle),
    ("library", "library", Library),
)
_WORDS = {member: {0: None, **{c.number: c.value for c in t}} for _, member, t in _CODED}
_FILED = (EntryState.DRAFT.value, EntryState.SUBMITTED.value)
_STATES = {state.number: str(state.value) for state in EntryState}
_TYPED = {**{member: len(table) for _, member, table in _CODED}, "grade": len(GRADES)}
"""Typed members that the body states too, and their highest number."""
_STANDING_AT = tuple(
    ENTRIES.columns.keys().index(name)
    for name in (
        "leaf_from",
        "leaf_until",
        "version",
        "state",
        "edition",
        "published_edition",
        "recorded_at",
    )
)
"""Where the columns stand that every statement about an entry renews."""
_EDITION_AT, _ITEM_EDITION_AT, _ACT_EDITION_AT = (
    table.columns.keys().index("edition") for table in (EDITIONS, ITEMS, ACTS)
)


@dataclass(slots=True)
class _Life:
    """An entry while statements are applied to it; ``row`` is None before any readable filing."""

    version: int = 0
    edition: int = 0
    published_edition: int = 0
    state: str | None = None
    row: list[Any] | None = None

    def take(self, filed: bool, version: int, state: str | None) -> None:  # noqa: FBT001
        """What the contract's state word does, for the members that rows need."""
        if filed:
            self.edition += 1
        elif self.state == EntryState.SUBMITTED.value and state == EntryState.PUBLISHED.value:
            self.published_edition = self.edition
        self.version, self.state = version, state

    def standing(self, draft: _Draft, row: list[Any]) -> list[Any]:
        """``row`` as it stands from a statement on."""
        if row is not draft.entry:
            row = row.copy()
        for at, value in zip(
            _STANDING_AT,
            (
                draft.leaf,
                None,
                self.version,
                self.state,
                self.edition,
                self.published_edition,
                draft.recorded_at,
            ),
            strict=True,
        ):
            row[at] = value
        return row


class _Draft(NamedTuple):
    """What follows from one statement alone: everything but which edition it is, which the entry's earlier statements
    decide. Rows are lists in their table's order of columns.
    """

    code: str
    subject: bytes
    leaf: int
    version: int
    filed: bool
    state: str | None
    recorded_at: int
    entry: list[Any] | None
    """None for a decision, which renews the row of the filing before it."""
    edition: list[Any] | None
    items: list[list[Any]]
    act: list[Any]


class CatalogueProjection:
    """Rows of :data:`ENTRIES`, :data:`EDITIONS`, :data:`ITEMS` and :data:`ACTS`."""

    name = "catalogue"
    version = 2
    kinds = frozenset({FILING.kind})
    tables: Sequence[Table] = (ENTRIES, EDITIONS, ITEMS, ACTS)
    index: OwnIndex = INDEX

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one filing or decision, or None."""
        drafted = self.draft(decoded)
        return drafted if isinstance(drafted, str) else None

    def draft(self, decoded: Decoded) -> _Draft | str:
        """The rows of a statement as far as it says them itself, or why it is malformed."""
        if decoded.struct is FILING:
            return _drafted_filing(decoded)
        if decoded.struct is DECISION:
            return _malformed_decision(decoded) or _drafted(decoded, None, None, [])
        return f"a {decoded.struct.name} is no statement about a catalogue entry"

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append the rows of ``statements``; rows that they supersede end at their leaf."""
        drafts = [self.draft(decoded) for decoded in statements]
        self.write(connection, [one for one in drafts if not isinstance(one, str)])

    def write(self, connection: Connection, drafts: Sequence[Sequence[Any]]) -> None:
        """What :meth:`apply` does, of statements that were drafted before, maybe by another process."""
        told = [_Draft(*one) for one in drafts]
        lives = _lives(connection, told)
        entries: list[list[Any]] = []
        editions: list[list[Any]] = []
        items: list[list[Any]] = []
        for draft in told:
            life = lives[draft.code]
            if draft.version != life.version + 1:
                _catch_up(connection, draft, life)
            life.take(draft.filed, draft.version, draft.state)
            if draft.filed:
                life.row = draft.entry
                if draft.edition is not None:
                    draft.edition[_EDITION_AT] = life.edition
                    editions.append(draft.edition)
                for item in draft.items:
                    item[_ITEM_EDITION_AT] = life.edition
                items += draft.items
            draft.act[_ACT_EDITION_AT] = life.edition
            if life.row is not None:
                life.row = life.standing(draft, life.row)
                entries.append(life.row)
        supersede_rows(connection, ENTRIES, ("code",), entries)
        insert_rows(connection, EDITIONS, editions)
        insert_rows(connection, ITEMS, items)
        insert_rows(connection, ACTS, [draft.act for draft in told])


# Hashing is dear, and a provider's statements come by the hundred.
_hash_of = lru_cache(maxsize=1024)(text_hash)


@lru_cache(maxsize=1024)
def _texts(texts: tuple[str, ...]) -> str:
    """A list of texts as JSON; what an import files lacks the same things by the hundred."""
    return json.dumps(texts, ensure_ascii=False)


def is_envelope(body: dict[str, Any]) -> bool:
    """Whether a filing's body is the envelope of a restricted entry."""
    return "commitment" in body


def _drafted_filing(decoded: Decoded) -> _Draft | str:
    body = decoded.body
    why = _wrong_code(decoded) or _wrong_state(decoded) or _wrong_provider(decoded)
    if why is not None:
        return why
    if is_envelope(body):
        why = _malformed_envelope(body) or _out_of_table(decoded.values)
        return why or _drafted(decoded, _envelope_row(decoded), _edition_row(decoded, None), [])
    try:
        entry = compiled_entry(decoded.statement.body) or Entry.parse(body)
    except EntryRefused as refusal:
        first = refusal.problems[0]
        return f"body{first.pointer}: {first.en}"
    return _disagreement(entry, decoded.values) or _drafted(
        decoded,
        _entry_row(decoded, entry),
        _edition_row(decoded, entry),
        _item_rows(decoded, entry) if entry.items else [],
    )


def _wrong_state(decoded: Decoded) -> str | None:
    if _state(decoded) in _FILED:
        return None
    return f"state: {decoded.values['state']!r} is not filed but decided"


def _wrong_provider(decoded: Decoded) -> str | None:
    provider = decoded.body.get("provider")
    if not isinstance(provider, str) or _hash_of(provider) != decoded.statement.org:
        return f"body/provider: {provider!r} is not the organisation that signed"
    if not _PLAIN_CODE.fullmatch(provider):
        return f"body/provider: {provider!r} cannot be the code of an organisation"
    return None


def _disagreement(entry: Entry, values: Mapping[str, Value]) -> str | None:
    """Why an entry that can be read is not the one that was signed, or None."""
    if entry.is_restricted:
        return "body: a restricted entry (grade 3-4, or marked so) stands open on the chain"
    stated = (entry.share_type, entry.open_type, entry.update_cycle, entry.library)
    for (_, name, _), code in zip(_CODED, stated, strict=True):
        number = 0 if code is None else code.number
        if number != values[name]:
            return f"{name}: signed as {values[name]!r}, the body says {number!r}"
    grade = entry.effective_grade or 0
    if grade != values["grade"]:
        return f"grade: signed as {values['grade']!r}, the body says {grade!r}"
    return None


def _drafted(
    decoded: Decoded, entry: list[Any] | None, edition: list[Any] | None, items: list[list[Any]]
) -> _Draft:
    statement, state = decoded.statement, _state(decoded)
    return _Draft(
        code=decoded.body["code"],
        subject=statement.subject,
        leaf=statement.index,
        version=statement.version,
        filed=decoded.struct is FILING,
        state=state,
        recorded_at=statement.recorded_at,
        entry=entry,
        edition=edition,
        items=items,
        act=_act_row(decoded, state),
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


def _malformed_decision(decoded: Decoded) -> str | None:
    body, values = decoded.body, decoded.values
    why = _wrong_code(decoded)
    if why is not None:
        return why
    state = _state(decoded)
    if state is None:
        return f"state: {values['state']!r} is no state of an entry"
    if body.get("decision") != state:
        return f"body/decision: {body.get('decision')!r}, signed as {state}"
    reasons = body.get("reasons", [])
    if not isinstance(reasons, list) or not all(isinstance(one, str) for one in reasons):
        return "body/reasons: not a list of texts"
    unknown = set(body) - {"code", "decision", "reasons"}
    return f"body{pointer_of((min(unknown),))}: there is no such field" if unknown else None


def _lives(connection: Connection, drafts: Sequence[_Draft]) -> dict[str, _Life]:
    """How the entries of ``drafts`` stand in the rows so far; a first version has none."""
    first = {one.code: one.version for one in reversed(drafts)}
    lives = {code: _Life() for code in first}
    wanted = sorted(code for code, version in first.items() if version > 1)
    for start in range(0, len(wanted), _LOOKUP):
        asked = select(ENTRIES).where(
            ENTRIES.c.code.in_(wanted[start : start + _LOOKUP]), ENTRIES.c.leaf_until.is_(None)
        )
        for found in connection.execute(asked):
            lives[found.code] = _Life(
                found.version, found.edition, found.published_edition, found.state, list(found)
            )
    return lives


def _catch_up(connection: Connection, draft: _Draft, life: _Life) -> None:
    """Take over what malformed statements did to the entry:
    they have no rows, but the contract counted them.
    """
    for past in mirror.statements_about(connection, FILING.kind, draft.subject, draft.leaf):
        if past.version <= life.version:
            continue
        try:
            struct = struct_of(past.payload)
            number = integer(struct.decode(past.payload)["state"])
        except (StatementError, LookupError):
            # Only a registry that checks nothing records what is neither filing nor decision.
            continue
        life.take(struct is FILING, past.version, _state_of(number))


# Rows below are lists in their table's order of columns, which a test holds; what only the entry's life tells is None.


def _typed(decoded: Decoded) -> tuple[Any, ...]:
    """share_type, open_type, grade, update_cycle, library."""
    values: dict[str, Any] = decoded.values
    return (
        _WORDS["shareType"][values["shareType"]],
        _WORDS["openType"][values["openType"]],
        values["grade"] or None,
        _WORDS["updateCycle"][values["updateCycle"]],
        _WORDS["library"][values["library"]],
    )


def _entry_row(decoded: Decoded, entry: Entry) -> list[Any]:
    statement = decoded.statement
    missing = missing_fields(entry)
    source = entry.source
    return [
        None,
        entry.code,
        statement.index,
        statement.subject,
        statement.version,
        None,
        None,
        None,
        entry.name,
        entry.provider,
        entry.provider_name,
        *_typed(decoded),
        entry.level.value if entry.level else None,
        entry.origin.value if entry.origin else None,
        False,
        not missing,
        _texts(tuple(missing)),
        len(entry.items),
        f"{source.catalogue}:{source.record}" if source else None,
        bare(entry.name),
        entry_search_text(entry),
        statement.recorded_at,
    ]


def _envelope_row(decoded: Decoded) -> list[Any]:
    statement, body = decoded.statement, decoded.body
    return [
        None,
        body["code"],
        statement.index,
        statement.subject,
        statement.version,
        None,
        None,
        None,
        None,
        body["provider"],
        None,
        *_typed(decoded),
        None,
        None,
        True,
        _state(decoded) == EntryState.SUBMITTED.value,
        "[]",
        0,
        None,
        None,
        search_text(body["code"], body["provider"]),
        statement.recorded_at,
    ]


def entry_search_text(entry: Entry) -> str:
    """What a search looks through in an entry."""
    return search_text(
        entry.code,
        entry.name,
        entry.name_en,
        entry.provider,
        entry.provider_name,
        entry.provider_unit,
        entry.library_name,
        *entry.keywords,
        *entry.themes,
        *entry.matters,
        *(name for item in entry.items for name in (item.name, item.name_en)),
        entry.abstract,
    )


def search_text(*parts: str | None) -> str:
    """Parts as search compares them, a line each, so that no match runs over two of them."""
    return "\n".join(dict.fromkeys(folded(part) for part in parts if part))


def _edition_row(decoded: Decoded, entry: Entry | None) -> list[Any]:
    statement, items = decoded.statement, entry.items if entry else ()
    names = {item.name for item in items}
    english = [item.name_en for item in items if item.name_en]
    return [
        None,
        decoded.body["code"],
        statement.index,
        None,
        statement.version,
        _state(decoded),
        statement.body.decode(),
        len(names),
        names_digest(names) if names else None,
        names_digest(english) if items and len(english) == len(items) else None,
        statement.recorded_at,
    ]


def _item_rows(decoded: Decoded, entry: Entry) -> list[list[Any]]:
    leaf = decoded.statement.index
    return [
        [
            None,
            entry.code,
            leaf,
            position,
            None,
            item.name,
            item.name_en,
            item.data_type.value if item.data_type else None,
            item.length,
            item.precision,
            item.share_type.value if item.share_type else None,
            item.open_type.value if item.open_type else None,
            item.grade,
            bool(item.sensitive),
            bool(item.primary_key),
            item.locally_generated,
        ]
        for position, item in enumerate(entry.items)
    ]


def _act_row(decoded: Decoded, state: str | None) -> list[Any]:
    statement = decoded.statement
    return [
        None,
        decoded.body["code"],
        statement.index,
        statement.version,
        "filed" if decoded.struct is FILING else "decided",
        state,
        None,
        statement.org,
        statement.signer,
        statement.authorisation,
        _texts(tuple(decoded.body.get("reasons", ()))),
        statement.recorded_at,
    ]


def _state(decoded: Decoded) -> str | None:
    return _state_of(integer(decoded.values["state"]))


def _state_of(number: int) -> str | None:
    return _STATES.get(number)


PROJECTION = CatalogueProjection()
