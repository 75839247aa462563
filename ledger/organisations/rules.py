"""The rules of ``contracts/Organisations.sol``, and who may speak at all, a second time in Python.

For auditors who trust no bytecode. :func:`speaker` holds what every registry asks of a mandate: an
active organisation (机构), an active key (密钥) of that organisation, a deadline that has not
passed. The other registries' rulebooks use it too.

Nothing here reads a database: a rulebook sees a statement, its authorisation, and the heads before
it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ledger.codes import KeyStatus, Level, OrganisationStatus, Role
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.roles import ALL_ROLES
from ledger.statements import (
    KEY,
    ORGANISATION,
    Authorisation,
    Statement,
    Value,
    key_subject,
    subject_of,
    text_hash,
)

NO_CODE = text_hash("")
"""The hash of no text: the ``parent`` of the root organisation."""
_key_subject = lru_cache(maxsize=1024)(key_subject)
_ACTIVE, _ACTIVE_KEY = OrganisationStatus.ACTIVE.number, KeyStatus.ACTIVE.number
ROOT_NUMBER = 1
"""The number that the first organisation of a log gets."""
NO_ADDRESS = bytes(20)


class OrganisationState(NamedTuple):
    """What the log's head says of an organisation: all 0 where there is none."""

    number: int
    parent_number: int
    level: int
    status: int

    def pack(self) -> int:
        """The state word: number u32@0, parentNumber u32@32, level u8@64, status u8@72."""
        return self.number | self.parent_number << 32 | self.level << 64 | self.status << 72

    @classmethod
    @lru_cache(maxsize=1024)
    def unpack(cls, word: int) -> OrganisationState:
        return cls(
            word & 0xFFFF_FFFF, word >> 32 & 0xFFFF_FFFF, word >> 64 & 0xFF, word >> 72 & 0xFF
        )


class KeyState(NamedTuple):
    """What the log's head says of a key: all 0 where there is none."""

    organisation_number: int
    roles: int
    status: int

    def pack(self) -> int:
        """The state word: orgNumber u32@0, roles u16@32, status u8@48."""
        return self.organisation_number | self.roles << 32 | self.status << 48

    @classmethod
    @lru_cache(maxsize=1024)
    def unpack(cls, word: int) -> KeyState:
        return cls(word & 0xFFFF_FFFF, word >> 32 & 0xFFFF, word >> 48 & 0xFF)


class Speaker(NamedTuple):
    """Who signed a batch: organisation (hash, number), the key's roles; did a HEAD sign too?"""

    organisation: bytes
    number: int
    roles: int
    cosigned: bool


def speaker(decoded: Decoded, authorisation: Authorisation, heads: Heads) -> Speaker:
    """Who speaks in a statement, by the heads before it.

    Statements of a batch build on one another: a key that revokes itself must do so last. The log's
    first statement is spoken by the genesis authority, for the organisation that it registers.

    Raises :class:`RuleBroken` where statement and authorisation do not belong together, the
    deadline had passed, the organisation is unknown or dissolved, or the key (or the co-signer's
    key) is not an active one of that organisation.
    """
    statement = decoded.statement
    _check_envelope(decoded, authorisation)
    if authorisation.deadline < statement.recorded_at:
        raise RuleBroken(
            f"{where(statement)}: recorded at {statement.recorded_at}, "
            f"after the mandate's deadline {authorisation.deadline}"
        )
    organisation = authorisation.organisation
    if statement.index == 0:
        number, roles = _genesis_speaker(decoded, authorisation, heads)
    else:
        state = organisation_state(heads, organisation)
        _require_active(statement, organisation, state)
        number = state.number
        roles = _roles(statement, authorisation.signer, number, heads)
    cosigned = authorisation.cosigner != NO_ADDRESS
    if cosigned:
        _check_cosigner(statement, authorisation, number, heads)
    return Speaker(organisation, number, roles, cosigned)


def require_role(
    decoded: Decoded, authorisation: Authorisation, heads: Heads, role: Role
) -> Speaker:
    """The speaker of a statement, who must hold ``role``; raises :class:`RuleBroken` otherwise."""
    who = speaker(decoded, authorisation, heads)
    # A flag's own ``&`` makes a flag of the outcome, which takes longer than all the rest of this.
    if not who.roles & role.value:
        raise role_missing(decoded.statement, authorisation.signer, role)
    return who


