"""Roles (角色): lower-case names in the API and the CLI, a bit mask in typed structs and tables."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.codes import Role

ALL_ROLES = int(
    Role.STEWARD | Role.HEAD | Role.AUTHORITY | Role.COLLECTOR | Role.ASSESSOR | Role.AUDITOR
)
"""Every bit that a key may hold: 63."""


def role_names(mask: int) -> tuple[str, ...]:
    """The names of the roles in a mask, from the lowest bit:
    ``5`` is ``("steward", "authority")``.
    """
    return tuple(role.name.lower() for role in Role if role.name and mask & role)


def role_mask(names: Iterable[str]) -> int:
    """The mask of role names; raises :class:`ValueError` naming the one that is no role."""
    mask = 0
    for name in names:
        role = Role.__members__.get(name.upper())
        if role is None:
            known = ", ".join(role_names(ALL_ROLES))
            raise ValueError(f"{name!r} is no role: one of {known}")
        mask |= role
    return mask
