"""From filings and decisions to rows: the entry as it stands, its editions, items and acts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, select

from ledger.bodies import names_digest
from ledger.catalogue.completeness import missing_fields
from ledger.catalogue.entry import Entry, pointer_of
from ledger.catalogue.models import ACTS, EDITIONS, ENTRIES, ITEMS
from ledger.catalogue.names import bare, folded
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.statements import Revision, filing_values
from ledger.codes import GRADES, EntryState, Library, OpenType, ShareType, UpdateCycle
from ledger.mirror import queries as mirror
from ledger.mirror.projections import Decoded
from ledger.statements import (
    DECISION,
    FILING,
    WORD,
    StatementError,
    StructType,
    Value,
    struct_of,
    text_hash,
)
from ledger.store.bulk import insert_mappings
from ledger.store.ranged import supersede
from ledger.typed_data import integer

# What anybody may have signed becomes a key of rows: databases take neither U+0000 nor any length,
# and two codes that look the same must be the same.
_PLAIN_CODE = re.compile(r"(?=\S)[^\x00-\x1f\x7f-\x9f]{1,128}(?<=\S)")
ENVELOPE_FIELDS = {"code", "commitment", "provider", "restricted"}
_LOOKUP = 500
_KEPT_ENTRIES = 4096
_CODED: tuple[tuple[str, str, type[ShareType | OpenType | UpdateCycle | Library]], ...] = (
    ("share_type", "shareType", ShareType),
    ("open_type", "openType", OpenType),
    ("update_cycle", "updateCycle", UpdateCycle),
    ("library", "library", Library),
)
_WORDS = {member: {0: None, **{c.number: c.value for c in t}} for _, member, t in _CODED}
_STATES = {state.number: str(state.value) for state in EntryState}
_TYPED = {**{member: len(table) for _, member, table in _CODED}, "grade": len(GRADES)}
"""Typed members that the body states too, and their highest number."""


@dataclass(slots=True)
class _Life:
    """An entry while statements are applied to it; ``row`` is None before any readable filing."""

    version: int = 0
    edition: int = 0
    published_edition: int = 0
    state: str | None = None
    row: dict[str, Any] | None = None

    def take(self, struct: StructType, version: int, state: str | None) -> None:
        """What the contract's state word does, for the members that rows need."""
        if struct is FILING:
            self.edition += 1
        elif self.state == EntryState.SUBMITTED.value and state == EntryState.PUBLISHED.value:
            self.published_edition = self.edition
        self.version, self.state = version, state

    def standing(self, decoded: Decoded) -> dict[str, Any]:
        """The columns that every statement about the entry renews."""
        return {
            "leaf_from": decoded.statement.index,
            "version": self.version,
            "state": self.state,
            "edition": self.edition,
            "published_edition": self.published_edition,
            "recorded_at": decoded.statement.recorded_at,
        }


class _Entries:
    """Parsed entries on their way from :meth:`CatalogueProjection.malformed` to its ``apply``."""

    def __init__(self) -> None:
        self._parsed: dict[bytes, Entry] = {}

    def of(self, decoded: Decoded) -> Entry:
        """The entry in a body, kept for :meth:`take`; raises :class:`EntryRefused`."""
        if len(self._parsed) >= _KEPT_ENTRIES:
            self._parsed.clear()
        entry = Entry.parse(decoded.body)
        self._parsed[decoded.statement.body_digest] = entry
        return entry

    def take(self, decoded: Decoded) -> Entry:
        """The entry in a body that was found well-formed."""
        return self._parsed.pop(decoded.statement.body_digest, None) or Entry.parse(decoded.body)


