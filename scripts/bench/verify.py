"""How fast a mirror is verified again: hashes, signatures and rules, projections.

    python scripts/bench/verify.py [--statements 200000] [--rounds 3]

The log is simulated (real signatures, batches of 100), because only the database is read here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.mirror import Mirror
from ledger.mirror.queries import Cursor
from ledger.mirror.verification.evidence import Evidence
from ledger.mirror.verification.leaves import check_leaves
from ledger.mirror.verification.report import Report
from ledger.office import PROJECTIONS, RULEBOOKS
from ledger.store.engine import open_database
from tests.mirror.world import District
from tests.simulator import SimulatedChain

STATEMENTS = 200_000
ROUNDS = 3
BATCH = 100
BUDGET = 100_000


@dataclass(frozen=True)
class Measurement:
    """What was verified in one round, and how many leaves a second."""

    what: str
    round: int
    leaves: int
    rate: float


def measure(statements: int = STATEMENTS, rounds: int = ROUNDS) -> list[Measurement]:
    """Fill a mirror, then verify it ``rounds`` times part by part."""
    district = District(SimulatedChain(District.genesis)).found()
    for first in range(0, statements, BATCH):
        district.file(*(f"{number:06d}" for number in range(first, first + BATCH)))
    sim = district.sim
    found = []
    with tempfile.TemporaryDirectory() as place:
        engine = open_database(f"sqlite:///{place}/mirror.db", "mirror")
        bare = Mirror(engine, sim, sim.origin)
        cursor = bare.catch_up()
        for number in range(1, rounds + 1):
            with engine.connect() as conn:
                report = Report()

                def hashes() -> None:
                    check_leaves(conn, cursor, report)  # noqa: B023

                def evidence() -> None:
                    Evidence(conn, cursor, sim.origin, RULEBOOKS, report).check()  # noqa: B023

                for what, act in (("hashes", hashes), ("signatures and rules", evidence)):
                    found.append(_timed(what, number, cursor, act))
                if not report.ok:
                    raise RuntimeError(f"the log does not verify: {report.findings[:3]}")
        whole = Mirror(engine, sim, sim.origin, PROJECTIONS, RULEBOOKS)
        found.append(_timed("filling projections", 1, cursor, whole.catch_up))
        found.append(
            _timed("everything, without chain", 1, cursor, lambda: whole.verify(use_chain=False))
        )
        engine.dispose()
    return found


def _timed(what: str, number: int, cursor: Cursor, act: Callable[[], object]) -> Measurement:
    begun = time.monotonic()
    act()
    return Measurement(what, number, cursor.size, cursor.size / (time.monotonic() - begun))


def table(found: list[Measurement]) -> str:
    """The rounds as a Markdown table."""
    lines = ["| verifying | round | leaves/s | budget |", "|---|---:|---:|---:|"]
    for each in found:
        budget = f">= {BUDGET:,}" if each.what == "hashes" else ""
        lines.append(
            f"| {each.leaves:,}, {each.what} | {each.round} | {each.rate:,.0f} | {budget} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--statements", type=int, default=STATEMENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    print(table(measure(given.statements, given.rounds)))


if __name__ == "__main__":
    main()
