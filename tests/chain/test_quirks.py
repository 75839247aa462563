"""Nodes that are worse than they look, one test each: every one is survived, or found out and named.

None makes a wrong mirror: all its tables equal those that came straight from the node, or it holds an earlier
state of the log and says why it goes no further.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, select

from ledger.capabilities import PROJECTIONS
from ledger.chain import probe
from ledger.chain.deployment import Deployment
from ledger.chain.interface import ChainError
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.node_faults import NotAChain
from ledger.mirror import Mirror, tables
from ledger.mirror.errors import ForeignLogError, MismatchError
from ledger.mirror.origin import Origin
from ledger.mirror.side_by_side import derived_tables
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain.conftest import new_log
from tests.chain.proxy import DROP, Answer, Proxy, calls, proxy_for
from tests.chain.test_jsonrpc import JSON, refuse_wide, scan_first_ten, send
from tests.chain_nodes import anvil_node, rpc

COMPARED = (
    tables.statement,
    tables.authorisation,
    tables.tree_tile,
    tables.cursor,
    *derived_tables(PROJECTIONS),
)
Rows = dict[str, list[tuple[object, ...]]]


class World(NamedTuple):
    """A ledger on an anvil: batches in every fourth block. ``empty`` is a mirror that holds nothing."""

    url: str
    deployment: Deployment
    empty: Path
    truth: Rows

    def chain(self, url: str | None = None, timeout: float = 5) -> JsonRpcChain:
        return JsonRpcChain(url or self.url, tries=4, pause=0.001, timeout=timeout)


def rows_of(engine: Engine) -> Rows:
    with engine.connect() as conn:
        return {
            table.name: sorted(map(tuple, conn.execute(select(table))), key=repr)
            for table in COMPARED
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    empty = tmp_path_factory.mktemp("quirks") / "empty.db"
    open_database(f"sqlite:///{empty}", "mirror").dispose()
    with anvil_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        send(chain, deployment, district.root_organisation(deployment))
        send(chain, deployment, district.keys(deployment))
        for number in range(8):
            rpc(url, "anvil_mine", hex(3))
            send(chain, deployment, district.filing(deployment, f"310/{number:06}"))
        made = World(url, deployment, empty, {})
        engine = fresh(made, tmp_path_factory.mktemp("truth"))
        Mirror(engine, chain, Origin.of(deployment), PROJECTIONS).catch_up()
        yield made._replace(truth=rows_of(engine))
        engine.dispose()


def fresh(world: World, place: Path) -> Engine:
    shutil.copyfile(world.empty, place / "mirror.db")
    return open_database(f"sqlite:///{place / 'mirror.db'}", "mirror")


@pytest.fixture
def engine(world: World, tmp_path: Path) -> Iterator[Engine]:
    made = fresh(world, tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    with proxy_for(world.url) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.mirror.follower.PAUSE_SECONDS", 0)


def mirror_of(world: World, engine: Engine, chain: JsonRpcChain) -> Mirror:
    return Mirror(engine, chain, Origin.of(world.deployment), PROJECTIONS)


def survives(world: World, engine: Engine, proxy: Proxy, timeout: float = 5) -> probe.Capabilities:
    """The mirror that comes through the proxy is the true one; returns what the probe says of the node."""
    with world.chain(proxy.url, timeout) as chain:
        mirror_of(world, engine, chain).catch_up()
        assert rows_of(engine) == world.truth
        return probe.probe(chain, world.deployment)


def refusing(*methods: str) -> Callable[[Any], Answer | None]:
    """A node that does not know some methods."""

    def before(question: Any) -> Answer | None:
        if isinstance(question, list) or question["method"] not in methods:
            return None
        return failure(question, -32601, "method not found")

    return before


def failure(question: Any, code: int, message: str) -> Answer:
    body = {"jsonrpc": "2.0", "id": question["id"], "error": {"code": code, "message": message}}
    return 200, JSON, json.dumps(body).encode()


class Now:
    """Picks every so manieth question, each only the first time it is asked: what is asked again is answered.

    Several threads ask at once, so that counting alone would let one of them fail time and again.
    """

    def __init__(self, share: int) -> None:
        self.share = share
        self.picked = 0
        self._asked: set[str] = set()

    def and_then(self, question: Any) -> bool:
        calls = question if isinstance(question, list) else [question]
        told = json.dumps([(call.get("method"), call.get("params")) for call in calls])
        if told in self._asked:
            return False
        self._asked.add(told)
        now = len(self._asked) % self.share == 0
        self.picked += now
        return now


def each(share: int, answer: Callable[[], Answer]) -> Callable[[Any], Answer | None]:
    """Every so many requests are answered otherwise."""
    now = Now(share)
    return lambda question: answer() if now.and_then(question) else None


def test_fisco_scans_ten_blocks_and_says_nothing(
    world: World, engine: Engine, proxy: Proxy
) -> None:
    proxy.after = scan_first_ten
    found = survives(world, engine, proxy)
    assert (found.log_range_limited, found.log_range_silent) == (True, True)
    assert "without an error" in dict(found.words("en"))["getLogs range"]
    assert "无提示截断" in dict(found.words("zh"))["事件查询范围"]


def test_fisco_lacks_methods(world: World, engine: Engine, proxy: Proxy) -> None:
    proxy.before = refusing("eth_feeHistory", "eth_getProof", "eth_getBlockReceipts")
    found = survives(world, engine, proxy)
    for name in ("eth_feeHistory", "eth_getProof", "eth_getBlockReceipts"):
        assert dict(found.words("en"))[name] == "no"
        assert dict(found.words("zh"))[name] == "不支持"


def test_fisco_spells_keys_in_lower_case(world: World, engine: Engine, proxy: Proxy) -> None:
    def lower(question: Any, answer: Any) -> Any:
        if calls(question, "eth_getLogs"):
            for row in answer["result"]:
                row["blockhash"] = row.pop("blockHash")
        return answer

    proxy.after = lower
    survives(world, engine, proxy)


def test_a_chain_id_of_zero_is_refused_and_named(
    world: World, engine: Engine, proxy: Proxy
) -> None:
    proxy.after = lambda question, answer: (
        {**answer, "result": "0x0"} if calls(question, "eth_chainId") else answer
    )
    with world.chain(proxy.url) as chain:
        with pytest.raises(ForeignLogError, match="chain id 0"):
            mirror_of(world, engine, chain).catch_up()
        found = probe.probe(chain)
    assert "chain id is 0" in found.obstacles("en")[0]
    assert "链标识为 0" in found.obstacles("zh")[0]
    assert not rows_of(engine)["statement"]


def test_besu_refuses_wide_ranges(world: World, engine: Engine, proxy: Proxy) -> None:
    proxy.before = refuse_wide(12)
    found = survives(world, engine, proxy)
    assert (found.log_range_limited, found.log_range_silent) == (True, False)
    assert found.log_range <= 12
    assert "wider ranges fail" in dict(found.words("en"))["getLogs range"]


def test_besu_knows_no_finalized_block(world: World, engine: Engine, proxy: Proxy) -> None:
    def before(question: Any) -> Answer | None:
        if not isinstance(question, list) and question["params"][:1] == ["finalized"]:
            return failure(question, -39001, "Unknown block")
        return None

    proxy.before = before
    found = survives(world, engine, proxy)
    assert dict(found.words("en"))["finality"] == "newest block counts as final"
    assert dict(found.words("zh"))["最终性"] == "最新区块即视为最终"


def test_a_batch_that_is_too_long_is_halved(world: World, engine: Engine, proxy: Proxy) -> None:
    proxy.before = lambda question: (
        (413, {}, b"") if isinstance(question, list) and len(question) > 8 else None
    )
    found = survives(world, engine, proxy)
    assert found.batch <= 8
    assert dict(found.words("en"))["batch"] == str(found.batch)


def test_a_gateway_limits_the_rate(world: World, engine: Engine, proxy: Proxy) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"request rate exceeded"}}'
    proxy.before = each(3, lambda: (429, JSON, body))
    survives(world, engine, proxy)


def test_a_gateway_does_not_answer_in_time(world: World, engine: Engine, proxy: Proxy) -> None:
    seen: list[Any] = []

    def slow(question: Any) -> Answer | None:
        seen.append(question)
        if len(seen) in (4, 9):
            time.sleep(0.6)
            return DROP
        return None

    proxy.before = slow
    survives(world, engine, proxy, timeout=0.5)
    assert len(seen) > 9


def test_answers_come_in_half(world: World, engine: Engine, proxy: Proxy) -> None:
    now, whole = Now(3), proxy.answer

    def cut(body: bytes) -> Answer:
        status, headers, text = whole(body)
        return status, headers, text[: len(text) // 2] if now.and_then(json.loads(body)) else text

    proxy.answer = cut  # type: ignore[method-assign]
    survives(world, engine, proxy)
    assert now.picked > 1


def test_error_pages_come_in_between(world: World, engine: Engine, proxy: Proxy) -> None:
    page = b"<html><h1>502 Bad Gateway</h1></html>"
    proxy.before = each(3, lambda: (502, {"Content-Type": "text/html"}, page))
    survives(world, engine, proxy)


def test_a_web_page_instead_of_a_node_is_named(world: World, engine: Engine, proxy: Proxy) -> None:
    with world.chain(proxy.url) as chain:
        proxy.before = lambda _: (200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")
        with pytest.raises(NotAChain, match="a web page"):
            mirror_of(world, engine, chain).catch_up()
    assert not rows_of(engine)["statement"]


class Behind:
    """A node that knows only blocks up to ``height``, and of what lies beyond says nothing."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.on = True

    def alter(self, question: Any, answer: Any) -> Any:
        if not self.on or isinstance(question, list):
            return answer
        method, result = question["method"], answer.get("result")
        if method == "eth_getLogs":
            rows = [row for row in result if int(row["blockNumber"], 16) <= self.height]
            return {**answer, "result": rows}
        if method == "eth_getBlockByNumber" and result:
            return {**answer, "result": None} if int(result["number"], 16) > self.height else answer
        return answer