class CatalogueProjection:
    """Rows of :data:`ENTRIES`, :data:`EDITIONS`, :data:`ITEMS` and :data:`ACTS`."""

    name = "catalogue"
    version = 2
    kinds = frozenset({FILING.kind})
    tables: Sequence[Table] = (ENTRIES, EDITIONS, ITEMS, ACTS)

    def __init__(self) -> None:
        self._entries = _Entries()

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one filing or decision, or None."""
        if decoded.struct is FILING:
            return _malformed_filing(decoded, self._entries)
        if decoded.struct is DECISION:
            return _malformed_decision(decoded)
        return f"a {decoded.struct.name} is no statement about a catalogue entry"

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append the rows of ``statements``; rows that they supersede end at their leaf."""
        lives = _lives(connection, statements)
        rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in self.tables}
        for decoded in statements:
            life = lives[str(decoded.body["code"])]
            if decoded.statement.version != life.version + 1:
                _catch_up(connection, decoded, life)
            life.take(decoded.struct, decoded.statement.version, _state(decoded))
            rows[ACTS.name].append(_act_row(decoded, life))
            if decoded.struct is FILING:
                entry = None if is_envelope(decoded.body) else self._entries.take(decoded)
                life.row = _entry_row(decoded, entry)
                rows[EDITIONS.name].append(_edition_row(decoded, life, entry))
                rows[ITEMS.name] += _item_rows(decoded, life, entry)
            if life.row is not None:
                life.row = {**life.row, **life.standing(decoded)}
                rows[ENTRIES.name].append(life.row)
        supersede(connection, ENTRIES, ("code",), rows[ENTRIES.name])
        for table in (EDITIONS, ITEMS, ACTS):
            insert_mappings(connection, table, rows[table.name])


# Hashing is dear, and a provider's statements come by the hundred.
_hash_of = lru_cache(maxsize=1024)(text_hash)


@lru_cache(maxsize=1024)
def _texts(texts: tuple[str, ...]) -> str:
    """A list of texts as JSON; what an import files lacks the same things by the hundred."""
    return json.dumps(texts, ensure_ascii=False)


def is_envelope(body: dict[str, Any]) -> bool:
    """Whether a filing's body is the envelope of a restricted entry."""
    return "commitment" in body


def _malformed_filing(decoded: Decoded, entries: _Entries) -> str | None:
    body, values = decoded.body, decoded.values
    why = _wrong_code(decoded)
    if why is not None:
        return why
    if _state(decoded) not in (EntryState.DRAFT.value, EntryState.SUBMITTED.value):
        return f"state: {values['state']!r} is not filed but decided"
    provider = body.get("provider")
    if not isinstance(provider, str) or _hash_of(provider) != decoded.statement.org:
        return f"body/provider: {provider!r} is not the organisation that signed"
    if not _PLAIN_CODE.fullmatch(provider):
        return f"body/provider: {provider!r} cannot be the code of an organisation"
    if is_envelope(body):
        return _malformed_envelope(body) or _out_of_table(values)
    return _malformed_document(decoded, entries)


def _malformed_document(decoded: Decoded, entries: _Entries) -> str | None:
    values = decoded.values
    try:
        entry = entries.of(decoded)
    except EntryRefused as refusal:
        first = refusal.problems[0]
        return f"body{first.pointer}: {first.en}"
    if entry.is_restricted:
        return "body: a restricted entry (grade 3-4, or marked so) stands open on the chain"
    state = EntryState.of_number(integer(values["state"]))
    stated = filing_values(Revision(entry, integer(values["version"]), state))
    for name in _TYPED:
        if stated[name] != values[name]:
            return f"{name}: signed as {values[name]!r}, the body says {stated[name]!r}"
    return None


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


def _lives(connection: Connection, statements: Sequence[Decoded]) -> dict[str, _Life]:
    """How the entries of ``statements`` stand in the rows so far; a first version has none."""
    first = {str(one.body["code"]): one.statement.version for one in reversed(statements)}
    lives = {code: _Life() for code in first}
    wanted = sorted(code for code, version in first.items() if version > 1)
    for start in range(0, len(wanted), _LOOKUP):
        asked = select(ENTRIES).where(
            ENTRIES.c.code.in_(wanted[start : start + _LOOKUP]), ENTRIES.c.leaf_until.is_(None)
        )
        for found in connection.execute(asked).mappings():
            row = dict(found)
            del row["leaf_until"]
            lives[row["code"]] = _Life(
                row["version"], row["edition"], row["published_edition"], row["state"], row
            )
    return lives


