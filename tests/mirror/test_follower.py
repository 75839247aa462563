"""Following a log into SQL: what arrives, what is refused, and what happens when a chain changes
its mind.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from ledger.chain.interface import ChainError, RawLog
from ledger.merkle import Frontier, root_at
from ledger.mirror import flags, queries, tables
from ledger.mirror.errors import ForeignLogError, MismatchError
from ledger.mirror.follower import Follower
from ledger.statements import sha256
from ledger.store.engine import open_database
from tests.mirror.world import HEALTH, NOTES, SCHOOLS, District, Notes, with_notes
from tests.simulator import SimulatedChain, altered, recorded_index, statement_of


def everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the mirror."""
    with engine.connect() as conn:
        return {
            table.name: sorted(map(tuple, conn.execute(select(table))), key=repr)
            for table in (*tables.CORE, NOTES)
        }


def names(engine: Engine, as_of: int | None = None) -> dict[str, str]:
    with engine.connect() as conn:
        size = queries.size_of(conn) if as_of is None else as_of
        rows = conn.execute(
            select(NOTES.c.code, NOTES.c.name).where(
                NOTES.c.leaf_from < size,
                (NOTES.c.leaf_until.is_(None)) | (NOTES.c.leaf_until >= size),
            )
        )
        return {row.code: row.name for row in rows}


def test_the_mirror_holds_what_was_said(district: District, follower: Follower) -> None:
    first = district.file("beds", "staff")
    sim = district.sim
    cursor = follower.catch_up()
    assert (cursor.size, cursor.root) == (8, sim.root)
    with follower.engine.connect() as conn:
        said = [
            statement_of(event)
            for block in sim.chain
            for event in block.logs
            if recorded_index(event) is not None
        ]
        assert queries.statements(conn, 0, 100) == said
        assert queries.statement_at(conn, first) == said[first]
        vouched = queries.authorisation_of(conn, first + 1)
        assert (vouched.first_index, vouched.count) == (first, 2)
        assert vouched.signer == district.steward.address
        assert queries.authorisations_with(conn, vouched.digest) == [vouched]
        assert queries.recorded(conn, first).block_number == sim.chain[-1].ref.number
        assert flags.flags(conn) == []
    assert names(follower.engine) == {
        f"{HEALTH}/beds": "数据 beds",
        f"{HEALTH}/staff": "数据 staff",
    }


def test_an_empty_log_is_mirrored_as_empty(follower: Follower) -> None:
    cursor = follower.catch_up()
    assert (cursor.size, cursor.root) == (0, sha256(b""))
    with follower.engine.connect() as conn:
        assert queries.checkpoint(conn).size == 0


def test_steps_of_any_length_end_in_the_same_rows(
    district: District, sqlite_engine: Engine, tmp_path: object
) -> None:
    sim = district.sim
    for number in range(300):
        district.file(f"e{number % 40}", f"f{number}")
    at_once = Follower(sqlite_engine, sim, sim.origin, [Notes()])
    at_once.catch_up()
    other = with_notes(open_database(f"sqlite:///{tmp_path}/other.db", "mirror"))
    cautious = Follower(other, sim, sim.origin, [Notes()])
    sim.max_log_range = 7
    cautious.catch_up()
    ours, theirs = everything(sqlite_engine), everything(other)
    ours.pop("block")
    theirs.pop("block")
    assert ours == theirs
    other.dispose()


def test_the_tree_in_the_tiles_is_the_log_s_tree_at_every_size(
    district: District, sqlite_engine: Engine
) -> None:
    sim = district.sim
    follower = Follower(sqlite_engine, sim, sim.origin)
    frontier, roots = Frontier(), []
    for number in range(30):
        district.file(*(f"{number}-{i}" for i in range(1 + number * 2)))
        follower.catch_up()
    with sqlite_engine.connect() as conn:
        size = queries.size_of(conn)
        subtree = queries.tree(conn)
        for statement in queries.statements(conn, 0, size):
            frontier.append(statement.leaf_hash(sim.log))
            roots.append(frontier.root())
        assert size > 800
        assert [root_at(n + 1, subtree) for n in range(size)] == roots
        assert queries.checkpoint(conn, 300).root == "0x" + roots[299].hex()