def role_missing(statement: Statement, signer: bytes, role: Role) -> RuleBroken:
    """The refusal of a key that lacks a role."""
    return RuleBroken(
        f"{where(statement)}: key 0x{signer.hex()} does not hold the role {role.name} "
        f"for organisation 0x{statement.org.hex()}"
    )


def organisation_state(heads: Heads, organisation: bytes) -> OrganisationState:
    """The head of an organisation given by the hash of its code."""
    return OrganisationState.unpack(heads.get("organisation", organisation)[1])


def key_state(heads: Heads, address: bytes) -> KeyState:
    """The head of a key; the genesis authority's is the root's until a statement says otherwise."""
    version, word = heads.get("organisation.key", _key_subject(address))
    if version == 0 and address == heads.genesis_authority:
        return KeyState(ROOT_NUMBER, int(Role.AUTHORITY), KeyStatus.ACTIVE.number)
    return KeyState.unpack(word)


def member(decoded: Decoded, name: str) -> int:
    """An integer member of a decoded struct."""
    value = decoded.values[name]
    if not isinstance(value, int):
        raise RuleBroken(f"{where(decoded.statement)}: {name} is not an integer")
    return value


def digest_member(decoded: Decoded, name: str) -> bytes:
    """A 32-byte member of a decoded struct: text as its hash."""
    value = decoded.values[name]
    if not isinstance(value, bytes):
        raise RuleBroken(f"{where(decoded.statement)}: {name} is not a digest")
    return value


def require_range(decoded: Decoded, name: str, low: int, high: int) -> int:
    """An integer member that must lie in ``low..high``; raises :class:`RuleBroken` naming it."""
    value = decoded.values[name]
    if isinstance(value, int) and low <= value <= high:
        return value
    value = member(decoded, name)
    raise RuleBroken(f"{where(decoded.statement)}: {name} is {value}, not in {low}..{high}")


def where(statement: Statement) -> str:
    """How a refusal names a statement."""
    return f"leaf {statement.index} ({statement.kind} 0x{statement.subject.hex()})"


def _check_envelope(decoded: Decoded, authorisation: Authorisation) -> None:
    statement, values = decoded.statement, decoded.values
    if (
        statement.kind == decoded.struct.kind
        and statement.subject == decoded.struct.subject_of(values, statement.org)
        and statement.version == values["version"]
        and statement.body_digest == values["bodyDigest"]
        and statement.org == authorisation.organisation
        and statement.signer == authorisation.signer
        and statement.authorisation == authorisation.digest
    ):
        return
    recorded: tuple[Value, ...] = (
        statement.kind,
        statement.subject,
        statement.version,
        statement.body_digest,
        statement.org,
        statement.signer,
        statement.authorisation,
    )
    signed: tuple[Value, ...] = (
        decoded.struct.kind,
        subject_of(decoded.struct, values, statement.org),
        values["version"],
        values["bodyDigest"],
        authorisation.organisation,
        authorisation.signer,
        authorisation.digest,
    )
    names = ("kind", "subject", "version", "bodyDigest", "org", "signer", "authorisation")
    told = zip(names, recorded, signed, strict=True)
    name = next(name for name, here, there in told if here != there)
    raise RuleBroken(f"{where(statement)}: {name} is not what was signed")


def _require_registered(
    statement: Statement, organisation: bytes, state: OrganisationState
) -> None:
    if state.number == 0:
        raise RuleBroken(
            f"{where(statement)}: organisation 0x{organisation.hex()} is not registered"
        )


def _require_active(statement: Statement, organisation: bytes, state: OrganisationState) -> None:
    _require_registered(statement, organisation, state)
    if state.status != _ACTIVE:
        raise RuleBroken(f"{where(statement)}: organisation 0x{organisation.hex()} is dissolved")


def _genesis_speaker(
    decoded: Decoded, authorisation: Authorisation, heads: Heads
) -> tuple[int, int]:
    statement = decoded.statement
    if authorisation.signer != heads.genesis_authority:
        raise RuleBroken(
            f"{where(statement)}: a log's first statement is signed by its genesis authority "
            f"0x{heads.genesis_authority.hex()}, not by 0x{authorisation.signer.hex()}"
        )
    if decoded.struct is not ORGANISATION or statement.subject != authorisation.organisation:
        raise RuleBroken(
            f"{where(statement)}: a log's first statement registers the organisation that speaks it"
        )
    return ROOT_NUMBER, int(Role.AUTHORITY)


