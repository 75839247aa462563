"""A department's own wallet: statements prepared over HTTP, signed elsewhere, handed in again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from tests.chain_nodes import MODULES
from tests.person import Person

PREPARE = "/api/v1/statements/prepare"
STATEMENTS = "/api/v1/statements"


def account(person: Person, name: str) -> LocalAccount:
    """The key behind a file of the person's keystore."""
    file = json.loads((person.data_dir / "keys" / f"{name}.json").read_bytes())
    return Account.from_key(Account.decrypt(file, person.passphrase or ""))


def prepared(client: httpx.Client, struct: str, speaker: str, *said: object, **more: Any) -> Any:
    """What ``POST /statements/prepare`` answers."""
    wanted = {"struct": struct, "organisation": speaker, "statements": list(said), **more}
    answer = client.post(PREPARE, json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


def signature(typed_data: dict[str, Any], key: LocalAccount) -> str:
    signed = Account.sign_message(encode_typed_data(full_message=typed_data), key.key)
    return "0x" + signed.signature.hex()


def submission(
    ready: dict[str, Any], signer: LocalAccount, cosigner: LocalAccount | None = None
) -> dict[str, Any]:
    """The body of ``POST /statements``."""
    body = {
        "typed_data": ready["typed_data"],
        "bodies": ready["bodies"],
        "signer": signer.address,
        "signature": signature(ready["typed_data"], signer),
    }
    if cosigner is not None:
        body["cosigner"] = cosigner.address
        body["cosignature"] = signature(ready["typed_data"], cosigner)
    return body


def cast(*words: str) -> str:
    """What Foundry's ``cast`` answers; the test is skipped where it is not installed."""
    tool: Path | None = next(iter(sorted(MODULES.glob("@foundry-rs/cast-*/bin/cast*"))), None)
    if tool is None:
        pytest.skip("cast is not installed (npm install in the repository brings it)")
    done = subprocess.run(
        [str(tool), *words], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()
