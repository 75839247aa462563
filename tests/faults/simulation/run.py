"""One run: an office at work while everything fails that a seed can think of, and the truth at the end."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from ledger.capabilities import PROJECTIONS
from ledger.chain.deployment import Deployment
from ledger.chain.interface import ChainError
from ledger.chain.outbox import Outbox, Receipt
from ledger.chain.outbox_models import RECEIPT, State
from ledger.confirming import confirm
from ledger.mirror import Mirror, tables
from ledger.mirror.errors import ForeignLogError, MismatchError
from ledger.mirror.late_indexes import late_indexes, missing
from ledger.statements import SignedBatch
from ledger.store.engine import FAMILIES, open_database
from ledger.store.errors import StoreError
from tests.faults.simulation import truth
from tests.faults.simulation.acts import digest_of, filing, founding
from tests.faults.simulation.machine import Disk, Killed, Machine, RestlessError, on
from tests.faults.simulation.network import Network, Node, Sender
from tests.mirror.world import NOTES, District, Notes, with_notes

TOLD = (ChainError, StoreError, MismatchError, ForeignLogError)
"""What an office may say of a world that fails; it then tries again."""
ENTRIES = "abcdef"
QUIET_ROUNDS = 80
NEEDED = {
    *(
        "alembic_version",
        "leader",
        "statement",
        "authorisation",
        "block",
        "tree_tile",
        "cursor",
        "flag",
    ),
    *("projection_state", NOTES.name),
}
"""Tables of a mirror that keeps the log alone, beside those of the outbox."""


class Failed(AssertionError):
    """A run that ended otherwise than the truth; the text says how to see it again."""


@dataclass(frozen=True)
class Pace:
    """How long runs are: ``steps`` of a run and ``rounds`` of duty in one, of which chance takes one each.

    ``troubled`` is how often something is amiss from the beginning. Short runs find more in the same time.
    """

    steps: tuple[int, ...]
    rounds: tuple[int, ...]
    troubled: float = 0.0


SHORT = Pace((1, 2, 2, 3, 4, 6, 10, 20), (1, 1, 1, 3), 0.5)
LONG = Pace((3, 6, 6, 10, 20), (1, 1, 2, 4))


class Workshop:
    """A directory with empty databases to begin from, and those that are worked on."""

    def __init__(self, place: Path) -> None:
        self.place = place / "run"
        self.whole, self.lean = place / "whole", place / "lean"
        self.whole.mkdir()
        self.disk = Disk()
        for family in FAMILIES:
            engine = open_database(f"sqlite:///{self.whole / family}.db", family)
            if family == "mirror":
                with_notes(engine)
            engine.dispose()
        shutil.copytree(self.whole, self.lean)
        for family in FAMILIES:
            _thin_out(self.lean / f"{family}.db")
        self.begin(whole=True)
        self.mirror, self.desk = (
            self.disk.hold(open_database(f"sqlite:///{self.place / family}.db", family))
            for family in FAMILIES
        )

    def begin(self, *, whole: bool) -> None:
        """Empty databases; whatever was there is gone. Only ``whole`` ones have the tables of all capabilities."""
        self.disk.close()
        self.empty = self.whole if whole else self.lean
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.empty, self.place)


def _thin_out(file: Path) -> None:
    """Drop all tables that a run without capabilities leaves alone: whoever opens a file reads them all."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in tables.fetchall():
            if name not in NEEDED and not name.startswith("outbox_"):
                connection.execute(f'DROP TABLE "{name}"')
        connection.execute("VACUUM")