def test_a_node_behind_the_others_is_waited_for(world: World, engine: Engine, proxy: Proxy) -> None:
    """A load balancer: the newest block from a node that has it, everything else from one that has not."""
    with world.chain() as direct:
        head = direct.head().number
    behind = Behind(head - 9)
    proxy.after = behind.alter
    with world.chain(proxy.url) as chain:
        chain.endpoint._batch = 1
        mirror = mirror_of(world, engine, chain)
        real = JsonRpcChain._block
        chain._block = lambda tag: real(  # type: ignore[method-assign]
            chain, hex(head - 9) if tag == "latest" and behind.on else tag
        )
        mirror.catch_up()
        part = rows_of(engine)
        assert 0 < len(part["statement"]) < len(world.truth["statement"])
        assert set(part["statement"]) < set(world.truth["statement"])
        del chain._block  # type: ignore[method-assign]
        with pytest.raises((ChainError, MismatchError)):
            mirror.catch_up()
        assert rows_of(engine)["statement"] == part["statement"]
        behind.on = False
        mirror.catch_up()
    assert rows_of(engine) == world.truth


def test_a_node_on_another_fork_is_left_again(world: World, engine: Engine, proxy: Proxy) -> None:
    """Its blocks are followed while they are the chain, and taken back without a trace."""
    before = rpc(world.url, "evm_snapshot")
    with world.chain() as writer, world.chain(proxy.url) as chain:
        mirror = mirror_of(world, engine, chain)
        send(writer, world.deployment, district.filing(world.deployment, "310/990001"))
        assert mirror.catch_up().size == len(world.truth["statement"]) + 1
        rpc(world.url, "evm_revert", before)
        before = rpc(world.url, "evm_snapshot")
        mirror.catch_up()
        rpc(world.url, "anvil_mine", "0x2")
        assert mirror.catch_up().size == len(world.truth["statement"])
    rpc(world.url, "evm_revert", before)
    found = rows_of(engine)
    for name in ("statement", "authorisation", "tree_tile", "catalogue_entry"):
        assert found[name] == world.truth[name]