@pytest.mark.usefixtures("district")
def test_following_again_changes_nothing(follower: Follower) -> None:
    follower.catch_up()
    before = everything(follower.engine)
    assert follower.catch_up().size == 6
    assert everything(follower.engine) == before


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"not json", "body: not JSON"),
        (b'{"name": "spaced"}', "body: not in canonical form"),
        (b'["a list"]', "body: not a JSON object"),
        (b'{"code":"x"}', "body/name: missing"),
    ],
)
def test_a_malformed_body_is_kept_flagged_and_never_projected(
    district: District, follower: Follower, raw: bytes, reason: str
) -> None:
    leaf = district.file("odd", raw=raw)
    district.file("even")
    follower.catch_up()
    with follower.engine.connect() as conn:
        assert queries.statement_at(conn, leaf).body == raw
        (flag,) = flags.flags(conn)
        assert flag.index == leaf
        assert flag.reason.startswith(reason)
        assert flags.flags_of(conn, leaf) == [flag]
    assert names(follower.engine) == {f"{HEALTH}/even": "数据 even"}


def test_a_reorganisation_is_followed_and_leaves_no_trace(
    district: District, follower: Follower, tmp_path: object
) -> None:
    sim = district.sim
    district.file("kept", "renamed")
    fork = sim.chain[-1].ref.number
    versions = dict(district.versions)
    district.file("renamed", body={"code": f"{HEALTH}/renamed", "name": "first"})
    district.file("lost", raw=b"malformed as well")
    sim.mine(3)
    assert follower.catch_up().size == 10
    sim.fork(fork)
    district.versions = versions
    sim.mine(2)
    district.file("renamed", body={"code": f"{HEALTH}/renamed", "name": "second"})
    sim.mine(6)
    assert follower.catch_up().root == sim.root
    assert names(follower.engine) == {f"{HEALTH}/kept": "数据 kept", f"{HEALTH}/renamed": "second"}
    fresh = with_notes(open_database(f"sqlite:///{tmp_path}/fresh.db", "mirror"))
    Follower(fresh, sim, sim.origin, [Notes()]).catch_up()
    assert everything(fresh) == everything(follower.engine)
    fresh.dispose()


def test_a_reorganisation_to_the_same_height_is_noticed(
    district: District, follower: Follower
) -> None:
    sim = district.sim
    fork = sim.chain[-1].ref.number
    versions = dict(district.versions)
    district.file("one")
    follower.catch_up()
    sim.fork(fork)
    district.versions = versions
    district.file("other")
    follower.catch_up()
    assert list(names(follower.engine)) == [f"{HEALTH}/other"]


def test_a_reorganisation_between_two_questions_is_noticed(
    district: District, follower: Follower
) -> None:
    sim = district.sim
    follower.catch_up()
    fork = sim.chain[-1].ref.number
    versions = dict(district.versions)
    district.file("one")

    def happens() -> None:
        sim.fork(fork)
        district.versions = dict(versions)
        district.file("other")

    sim.faults.after_logs = happens
    assert follower.catch_up().root == sim.root
    assert list(names(follower.engine)) == [f"{HEALTH}/other"]


def test_rows_stay_while_the_replacement_cannot_be_had(
    district: District, follower: Follower
) -> None:
    sim = district.sim
    fork = sim.chain[-1].ref.number
    district.file("one")
    follower.catch_up()
    before = everything(follower.engine)
    sim.fork(fork)
    sim.mine(2)
    sim.faults.most_events = -1
    with pytest.raises(ChainError, match="more than -1 results"):
        follower.catch_up()
    assert everything(follower.engine) == before
    sim.faults.most_events = None
    assert follower.catch_up().size == 6


