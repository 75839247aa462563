"""Asking the chain for a range of blocks, and for what the contract says at its end.

The order of questions is what makes the answers belong together: logs, then the contract's size
and root, then the blocks. If the blocks that come last carry the hashes that the logs carried, and
the block before the range is still the one we stand on, then nothing moved in between.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from eth_utils.crypto import keccak

from ledger.chain.interface import BlockRef, CallReverted, Chain, ChainError, RawLog
from ledger.mirror.errors import ChainMovedError, MismatchError
from ledger.mirror.events import LogRows, decode
from ledger.statements import LogIdentity

SIZE = bytes(keccak(text="size()"))[:4]
ROOT = bytes(keccak(text="root()"))[:4]
TARGET_STATEMENTS = 5_000
"""How many statements one range aims at: enough for bulk, few enough for flat memory."""
FIRST_SPAN = 4
"""Blocks of the first range; a block may hold thousands of statements."""
AHEAD = 3
"""Ranges asked for before they are needed: one to wait for, one to take apart, and one for the node to begin with."""
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
    before: BlockRef | None
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


def contract_size(chain: Chain, log: LogIdentity, block: int) -> int:
    """Leaves that the log has at a block."""
    return int.from_bytes(_word(chain, log, SIZE, block), "big")


def contract_state(chain: Chain, log: LogIdentity, block: int) -> ContractState:
    """Size and root of the log at a block."""
    return ContractState(contract_size(chain, log, block), _word(chain, log, ROOT, block))


def _word(chain: Chain, log: LogIdentity, method: bytes, block: int) -> bytes:
    word = chain.call(log.address, method, block)
    if len(word) != 32:  # noqa: PLR2004  (one ABI word)
        raise ChainError(
            f"0x{log.address.hex()} on {chain.name} does not answer as a log at block {block}: "
            "see that the deployment belongs to this chain"
        )
    return word


def fetch(
    chain: Chain,
    log: LogIdentity,
    blocks: tuple[int, int],
    *,
    newest: bool,
    with_state: bool = True,
    end_hash: bytes | None = None,
) -> Fetched:
    """Blocks ``blocks[0]`` to ``blocks[1]``. ``newest`` says that the range ends at the chain's
    head, for which every node has the state; without ``with_state`` the contract is not asked.
    ``end_hash`` is that of block ``blocks[1]`` where it is known from before.

    Raises :class:`~ledger.mirror.errors.ChainMovedError` where blocks changed meanwhile, and
    :class:`~ledger.chain.interface.ChainError`.
    """
    first, last = blocks
    if end_hash is None:
        # Events tie their blocks to what is asked later; a range without any has only its end for that.
        end_hash = chain.blocks([last])[0].hash
    logs = _logs(chain, log, first, last)
    hashes = {event.block_number: event.block_hash for event in logs}
    state = _state_if_kept(chain, log, last, newest=newest) if with_state else None
    wanted = range(first, last + 1) if last - first < DENSE else sorted({*hashes, last})
    asked = [first - 1, *wanted] if first else list(wanted)
    refs = chain.blocks(asked)
    if [ref.number for ref in refs] != asked:
        raise ChainError(f"{chain.name} gave other blocks than asked ({asked[0]} to {asked[-1]})")
    if refs[-1].hash != end_hash:
        raise ChainMovedError(f"block {last} changed")
    for position, ref in enumerate(refs):
        if hashes.get(ref.number, ref.hash) != ref.hash:
            raise ChainMovedError(f"block {ref.number} changed")
        previous = refs[position - 1] if position else None
        if (
            previous is not None
            and previous.number == ref.number - 1
            and previous.hash != ref.parent_hash
        ):
            raise ChainMovedError(f"block {ref.number} does not follow on block {previous.number}")
    before = refs.pop(0) if first else None
    return Fetched(first, before, logs, refs, state)


def _logs(chain: Chain, log: LogIdentity, first: int, last: int) -> list[RawLog]:
    """The log's events in a range, asked for in halves where the node refuses it whole."""
    try:
        logs = chain.logs(log.address, first, last)
    except ChainError:
        if last == first:
            raise
        chain.head()
        middle = (first + last) // 2
        return _logs(chain, log, first, middle) + _logs(chain, log, middle + 1, last)
    stray = next((event for event in logs if not first <= event.block_number <= last), None)
    if stray is not None:
        raise ChainError(
            f"{chain.name} was asked for blocks {first} to {last} and gave an event of block "
            f"{stray.block_number}"
        )
    return logs


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


