"""The rules of ``contracts/Deliveries.sol`` a second time in Python, for auditors who trust no bytecode.

Resources (数据资源) that are mounted, manifests (数据清单) signed before collection, and deliveries (归集交付),
each of which names the root of the one before.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.catalogue.rules import EntryWord, entry_word
from ledger.codes import DeliveryMode, ResourceStatus, ResourceType, Role
from ledger.days import day_of
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import (
    digest_member,
    member,
    require_range,
    require_role,
    where,
)
from ledger.statements import DELIVERY, MANIFEST, RESOURCE, Authorisation, sha256, subject_of

_U64 = 0xFFFF_FFFF_FFFF_FFFF
_U32 = 0xFFFF_FFFF
_U8 = 0xFF
EMPTY_ROOT = sha256(b"")
"""The root of a table without rows (RFC 9162, section 2.1.1)."""
ROOT_BYTES = 16
"""How many bytes of a root stand in the heads of manifests and deliveries."""
ENTRY_BYTES = 8
"""How many bytes of the entry's hash stand in the head of a resource."""


class ResourceWord(NamedTuple):
    """What the log's head says of a resource (数据资源); ``entry`` is the start of its entry's hash."""

    owner: int
    status: int
    type: int
    entry: bytes

    def pack(self) -> int:
        """The state word: owner number u32@0, status u8@32, type u8@40, entry u64@48."""
        entry = int.from_bytes(self.entry, "big")
        return self.owner | self.status << 32 | self.type << 40 | entry << 48

    @classmethod
    def unpack(cls, word: int) -> ResourceWord:
        entry = (word >> 48 & _U64).to_bytes(ENTRY_BYTES, "big")
        return cls(word & _U32, word >> 32 & _U8, word >> 40 & _U8, entry)


class ManifestWord(NamedTuple):
    """What the log's head says of a manifest (数据清单); ``root`` is the first half of its root."""

    rows: int
    root: bytes

    def pack(self) -> int:
        """The state word: rows u64@0, root u128@64."""
        return self.rows | int.from_bytes(self.root, "big") << 64

    @classmethod
    def unpack(cls, word: int) -> ManifestWord:
        root = word >> 64 & (1 << 8 * ROOT_BYTES) - 1
        return cls(word & _U64, root.to_bytes(ROOT_BYTES, "big"))


class DeliveryWord(NamedTuple):
    """What the log's head says of an entry's last delivery (归集交付): the first half of its root, the
    last day of its period (YYYYMMDD) and the version of the manifest, modulo 2^32.
    """

    root: bytes
    period_end: int
    manifest: int

    def pack(self) -> int:
        """The state word: root u128@0, periodEnd u32@128, manifest u32@160."""
        return int.from_bytes(self.root, "big") | self.period_end << 128 | self.manifest << 160

    @classmethod
    def unpack(cls, word: int) -> DeliveryWord:
        root = word & (1 << 8 * ROOT_BYTES) - 1
        return cls(root.to_bytes(ROOT_BYTES, "big"), word >> 128 & _U32, word >> 160 & _U32)


