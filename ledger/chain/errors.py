"""Why a contract refused, in Chinese and English, with what to do about it.

The errors and their arguments come from the ABIs of the checked-in artifacts, the words from
:mod:`ledger.chain.phrases`. A test holds the two together: every custom error of our contracts has its words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.chain.phrases import PANIC, PHRASES, UNKNOWN
from ledger.codes import (
    ROLE_LABELS,
    Code,
    CorrectionState,
    EntryState,
    KeyStatus,
    ObjectionState,
    Role,
)

CONTRACTS = artifacts.NAMES
_STATES: dict[str, type[Code]] = {
    "Catalogue": EntryState,
    "Obligations": ObjectionState,
    "Corrections": CorrectionState,
}
"""Of which states a registry says that there is no way between them."""
SELECTOR = 4

Words = Mapping[bytes, str]
"""Texts by their Keccak-256, so that a message can name what the contract knows as a hash."""


class ContractRefusal(msgspec.Struct, frozen=True):
    """A refusal: the error's ``name`` and ``args`` as in the contract, and words for people.

    ``args`` are JSON values: integers, addresses in checksum form, and ``bytes32`` as hex text or,
    where it is known, as the text whose hash it is.
    """

    name: str
    args: dict[str, Any]
    message_en: str
    message_zh: str
    hint_en: str
    hint_zh: str

    @property
    def expected_version(self) -> int | None:
        """The version that the log expects next, where the refusal is ``StaleVersion``."""
        return self.args["expected"] if self.name == "StaleVersion" else None

    def __str__(self) -> str:
        return f"{self.message_en} {self.hint_en}"


@cache
def _known_errors() -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    """Selector -> name and (argument, type), over the ABIs of all contracts."""
    table: dict[bytes, tuple[str, tuple[tuple[str, str], ...]]] = {}
    builtin = [("Error", (("message", "string"),)), (PANIC, (("code", "uint256"),))]
    ours = [
        (item["name"], tuple((part["name"], part["type"]) for part in item["inputs"]))
        for contract in CONTRACTS
        for item in artifacts.load(contract).abi
        if item["type"] == "error"
    ]
    for name, members in [*builtin, *ours]:
        signature = f"{name}({','.join(kind for _, kind in members)})"
        table[bytes(keccak(text=signature))[:SELECTOR]] = (name, members)
    return table


def error_names() -> frozenset[str]:
    """The names of all errors that the contracts' ABIs declare."""
    return frozenset(name for name, _ in _known_errors().values())


def explain(revert_data: bytes, words: Words | None = None, contract: str = "") -> ContractRefusal:
    """What the revert data of a call says. ``words`` name hashes; ``contract`` is the registry
    called.

    Never raises: data that fits no known error is shown as it is.
    """
    known = words or {}
    name, args = _decoded(revert_data)
    if not name and revert_data:
        name = "Unknown"
        args = {"data": revert_data}
    shown = {key: _shown(key, value, known) for key, value in args.items()}
    phrase = PHRASES.get(name, UNKNOWN)
    english = _for_people(shown, contract, chinese=False)
    chinese = _for_people(shown, contract, chinese=True)
    listed = {"name": name, "listed": ", ".join(f"{k}={v}" for k, v in shown.items())}
    return ContractRefusal(
        name=name or "Reverted",
        args=shown,
        message_en=phrase.en.format(**english, **listed),
        message_zh=phrase.zh.format(**chinese, **listed),
        hint_en=phrase.hint_en.format(**english),
        hint_zh=phrase.hint_zh.format(**chinese),
    )


def _decoded(data: bytes) -> tuple[str, dict[str, Any]]:
    known = _known_errors().get(data[:SELECTOR])
    if known is None:
        return "", {}
    name, members = known
    try:
        values = decode([kind for _, kind in members], data[SELECTOR:])
    except (DecodingError, OverflowError):
        return "", {}
    return name, {
        member: str(to_checksum_address(value)) if kind == "address" else value
        for (member, kind), value in zip(members, values, strict=True)
    }


def _shown(member: str, value: object, words: Words) -> object:
    """An argument as a JSON value; hashes as the text they stand for, where it is known."""
    if not isinstance(value, bytes):
        return value
    if value in words:
        return words[value]
    if member in ("kind", "member"):
        name = value.rstrip(b"\0")
        if name.isascii():
            return name.decode("ascii")
    return "0x" + value.hex()


def _state(number: int, contract: str, *, chinese: bool) -> str:
    for member in _STATES.get(contract, KeyStatus):
        if member.number == number:
            return member.zh if chinese else member.en
    return ("未登记" if chinese else "unregistered") if number == 0 else str(number)


def _roles(mask: int, *, chinese: bool) -> str:
    names = [
        ROLE_LABELS[role][0] if chinese else role.name or "" for role in Role if mask & role.value
    ]
    return ("或" if chinese else " or ").join(names) or str(mask)


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _for_people(args: Mapping[str, Any], contract: str, *, chinese: bool) -> dict[str, str]:
    """The arguments in words: times, roles and states by name."""
    turn: dict[str, Callable[[int], str]] = {
        "deadline": _time,
        "time": _time,
        "role": lambda mask: _roles(mask, chinese=chinese),
        "from": lambda number: _state(number, contract, chinese=chinese),
        "to": lambda number: _state(number, contract, chinese=chinese),
    }
    return {
        key: turn[key](value) if key in turn and isinstance(value, int) else str(value)
        for key, value in args.items()
    }
