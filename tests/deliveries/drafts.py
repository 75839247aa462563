"""Manifests and deliveries as somebody might say them, without any rows behind them."""

from __future__ import annotations

import hashlib
from typing import Any

from ledger.deliveries.bodies import BUCKETS, schema_digest
from ledger.deliveries.statements import DeliveryDraft, ManifestDraft, ResourceDraft

ENTRY = "307015/000001"
SCHEMA = {
    "columns": [{"name": "编号", "type": "string"}, {"name": "面积", "type": "decimal(2)"}],
    "key": ["编号"],
}
ROOT = hashlib.sha256(b"rows").hexdigest()
EMPTY = hashlib.sha256(b"").hexdigest()
PERIOD = {"period_start": "2026-07-01", "period_end": "2026-09-30"}


def resource(**changes: object) -> ResourceDraft:
    return ResourceDraft.model_validate(
        {"code": "R-1", "entry": ENTRY, "type": "table", "name": "学校表", **changes}
    )


def manifest(**changes: object) -> ManifestDraft:
    said: dict[str, Any] = {
        "entry": ENTRY,
        "edition": 1,
        **PERIOD,
        "rows": 3,
        "schema": SCHEMA,
        "key": ["编号"],
        "root": ROOT,
        "buckets": ["00000000000000ff"] * 3 + ["0" * 16] * (BUCKETS - 3),
        **changes,
    }
    return ManifestDraft.model_validate(said)


def delivery(**changes: object) -> DeliveryDraft:
    said: dict[str, Any] = {
        "entry": ENTRY,
        "edition": 1,
        **PERIOD,
        "rows": 3,
        "schema": schema_digest(SCHEMA).hex(),
        "root": ROOT,
        "content": "cc" * 32,
        "manifest": 1,
        "complete": True,
        **changes,
    }
    return DeliveryDraft.model_validate(said)