class Pace:
    """How many blocks to ask for at once: as many as hold enough statements, and fewer in doubt."""

    def __init__(self) -> None:
        self._span = FIRST_SPAN
        self._careful: tuple[int, int] | None = None

    def span(self, first: int, most: int) -> int:
        """Blocks to ask for from ``first`` on, at most ``most``."""
        span = max(1, min(self._span, most))
        if self._careful is not None:
            limit, until = self._careful
            if first <= until:
                return min(span, limit)
            self._careful = None
        return span

    def be_careful(self, first: int, last: int) -> None:
        """Have these blocks read in halves of what was read before."""
        self._careful = (max(1, (last - first + 1) // 2), last)

    def adapt(self, fetched: Fetched) -> None:
        """Learn from a range how dense the statements are."""
        first, last = fetched.span
        blocks, statements = last - first + 1, len(fetched.logs)
        if statements > TARGET_STATEMENTS:
            self._span = max(1, blocks * TARGET_STATEMENTS // statements)
        elif statements < TARGET_STATEMENTS // 2 and blocks >= self._span:
            self._span *= 2


class ReadAhead:
    """The ranges after ``footing`` up to ``head``, in order; a few are asked for ahead of need.

    An iterator and a context manager. Raises what :func:`fetch` raises, and
    :class:`~ledger.mirror.errors.ChainMovedError` where a range does not follow on the one before.
    """

    def __init__(
        self,
        chain: Chain,
        log: LogIdentity,
        footing: Footing,
        head: BlockRef,
        *,
        pace: Pace,
        coming: int = 0,
        with_state: bool = True,
    ) -> None:
        """``coming``: statements up to ``head``, where that is known."""
        self._chain = chain
        self._log = log
        self._footing = footing
        self._head = head
        self._pace = pace
        self._coming = coming
        self._with_state = with_state
        self._next = footing.block + 1
        self._threads = ThreadPoolExecutor(AHEAD, "mirror-fetch")
        self._asked: deque[Future[Fetched]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Fetched:
        if not self._asked and self._next > self._head.number:
            raise StopIteration
        if not self._asked:
            blocks = self._plan()
            if blocks[1] == self._head.number:
                # All that is left: nothing to be gained by another thread.
                return self._checked(self._read(blocks))
            self._ask(blocks)
        fetched = self._checked(self._asked.popleft().result())
        while len(self._asked) < AHEAD and self._next <= self._head.number:
            self._ask(self._plan())
        return fetched

    def _plan(self) -> tuple[int, int]:
        first, most = self._next, self._chain.max_log_range
        if self._coming > 0:
            # What is still to come, were it spread evenly: blocks without any do not make for a leap into many.
            blocks = self._head.number - self._footing.block
            most = min(most, max(1, blocks * TARGET_STATEMENTS // self._coming))
        last = min(first + self._pace.span(first, most) - 1, self._head.number)
        self._next = last + 1
        return first, last

    def _ask(self, blocks: tuple[int, int]) -> None:
        self._asked.append(self._threads.submit(self._read, blocks))

    def _read(self, blocks: tuple[int, int]) -> Fetched:
        newest = blocks[1] == self._head.number
        return fetch(
            self._chain,
            self._log,
            blocks,
            newest=newest,
            with_state=self._with_state,
            end_hash=self._head.hash if newest else None,
        )

    def _checked(self, fetched: Fetched) -> Fetched:
        stand, before = self._footing, fetched.before
        if stand.block_hash is not None and (before is None or before.hash != stand.block_hash):
            raise ChainMovedError(f"block {stand.block} changed")
        self._footing = Footing(fetched.end.number, fetched.end.hash)
        self._pace.adapt(fetched)
        self._coming -= len(fetched.logs)
        return fetched


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