def test_a_node_that_is_behind_is_waited_for(district: District, follower: Follower) -> None:
    sim = district.sim
    district.file("one")
    sim.mine(5)
    at = follower.catch_up()
    whole = sim.chain
    sim.chain = whole[:-3]
    assert follower.catch_up() == at
    sim.chain = whole
    district.file("two")
    assert follower.catch_up().size == at.size + 1


def test_a_chain_that_ends_earlier_with_other_blocks_replaces_them(
    district: District, follower: Follower
) -> None:
    sim = district.sim
    fork = sim.chain[-1].ref.number
    district.file("one")
    sim.mine(10)
    follower.catch_up()
    sim.fork(fork)
    sim.mine(4)
    assert follower.catch_up().size == 6
    assert names(follower.engine) == {}


def drop(leaf: int):
    return lambda events: [event for event in events if recorded_index(event) != leaf]


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("leaf", [6, 8, 11])
def test_a_dropped_event_is_named(district: District, follower: Follower, leaf: int) -> None:
    district.file("a", "b")
    district.file("c", "d", "e")
    district.file("f")
    district.sim.faults.logs = drop(leaf)
    with pytest.raises(MismatchError, match=f"leaf {leaf} is missing") as caught:
        follower.catch_up()
    assert caught.value.leaf == leaf
    district.sim.faults.logs = None
    assert follower.catch_up().root == district.sim.root


@pytest.mark.usefixtures("no_pause")
def test_a_dropped_block_of_events_at_the_end_is_named(
    district: District, follower: Follower
) -> None:
    district.file("a")
    leaf = district.file("b")
    last = district.sim.chain[-1].ref.number
    district.sim.faults.logs = lambda events: [
        event for event in events if event.block_number != last
    ]
    with pytest.raises(MismatchError, match=f"leaf {leaf}: the contract has 8 leaves") as caught:
        follower.catch_up()
    assert caught.value.leaf == leaf


def test_a_node_that_silently_reads_ten_blocks_only_is_still_followed(
    district: District, follower: Follower
) -> None:
    for number in range(60):
        district.file(f"e{number}")

    def first_ten_blocks(events: list[RawLog]) -> list[RawLog]:
        seen = sorted({event.block_number for event in events})[:10]
        return [event for event in events if event.block_number in seen]

    district.sim.faults.logs = first_ten_blocks
    assert follower.catch_up().root == district.sim.root


def test_a_node_that_repeats_events_is_followed(district: District, follower: Follower) -> None:
    district.file("a", "b")
    district.sim.faults.logs = lambda events: [*events, *events[-2:]]
    assert follower.catch_up().root == district.sim.root


def test_a_passing_fault_heals_by_itself(district: District, follower: Follower) -> None:
    district.file("a")
    answers = iter([drop(3)])

    def once(events: list[RawLog]) -> list[RawLog]:
        return next(answers, list)(events)

    district.sim.faults.logs = once
    assert follower.catch_up().root == district.sim.root


CHANGES = {
    "subject": bytes(32),
    "version": 7,
    "org": bytes(32),
    "signer": bytes(20),
    "authorisation": bytes(32),
    "recorded_at": 1,
    "payload": b"\1" * 288,
    "body_digest": bytes(32),
    "body": b"{}",
    "kind": "quality.score",
}


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("field", CHANGES)
def test_an_altered_event_stops_the_mirror_at_its_leaf(
    district: District, follower: Follower, field: str
) -> None:
    district.file("a")
    leaf = district.file("b")
    district.file("c")
    district.sim.faults.logs = lambda events: [
        altered(event, **{field: CHANGES[field]}) if recorded_index(event) == leaf else event
        for event in events
    ]
    with pytest.raises(MismatchError, match=f"leaf {leaf}") as caught:
        follower.catch_up()
    assert caught.value.leaf == leaf
    with follower.engine.connect() as conn:
        assert queries.size_of(conn) == leaf


