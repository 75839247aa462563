"""A district on a consortium of five validators: killed, cut off, healed, and the same in every mirror."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.codes import Role
from ledger.demo.district import build_district
from scripts.engine.network import Network
from tests.consortium.mirrors import everything_in

SEED = 2026
LONG = 900

pytestmark = pytest.mark.timeout(LONG + 300)


def govledger(place: Path, url: str, *words: str, sender: str = "sender") -> str:
    """What a command prints; fails the test where it does not end well."""
    done = subprocess.run(
        [sys.executable, "-m", "ledger.cli", "-C", str(place), *words],
        env={**told(url, place), "GOVLEDGER_SENDER_KEY": sender},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done.stdout


def told(url: str, place: Path) -> dict[str, str]:
    passphrase = {"GOVLEDGER_PASSPHRASE_FILE": str(place / "passphrase")}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GOVLEDGER_")}
    return {**clean, "GOVLEDGER_RPC_URL": url, "GOVLEDGER_LANGUAGE": "en", **passphrase}


@pytest.fixture(scope="module")
def district(consortium: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole demo, played through validator 1 while others are killed and cut off."""
    place = tmp_path_factory.mktemp("consortium-demo") / "demo"
    plan = build_district(SEED)
    consortium.fund(payer_of(plan.private_key(plan.root.code, Role.COLLECTOR)))
    command = [sys.executable, "-m", "ledger.cli", "demo", "--no-serve", "--dir", str(place)]
    log = place.with_suffix(".log")
    with log.open("w", encoding="utf-8") as out:
        playing = subprocess.Popen(
            [*command, "--seed", str(SEED)],
            env=told(consortium.url(1), place),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            until_deployed(place, playing)
            trouble(consortium, playing)
            code = playing.wait(LONG)
        finally:
            playing.kill()
            playing.wait()
    assert code == 0, log.read_text("utf-8")[-3000:]
    return place


def payer_of(secret: bytes) -> str:
    from eth_account import Account  # noqa: PLC0415 - only this test needs it

    return str(Account.from_key(secret).address)


def until_deployed(place: Path, playing: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + LONG
    while not (place / "deployment.json").exists():
        assert playing.poll() is None, "the demo ended before its contracts stood"
        assert time.monotonic() < until
        time.sleep(0.3)


def trouble(consortium: Network, playing: subprocess.Popen[bytes]) -> None:
    """A power cut, a validator cut off, and two: blocks without finality, while the demo is being played."""
    consortium.kill(3)
    time.sleep(4)
    consortium.start(3)
    if consortium.wires is not None:
        consortium.part([4])
        time.sleep(4)
        consortium.part([])
        time.sleep(2)
        consortium.part([3, 4])
        time.sleep(3)
        before = consortium.standing(1).finalized
        time.sleep(3)
        assert consortium.standing(1).finalized == before, (
            "half of the validators made a block final"
        )
        consortium.part([])
    assert playing.poll() is None, "the demo was over before the trouble was"


def test_a_district_played_through_trouble_is_whole(district: Path, consortium: Network) -> None:
    report = json.loads(govledger(district, consortium.url(1), "mirror", "verify", "--json"))
    assert report["findings"] == []
    assert report["size"] > 800


def test_every_node_gives_the_same_mirror(
    district: Path, consortium: Network, tmp_path: Path
) -> None:
    consortium.wait(consortium.numbers, beyond=consortium.standing(1).head or 0)
    mirrors: dict[int, dict[str, str]] = {}
    for number in consortium.numbers:
        place = tmp_path / f"auditor{number}"
        place.mkdir()
        for name in ("deployment.json", "passphrase"):
            shutil.copy(district / name, place / name)
        govledger(place, consortium.url(number), "mirror", "follow", "--once")
        mirrors[number] = everything_in(place / "mirror.db")
    first = mirrors[1]
    assert first["statement"]
    for number, other in mirrors.items():
        different = [table for table in first if first[table] != other.get(table)]
        assert not different, f"mirror of node {number}"


def test_departments_write_through_their_own_nodes_while_one_is_down(
    district: Path, consortium: Network, tmp_path: Path
) -> None:
    """Each department has its own machine, its own sender and its own node."""
    departments = build_district(SEED).departments
    consortium.kill(2)
    try:
        for number in (1, 3, 4):
            place = tmp_path / f"department{number}"
            place.mkdir()
            shutil.copytree(district / "keys", place / "keys")
            for name in ("deployment.json", "passphrase"):
                shutil.copy(district / name, place / name)
            url = consortium.url(number)
            made = json.loads(govledger(place, url, "key", "create", f"node{number}", "--json"))
            consortium.fund(made["address"])
            entry = place / "entry.json"
            provider = departments[number - 1].code
            told_entry = {"code": f"399{number:03d}/000001", "name": f"第{number}节点登记的目录"}
            entry.write_text(json.dumps({**told_entry, "provider": provider}), "utf-8")
            govledger(
                place,
                url,
                *("catalogue", "register", str(entry), "--draft", "--key", f"d0{number}-steward"),
                sender=f"node{number}",
            )
    finally:
        consortium.start(2)
    consortium.wait(consortium.numbers, beyond=consortium.standing(1).head or 0)
    found = govledger(
        district, consortium.url(2), "catalogue", "search", "节点登记的目录", "--json"
    )
    assert len(json.loads(found)["entries"]) == 3
