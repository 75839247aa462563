"""The first block of a consortium, and its validators' keys."""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_account import Account

CHAIN_ID = 26_477
GAS_LIMIT = 60_000_000
NEVER = 1_000_000_000
"""An epoch that no test reaches: at its end validators would be asked of contracts that are not there."""
FORKS = (
    "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul muirGlacier berlin london "
    "arrowGlacier grayGlacier ramanujan niels mirrorSync bruno euler gibbs nano moran planck luban plato "
    "hertz hertzfix"
)
TIMED_FORKS = "shanghai kepler feynman feynmanFix cancun haber haberFix"
HEAD_START = 15
"""Seconds to the first block. Validators that seal before they have met may each sign a fork of their own,
and then wait for one another for ever."""
VANITY, SEAL = bytes(32), bytes(65)
FUNDS = 10**27
"""Wei of every validator: the engine takes no price under one wei, so senders are given some."""
SYSTEM = "0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE"
PASSWORD = "loopback only"  # noqa: S105 - guards throw-away keys of a test network
_BLS_KEY = re.compile(r"0x([0-9a-f]{96})")


@dataclass(frozen=True)
class Validator:
    """One validator: its number from 1, its address, its BLS vote key."""

    number: int
    address: str
    vote_key: str


def make_validator(engine: Path, place: Path, number: int, password: Path) -> Validator:
    """New keys in a node's directory."""
    account = Account.create()
    keystore = place / "keystore"
    keystore.mkdir(parents=True)
    sealed = Account.encrypt(account.key, PASSWORD, iterations=1024)
    (keystore / f"UTC--{account.address[2:].lower()}").write_text(json.dumps(sealed), "ascii")
    common = ["--datadir", str(place), "--blspassword", str(password)]
    for act in ("new", "list"):
        command = [str(engine), "bls", "account", act, *common]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = _BLS_KEY.search(done.stdout)
    if found is None:
        raise RuntimeError(f"no BLS public key in what the engine says: {done.stdout[-400:]}")
    return Validator(number, account.address, found[1])


def genesis(validators: list[Validator]) -> dict[str, Any]:
    """The genesis file: Parlia from the first block on, one second a block, every fork active."""
    ordered = sorted(validators, key=lambda one: bytes.fromhex(one.address[2:]))
    seats = b"".join(bytes.fromhex(one.address[2:] + one.vote_key) for one in ordered)
    extra = VANITY + bytes([len(ordered)]) + seats + SEAL
    config: dict[str, Any] = {"chainId": CHAIN_ID, "parlia": {"period": 1, "epoch": NEVER}}
    config |= {f"{fork}Block": 0 for fork in FORKS.split()}
    config |= {f"{fork}Time": 0 for fork in TIMED_FORKS.split()}
    return {
        "config": config,
        "nonce": "0x0",
        "timestamp": hex(int(time.time()) + HEAD_START),
        "extraData": "0x" + extra.hex(),
        "gasLimit": hex(GAS_LIMIT),
        "difficulty": "0x1",
        "mixHash": "0x" + bytes(32).hex(),
        "coinbase": SYSTEM,
        "alloc": {one.address: {"balance": hex(FUNDS)} for one in validators},
        "number": "0x0",
        "gasUsed": "0x0",
        "parentHash": "0x" + bytes(32).hex(),
    }


def as_told(validators: list[Validator]) -> list[dict[str, Any]]:
    """Validators as they stand in the network's file."""
    return [asdict(one) for one in validators]