def test_a_node_on_another_fork_among_others_is_noticed(
    world: World, engine: Engine, proxy: Proxy
) -> None:
    """Every other answer comes from a node that has other blocks; no mixture of both is ever kept."""
    with world.chain() as direct:
        middle = direct.head().number - 12
    count, on = [0], [True]

    def other(_: Any, answer: Any) -> Any:
        count[0] += 1
        rows = answer.get("result")
        for row in rows if isinstance(rows, list) else [rows]:
            is_event = isinstance(row, dict) and "logIndex" in row
            if on[0] and count[0] % 2 and is_event and int(row["blockNumber"], 16) > middle:
                row["blockHash"] = "0x" + "99" * 32
        return answer

    proxy.after = other
    with world.chain(proxy.url) as chain:
        mirror = mirror_of(world, engine, chain)
        with suppress(ChainError):
            mirror.catch_up()
        assert set(rows_of(engine)["statement"]) <= set(world.truth["statement"])
        on[0] = False
        mirror.catch_up()
    assert rows_of(engine)["statement"] == world.truth["statement"]
    assert rows_of(engine)["authorisation"] == world.truth["authorisation"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_node_that_drops_an_event_now_and_then_heals(
    world: World, engine: Engine, proxy: Proxy, times: int
) -> None:
    proxy.after = dropping(3, times)
    survives(world, engine, proxy)


def test_a_node_that_drops_one_event_for_good_stops_the_mirror_there(
    world: World, engine: Engine, proxy: Proxy
) -> None:
    proxy.after = dropping(5, 10_000)
    with world.chain(proxy.url) as chain, pytest.raises(MismatchError) as caught:
        mirror_of(world, engine, chain).catch_up()
    assert caught.value.leaf == 5
    assert "leaf 5" in str(caught.value)
    held = rows_of(engine)["statement"]
    assert held == [row for row in world.truth["statement"] if row[0] < len(held)]
    assert len(held) <= 5


def dropping(leaf: int, times: int) -> Callable[[Any, Any], Any]:
    """A node that leaves out the event of one leaf, so many times."""
    word = f"0x{leaf:064x}"
    left = [times]

    def after(question: Any, answer: Any) -> Any:
        if not calls(question, "eth_getLogs") or not left[0]:
            return answer
        rows = [row for row in answer["result"] if row["topics"][1:2] != [word]]
        left[0] -= len(rows) < len(answer["result"])
        return {**answer, "result": rows}

    return after
