"""Correction requests in a few words, on a mirror without chain or signatures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from msgspec import structs
from sqlalchemy import Connection

from ledger.canonical import canonical_json
from ledger.corrections.statements import CorrectionDraft, steps
from ledger.days import CHINA_TIME
from ledger.organisations.statements import OrganisationDraft, register
from ledger.quality.statements import ScoreDraft
from ledger.quality.statements import score as score_batch
from ledger.statements import FILING, Batch
from tests.organisations.scribe import FAR, Scribe, recorded

DATA, WATER, ROADS = "TMP-DATA", "TMP-WATER", "TMP-ROADS"
BEDS, PIPES, LANES = "307015/000001", "307016/000001", "307017/000001"
OWNER = {BEDS: WATER, PIPES: WATER, LANES: ROADS}
MONDAY = date(2026, 3, 2)
"""The beginning of a month without holidays: its tenth working day after is 2026-03-16."""


def moment(day: date, hour: int = 10) -> int:
    """Unix seconds of an hour of a day in China."""
    return int(datetime.combine(day, time(hour), CHINA_TIME).timestamp())


def draft(code: str, state: str = "filed", entry: str = BEDS, **changes: Any) -> dict[str, Any]:
    """A step that can stand; ``changes`` replace members or (None) leave them out."""
    more: dict[str, dict[str, Any]] = {
        "filed": {
            "title": "床位数与年报不符",
            "description": "3 月清单较年报少 12 个机构。",
            "reasons": ["missing_rows"],
        },
        "handling": {},
        "rejected": {"reasons": ["no_basis"], "comment": "未附比对依据。"},
        "handled": {"outcome": "corrected", "answer": "已补录。"},
        "evaluated": {"score": 5, "solved": True},
        "cancelled": {"reasons": ["settled"], "comment": "已解决。"},
    }
    whole = {"code": code, "state": state, "entry": entry, "type": "use", **more[state], **changes}
    return {name: value for name, value in whole.items() if value is not None}


@dataclass
class Office:
    """Steps of requests on a mirror, each at a time of one's own."""

    scribe: Scribe
    versions: dict[str, int] = field(default_factory=dict)

    def found(self) -> Office:
        """Three organisations and three entries."""
        names = {DATA: "数据局", WATER: "水务局", ROADS: "交通委"}
        rows = [
            OrganisationDraft.model_validate(
                {
                    "code": code,
                    "name": name,
                    "level": "district",
                    "parent": None if code == DATA else DATA,
                }
            )
            for code, name in names.items()
        ]
        self.scribe.write(register(rows, speaker=DATA, deadline=FAR))
        for code, owner in OWNER.items():
            self.scribe.write(filing(code, owner))
        return self

    def say(
        self,
        day: date,
        code: str,
        state: str = "filed",
        *,
        by: str | None = None,
        hour: int = 10,
        **more: Any,
    ) -> int:
        """A step on a day; returns its leaf. The version is the next one."""
        self.versions[code] = self.versions.get(code, 0) + 1
        given = draft(code, state, **more)
        if state != "filed":
            given["version"] = self.versions[code]
        step = CorrectionDraft.model_validate(given).root
        owner = OWNER[step.entry]
        speaker = by or (owner if state in {"handling", "rejected", "handled"} else DATA)
        batch = steps([step], speaker=speaker, deadline=FAR)
        return self.take(batch, moment(day, hour))

    def take(self, batch: Batch, when: int) -> int:
        leaf = self.scribe.size
        rows = recorded(batch, leaf)
        self.scribe.take([structs.replace(row, recorded_at=when) for row in rows])
        return leaf

    def score(self, day: date, entry: str = BEDS, *, by: str = DATA, **scores: int) -> int:
        """A score of the first quarter; returns its leaf."""
        one = ScoreDraft.model_validate(
            {
                "entry": entry,
                "edition": 1,
                "period_start": "2026-01-01",
                "period_end": "2026-03-31",
                "scores": scores,
                "rule_set": "ab" * 32,
            }
        )
        return self.take(score_batch([one], speaker=by, deadline=FAR), moment(day))

    def reading(self) -> Connection:
        return self.scribe.engine.connect()


def filing(code: str, owner: str) -> Batch:
    """A draft of an entry."""
    values = {
        "code": code,
        "version": 1,
        "state": 1,
        "shareType": 0,
        "openType": 0,
        "grade": 0,
        "updateCycle": 0,
        "library": 0,
    }
    body = {"code": code, "name": f"数据 {code[-3:]}", "provider": owner}
    return Batch(FILING, owner, FAR, (values,), (canonical_json(body),))