def _catch_up(connection: Connection, decoded: Decoded, life: _Life) -> None:
    """Take over what malformed statements did to the entry:
    they have no rows, but the contract counted them.
    """
    statement = decoded.statement
    for past in mirror.statements_about(
        connection, statement.kind, statement.subject, statement.index
    ):
        if past.version <= life.version:
            continue
        try:
            struct = struct_of(past.payload)
            number = integer(struct.decode(past.payload)["state"])
        except (StatementError, LookupError):
            # Only a registry that checks nothing records what is neither filing nor decision.
            continue
        life.take(struct, past.version, _state_of(number))


def _entry_row(decoded: Decoded, entry: Entry | None) -> dict[str, Any]:
    body, values = decoded.body, decoded.values
    row: dict[str, Any] = {
        "code": body["code"],
        "subject": decoded.statement.subject,
        "provider": body["provider"],
        "grade": values["grade"] or None,
        "restricted": entry is None,
    }
    for column, member, _ in _CODED:
        row[column] = _WORDS[member][integer(values[member])]
    if entry is None:
        submitted = _state(decoded) == EntryState.SUBMITTED.value
        return row | {
            "name": None,
            "provider_name": None,
            "level": None,
            "origin": None,
            "complete": submitted,
            "missing": "[]",
            "item_count": 0,
            "source": None,
            "bare_name": None,
            "search": search_text(body["code"], body["provider"]),
        }
    missing = missing_fields(entry)
    return row | {
        "name": entry.name,
        "provider_name": entry.provider_name,
        "level": entry.level.value if entry.level else None,
        "origin": entry.origin.value if entry.origin else None,
        "complete": not missing,
        "missing": _texts(tuple(missing)),
        "item_count": len(entry.items),
        "source": f"{entry.source.catalogue}:{entry.source.record}" if entry.source else None,
        "bare_name": bare(entry.name),
        "search": entry_search_text(entry),
    }


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


def _edition_row(decoded: Decoded, life: _Life, entry: Entry | None) -> dict[str, Any]:
    items = entry.items if entry else ()
    names = {item.name for item in items}
    english = [item.name_en for item in items if item.name_en]
    return {
        "code": decoded.body["code"],
        "leaf_from": decoded.statement.index,
        "leaf_until": None,
        "edition": life.edition,
        "version": life.version,
        "state": life.state,
        "document": decoded.statement.body.decode(),
        "item_count": len(names),
        "names_digest": names_digest(names) if names else None,
        "names_en_digest": names_digest(english) if items and len(english) == len(items) else None,
        "recorded_at": decoded.statement.recorded_at,
    }


def _item_rows(decoded: Decoded, life: _Life, entry: Entry | None) -> list[dict[str, Any]]:
    return [
        {
            "code": decoded.body["code"],
            "leaf_from": decoded.statement.index,
            "leaf_until": None,
            "position": position,
            "edition": life.edition,
            "name": item.name,
            "name_en": item.name_en,
            "data_type": item.data_type.value if item.data_type else None,
            "length": item.length,
            "precision": item.precision,
            "share_type": item.share_type.value if item.share_type else None,
            "open_type": item.open_type.value if item.open_type else None,
            "grade": item.grade,
            "sensitive": bool(item.sensitive),
            "primary_key": bool(item.primary_key),
            "locally_generated": item.locally_generated,
        }
        for position, item in enumerate(entry.items if entry else ())
    ]


def _act_row(decoded: Decoded, life: _Life) -> dict[str, Any]:
    statement = decoded.statement
    return {
        "code": decoded.body["code"],
        "leaf_from": statement.index,
        "leaf_until": None,
        "version": statement.version,
        "act": "filed" if decoded.struct is FILING else "decided",
        "state": life.state,
        "edition": life.edition,
        "organisation": statement.org,
        "signer": statement.signer,
        "authorisation": statement.authorisation,
        "reasons": _texts(tuple(decoded.body.get("reasons", ()))),
        "recorded_at": statement.recorded_at,
    }


def _state(decoded: Decoded) -> str | None:
    return _state_of(integer(decoded.values["state"]))


def _state_of(number: int) -> str | None:
    return _STATES.get(number)


PROJECTION = CatalogueProjection()
