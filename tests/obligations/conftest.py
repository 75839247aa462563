"""A mirror database with the projections that obligations need, and a small chain of duty in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.catalogue.projection import PROJECTION as CATALOGUE
from ledger.obligations.projection import PROJECTION as OBLIGATIONS
from ledger.obligations.statements import (
    BindingDraft,
    ExemptionDraft,
    ObjectionDraft,
    ObligationDraft,
    bind,
    exempt,
    object_to,
    oblige,
)
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from ledger.store.engine import open_database
from tests.organisations.scribe import FAR, Scribe

DATA = "TMP-DATA"
WATER = "TMP-WATER"
ROADS = "TMP-ROADS"
DUTY, SYSTEM, TABLE, EXPECTED = "QP-1", "QP-1-S1", "QP-1-S1-T1", "QP-1-S1-T1-E1"
ENTRY = "307015/000001"
LAW = "上海市数据条例 第二十八条"
_TYPES = {DUTY: "duty", SYSTEM: "system", TABLE: "table", EXPECTED: "entry"}
_PARENTS = {SYSTEM: DUTY, TABLE: SYSTEM, EXPECTED: TABLE}


def duty(code: str = DUTY, **changes: Any) -> ObligationDraft:
    """An obligation that can stand; ``changes`` replace fields."""
    return ObligationDraft.model_validate(
        {
            "code": code,
            "name": f"取水许可 {code}",
            "type": _TYPES.get(code, "duty"),
            "parent": _PARENTS.get(code),
            "responsible": WATER,
            "legal_basis": [LAW],
            "valid_from": "2026-01-01",
            **changes,
        }
    )


def chain() -> list[ObligationDraft]:
    """Duty, system, table, expected entry."""
    return [duty(code) for code in (DUTY, SYSTEM, TABLE, EXPECTED)]


def binding(obligation: str = TABLE, entry: str = ENTRY, **changes: Any) -> BindingDraft:
    return BindingDraft.model_validate({"obligation": obligation, "entry": entry, **changes})


def objection(obligation: str = DUTY, state: str = "raised", **changes: Any) -> ObjectionDraft:
    return ObjectionDraft.model_validate(
        {"obligation": obligation, "state": state, "reasons": ["职责已划出"], **changes}
    )


def exemption(code: str = "EX-1", **changes: Any) -> ExemptionDraft:
    return ExemptionDraft.model_validate(
        {
            "code": code,
            "target": TABLE,
            "target_type": "obligation",
            "scope": ["collect"],
            "law": "某法 第十条",
            "valid_from": "2026-01-01",
            "expires": "2026-12-31",
            **changes,
        }
    )


def file(scribe: Scribe, *drafts: ObligationDraft, by: str = DATA) -> None:
    scribe.write(oblige(drafts, speaker=by, deadline=FAR))


def answer(scribe: Scribe, *drafts: BindingDraft, by: str = WATER) -> None:
    scribe.write(bind(drafts, speaker=by, deadline=FAR))


def protest(scribe: Scribe, *drafts: ObjectionDraft, by: str = WATER) -> None:
    scribe.write(object_to(drafts, speaker=by, deadline=FAR))


def excuse(scribe: Scribe, *drafts: ExemptionDraft, by: str = DATA) -> None:
    scribe.write(exempt(drafts, speaker=by, deadline=FAR))


on_both = pytest.mark.parametrize("mirror_url", ["sqlite", "postgresql"], indirect=True)
"""For a test whose questions every database must answer alike."""


@pytest.fixture
def mirror_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: SQLite, unless the test asks for PostgreSQL too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def scribe(mirror_url: str) -> Iterator[Scribe]:
    engine = open_database(mirror_url, "mirror")
    yield Scribe(engine, [ORGANISATIONS, CATALOGUE, OBLIGATIONS])
    engine.dispose()


@pytest.fixture
def sqlite_scribe(tmp_path: Path) -> Iterator[Scribe]:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Scribe(engine, [ORGANISATIONS, CATALOGUE, OBLIGATIONS])
    engine.dispose()
