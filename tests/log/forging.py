"""Proof files as a careful forger would leave them."""

from __future__ import annotations

import json
from typing import Any

from ledger.log import Status, Verdict
from ledger.log.document import bundle_digest, hex_of
from tests.log.sample import CONTRACT_ACCOUNT


def rebound(document: dict[str, Any]) -> dict[str, Any]:
    """The document as a careful forger leaves it: with a bundle digest that fits."""
    return {**document, "bundle_digest": bundle_digest(document)}


def altered(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A deep copy with one member replaced, bound again."""
    copy = json.loads(json.dumps(document))
    place = copy
    *parents, last = path.split(".")
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[int(last) if isinstance(place, list) else last] = value
    return rebound(copy)


def leaves_of(value: object, path: str = "") -> list[tuple[str, object]]:
    """Every scalar of a document with its path."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        return [(path, value)]
    return [found for key, each in pairs for found in leaves_of(each, f"{path}.{key}".lstrip("."))]


def another(value: object) -> object:
    """Another value of the same form."""
    if value is None:
        return {
            "signer": hex_of(CONTRACT_ACCOUNT),
            "signer_kind": "contract",
            "signature": "0x00",
        }
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, str)
    if value in ("key", "contract"):
        return "contract" if value == "key" else "key"
    if value in ("utf-8", "hex"):
        return "hex" if value == "utf-8" else "utf-8"
    if value.startswith("0x"):
        return value[:-1] + ("1" if value[-1] == "0" else "0") if len(value) > 2 else "0x00"
    return value[:-1] + chr(ord(value[-1]) + 1) if value else "x"


def words(verdict: Verdict, status: Status) -> str:
    return " ".join(step.en for step in verdict.steps if step.status is status)
