"""What an office drills (演练项目): its mirror, the store of its own chain, and what that chain executes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.interface import ChainError
from ledger.drills.drills import Drill, Found, Rest, Unavailable
from ledger.store.errors import CorruptStoreError, StoreError

if TYPE_CHECKING:
    from ledger.chain.embedded import EmbeddedChain, IntegrityReport
    from ledger.office import Office

REPLAY_EVERY = 7
"""Intervals from one execution of the whole chain to the next: it takes as long as all blocks together."""
NAMES = {
    "mirror": ("核验镜像", "mirror verify"),
    "fsck": ("检查链库", "chain fsck"),
    "replay": ("重放链", "chain replay"),
}
"""Every drill there is, for people."""


def drills_of(office: Office) -> list[Drill]:
    """The drills that make sense here: a chain elsewhere is its operators' to check."""
    found = [Drill("mirror", lambda rest: _mirror(office, rest))]
    if not office.settings.rpc_url:
        found += [
            Drill("fsck", lambda rest: _chain(office, rest, "fsck")),
            Drill("replay", lambda rest: _chain(office, rest, "replay"), REPLAY_EVERY),
        ]
    return found


def _mirror(office: Office, rest: Rest) -> Found:
    try:
        report = office.verify(progress=rest)
    except CorruptStoreError as problem:
        return _damaged("镜像库已损坏", problem)
    except (ChainError, StoreError) as problem:
        raise Unavailable(f"无法核验：{problem}", f"could not be verified: {problem}") from problem
    return Found(report.size, [(one.zh, one.en) for one in report.findings])


def _chain(office: Office, rest: Rest, which: str) -> Found:
    from ledger.chain.embedded.errors import ChainCorrupt  # noqa: PLC0415 - brings py-evm along

    try:
        chain = _embedded(office)
    except ChainCorrupt as problem:
        return _damaged("链数据已损坏", problem)
    if chain is None:
        raise Unavailable(
            "内置链由另一个进程持有",
            "another process holds the embedded chain; it is drilled there",
        )
    check = chain.fsck if which == "fsck" else chain.replay
    report: IntegrityReport = check(rest)
    problems = set(report.problems)
    if problems:
        # Blocks came while it was read: what is really wrong is wrong a second time.
        report = check(rest)
        problems &= set(report.problems)
    return Found(report.blocks, [(one, one) for one in sorted(problems)])


def _damaged(zh: str, problem: Exception) -> Found:
    """A file that cannot be read is what a drill looks for."""
    return Found(0, [(f"{zh}：{problem}", str(problem))])


def _embedded(office: Office) -> EmbeddedChain | None:
    from ledger.chain.embedded import EmbeddedChain  # noqa: PLC0415 - brings py-evm along

    chain = office.chain
    return chain if isinstance(chain, EmbeddedChain) else None
