"""The audit report (审计报告): one canonical JSON document (RFC 8785), written line by line.

The bytes are what is anchored. They follow from the statements before the size, the scope and the policy alone:
whoever has the log gets the same ones, on either database, at any time. Members and lines are described in
``docs/audits.md``. Every line bears the indexes of the statements that it rests on; every unit has one state in each
metric, and a metric's lists are the lines of its ``unit`` in each state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from ledger.audits.audit import Audit, OrganisationLine
from ledger.audits.findings import SIGNALS
from ledger.audits.ladder import REASONS, gap_id, rung_code
from ledger.audits.metrics import METRICS, State, Tally, empty
from ledger.audits.periods import calendar_digest
from ledger.audits.workspace import Row
from ledger.canonical import canonical_json, canonical_plain, written
from ledger.codes import EXEMPTION_SCOPES, ExemptionScope, ObligationType
from ledger.days import day_of
from ledger.lineage.queries import AnchoredCheckpoint
from ledger.mirror import queries as mirror

REPORT_FORMAT = "govledger-completeness/1"
STANDINGS = ("in_force", "withdrawn", "not_yet", "ended", "no_data")
"""Whether an obligation holds on the audit's day."""

_AT_ONCE = 500
"""Lines that are written in one piece: each piece is checked as a whole, which costs less than line by line."""
_WORDS = ("", *(state.word for state in State))
"""The word of each state by its number."""
_TYPES = {kind.number: kind.value for kind in ObligationType}

Line = Mapping[str, Any]


def report_head(audit: Audit) -> dict[str, Any]:
    """What a report is about: format, log, size, root, day, scope, policy and calendar."""
    question = audit.question
    checkpoint = mirror.checkpoint(audit.connection, question.size)
    return {
        "format": REPORT_FORMAT,
        "log": {"address": "0x" + question.log.address.hex(), "chain_id": question.log.chain_id},
        "size": question.size,
        "root": checkpoint.root.removeprefix("0x"),
        "day": question.day.isoformat(),
        "scope": question.scope.document(),
        "policy": question.policy.document(),
        "policy_digest": question.policy.digest(),
        "calendar_digest": calendar_digest(),
        "journal": _journal(question.journal),
    }


def measures(audit: Audit) -> list[dict[str, Any]]:
    """Every metric: its tally over all, and over each organisation in scope, the lowest rate first.

    An organisation with nothing to count stands at the end, and is never left out.
    """
    tallies = audit.tallies()
    organisations = audit.organisations()
    found = []
    shown = {one.id for one in organisations}
    for metric in METRICS:
        of = tallies[metric.id]
        whole = empty(metric.id)
        for tally in of.values():
            whole += tally
        each = [(one, of.get(one.id, empty(metric.id))) for one in organisations]
        each += [
            (OrganisationLine(org, audit.codes.get(org, ""), None, None, None, None, None), tally)
            for org, tally in of.items()
            if org not in shown
        ]
        each.sort(key=_lowest_first)
        found.append(
            {
                "id": metric.id,
                "unit": metric.unit,
                **whole.document(),
                "organisations": [
                    {"organisation": one.code, **tally.document()} for one, tally in each
                ],
            }
        )
    return found


def _lowest_first(one: tuple[OrganisationLine, Tally]) -> tuple[bool, int, bytes]:
    organisation, tally = one
    return tally.rate is None, tally.rate or 0, organisation.code.encode()


