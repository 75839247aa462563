"""How every store grows: bytes a statement, and gigabytes per million.

    python scripts/bench/growth.py [--quick]

Embedded chain: signed drafts with bodies of 600 bytes, alone in a transaction and in batches of 100. Mirror: the drafts
of :mod:`scripts.bench.long_log`, whose bodies have 100 bytes, the log alone and with all projections, in SQLite and in
PostgreSQL. Desk: statements of 600 bytes on their way through the outbox. Journal: lineage events of about 3 KB, as
they came, with their tree. Sizes are of files after a checkpoint, or what the server says of the database.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import Engine, text

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain.embedded import FILE_NAME, EmbeddedChain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.journal.journal import Journal
from ledger.mirror import Mirror, Origin
from ledger.mirror.projections import Projection
from ledger.store.engine import open_database
from scripts.bench.embedded_chain import BATCH, CHAIN_ID, account, check, prepare
from scripts.bench.indexing import postgresql
from scripts.bench.lineage_ingest import event
from scripts.bench.long_log import long_log
from scripts.bench.measuring import NotHereError, Row, absent, at_most, bench_main
from scripts.bench.outbox import BODY, Desk
from tests.chain import district

TITLE = "Growth of the stores"
SINGLES, BATCHES, DRAFTS, SENT, EVENTS = 200, 6, 50_000, 300, 5_000


def per_million(what: str, grown: float, count: int, note: str = "") -> Row:
    """Bytes each, which is megabytes per million."""
    each = grown / count
    return at_most(what, each, "bytes each", note=f"{each / 1000:,.2f} GB per million; {note}")


def size_of(place: Path) -> int:
    """Bytes of a file and its write-ahead log, or of all files below a directory."""
    files = place.rglob("*") if place.is_dir() else place.parent.glob(place.name + "*")
    return sum(each.stat().st_size for each in files if each.is_file())


def chain_grows(place: Path, singles: int, batches: int) -> list[Row]:
    """The embedded chain's file."""
    path = place / FILE_NAME
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        ledger, steward = prepare(chain)
    sizes = [size_of(path)]
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        one = [
            ledger.filings([f"S-{n}"], steward, ledger.sender, ledger.nonce + n)
            for n in range(singles)
        ]
        for raw in one:
            chain.send_raw(raw)
        check(chain, one)
    sizes.append(size_of(path))
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        whole = [
            ledger.filings([f"B-{n}-{i}" for i in range(BATCH)], steward, account("batches"), n)
            for n in range(batches)
        ]
        for raw in whole:
            chain.send_raw(raw)
        check(chain, whole)
    sizes.append(size_of(path))
    bodies = "bodies of 600 bytes"
    return [
        per_million("embedded chain, one statement a block", sizes[1] - sizes[0], singles, bodies),
        per_million(
            f"embedded chain, batches of {BATCH}", sizes[2] - sizes[1], batches * BATCH, bodies
        ),
    ]


def mirror_grows(place: Path, drafts: int) -> list[Row]:
    """The mirror's database, the log alone and with all projections."""
    found: list[Row] = []
    with long_log(drafts) as log:

        def follow(engine: Engine, projections: tuple[Projection, ...]) -> None:
            with JsonRpcChain(log.url) as chain:
                Mirror(engine, chain, Origin.of(log.deployment), projections, RULEBOOKS).catch_up()

        kinds: tuple[tuple[str, tuple[Projection, ...]], ...] = (
            ("the log alone", ()),
            ("log and projections", tuple(PROJECTIONS)),
        )
        note = "drafts with bodies of 100 bytes, without information items"
        for what, projections in kinds:
            file = place / f"mirror-{len(projections)}.db"
            engine = open_database(f"sqlite:///{file}", "mirror")
            empty = size_of(file)
            follow(engine, projections)
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            engine.dispose()
            grown = size_of(file) - empty
            found.append(per_million(f"mirror in SQLite: {what}", grown, drafts, note))
        try:
            with postgresql() as urls:
                for (what, projections), url in zip(kinds, urls, strict=True):
                    engine = open_database(url, "mirror")
                    before = _database_size(engine)
                    follow(engine, projections)
                    grown = _database_size(engine) - before
                    engine.dispose()
                    found.append(per_million(f"mirror in PostgreSQL: {what}", grown, drafts, note))
        except NotHereError as problem:
            found.append(absent("mirror in PostgreSQL", str(problem)))
    return found


def _database_size(engine: Engine) -> int:
    with engine.connect() as connection:
        asked = text("SELECT pg_database_size(current_database())")
        return int(connection.execute(asked).scalar_one())


def desk_grows(place: Path, sent: int) -> list[Row]:
    """The desk's database: receipts, signed bytes, attempts."""
    with EmbeddedChain.open(place / "chain.db", CHAIN_ID, create=True) as chain:
        desk = Desk(chain, place)
        desk.checkpoint()
        sizes = [size_of(place / "desk.db")]
        desk.send(
            [
                district.filing(desk.deployment, f"S/{number:06}", body=BODY)
                for number in range(sent)
            ]
        )
        desk.checkpoint()
        sizes.append(size_of(place / "desk.db"))
        codes = [f"B/{number:06}" for number in range(BATCH)]
        desk.send([district.filing(desk.deployment, *codes, body=BODY)])
        desk.checkpoint()
        sizes.append(size_of(place / "desk.db"))
        desk.close()
    bodies = "bodies of 600 bytes"
    return [
        per_million("desk, one statement a signature", sizes[1] - sizes[0], sent, bodies),
        per_million(f"desk, {BATCH} statements a signature", sizes[2] - sizes[1], BATCH, bodies),
    ]


def journal_grows(place: Path, events: int) -> list[Row]:
    """A journal's directory: entries as they came, and tiles."""
    bodies = [event(number) for number in range(events)]
    with Journal.create(place / "journal", "bench.example/journal") as journal:
        before = size_of(place / "journal")
        for start in range(0, events, 500):
            journal.append(bodies[start : start + 500])
        grown = size_of(place / "journal") - before
    given = sum(map(len, bodies)) / events
    return [
        per_million("journal of lineage events", grown, events, f"events of {given:,.0f} bytes")
    ]


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Every store; to see that it runs, some statements of the first and the last."""
    with tempfile.TemporaryDirectory(prefix="govledger-growth-") as name:
        place = Path(name)
        for part in ("chain", "mirror", "desk", "log"):
            (place / part).mkdir()
        if quick:
            return [*chain_grows(place / "chain", 4, 1), *journal_grows(place / "log", 500)]
        return [
            *chain_grows(place / "chain", SINGLES, BATCHES),
            *mirror_grows(place / "mirror", DRAFTS),
            *desk_grows(place / "desk", SENT),
            *journal_grows(place / "log", EVENTS),
        ]


if __name__ == "__main__":
    bench_main(TITLE, rows)