def with_data(event: RawLog, data: bytes) -> RawLog:
    return RawLog(
        event.topics,
        data,
        event.block_number,
        event.block_hash,
        event.transaction_hash,
        event.log_index,
    )


def set_byte(at: int, value: int):
    return lambda data: data[:at] + bytes([value]) + data[at + 1 :]


ILL_ENCODED = {
    "a version of more than 63 bits": set_byte(24, 0x80),
    "dirty bits before a version": set_byte(0, 1),
    "dirty bits before an address": set_byte(64, 1),
    "dirty bits before a time": set_byte(150, 1),
    "a payload elsewhere": set_byte(191, 0x20),
    "a body elsewhere": set_byte(255, 0x20),
    "a payload longer than the data": set_byte(286, 0xFF),
    "data cut short": lambda data: data[:-32],
    "next to no data": lambda data: data[:128],
    "data with a tail": lambda data: data + bytes(32),
}


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("how", ILL_ENCODED)
def test_an_ill_encoded_event_stops_the_mirror_at_its_leaf(
    district: District, sqlite_engine: Engine, how: str
) -> None:
    leaf = district.file("a")
    change = ILL_ENCODED[how]
    district.sim.faults.logs = lambda events: [
        with_data(event, change(event.data)) if recorded_index(event) == leaf else event
        for event in events
    ]
    follower = Follower(sqlite_engine, district.sim, district.sim.origin)
    with pytest.raises(MismatchError, match=f"leaf {leaf} in block") as caught:
        follower.catch_up()
    assert caught.value.leaf == leaf


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("at", [31, 63, 64, 127, 160, 191])
def test_an_ill_encoded_authorisation_stops_the_mirror_at_its_first_leaf(
    district: District, sqlite_engine: Engine, at: int
) -> None:
    leaf = district.file("a", "b")
    block = district.sim.chain[-1].ref.number

    def change(event: RawLog) -> RawLog:
        if event.block_number != block or recorded_index(event) is not None:
            return event
        return with_data(event, set_byte(at, event.data[at] ^ 1)(event.data))

    district.sim.faults.logs = lambda events: [change(event) for event in events]
    follower = Follower(sqlite_engine, district.sim, district.sim.origin)
    with pytest.raises(MismatchError) as caught:
        follower.catch_up()
    assert caught.value.leaf == leaf


@pytest.mark.usefixtures("no_pause")
def test_a_lying_root_stops_the_mirror_and_changes_nothing(
    district: District, follower: Follower
) -> None:
    follower.catch_up()
    before = everything(follower.engine)
    leaf = district.file("a")
    district.sim.faults.root = bytes(32)
    with pytest.raises(MismatchError, match=f"leaf {leaf} is not what was recorded"):
        follower.catch_up()
    assert everything(follower.engine) == before


def test_a_node_without_old_state_is_compared_at_its_newest_block(
    district: District, follower: Follower
) -> None:
    sim = district.sim
    for number in range(100):
        district.file(f"e{number}")
    sim.max_log_range = 10
    sim.faults.oldest_state = len(sim.chain) - 3
    steps: list[int] = []
    cursor = follower.catch_up(on_step=lambda step: steps.append(step.size))
    assert cursor.root == sim.root
    assert steps == [106]


def test_a_node_without_old_state_and_with_a_fault_says_what_it_cannot_tell(
    district: District, follower: Follower
) -> None:
    sim = district.sim
    for number in range(30):
        district.file(f"e{number}")
    sim.max_log_range = 5
    sim.faults.oldest_state = len(sim.chain) - 1
    sim.faults.logs = lambda events: [
        altered(event, recorded_at=1) if recorded_index(event) == 9 else event for event in events
    ]
    with pytest.raises(MismatchError, match="ask one that does") as caught:
        follower.catch_up()
    assert caught.value.leaf == 0


