"""What docs/deliveries.md says is so: commands, options, sizes, and how a handover is opened."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import coincurve
import typer
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.canonical import canonical_json
from ledger.cli.app import COMMANDS, app
from ledger.deliveries.computing import Reading, committed, new_secret, schema_in
from ledger.deliveries.handover import seal_handover
from tests.deliveries import tables
from tests.deliveries.test_handover import ABOUT, COLLECTOR, HANDED, public_key

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "deliveries.md").read_text("utf-8")


def group(name: str) -> Any:
    root: Any = typer.main.get_command(app)
    return root.get_command(None, name)


def test_every_command_and_option_that_is_named_exists() -> None:
    named = set(re.findall(r"(?:`|govledger )(deliver|key|log) ([a-z-]+)", PAGE))
    known = {(name, sub) for name in COMMANDS for sub in getattr(group(name), "commands", {})}
    assert named <= known
    assert {sub for name, sub in known if name == "deliver"} >= {
        *("mount", "manifest", "handover", "receive", "compare", "prove", "prove-missing", "check"),
    }
    options = {
        option
        for command in (
            group("reconcile"),
            *(group(name).commands[sub] for name, sub in known if name in ("deliver", "key")),
        )
        for parameter in command.params
        for option in parameter.opts
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= options


def test_a_store_takes_what_is_written(tmp_path: Path) -> None:
    sizes = {}
    for count in (1000, 3000):
        source = tables.parquet(tmp_path / f"{count}.parquet", _many(count))
        schema = schema_in(source, Reading((tables.KEY,)))
        committed(source, schema, new_secret(), tmp_path / f"store-{count}")
        files = (tmp_path / f"store-{count}").iterdir()
        sizes[count] = sum(one.stat().st_size for one in files)
    for count, size in sizes.items():
        assert 48 * count <= size - (1 << 20) <= 56 * count + 12_000
    assert (tmp_path / "store-1000").stat().st_mode & 0o077 == 0


def _many(count: int) -> list[tables.Row]:
    row = tables.pupils(1)[0]
    return [{**row, tables.KEY: f"{number:018d}"} for number in range(count)]


def test_a_handover_is_opened_as_the_page_says_with_other_tools() -> None:
    file = json.loads(seal_handover(ABOUT, HANDED, public_key()))
    header = canonical_json(
        {name: file[name] for name in ("ephemeral", "format", "manifest", "to")}
    )
    ephemeral = coincurve.PublicKey(bytes.fromhex(file["ephemeral"][2:]))
    shared = ephemeral.multiply(bytes(COLLECTOR.key)).format(compressed=False)[1:33]
    # RFC 5869: extract without salt, expand to one block
    extracted = hmac.digest(bytes(32), shared, hashlib.sha256)
    key = hmac.digest(extracted, header + b"\x01", hashlib.sha256)
    plain = AESGCM(key).decrypt(
        bytes.fromhex(file["nonce"][2:]), bytes.fromhex(file["ciphertext"][2:]), header
    )
    assert json.loads(plain) == {"schema": HANDED.schema, "secret": HANDED.secret.hex()}