@contextmanager
def workshop() -> Iterator[Workshop]:
    """A workshop in memory, where files can be there."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(
        prefix="govledger-seeds-", dir=memory if memory.is_dir() else None
    ) as name:
        made = Workshop(Path(name))
        try:
            yield made
        finally:
            made.disk.close()


class Run:
    """The world of one seed."""

    def __init__(
        self,
        shop: Workshop,
        seed: int,
        *,
        told: bool = False,
        pace: Pace = SHORT,
        more: Mapping[Callable[[Run], None], int] | None = None,
    ) -> None:
        self.seed = seed
        self.pace = pace
        self.acts = ACTS | (OFTENER if pace is SHORT else {}) | (more or {})
        self.chance = random.Random(seed)  # noqa: S311 - to be repeated
        self.machine = Machine(self.chance)
        self.machine.told = told
        self.network = Network(District.genesis)
        self.network.max_log_range = self.chance.choice([2, 7, 5_000])
        self.node = Node(self.network, self.machine)
        self.whole = self.chance.random() < 0.02
        """Whether every projection is kept, and the mirror verified at the end."""
        self.shop = shop
        self.deployment = deployment_of(self.network)
        self.offered = list(founding())
        self.versions = dict.fromkeys(ENTRIES, 0)
        self.acknowledged: set[str] = set()
        self.saved: Path | None = None
        self.forks = 0

    # The process.

    def start(self) -> None:
        """Open everything, as a process does that has just begun."""
        self.machine.restart()
        self.outbox = Outbox(
            self.shop.desk,
            self.node,  # type: ignore[arg-type]
            self.deployment,
            Sender(),  # type: ignore[arg-type]
            in_flight=self.chance.choice([2, 64]),
        )
        self.mirror = Mirror(
            self.shop.mirror,
            self.node,  # type: ignore[arg-type]
            self.network.origin,
            [Notes(), *PROJECTIONS] if self.whole else [Notes()],
            on_cut=lambda size: self.outbox.rolled_back(size) and None,
            on_advance=lambda size: self.outbox.not_verified_beyond(size) and None,
        )

    def stop(self) -> None:
        self.shop.disk.close()

    def attempt(self, what: str, act: Callable[[], object]) -> bool:
        """Do something as the office; True where it came to its end."""
        self.machine.restless = 0
        try:
            act()
        except Killed:
            self.stop()
            self.start()
        except TOLD as problem:
            self.machine.note(f"    {what}: {type(problem).__name__}: {str(problem)[:150]}")
        else:
            return True
        return False

    def look(self) -> None:
        """What must hold at any moment: the mirror is the log at some block that there once was."""
        with self.shop.mirror.connect() as conn:
            cursor = conn.execute(select(tables.cursor)).one_or_none()
        if cursor is None:
            return
        told = (cursor.block_number, cursor.size, cursor.root)
        known = self.network.past.get(cursor.block_hash)
        if known != told:
            raise self.failed(f"the mirror says {told}, the log at that block was {known}")

    # What happens.

    def play(self, steps: int) -> None:
        """The run from its beginning to the comparison."""
        self.shop.begin(whole=self.whole)
        self.shop.disk.machine = self.machine
        with on(self.machine, self.chance.choice([4, 50_000])):
            self.start()
            if self.pace.troubled and self.chance.random() < self.pace.troubled:
                self.chance.choice(TROUBLES)(self)
            for _ in range(steps):
                act = self.chance.choices(*zip(*self.acts.items(), strict=True))[0]
                act(self)
            self.heal()
            self.settle()
            self.judge()

    def note(self, what: str) -> None:
        self.machine.note(what)

    def offer(self) -> list[SignedBatch]:
        """The next batches that somebody wants recorded."""
        found = []
        for _ in range(self.chance.choice([1, 1, 2, 5])):
            if self.offered:
                found.append(self.offered.pop(0))
                continue
            names = "".join(
                sorted(self.chance.sample(ENTRIES, self.chance.choice(self.pace.rounds)))
            )
            version = self.versions[names[0]] + 1
            if len({self.versions[name] for name in names}) > 1:
                names = names[0]
            wording = self.chance.choices(["", "甲", "?"], [8, 2, 1])[0]
            found.append(filing(names, version, wording))
            if not self.chance.random() < 0.1:  # else somebody else will want the same version
                for name in names:
                    self.versions[name] = version
        return found

    def submit(self) -> None:
        for signed in self.offer():
            self.network.know(signed)
            digest = self.digest(signed)

            def hand_in(signed: SignedBatch = signed, digest: str = digest) -> None:
                receipt = self.outbox.submit(signed)
                assert receipt.id == digest
                self.acknowledged.add(digest)

            well = self.attempt("submit", hand_in)
            names = ",".join(str(next(iter(one.values()))) for one in signed.batch.values)
            version = signed.batch.values[0]["version"]
            self.note(
                f"  hand in {digest[:10]} {names} v{version}: {'acknowledged' if well else 'no answer'}"
            )

    def work(self) -> None:
        for _ in range(self.chance.choice([1, 1, 1, 3])):
            well = self.attempt("work", self.do_round)
            self.look()
            self.note(f"  a round of duty {'went well' if well else 'did not end'}")
            self.machine.clock.sleep(self.chance.choice([0.2, 1, 6]))

    def do_round(self) -> None:
        """What an office on duty does, again and again."""
        self.outbox.pump()
        self.mirror.catch_up()
        with self.shop.mirror.connect() as connection:
            confirm(self.outbox, connection)

    def mine(self) -> None:
        for _ in range(self.chance.choice([1, 1, 1, 3])):
            self.network.seal_waiting()
        if self.chance.random() < 0.03:
            self.network.mine(300)
        head = self.network.chain[-1]
        self.note(
            f"  block {head.ref.number}, {head.size} leaves, {len(self.network.pool)} waiting"
        )

    def reorganise(self) -> None:
        newest = len(self.network.chain) - 1
        deep = self.chance.choice([1, 2, 5, newest])
        after = max(1, newest - deep)
        lost = {one for one in sorted(self.network.mined) if self.chance.random() < 0.3}
        self.forks += 1
        self.network.reorganise(after, b"fork %d" % self.forks, lost)
        for _ in range(self.chance.choice([0, 1, newest - after + 1])):
            self.network.seal_waiting()
        head = self.network.chain[-1]
        self.note(f"  blocks after {after} are replaced; now {head.ref.number}, {head.size} leaves")

    def kill_soon(self) -> None:
        ahead = int(self.chance.paretovariate(0.6)) + 1
        self.machine.kill_at = self.machine.points + min(ahead, 200)
        self.note(f"  kill -9 in {min(ahead, 200)} points")

    def restart(self) -> None:
        self.attempt("close", self.outbox.close)
        self.stop()
        self.start()
        self.note("  restarted")

    def set_clock(self) -> None:
        seconds = self.chance.choice([-86_400, -3600, -40, 40, 3600, 86_400])
        self.machine.clock.jump(seconds)
        self.note(f"  the clock jumps by {seconds} s")

    def trouble_disk(self) -> None:
        machine = self.machine
        machine.disk_full = self.chance.random() < 0.4
        machine.disk_slow = self.chance.choice([0, 0, 0.5, 20])
        machine.disk_errors = self.chance.choice([0, 0, 0.02, 0.2])
        self.note(
            f"  disk: full {machine.disk_full}, slow {machine.disk_slow} s, "
            f"errors {machine.disk_errors}"
        )

    def trouble_node(self) -> None:
        node = self.node
        node.errors = self.chance.choice([0, 0.05, 0.3])
        node.behind = self.chance.choice([0, 0, 1, 3])
        node.drops = self.chance.choice([0, 0, 0.1, 1])
        node.repeats = self.chance.choice([0, 0, 0.2])
        node.prunes = self.chance.random() < 0.2
        self.note(
            f"  node: errors {node.errors}, behind {node.behind}, drops {node.drops}, "
            f"repeats {node.repeats}, prunes {node.prunes}"
        )

    def move_meanwhile(self) -> None:
        moves = [self.reorganise, self.mine, self.mine]
        self.node.moves = [self.chance.choice(moves) for _ in range(self.chance.randint(1, 3))]
        self.note(f"  the chain will move {len(self.node.moves)} times while it is asked")

    def heal(self) -> None:
        self.machine.disk_full, self.machine.disk_slow, self.machine.disk_errors = False, 0, 0
        self.machine.kill_at = None
        node = self.node
        node.errors = node.drops = node.repeats = 0.0
        node.behind, node.prunes, node.moves = 0, False, []
        self.note("  all is well again")

    def save(self) -> None:
        """Remember the mirror's file: what a power cut may leave of it later."""
        self.stop()
        self.saved = self.shop.place / "saved.db"
        shutil.copyfile(self.shop.place / "mirror.db", self.saved)
        self.start()
        self.note("  the mirror's file is as safe as it will be for a while")

    def cut_power(self) -> None:
        """A mirror is not synced at every commit: an older state of it comes back, or nothing."""
        self.stop()
        older = self.saved if self.chance.random() < 0.7 else None
        shutil.copyfile(older or self.shop.empty / "mirror.db", self.shop.place / "mirror.db")
        self.start()
        self.note(f"  the power is cut; the mirror {'falls back' if older else 'is lost'}")

    def rival(self) -> None:
        """Another office records the same batch, or another one for the same version."""
        waiting = self.outbox_ids(State.ACCEPTED, State.SENT)
        batches = [one for one in self.network.batches.values() if self.digest(one) in waiting]
        if not batches:
            return
        signed = self.chance.choice(batches)
        if self.chance.random() < 0.5 and signed.batch.struct.name == "Filing":
            names = "".join(str(one["code"])[-1] for one in signed.batch.values)
            signed = filing(names, int(str(signed.batch.values[0]["version"])), "乙")
        if self.network.refusal(signed) is None:
            self.network.by_digest[bytes.fromhex(self.digest(signed)[2:])] = b"\7" * 32
            self.network.record(signed)
            self.note(f"  another office records {self.digest(signed)[:10]}")

    def outbox_ids(self, *states: State) -> set[str]:
        with self.shop.desk.connect() as conn:
            found = conn.execute(select(RECEIPT.c.id).where(RECEIPT.c.state.in_(states)))
            return set(found.scalars())

    @staticmethod
    def digest(signed: SignedBatch) -> str:
        return "0x" + digest_of(signed).hex()

    # The end.

    def settle(self) -> None:
        """With nothing failing any more, everything must come to rest, and soon."""
        self.network.mine(max(1, self.network.highest + 2 - len(self.network.chain)))
        self.stop()
        self.start()
        problem: BaseException | None = None
        for _ in range(QUIET_ROUNDS):
            self.machine.restless = 0
            try:
                self.do_round()
                problem = None
            except TOLD as trouble:
                problem = trouble
            if self.network.pool or self.outbox_ids(State.ACCEPTED, State.SENT):
                self.network.seal_waiting()
            elif problem is None and self.is_done():
                return
            self.machine.clock.sleep(5)
        waiting = [_told(one) for one in self.outbox.receipts() if one.state not in DONE]
        raise self.failed(
            f"it does not come to rest: {problem or 'the mirror goes on'}; waiting are {waiting}"
        )

    def is_done(self) -> bool:
        with self.shop.mirror.connect() as conn:
            at = conn.execute(select(tables.cursor.c.block_hash)).scalar_one()
        return at == self.network.chain[-1].ref.hash and not self.outbox_ids(State.RECORDED)

    def judge(self) -> None:
        """Every table of the mirror, and every receipt, against the chain."""
        with self.shop.mirror.connect() as conn:
            found = truth.differences(conn, self.network)
        found += self.wrong_receipts()
        lacking = missing(self.shop.mirror, late_indexes([]))
        found += [f"the mirror lacks index {index.name}" for index in lacking]
        if self.whole:
            report = self.mirror.verify()
            found += [one.en for one in report.findings]
        if found:
            raise self.failed("; ".join(found[:6]))

    def wrong_receipts(self) -> list[str]:
        on_chain = {row[2]: row for row in truth.authorisations(self.network.chain)}
        receipts = {one.id: one for one in self.outbox.receipts(limit=10_000)}
        found = [
            f"{digest[:10]} was acknowledged, and is forgotten"
            for digest in sorted(self.acknowledged - receipts.keys())
        ]
        for receipt in receipts.values():
            row = on_chain.get(bytes.fromhex(receipt.id[2:]))
            where = None if row is None else (row[0], row[10])
            told = (receipt.first_index, receipt.block_number)
            if receipt.state is State.REFUSED:
                if row is not None:
                    found.append(f"{_told(receipt)}, and stands at leaf {row[0]}")
                if receipt.error is None:
                    found.append(f"{_told(receipt)} without a reason")
            elif row is None:
                found.append(f"{_told(receipt)}, and is not on the ledger")
            elif where != told:
                found.append(f"{_told(receipt)} at {told}, and stands at {where}")
        return found

    def failed(self, problem: str) -> Failed:
        return Failed(
            f"seed {self.seed}: {problem}\nto see it again: python -m tests.faults {self.seed}"
            + (" --long" if self.pace is LONG else "")
        )