def report_parts(audit: Audit) -> Iterator[tuple[str, Any]]:
    """The members of a report in the order of their names; lists are iterators of their lines."""
    head = report_head(audit)
    parts: dict[str, Callable[[], Any]] = {
        **{name: _given(value) for name, value in head.items()},
        "clocks": lambda: (clock_line(audit, row) for row in audit.clocks()),
        "datasets": lambda: (dataset_line(audit, row) for row in audit.datasets()),
        "duties": lambda: (upper_line(audit, row) for row in audit.duties()),
        "entries": lambda: (entry_line(audit, row) for row in audit.entries()),
        "exemptions": lambda: (exemption_line(row) for row in audit.exemptions()),
        "findings": lambda: (finding_line(audit, row) for row in audit.findings()),
        "gaps": lambda: (gap_line(audit, row) for row in audit.gaps()),
        "metrics": lambda: iter(measures(audit)),
        "organisations": lambda: (_organisation(one) for one in audit.organisations()),
        "sources": lambda: (source_line(audit, row) for row in audit.sources()),
        "systems": lambda: (upper_line(audit, row) for row in audit.systems()),
        "tables": lambda: (table_line(audit, row) for row in audit.tables()),
    }
    for name in sorted(parts):
        yield name, parts[name]()


def report_bytes(audit: Audit) -> Iterator[bytes]:
    """The report as canonical JSON, in pieces: memory stays bounded however long its lists are."""
    separator = b"{"
    for name, value in report_parts(audit):
        yield separator + canonical_json(name) + b":"
        separator = b","
        if not isinstance(value, Iterator):
            yield canonical_json(value)
            continue
        between = b"["
        while lines := list(islice(value, _AT_ONCE)):
            yield between + canonical_plain(lines)[1:-1]
            between = b","
        yield b"[]" if between == b"[" else b"]"
    yield b"}"


