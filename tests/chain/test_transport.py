"""The transport against what networks do: each failure is one clear error, after patience."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.chain.interface import ChainError
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.node_faults import AnswerTooLong, ChainUnavailable, NotAChain, RpcError
from ledger.chain.transport import Endpoint, place
from tests.chain.proxy import DROP, Answer, Proxy, proxy_for
from tests.chain_nodes import free_port

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def proxy(anvil: str) -> Iterator[Proxy]:
    with proxy_for(anvil) as made:
        yield made


@pytest.fixture
def endpoint(proxy: Proxy) -> Iterator[Endpoint]:
    made = Endpoint(proxy.url, tries=3, pause=0.01, timeout=5)
    yield made
    made.close()


def test_a_node_that_is_not_there_is_named_with_a_way_out() -> None:
    with pytest.raises(ChainUnavailable, match=r"127\.0\.0\.1.*start the node.*rpc_url"):
        JsonRpcChain(f"http://127.0.0.1:{free_port()}", tries=2, pause=0.01)


@pytest.mark.parametrize("url", ["127.0.0.1:8545", "ws://127.0.0.1:1", "http://", "ftp://a/b"])
def test_an_address_that_is_none_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ChainError, match="http://HOST:PORT"):
        Endpoint(url)


def test_credentials_in_an_address_are_never_shown() -> None:
    assert place("https://user:pass@node.example/v3/KEY?token=1") == "https://node.example"
    url = f"http://user:secret@127.0.0.1:{free_port()}/v3/apikey"
    with pytest.raises(ChainUnavailable) as caught:
        JsonRpcChain(url, tries=1)
    assert "secret" not in str(caught.value)
    assert "apikey" not in str(caught.value)


def test_a_web_page_is_not_taken_for_a_chain(proxy: Proxy, endpoint: Endpoint) -> None:
    proxy.before = lambda _: (200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")
    with pytest.raises(NotAChain, match=r"a web page.*rpc_url"):
        endpoint.call("eth_chainId")
    assert len(proxy.asked) == 1  # asking again would not help


@pytest.mark.parametrize("body", [b'"hello"', b'{"jsonrpc":"2.0","id":1,"result":[]', b"[1,2]"])
def test_json_that_is_no_answer_is_told_so(proxy: Proxy, endpoint: Endpoint, body: bytes) -> None:
    proxy.before = lambda _: (200, JSON, body)
    with pytest.raises(ChainError, match=r"half an answer|no JSON-RPC|no JSON"):
        endpoint.call("eth_chainId")


def test_an_error_beside_a_null_result_is_no_empty_range(proxy: Proxy) -> None:
    proxy.after = lambda _, answer: (
        answer | {"result": None, "error": {"code": -32000, "message": "no"}}
    )
    with (
        JsonRpcChain(proxy.url, tries=1, chain_id=31337) as chain,
        pytest.raises(RpcError, match="no"),
    ):
        chain.logs(bytes(20), 0, 0)


def test_an_endless_answer_is_refused_with_its_length_and_a_way_out(
    proxy: Proxy, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.chain.wire.MOST", 1 << 12)
    proxy.before = lambda _: (200, JSON, b"{" + b" " * (1 << 13))
    with pytest.raises(AnswerTooLong, match=r"127\.0\.0\.1.*8,193 bytes.*check what answers"):
        endpoint.call("eth_chainId")
    assert len(proxy.asked) == 1  # asking again would not help


def test_a_batch_with_too_long_an_answer_is_halved(
    proxy: Proxy, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.chain.wire.MOST", 1 << 12)
    pages = {"jsonrpc": "2.0", "result": "x" * 1000}

    def answers(question: Any) -> Answer:
        calls = question if isinstance(question, list) else [question]
        found = [{**pages, "id": call["id"]} for call in calls]
        return 200, JSON, json.dumps(found if isinstance(question, list) else found[0]).encode()

    proxy.before = answers
    assert len(endpoint.call_many([("eth_chainId", ())] * 16)) == 16
    assert endpoint.batch == 2


def test_half_an_answer_is_asked_for_again(proxy: Proxy, endpoint: Endpoint) -> None:
    def cut(_: object, answer: dict[str, object]) -> object:
        text = json.dumps(answer).encode()
        return (200, JSON, text[:-5]) if len(proxy.asked) < 3 else answer

    proxy.after = cut
    assert bytes(endpoint.call("eth_chainId")) == b'"0x7a69"'
    assert len(proxy.asked) == 3


def test_a_busy_node_is_given_the_time_it_asks_for(proxy: Proxy, endpoint: Endpoint) -> None:
    def busy(_: object) -> tuple[int, dict[str, str], bytes] | None:
        return (429, {"Retry-After": "1"}, b"slow down") if len(proxy.asked) < 2 else None

    proxy.before = busy
    start = time.monotonic()
    assert endpoint.call("eth_chainId")
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_node_that_stays_busy_is_unavailable(
    proxy: Proxy, endpoint: Endpoint, status: int
) -> None:
    proxy.before = lambda _: (status, {}, b"<html>later</html>")
    with pytest.raises(ChainUnavailable, match=f"busy .HTTP {status}"):
        endpoint.call("eth_chainId")
    assert len(proxy.asked) == 3


def test_a_rate_limit_told_by_json_rpc_is_waited_out_too(proxy: Proxy, endpoint: Endpoint) -> None:
    limited = {"jsonrpc": "2.0", "id": 1, "error": {"code": 429, "message": "too many"}}
    proxy.before = lambda _: (200, JSON, json.dumps(limited).encode())
    with pytest.raises(ChainUnavailable, match="busy: too many"):
        endpoint.call("eth_chainId")
    assert len(proxy.asked) == 3


def test_a_connection_that_breaks_is_made_again(proxy: Proxy, endpoint: Endpoint) -> None:
    proxy.before = lambda _: DROP if len(proxy.asked) < 3 else None
    assert endpoint.call("eth_chainId")
    proxy.before = lambda _: DROP
    with pytest.raises(ChainUnavailable, match="broke off"):
        endpoint.call("eth_chainId")


def test_a_refused_login_is_not_tried_again(proxy: Proxy, endpoint: Endpoint) -> None:
    proxy.before = lambda _: (401, {}, b"who are you?")
    with pytest.raises(ChainError, match="credentials"):
        endpoint.call("eth_chainId")
    assert len(proxy.asked) == 1


def test_a_slow_node_is_told_from_one_that_is_gone(proxy: Proxy) -> None:
    def slow(_: object) -> None:
        time.sleep(0.5)

    proxy.before = slow
    endpoint = Endpoint(proxy.url, tries=1, timeout=0.1)
    with pytest.raises(ChainUnavailable, match="does not answer in time"):
        endpoint.call("eth_chainId")
    endpoint.close()


def test_the_nodes_own_error_keeps_its_words(endpoint: Endpoint) -> None:
    with pytest.raises(RpcError) as caught:
        endpoint.call("eth_noSuchMethod")
    assert caught.value.code == -32601
    assert "eth_noSuchMethod" in str(caught.value)


@pytest.mark.parametrize("limit", [1, 7, 8])
def test_what_a_node_takes_in_one_batch_is_found_out(
    proxy: Proxy, endpoint: Endpoint, limit: int
) -> None:
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "too many"}}

    def limited(question: object) -> tuple[int, dict[str, str], bytes] | None:
        if isinstance(question, list) and len(question) > limit:
            return 200, JSON, json.dumps(refusal).encode()
        return None

    proxy.before = limited
    calls = [("eth_getBlockByNumber", [hex(0), False])] * 30
    assert len(endpoint.call_many(calls)) == 30
    assert endpoint.batch <= limit
    proxy.asked.clear()
    endpoint.call_many(calls)
    assert len(proxy.asked) == 30  # nothing was asked in vain the second time


def test_answers_of_a_batch_in_another_order_are_put_right(
    proxy: Proxy, endpoint: Endpoint
) -> None:
    proxy.after_batch = lambda answers: answers[::-1]
    first, second = endpoint.call_many([("eth_chainId", []), ("net_version", [])])
    assert (bytes(first), bytes(second)) == (b'"0x7a69"', b'"31337"')


def test_a_failing_call_of_a_batch_is_named(endpoint: Endpoint) -> None:
    with pytest.raises(RpcError, match="eth_bogus"):
        endpoint.call_many([("eth_chainId", []), ("eth_bogus", [])])
    good, bad = endpoint.call_each([("eth_chainId", []), ("eth_bogus", [])])
    assert not isinstance(good, RpcError)
    assert isinstance(bad, RpcError)
