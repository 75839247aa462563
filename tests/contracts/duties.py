"""What is said about obligations, deliveries and audits, ready to be changed in one member."""

from __future__ import annotations

from ledger.statements import Value, sha256
from tests.contracts.world import WATER


def obligation(code: str, type_: int = 1, parent: str = "", **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "code": code,
        "version": 1,
        "type": type_,
        "parent": parent,
        "responsible": WATER,
        "status": 1,
        "updateCycle": 4,
        "library": 1,
        "validFrom": 20250101,
        "validUntil": 0,
    }
    return values | changes


def binding(of: str, entry: str, version: int = 1, status: int = 1) -> dict[str, Value]:
    return {"obligation": of, "version": version, "entry": entry, "status": status}


def objection(of: str, version: int = 1, state: int = 1) -> dict[str, Value]:
    return {"obligation": of, "version": version, "state": state}


def exemption(code: str, target: str, type_: int = 1, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "code": code,
        "version": 1,
        "target": target,
        "targetType": type_,
        "scope": 2,
        "status": 1,
        "validFrom": 20250101,
        "expires": 20251231,
    }
    return values | changes


def resource(code: str, entry: str, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "code": code,
        "version": 1,
        "entry": entry,
        "type": 1,
        "status": 1,
    }
    return values | changes


def manifest(entry: str, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "entry": entry,
        "version": 1,
        "edition": 1,
        "periodStart": 20250101,
        "periodEnd": 20250331,
        "mode": 1,
        "rows": 1000,
        "schema": sha256(b"schema"),
        "root": sha256(b"root"),
        "buckets": sha256(b"buckets"),
    }
    return values | changes


def delivery(entry: str, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "entry": entry,
        "version": 1,
        "manifest": 0,
        "edition": 1,
        "periodStart": 20250101,
        "periodEnd": 20250331,
        "mode": 1,
        "rows": 1000,
        "schema": sha256(b"schema"),
        "root": sha256(b"root"),
        "content": sha256(b"content"),
        "predecessor": bytes(32),
    }
    return values | changes


def report(code: str, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "code": code,
        "version": 1,
        "type": 1,
        "scope": "{}",
        "size": 1,
        "root": sha256(b"log"),
        "numerator": 1,
        "denominator": 2,
        "report": sha256(b"report"),
    }
    return values | changes