def digest_of(pieces: Iterable[bytes]) -> str:
    """SHA-256 over a report's bytes, lower-case hex."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def gap_line(audit: Audit, row: Row) -> dict[str, Any]:
    """A gap as the report and the API tell it. Days as ``YYYY-MM-DD``, null where no calendar reaches."""
    today = audit.question.day.isoformat()
    due = _written(row.due)
    return {
        "id": gap_id(row.rung, row.code),
        "obligation": row.code,
        "organisation": audit.codes.get(row.org, ""),
        "rung": rung_code(row.rung),
        "reason": row.reason,
        "article": REASONS[row.reason].article,
        "acts": audit.codes.get(row.acts, ""),
        "since": _written(row.since),
        "due": due,
        "overdue": due is not None and due < today,
        "entry": row.entry,
        "leaves": _leaves(
            obligation=row.unit,
            binding=row.binding_leaf,
            entry=row.entry_leaf,
            manifest=row.manifest_leaf,
            delivery=row.delivery_leaf,
            score=row.score_leaf,
        ),
    }


def finding_line(audit: Audit, row: Row) -> dict[str, Any]:
    """A finding as the report and the API tell it; ``number`` is what :data:`SIGNALS` says it is."""
    signal = SIGNALS[row.name]
    number = row.number
    if number is not None:
        number = day_of(number).isoformat() if signal.number == "day" else written(number)
    return {
        "id": f"{row.name}:{row.subject}:{row.leaf}",
        "name": row.name,
        "subject": row.subject,
        "subject_type": signal.subject,
        "organisation": audit.codes.get(row.org, ""),
        "article": signal.article,
        "number": number,
        "detail": row.detail,
        "leaves": [leaf for leaf in (row.leaf, row.other) if leaf is not None and leaf >= 0],
    }


def source_line(audit: Audit, row: Row) -> Line:
    """An item that somebody says to produce; ``organisation`` is the competent department, which names sources."""
    return {
        "code": row.name,
        "leaf": row.leaf,
        "organisation": audit.codes.get(row.org, ""),
        "holders": row.holders,
        "producers": row.producers,
        "state": _WORDS[row.state],
    }


def dataset_line(audit: Audit, row: Row) -> Line:
    """A data set in use: the leaf of the step that names it, or its ``position`` in the journal."""
    return {
        "code": f"{row.namespace}:{row.name}",
        "entry": row.entry,
        "organisation": audit.codes.get(row.org, ""),
        "leaves": _leaves(step=row.leaf),
        "position": row.position,
        "state": State(row.state).word,
    }


def _journal(counted: AnchoredCheckpoint | None) -> Line | None:
    """The journal that was counted, and the leaf that vouches for it."""
    if counted is None:
        return None
    return {
        "origin": counted.origin,
        "size": counted.size,
        "root": counted.root.removeprefix("0x"),
        "leaf": counted.leaf_from,
    }


def clock_line(audit: Audit, row: Row) -> Line:
    """A statutory clock as the report tells it."""
    clock, code, leaf, org, started, due, done, state = tuple(row)
    return {
        "clock": clock,
        "code": code,
        "leaf": leaf,
        "organisation": audit.codes.get(org, ""),
        "started": _written(started),
        "due": _written(due),
        "done": _written(done),
        "state": _WORDS[state],
    }


def _given(value: object) -> Callable[[], object]:
    return lambda: value


@lru_cache(maxsize=4_096)
def _written(day: int | None) -> str | None:
    """A day YYYYMMDD as ``YYYY-MM-DD``; the days of a report are few, and each comes many times."""
    return None if day is None else day_of(day).isoformat()


def _leaves(**found: int | None) -> dict[str, int]:
    return {name: leaf for name, leaf in found.items() if leaf is not None and leaf >= 0}


def _organisation(one: OrganisationLine) -> Line:
    return {
        "code": one.code,
        "name": one.name,
        "name_en": one.name_en,
        "level": one.level,
        "status": one.status,
        "leaf": one.leaf,
    }


def upper_line(audit: Audit, row: Row) -> Line:
    """A duty or system as the report tells it."""
    return {
        "code": row.code,
        "leaf": row.leaf,
        "organisation": audit.codes.get(row.org, ""),
        "standing": STANDINGS[row.standing],
        "tables": row.tables,
        "catalogued": row.catalogued,
        "exempted": row.excused,
        "state": _WORDS[row.state],
    }


def table_line(audit: Audit, row: Row) -> Line:
    """A business table or expected entry as the report tells it."""
    (code, leaf, org, kind, child, top, standing, entry, binding, entry_leaf, manifest, delivery, score, own,
     cataloguing, collection, items, records, timeliness, quality, rung, _reason, on_time, due_from, due_upto,
     rows_due, rows_here, items_due, items_here, _exempt, _share) = tuple(row)  # fmt: skip
    return {
        "code": code,
        "organisation": audit.codes.get(org, ""),
        "type": _TYPES[kind],
        "part_of": top if child else None,
        "standing": STANDINGS[standing],
        "entry": entry,
        "leaves": _leaves(
            obligation=leaf,
            binding=binding,
            entry=entry_leaf,
            manifest=manifest,
            delivery=delivery,
            score=score,
        ),
        "states": {
            "cataloguing": _WORDS[cataloguing],
            "collection": _WORDS[collection],
            "item_collection": _WORDS[items],
            "record_collection": _WORDS[records],
            "timeliness": _WORDS[timeliness],
            "quality_pass": _WORDS[quality],
        },
        "gap": rung_code(rung) if rung else None,
        "periods_due": max(0, due_upto - due_from),
        "periods_on_time": on_time,
        "rows_due": written(rows_due),
        "rows_here": written(rows_here),
        "items_due": items_due,
        "items_here": items_here,
        "self_assessed": bool(own),
    }


def entry_line(audit: Audit, row: Row) -> Line:
    """A catalogue entry as the report tells it."""
    code, leaf, org, state, mount, on_chain, consistent = tuple(row)
    return {
        "code": code,
        "leaf": leaf,
        "organisation": audit.codes.get(org, ""),
        "state": state,
        "states": {
            "mount": _WORDS[mount],
            "on_chain": _WORDS[on_chain],
            "consistency": _WORDS[consistent],
        },
    }


def exemption_line(row: Row) -> Line:
    """An exemption as the report tells it, one line a scope."""
    return {
        "target": row.target,
        "target_type": row.kind,
        "scope": EXEMPTION_SCOPES[ExemptionScope(row.bit)][1],
        "leaf": row.leaf,
        "expires": _written(row.expires),
    }
