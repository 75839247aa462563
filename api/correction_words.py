"""Correction requests as the API tells them (校核申请): parties, reasons and codes by name, times in Beijing time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from api.context import Context, View
from api.wording import named, time_of
from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections.answers import Request, Step
from ledger.corrections.measures import AnswerRate, Breach, Clock, clock_of
from ledger.corrections.vocabulary import Vocabulary, load_vocabulary
from ledger.corrections.words import Category, Outcome, Standing
from ledger.organisations.queries import Name, names
from ledger.statements import text_hash


def parties_of(view: View, codes: Iterable[str | None]) -> dict[str, Name]:
    known = names(view.conn, [text_hash(code) for code in codes if code], view.held)
    return {found.code: found for found in known.values()}


def _party(parties: Mapping[str, Name], code: str | None) -> dict[str, Any] | None:
    if code is None:
        return None
    found = parties.get(code)
    return {
        "code": code,
        "zh": found.name if found else None,
        "en": found.name_en if found else None,
    }


class Telling:
    """Requests in words: names of the parties and of the reasons, looked up once for all of them."""

    def __init__(self, context: Context, view: View, requests: list[Request]) -> None:
        self._workdays = context.office.settings.correction_workdays
        self._vocabulary: Vocabulary = load_vocabulary(context.office.settings.correction_reasons)
        self._parties = parties_of(
            view, [code for one in requests for code in (one.provider, one.requester)]
        )

    def clock(self, one: Request, day: date | None) -> dict[str, Any]:
        """The clock of a request; without a day only what does not depend on it."""
        return _show_clock(clock_of(one, day or one.received, self._workdays), day)

    def request(self, one: Request, clock: dict[str, Any]) -> dict[str, Any]:
        return {
            "code": one.code,
            "state": named(CorrectionState, one.state),
            "type": named(CorrectionType, one.type),
            "category": named(Category, one.category),
            "entry": one.entry,
            "entry_name": one.entry_name,
            "provider": _party(self._parties, one.provider),
            "requester": _party(self._parties, one.requester),
            "title": one.title,
            "reasons": self._reasons(one.reasons),
            "follows": one.follows,
            "filed_at": time_of(one.filed_at),
            "taken_at": _time(one.taken_at),
            "answered_at": _time(one.answered_at),
            "ended_at": _time(one.ended_at),
            "outcome": named(Outcome, one.outcome),
            "score": one.score,
            "solved": one.solved,
            "version": one.version,
            "filed_leaf": one.filed_leaf,
            "leaf": one.leaf,
            "clock": clock,
        }

    def step(self, one: Step, known: Mapping[bytes, Name]) -> dict[str, Any]:
        speaker = known.get(bytes.fromhex(one.organisation[2:]))
        return {
            "version": one.version,
            "state": named(CorrectionState, one.state),
            "text": one.text,
            "reasons": self._reasons(one.reasons),
            "basis": one.basis,
            "resource": one.resource,
            "items": list(one.items),
            "attachments": [{"name": a.name, "sha256": a.sha256} for a in one.attachments],
            "contact": one.contact,
            "assessment": one.assessment,
            "outcome": named(Outcome, one.outcome),
            "edition": one.edition,
            "delivery": one.delivery,
            "score": one.score,
            "solved": one.solved,
            "organisation": (
                None
                if speaker is None
                else {"code": speaker.code, "zh": speaker.name, "en": speaker.name_en}
            ),
            "organisation_hash": one.organisation,
            "signer": one.signer,
            "recorded_at": time_of(one.recorded_at),
            "leaf": one.leaf_from,
        }

    def _reasons(self, codes: Iterable[str]) -> list[dict[str, str]]:
        told = []
        for code in codes:
            zh, en = self._vocabulary.names(code)
            told.append({"code": code, "zh": zh, "en": en})
        return told


def _show_clock(clock: Clock, day: date | None) -> dict[str, Any]:
    told = day is not None
    return {
        "day": day,
        "workdays": clock.workdays,
        "received_on": clock.received_on,
        "due_on": clock.due_on,
        "standing": named(Standing, clock.standing) if told else None,
        "days_left": clock.days_left if told else None,
        "days_late": clock.days_late if told else None,
        "problem": clock.problem,
    }


def show_breach(one: Breach, parties: Mapping[str, Name]) -> dict[str, Any]:
    return {
        "finding": one.finding,
        "code": one.code,
        "entry": one.entry,
        "provider": _party(parties, one.provider),
        "requester": _party(parties, one.requester),
        "received_on": one.received_on,
        "due_on": one.due_on,
        "since": one.since,
        "until": one.until,
        "days_late": one.days_late,
        "standing": named(Standing, one.standing),
        "leaf": one.leaf,
        "filed_leaf": one.filed_leaf,
    }


def show_rate(one: AnswerRate, parties: Mapping[str, Name]) -> dict[str, Any]:
    return {
        "provider": _party(parties, one.provider),
        "numerator": one.numerator,
        "denominator": one.denominator,
        "rate": one.rate,
        "on_time": list(one.on_time),
        "due": list(one.due),
        "median_to_take": one.median_to_take,
        "median_to_answer": one.median_to_answer,
        "median_to_evaluate": one.median_to_evaluate,
    }


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else time_of(seconds)