DONE = (State.VERIFIED, State.REFUSED)


def _told(receipt: Receipt) -> str:
    return f"{receipt.id[:10]} is {receipt.state}" + (f" ({receipt.note})" if receipt.note else "")


def deployment_of(network: Network) -> Deployment:
    """What an office knows of the simulated log."""
    first = network.chain[1].ref
    return Deployment(
        chain_id=network.chain_id,
        access_manager="0x" + "00" * 20,
        admin=network.genesis.text,
        admin_delay=0,
        log="0x" + network.log_address.hex(),
        registries={name: "0x" + each.hex() for name, each in network.registries.items()},
        genesis_authority=network.genesis.text,
        deploy_block=first.number,
        deploy_block_hash="0x" + first.hash.hex(),
    )


ACTS: dict[Callable[[Run], None], int] = {
    Run.submit: 12,
    Run.work: 16,
    Run.mine: 12,
    Run.reorganise: 4,
    Run.kill_soon: 4,
    Run.restart: 1,
    Run.set_clock: 2,
    Run.trouble_disk: 2,
    Run.trouble_node: 3,
    Run.move_meanwhile: 2,
    Run.heal: 3,
    Run.save: 1,
    Run.cut_power: 1,
    Run.rival: 2,
}
"""What may happen, and how often compared with the rest."""
OFTENER: dict[Callable[[Run], None], int] = {Run.save: 3, Run.cut_power: 3, Run.trouble_node: 7}
"""What short runs have more of: it takes two to meet, or seldom does harm."""
TROUBLES = (Run.save, Run.kill_soon, Run.trouble_disk, Run.trouble_node, Run.move_meanwhile)
"""What may be amiss from the beginning."""


def play(run: Run, steps: int | None = None) -> None:
    """Play a run of so many steps, or as its pace has it; raises :class:`Failed`. What happened is
    in ``machine.trace``."""
    try:
        run.play(steps or run.chance.choice(run.pace.steps))
    except Failed:
        raise
    except (Exception, RestlessError) as problem:
        run.machine.note("".join(traceback.format_exception(problem)[-3:]))
        raise run.failed(f"{type(problem).__name__}: {problem}") from problem
