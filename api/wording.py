"""Coded values with their names in both languages, as a person reads them (代码与名称)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

from ledger.codes import GRADES, ROLE_LABELS, Code, Role

_C = TypeVar("_C", bound=Code)
BEIJING = timezone(timedelta(hours=8))


def coded(table: type[_C], value: str) -> _C:
    """The member of a table with this string code; raises :class:`ValueError` naming the table."""
    for member in table:
        if member.value == value:
            return member
    raise ValueError(f"{value!r} is no {table.__name__}")


def named(table: type[Code], value: str | None) -> dict[str, str] | None:
    """``{"code", "zh", "en"}`` for a string code of a table, None where it is not stated."""
    if value is None:
        return None
    member = coded(table, value)
    return {"code": str(member.value), "zh": member.zh, "en": member.en}


def named_grade(grade: int | None) -> dict[str, Any] | None:
    """A security grade with its names, None (or 0) where it is not stated."""
    if not grade:
        return None
    zh, en = GRADES[grade]
    return {"code": grade, "zh": zh, "en": en}


def named_roles(mask: int) -> list[dict[str, str]]:
    """The roles in a mask, in the order of the table."""
    return [
        {"code": (role.name or "").lower(), "zh": zh, "en": en}
        for role, (zh, en) in ROLE_LABELS.items()
        if mask & int(role)
    ]


def role_names(mask: int) -> tuple[str, str]:
    """A mask in words, Chinese and English."""
    roles = [ROLE_LABELS[role] for role in Role if mask & int(role)]
    return "、".join(zh for zh, _ in roles), ", ".join(en.partition(":")[0] for _, en in roles)


def time_of(seconds: int) -> str:
    """Unix seconds as ISO 8601 in Beijing time."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(BEIJING).isoformat()