class DeliveriesRules:
    """The rulebook of resources, manifests and deliveries."""

    kinds = frozenset({RESOURCE.kind, MANIFEST.kind, DELIVERY.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a statement about what is collected; raises :class:`RuleBroken`."""
        if decoded.struct is RESOURCE:
            return self._mount(decoded, authorisation, heads).pack()
        if decoded.struct is MANIFEST:
            return self._manifest(decoded, authorisation, heads).pack()
        if decoded.struct is DELIVERY:
            return self._deliver(decoded, authorisation, heads).pack()
        raise RuleBroken(f"{where(decoded.statement)}: Deliveries records no {decoded.struct.name}")

    def _mount(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> ResourceWord:
        _entry_of_speaker(decoded, authorisation, heads)
        owner = _entry(decoded, heads).owner
        version, word = heads.get(RESOURCE.kind, decoded.statement.subject)
        kind = require_range(decoded, "type", 1, len(ResourceType))
        status = require_range(decoded, "status", 1, len(ResourceStatus) if version else 1)
        entry = digest_member(decoded, "entry")[:ENTRY_BYTES]
        before = ResourceWord.unpack(word)
        if version and (before.entry, before.type) != (entry, kind):
            raise RuleBroken(
                f"{where(decoded.statement)}: entry and type of a resource never change"
            )
        return ResourceWord(owner, status, kind, entry)

    def _manifest(
        self, decoded: Decoded, authorisation: Authorisation, heads: Heads
    ) -> ManifestWord:
        _entry_of_speaker(decoded, authorisation, heads)
        _check_content(decoded, heads)
        if not any(digest_member(decoded, "buckets")):
            raise RuleBroken(f"{where(decoded.statement)}: no bucket fingerprints are named")
        root = digest_member(decoded, "root")[:ROOT_BYTES]
        return ManifestWord(member(decoded, "rows"), root)

    def _deliver(
        self, decoded: Decoded, authorisation: Authorisation, heads: Heads
    ) -> DeliveryWord:
        require_role(decoded, authorisation, heads, Role.COLLECTOR)
        statement = decoded.statement
        end = _check_content(decoded, heads)
        manifest = member(decoded, "manifest")
        period = subject_of(MANIFEST, decoded.values, statement.org)
        latest, _ = heads.get(MANIFEST.kind, period)
        if manifest > latest:
            raise RuleBroken(
                f"{where(statement)}: the period has manifests up to version {latest}, not {manifest}"
            )
        version, word = heads.get(DELIVERY.kind, statement.subject)
        predecessor = digest_member(decoded, "predecessor")
        expected = DeliveryWord.unpack(word).root
        # The first one follows nothing at all, not even half a root.
        if predecessor[:ROOT_BYTES] != expected if version else any(predecessor):
            raise RuleBroken(
                f"{where(statement)}: the predecessor 0x{predecessor.hex()} is not the delivery "
                f"before, whose root begins 0x{expected.hex()}"
            )
        root = digest_member(decoded, "root")[:ROOT_BYTES]
        return DeliveryWord(root, end, manifest & _U32)


def _entry(decoded: Decoded, heads: Heads) -> EntryWord:
    entry = entry_word(heads, digest_member(decoded, "entry"))
    if entry.owner == 0:
        raise RuleBroken(f"{where(decoded.statement)}: the entry was never filed")
    return entry


def _entry_of_speaker(decoded: Decoded, authorisation: Authorisation, heads: Heads) -> None:
    who = require_role(decoded, authorisation, heads, Role.STEWARD)
    owner = _entry(decoded, heads).owner
    if owner != who.number:
        raise RuleBroken(
            f"{where(decoded.statement)}: the entry belongs to organisation number {owner}, "
            f"not to number {who.number}"
        )


def _check_content(decoded: Decoded, heads: Heads) -> int:
    """What manifests and deliveries have in common; returns the period's last day, YYYYMMDD."""
    place = where(decoded.statement)
    require_range(decoded, "edition", 1, _entry(decoded, heads).edition)
    start, end = member(decoded, "periodStart"), member(decoded, "periodEnd")
    try:
        backwards = day_of(start) > day_of(end)
    except ValueError as error:
        raise RuleBroken(f"{place}: period: {error}") from error
    if backwards:
        raise RuleBroken(f"{place}: the period ends before it starts")
    require_range(decoded, "mode", 1, len(DeliveryMode))
    rows, root = member(decoded, "rows"), digest_member(decoded, "root")
    if not any(root) or (rows == 0) != (root == EMPTY_ROOT):
        raise RuleBroken(f"{place}: 0x{root.hex()} is not the root of {rows} rows")
    if rows and not any(digest_member(decoded, "schema")):
        raise RuleBroken(f"{place}: no schema is named")
    return end


RULEBOOK = DeliveriesRules()