def _roles(statement: Statement, address: bytes, number: int, heads: Heads) -> int:
    state = key_state(heads, address)
    if state.organisation_number != number or state.status != _ACTIVE_KEY:
        why = "is unknown"
        if state.organisation_number == number:
            why = "is revoked"
        elif state.organisation_number:
            why = f"belongs to organisation number {state.organisation_number}"
        raise RuleBroken(
            f"{where(statement)}: key 0x{address.hex()} {why}; it cannot sign for "
            f"organisation 0x{statement.org.hex()} (number {number})"
        )
    return state.roles


def _check_cosigner(
    statement: Statement, authorisation: Authorisation, number: int, heads: Heads
) -> None:
    if authorisation.cosigner == authorisation.signer:
        raise RuleBroken(f"{where(statement)}: signer and co-signer are the same key")
    if not _roles(statement, authorisation.cosigner, number, heads) & Role.HEAD:
        raise role_missing(statement, authorisation.cosigner, Role.HEAD)


class OrganisationsRules:
    """The rulebook of organisations and their keys."""

    kinds = frozenset({ORGANISATION.kind, KEY.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a registration, an amendment, or a statement about a key."""
        if decoded.struct is ORGANISATION:
            return self._register(decoded, authorisation, heads).pack()
        if decoded.struct is KEY:
            return self._set_key(decoded, authorisation, heads).pack()
        raise RuleBroken(
            f"{where(decoded.statement)}: Organisations records no {decoded.struct.name}"
        )

    def _register(
        self, decoded: Decoded, authorisation: Authorisation, heads: Heads
    ) -> OrganisationState:
        require_role(decoded, authorisation, heads, Role.AUTHORITY)
        statement = decoded.statement
        code, parent = digest_member(decoded, "code"), digest_member(decoded, "parent")
        if code == NO_CODE:
            raise RuleBroken(f"{where(statement)}: an organisation without a code")
        before = organisation_state(heads, code)
        number = before.number or heads.count(ORGANISATION.kind) + 1
        level = require_range(decoded, "level", 1, len(Level))
        # The root cannot be dissolved: nobody could speak for the ledger any more.
        only_active = before.number == 0 or number == ROOT_NUMBER
        last_status = OrganisationStatus.ACTIVE if only_active else OrganisationStatus.DISSOLVED
        status = require_range(decoded, "status", 1, last_status.number)
        if parent == code or (parent == NO_CODE) != (number == ROOT_NUMBER):
            raise RuleBroken(
                f"{where(statement)}: the root alone has no parent, and none is its own"
            )
        if number == ROOT_NUMBER:
            return OrganisationState(number, 0, level, status)
        above = organisation_state(heads, parent)
        if status == OrganisationStatus.ACTIVE.number:
            _require_active(statement, parent, above)
        else:
            _require_registered(statement, parent, above)
        return OrganisationState(number, above.number, level, status)

    def _set_key(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> KeyState:
        who = speaker(decoded, authorisation, heads)
        statement = decoded.statement
        holder_hash = digest_member(decoded, "holder")
        revokes = member(decoded, "status") == KeyStatus.REVOKED.number
        revokes_own = revokes and holder_hash == who.organisation
        if not who.roles & Role.AUTHORITY and not (revokes_own and who.roles & Role.HEAD):
            raise role_missing(statement, authorisation.signer, Role.AUTHORITY)
        if statement.subject == bytes(32):
            raise RuleBroken(f"{where(statement)}: the zero address is no key")
        before = key_state(heads, statement.subject[12:])
        known = before.organisation_number != 0
        last_status = KeyStatus.REVOKED if known else KeyStatus.ACTIVE
        status = require_range(decoded, "status", 1, last_status.number)
        roles = require_range(decoded, "roles", 0 if revokes else 1, ALL_ROLES)
        holder = organisation_state(heads, holder_hash)
        if revokes:
            _require_registered(statement, holder_hash, holder)
        else:
            _require_active(statement, holder_hash, holder)
        if known and before.organisation_number != holder.number:
            raise RuleBroken(
                f"{where(statement)}: the key belongs to organisation number "
                f"{before.organisation_number}, not to number {holder.number}"
            )
        if before.status == KeyStatus.REVOKED.number:
            raise RuleBroken(f"{where(statement)}: a revoked key stays revoked")
        return KeyState(holder.number, roles, status)


RULEBOOK = OrganisationsRules()
