"""The server itself: health, schemas."""

from __future__ import annotations

from typing import Any

from api.shapes.base import Shape


class SchemaList(Shape):
    """The JSON Schemas that there are."""

    items: list[dict[str, str]]


class Liveness(Shape):
    """The process answers."""

    status: str


class Readiness(Shape):
    """``ready`` or ``degraded``, and how chain, mirror, outbox, background work and drills are.

    ``alarms`` are names of docs/runbook.md; those that only warn leave the status ``ready``.
    """

    status: str
    alarms: list[str]
    checks: dict[str, dict[str, Any]]
