"""Building statements about organisations (机构) and keys (密钥): no signing, no I/O, no clock.

A draft says what is to be on the ledger, in the words of people; pydantic refuses one that cannot
stand, naming the field. A builder turns drafts into the :class:`~ledger.statements.Batch` that is
signed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from eth_utils.address import to_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ledger.bodies import Line, Prose
from ledger.canonical import canonical_json
from ledger.codes import KeyStatus, Level, OrganisationStatus
from ledger.identifiers import check_organisation_code
from ledger.organisations.bodies import OrganisationBody, OrganisationCode, Region, uscc_state
from ledger.organisations.roles import role_mask, role_names
from ledger.statements import KEY, MAX_BATCH, ORGANISATION, Batch, StatementError

Version = Annotated[int, Field(ge=1)]
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def _checksummed(text: str) -> str:
    """ERC-55: an address in mixed case carries a checksum in its capitals."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError("an address is 0x and 40 hexadecimal digits")
    checksummed = str(to_checksum_address(text))
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and text != checksummed:
        raise ValueError(f"the capitals are wrong, so a digit may be too; expected {checksummed}")
    return checksummed


Address = Annotated[str, AfterValidator(_checksummed)]


class OrganisationDraft(BaseModel):
    """An organisation as it is to be registered (version 1) or amended (the next version).

    An amendment restates everything; what it leaves out is no longer said.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    code: OrganisationCode
    name: Line
    name_en: Line | None = None
    parent: OrganisationCode | None = None
    """Code of the organisation above; only the root of the ledger has none."""
    level: Level
    version: Version = 1
    status: OrganisationStatus = OrganisationStatus.ACTIVE
    region: Region | None = None
    aliases: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    evidence: Annotated[Prose | None, Field(validate_default=True)] = None
    """Where a USCC comes from whose check character is wrong."""

    @field_validator("parent")
    @classmethod
    def _not_its_own_parent(cls, parent: str | None, info: ValidationInfo) -> str | None:
        if parent is not None and parent == info.data.get("code"):
            raise ValueError("an organisation is not its own parent")
        return parent

    @field_validator("status")
    @classmethod
    def _registered_active(
        cls, status: OrganisationStatus, info: ValidationInfo
    ) -> OrganisationStatus:
        if info.data.get("version") == 1 and status is not OrganisationStatus.ACTIVE:
            raise ValueError("an organisation is registered active; dissolving it is version 2")
        return status

    @field_validator("evidence")
    @classmethod
    def _evidence_given(cls, evidence: str | None, info: ValidationInfo) -> str | None:
        verdict = check_organisation_code(info.data["code"]) if "code" in info.data else None
        if evidence is None and verdict is not None and not verdict.valid:
            raise ValueError(f"{verdict.message}. If an official register has it so, say where")
        return evidence

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        body = OrganisationBody(
            code=self.code,
            name=self.name,
            name_en=self.name_en,
            parent=self.parent,
            region=self.region,
            aliases=list(self.aliases),
            uscc=uscc_state(check_organisation_code(self.code)),
            evidence=self.evidence,
        )
        return canonical_json(_said(body))


class KeyDraft(BaseModel):
    """A key as it is to be granted (version 1), changed or revoked (the next version)."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    address: Address
    holder: OrganisationCode
    roles: tuple[str, ...]
    """Role names, e.g. ``("steward", "head")``; a revocation repeats those that the key had."""
    version: Version = 1
    status: KeyStatus = KeyStatus.ACTIVE
    label: Line | None = None
    reason: Prose | None = None

    @field_validator("roles")
    @classmethod
    def _known_roles(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("a key has at least one role")
        return role_names(role_mask(names))

    @field_validator("status")
    @classmethod
    def _granted_first(cls, status: KeyStatus, info: ValidationInfo) -> KeyStatus:
        if info.data.get("version") == 1 and status is not KeyStatus.ACTIVE:
            raise ValueError("only a key that was granted can be revoked")
        return status

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        said = {"holder": self.holder, "label": self.label, "reason": self.reason}
        return canonical_json({name: value for name, value in said.items() if value is not None})

    def revoked(self, reason: str | None = None) -> KeyDraft:
        """The statement that ends this key."""
        return KeyDraft(
            address=self.address,
            holder=self.holder,
            roles=self.roles,
            status=KeyStatus.REVOKED,
            label=self.label,
            reason=reason,
            version=self.version + 1,
        )


def register(drafts: Sequence[OrganisationDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch that registers or amends organisations, in the order given.

    ``speaker`` is the code of the organisation that signs (role AUTHORITY), ``deadline`` in Unix
    seconds. Raises :class:`~ledger.statements.StatementError` for none, too many, or one code
    twice.
    """
    _check_batch("organisation", [draft.code for draft in drafts])
    return Batch(
        struct=ORGANISATION,
        organisation=speaker,
        deadline=deadline,
        values=tuple(
            {
                "code": draft.code,
                "version": draft.version,
                "parent": draft.parent or "",
                "level": draft.level.number,
                "status": draft.status.number,
            }
            for draft in drafts
        ),
        bodies=tuple(draft.body() for draft in drafts),
    )


def set_keys(drafts: Sequence[KeyDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch that grants, changes or revokes keys; a rotation (轮换) is ``[new, old.revoked()]``.

    In this order, because standing is checked before each statement: a key that replaces itself
    must still be one when it grants the new one.

    Raises :class:`~ledger.statements.StatementError` for none, too many, or one key twice.
    """
    _check_batch("key", [draft.address for draft in drafts])
    return Batch(
        struct=KEY,
        organisation=speaker,
        deadline=deadline,
        values=tuple(
            {
                "key": draft.address,
                "version": draft.version,
                "holder": draft.holder,
                "roles": role_mask(draft.roles),
                "status": draft.status.number,
            }
            for draft in drafts
        ),
        bodies=tuple(draft.body() for draft in drafts),
    )


def parents_first(drafts: Sequence[OrganisationDraft]) -> list[OrganisationDraft]:
    """The drafts so that each stands after the parent that is registered with it; else as given.

    Raises :class:`~ledger.statements.StatementError` where organisations are each other's parents.
    """
    by_code = {draft.code: draft for draft in drafts}
    placed: dict[str, OrganisationDraft] = {}
    for draft in drafts:
        line: dict[str, OrganisationDraft] = {}
        above: OrganisationDraft | None = draft
        while above is not None and above.code not in placed:
            if above.code in line:
                raise StatementError(f"parent: {', '.join(line)} stand in a circle")
            line[above.code] = above
            above = by_code.get(above.parent) if above.parent else None
        placed.update(reversed(line.items()))
    return list(placed.values())


def _said(body: BaseModel) -> dict[str, Any]:
    return {
        name: value
        for name, value in body.model_dump().items()
        if value is not None and value != []
    }


def _check_batch(what: str, subjects: Sequence[str]) -> None:
    if not 0 < len(subjects) <= MAX_BATCH:
        raise StatementError(f"a batch has 1 to {MAX_BATCH} statements, this one {len(subjects)}")
    for subject in subjects:
        if subjects.count(subject) > 1:
            raise StatementError(f"{what} {subject} stands twice in one batch; send two batches")
