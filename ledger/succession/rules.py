"""The rules of ``contracts/Openings.sol`` a second time in Python, for auditors who trust no bytecode."""

from __future__ import annotations

from typing import NamedTuple

from ledger.codes import Role
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import digest_member, member, require_role, where
from ledger.statements import OPENING, Authorisation, address_bytes

_U64, _U128 = (1 << 64) - 1, (1 << 128) - 1


class OpeningWord(NamedTuple):
    """What the log's head says of a log that it carries on (前序日志)."""

    size: int
    root: int
    """The first 128 bits of the root."""

    def pack(self) -> int:
        """The state word: size u64@0, root u128@64."""
        return self.size | self.root << 64

    @classmethod
    def unpack(cls, word: int) -> OpeningWord:
        return cls(word & _U64, word >> 64 & _U128)


class OpeningRules:
    """The rulebook of openings.

    Which log was carried over, and what its size and root were, is compared with what the heads' log is said
    to carry on: the same that tells whose leaf a leaf is.
    """

    kinds = frozenset({OPENING.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after an opening; raises :class:`RuleBroken`."""
        statement, values = decoded.statement, decoded.values
        require_role(decoded, authorisation, heads, Role.AUTHORITY)
        size, root = member(decoded, "size"), digest_member(decoded, "root")
        log, chain_id = address_bytes(str(values["log"])), member(decoded, "chainId")
        one = next((each for each in heads.log.earlier if each.size == statement.index), None)
        if one is None:
            raise RuleBroken(f"{where(statement)}: no log that was carried over ends here")
        told = (chain_id, log, digest_member(decoded, "genesis"), size, root)
        if told != (one.log.chain_id, one.log.address, one.genesis, one.size, one.root):
            raise RuleBroken(
                f"{where(statement)}: carried over was 0x{one.log.address.hex()} of chain "
                f"{one.log.chain_id} with {one.size} leaves and the root 0x{one.root.hex()}"
            )
        return OpeningWord(size, int.from_bytes(root[:16], "big")).pack()


RULEBOOK = OpeningRules()
