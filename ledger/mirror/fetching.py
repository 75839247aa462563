"""Asking the chain for a range of blocks, and for what the contract says at its end.

The order of questions is what makes the answers belong together: logs, then the contract's size
and root, then the blocks. If the blocks that come last carry the hashes that the logs carried, and
the block before the range is still the one we stand on, then nothing moved in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from ledger.chain.interface import BlockRef, CallReverted, Chain, ChainError, RawLog
from ledger.mirror.errors import ChainMovedError, MismatchError
from ledger.mirror.events import LogRows, decode
from ledger.statements import LogIdentity

SIZE = bytes(keccak(text="size()"))[:4]
ROOT = bytes(keccak(text="root()"))[:4]
TARGET_STATEMENTS = 8_000
"""How many statements one range aims at: enough for bulk, few enough for flat memory."""
FIRST_SPAN = 32
DENSE = 64
"""Ranges up to this many blocks are read block by block, so that parent hashes can be followed."""


@dataclass(frozen=True, slots=True)
class Footing:
    """The block that the next range must follow on; hash None: any."""

    block: int
    block_hash: bytes | None


@dataclass(frozen=True, slots=True)
class ContractState:
    """What the log says of itself at one block."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Fetched:
    """A range of blocks: its leaves as rows, the blocks to remember, and the contract's word at
    its end.

    ``state`` is None where the node no longer answers for that block (it keeps no old state).
    """

    first: int
    logs: list[RawLog]
    blocks: list[BlockRef]
    state: ContractState | None

    @property
    def end(self) -> BlockRef:
        return self.blocks[-1]

    @property
    def span(self) -> tuple[int, int]:
        """First and last block."""
        return self.first, self.end.number

    def rows(self, log: LogIdentity, first_index: int) -> LogRows:
        """The events as rows, which begin with leaf ``first_index``.

        Raises :class:`~ledger.mirror.errors.MismatchError` where the events have a hole.
        """
        try:
            return decode(self.logs, log, first_index)
        except MismatchError as error:
            error.blocks = self.span
            raise


def contract_state(chain: Chain, log: LogIdentity, block: int) -> ContractState:
    """Size and root of the log at a block."""
    size = chain.call(log.address, SIZE, block)
    root = chain.call(log.address, ROOT, block)
    if len(size) != 32 or len(root) != 32:  # noqa: PLR2004  (one ABI word each)
        raise ChainError(
            f"0x{log.address.hex()} on {chain.name} does not answer as a log at block {block}: "
            "see that the deployment belongs to this chain"
        )
    return ContractState(int.from_bytes(size, "big"), root)


def fetch(
    chain: Chain,
    log: LogIdentity,
    footing: Footing,
    last: int,
    *,
    newest: bool,
    with_state: bool = True,
) -> Fetched:
    """The blocks after ``footing`` up to ``last``. ``newest`` says that
    the range ends at the chain's head, for which every node has the state. Raises
    :class:`~ledger.mirror.errors.MismatchError` where the logs have a hole,
    :class:`~ledger.mirror.errors.ChainMovedError` where blocks changed meanwhile, and
    :class:`~ledger.chain.interface.ChainError`.
    """
    first = footing.block + 1
    before = None if footing.block_hash is None else (footing.block, footing.block_hash)
    logs = chain.logs(log.address, first, last)
    strays = [event for event in logs if not first <= event.block_number <= last]
    if strays:
        raise ChainError(
            f"{chain.name} was asked for blocks {first} to {last} and gave an event of block "
            f"{strays[0].block_number}"
        )
    hashes = {event.block_number: event.block_hash for event in logs}
    state = _state_if_kept(chain, log, last, newest=newest) if with_state else None
    wanted = list(range(first, last + 1)) if last - first < DENSE else sorted({*hashes, last})
    asked = wanted if before is None else [before[0], *wanted]
    refs = chain.blocks(asked)
    if [ref.number for ref in refs] != asked:
        raise ChainError(
            f"{chain.name} gave other blocks than asked for ({asked[0]} to {asked[-1]})"
        )
    known = dict(hashes)
    if before is not None:
        known[before[0]] = before[1]
    for position, ref in enumerate(refs):
        if known.get(ref.number, ref.hash) != ref.hash:
            raise ChainMovedError(f"block {ref.number} changed")
        previous = refs[position - 1] if position else None
        if (
            previous is not None
            and previous.number == ref.number - 1
            and previous.hash != ref.parent_hash
        ):
            raise ChainMovedError(f"block {ref.number} does not follow on block {previous.number}")
    return Fetched(first, logs, refs if before is None else refs[1:], state)


def _state_if_kept(
    chain: Chain, log: LogIdentity, block: int, *, newest: bool
) -> ContractState | None:
    try:
        return contract_state(chain, log, block)
    except CallReverted:
        raise
    except ChainError:
        if newest:
            raise
        # A node without old state refuses here; one that is gone refuses this question too.
        chain.head()
        return None


class RangeReader:
    """Reads a chain range by range, as wide as the node allows and the statements are dense.

    One thread at a time. Without ``with_state`` the contract is not asked for its word.
    """

    def __init__(self, chain: Chain, log: LogIdentity, *, with_state: bool = True) -> None:
        self._chain = chain
        self._log = log
        self._with_state = with_state
        self._span = FIRST_SPAN
        self._careful: tuple[int, int] | None = None

    def read(self, footing: Footing, head: BlockRef) -> Fetched:
        """The next range after ``footing``, not beyond ``head``; smaller where the node refuses it.

        Raises what :func:`fetch` raises.
        """
        first = footing.block + 1
        while True:
            last = min(first + self._allowed_span(first) - 1, head.number)
            try:
                fetched = fetch(
                    self._chain,
                    self._log,
                    footing,
                    last,
                    newest=last == head.number,
                    with_state=self._with_state,
                )
            except ChainError:
                if last == first:
                    raise
                self._chain.head()
                self._span = max(1, (last - first + 1) // 2)
            else:
                self._adapt(len(fetched.logs), last - first + 1)
                return fetched

    def be_careful(self, first: int, last: int) -> None:
        """Read these blocks in halves of what was read before."""
        self._careful = (max(1, (last - first + 1) // 2), last)

    def _allowed_span(self, first: int) -> int:
        span = min(self._span, self._chain.max_log_range)
        if self._careful is not None:
            limit, until = self._careful
            if first <= until:
                return max(1, min(span, limit))
            self._careful = None
        return max(1, span)

    def _adapt(self, statements: int, blocks: int) -> None:
        if statements > TARGET_STATEMENTS:
            self._span = max(1, blocks * TARGET_STATEMENTS // statements)
        elif statements < TARGET_STATEMENTS // 2 and blocks >= self._span:
            self._span = min(self._span * 2, self._chain.max_log_range)


def compare(fetched: Fetched, size: int, root: bytes) -> None:
    """Raise :class:`MismatchError` unless the contract says the same size and root as we do."""
    if fetched.state is None:
        return
    block = fetched.end.number
    if fetched.state.size != size:
        leaf = min(fetched.state.size, size)
        raise MismatchError(
            f"leaf {leaf}: the contract has {fetched.state.size} leaves at block {block}, "
            f"the node's logs make {size}",
            leaf,
            fetched.span,
        )
    if fetched.state.root != root:
        raise MismatchError(
            f"the contract's root at block {block} is 0x{fetched.state.root.hex()}, "
            f"the node's logs make 0x{root.hex()}",
            None,
            fetched.span,
        )