def test_a_node_that_limits_its_answers_is_asked_for_less(
    district: District, follower: Follower
) -> None:
    for number in range(50):
        district.file(f"e{number}")
    district.sim.faults.most_events = 9
    assert follower.catch_up().root == district.sim.root


def test_a_chain_with_another_id_is_refused(district: District, follower: Follower) -> None:
    other = replace(district.sim.origin, log=replace(district.sim.log, chain_id=1))
    stranger = Follower(follower.engine, district.sim, other)
    with pytest.raises(ForeignLogError, match="has chain id 31337, the log is on chain 1"):
        stranger.catch_up()


def test_a_chain_with_another_history_is_refused(district: District, follower: Follower) -> None:
    follower.catch_up()
    sim = SimulatedChain(District.genesis, salt=b"another")
    District(sim).found()
    before = everything(follower.engine)
    with pytest.raises(ForeignLogError, match="another chain with the same id"):
        Follower(follower.engine, sim, district.sim.origin).catch_up()
    assert everything(follower.engine) == before


def test_a_chain_rewritten_from_its_beginning_is_refused_while_following(
    district: District, follower: Follower
) -> None:
    follower.catch_up()
    district.sim.fork(0)
    district.sim.mine(40)
    with pytest.raises(ForeignLogError, match="its history was rewritten"):
        follower.catch_up()


def test_a_database_of_another_log_is_refused(district: District, follower: Follower) -> None:
    follower.catch_up()
    origin = district.sim.origin
    other = replace(origin, log=replace(origin.log, address=bytes(20)))
    with pytest.raises(ForeignLogError, match="this database mirrors log"):
        Follower(follower.engine, district.sim, other).catch_up()


def test_an_address_without_a_contract_is_refused(sim: SimulatedChain, engine: Engine) -> None:
    origin = sim.origin
    other = replace(origin, log=replace(origin.log, address=b"\1" * 20))
    with pytest.raises(ForeignLogError, match="there is no contract at 0x0101"):
        Follower(engine, sim, other).catch_up()


def test_two_followers_on_one_database_do_no_harm(district: District, database_url: str) -> None:
    sim = district.sim
    for number in range(120):
        district.file(f"e{number}")
    sim.max_log_range = 3
    engine = with_notes(open_database(database_url, "mirror"))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            Follower(engine, sim, sim.origin, [Notes()]).catch_up()
        except BaseException as error:  # noqa: BLE001  (handed to the test's own thread)
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with engine.connect() as conn:
        cursor = queries.cursor_of(conn)
        assert cursor is not None
        assert (cursor.size, cursor.root) == (126, sim.root)
        assert len(queries.statements(conn, 0, 1000)) == 126
    engine.dispose()


def test_following_keeps_up_until_it_is_stopped(district: District, follower: Follower) -> None:
    stop, seen = threading.Event(), threading.Event()
    sizes: list[int] = []

    def on_step(cursor: queries.Cursor) -> None:
        sizes.append(cursor.size)
        if cursor.size == 8:
            seen.set()

    thread = threading.Thread(target=follower.follow, args=(stop, on_step, 0.01))
    thread.start()
    district.file("a")
    district.file("b", organisation=SCHOOLS)
    assert seen.wait(20)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert sizes[-1] == 8


def test_following_waits_for_a_chain_that_is_gone(
    district: District, follower: Follower, caplog: pytest.LogCaptureFixture
) -> None:
    stop, seen = threading.Event(), threading.Event()
    district.sim.faults.unreachable = True
    thread = threading.Thread(target=follower.follow, args=(stop, lambda _: seen.set(), 0.01))
    thread.start()
    while "simulator cannot be reached" not in caplog.text:
        assert not stop.wait(0.01)
    district.sim.faults.unreachable = False
    assert seen.wait(20)
    stop.set()
    thread.join(20)
