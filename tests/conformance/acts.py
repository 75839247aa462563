"""Acts as anybody may try them, legal or not: strategies over small pools, so that they meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ledger.statements import (
    CORRECTION,
    FILING,
    KEY,
    ORGANISATION,
    StructType,
    Value,
    sha256,
)
from ledger.typed_data import SPEAKER
from tests.contracts.world import DISTRICT, ROADS, WATER, account

CODES = (DISTRICT, WATER, ROADS, "TMP-HARBOUR", "TMP-PARKS")
ENTRIES = ("307001/000001", "307001/000002", "101002/000007")
KEYS = (
    "genesis",
    "publisher",
    "assessor",
    "water steward",
    "water head",
    "roads steward",
    "roads head",
    "stranger",
)


@dataclass(frozen=True)
class Act:
    """One batch that somebody tries to have recorded.

    ``rows`` leave the version out: it is the next one, plus the row's slip. ``late`` is how many
    seconds after the deadline the batch arrives.
    """

    struct: StructType
    organisation: str
    signer: str
    cosigner: str | None
    rows: tuple[tuple[dict[str, Value], int, bytes], ...]
    late: int


def rarely(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """``usual`` nineteen times out of twenty."""
    return st.integers(0, 19).flatmap(lambda n: odd if n == 0 else usual)


slips = rarely(st.just(0), st.sampled_from([-1, 1, 5]))
bodies = st.sampled_from([b"{}", b'{"reasons":["no"]}', b""])
codes = rarely(st.sampled_from(CODES), st.sampled_from(["", "TMP-NOBODY"]))
entries = rarely(st.sampled_from(ENTRIES), st.just("999999/000009"))


@st.composite
def organisation_rows(draw: st.DrawFn) -> dict[str, Value]:
    code = draw(codes)
    usual = st.just("") if code == DISTRICT else st.one_of(st.just(DISTRICT), codes)
    return {
        "code": code,
        "parent": draw(rarely(usual, codes)),
        "level": draw(rarely(st.integers(1, 3), st.sampled_from([0, 4, 255]))),
        "status": draw(rarely(st.sampled_from([1, 1, 2]), st.sampled_from([0, 3, 255]))),
    }


@st.composite
def key_rows(draw: st.DrawFn) -> dict[str, Value]:
    name = draw(st.sampled_from(KEYS))
    usual = {"water": WATER, "roads": ROADS, "stranger": "TMP-HARBOUR"}.get(name.split()[0])
    return {
        "key": draw(rarely(st.just(account(name).address), st.just("0x" + "00" * 20))),
        "holder": draw(rarely(st.just(usual or DISTRICT), codes)),
        "roles": draw(rarely(st.integers(1, 63), st.sampled_from([0, 64, 0xFFFF]))),
        "status": draw(rarely(st.sampled_from([1, 1, 2]), st.sampled_from([0, 3, 255]))),
    }


filing_rows = st.fixed_dictionaries(
    {
        "code": entries,
        "state": rarely(st.sampled_from([1, 2, 2]), st.sampled_from([0, 3, 4, 7, 255])),
        "shareType": rarely(st.integers(1, 3), st.sampled_from([0, 4])),
        "openType": rarely(st.integers(1, 3), st.sampled_from([0, 4])),
        "grade": rarely(st.integers(1, 4), st.sampled_from([0, 5])),
        "updateCycle": rarely(st.integers(1, 9), st.sampled_from([0, 10])),
        "library": rarely(st.integers(1, 4), st.sampled_from([0, 5, 255])),
    }
)
decision_rows = st.fixed_dictionaries(
    {
        "code": entries,
        "state": rarely(st.sampled_from([3, 4, 4, 4, 5, 6]), st.sampled_from([0, 1, 2, 7, 255])),
    }
)
days = rarely(
    st.sampled_from([20250101, 20250331, 20250630]),
    st.sampled_from([0, 20250230, 20240229, 19000229, 18991231, 29991231, 30000101, 20251301]),
)
points = rarely(st.integers(0, 10_000), st.sampled_from([10_001, 65_535]))


@st.composite
def score_rows(draw: st.DrawFn) -> dict[str, Value]:
    assessed = draw(rarely(st.integers(0, 63), st.sampled_from([64, 255])))
    row: dict[str, Value] = {
        "entry": draw(entries),
        "edition": draw(rarely(st.just(1), st.sampled_from([0, 2, 3, 0xFFFF_FFFF]))),
        "periodStart": draw(days),
        "periodEnd": draw(days),
        "assessed": assessed,
    }
    names = ("normativity", "completeness", "accuracy", "consistency", "timeliness")
    for place, name in enumerate((*names, "accessibility")):
        said = draw(points)
        unsaid = draw(st.sampled_from([0] * 30 + [1]))
        row[name] = said if assessed >> place & 1 else unsaid
    row["total"] = draw(points)
    row["coverage"] = draw(points)
    row["ruleSet"] = bytes(31) + b"\x07"
    row["dataRoot"] = bytes(32)
    return row


REQUESTS = tuple(f"JH-{number}" for number in range(1, 7))


def correction_rows(organisation: str) -> st.SearchStrategy[dict[str, Value]]:
    """Mostly steps that are for this organisation: the water bureau owns the entry, the roads bureau asks."""
    theirs = {WATER: [2, 3, 4, 4], ROADS: [1, 5, 5, 6]}.get(organisation, [1])
    return st.fixed_dictionaries(
        {
            "code": st.sampled_from(REQUESTS),
            "state": rarely(st.sampled_from(theirs), st.sampled_from([0, 1, 2, 5, 7, 255])),
            "type": rarely(st.just(3), st.sampled_from([0, 1, 5])),
            "entry": rarely(st.just(ENTRIES[0]), entries),
        }
    )


checkpoint_rows = st.fixed_dictionaries(
    {
        "origin": st.sampled_from(["district/lineage", "district/use"]),
        "size": rarely(st.integers(1, 60), st.sampled_from([0, 2**64 - 1])),
        "root": rarely(st.just(bytes(31) + b"\x07"), st.just(bytes(32))),
    }
)
stated = rarely(st.sampled_from([1, 1, 2]), st.sampled_from([0, 3, 255]))
rule_rows = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["rule/1", "rule/2", "rule/3"]),
        "holder": rarely(st.sampled_from([WATER, WATER, ROADS]), codes),
        "status": stated,
    }
)
step_rows = st.fixed_dictionaries(
    {"code": st.sampled_from(["step/1", "step/2", "step/3"]), "status": stated}
)


OBLIGATIONS = ("duty/1", "system/1", "table/1", "table/2", "expected/1")
TYPE_OF = dict(zip(OBLIGATIONS, (1, 2, 3, 3, 4), strict=True))
PARENT_OF = dict(zip(OBLIGATIONS, ("", "duty/1", "system/1", "duty/1", "table/1"), strict=True))
obligations = rarely(st.sampled_from(OBLIGATIONS), st.just("table/9"))
digests = rarely(st.sampled_from([bytes(31) + b"\x07", sha256(b"a")]), st.just(bytes(32)))


@st.composite
def obligation_rows(draw: st.DrawFn) -> dict[str, Value]:
    code = draw(st.sampled_from(OBLIGATIONS))
    start = draw(days)
    return {
        "code": code,
        "type": draw(rarely(st.just(TYPE_OF[code]), st.sampled_from([0, 1, 2, 3, 4, 5]))),
        "parent": draw(rarely(st.just(PARENT_OF[code]), st.sampled_from(["", *OBLIGATIONS]))),
        "responsible": draw(rarely(st.sampled_from([WATER, WATER, ROADS, DISTRICT]), codes)),
        "status": draw(rarely(st.sampled_from([1, 1, 1, 2]), st.sampled_from([0, 3]))),
        "updateCycle": draw(rarely(st.integers(0, 9), st.just(10))),
        "library": draw(rarely(st.integers(0, 4), st.just(5))),
        "validFrom": start,
        "validUntil": draw(rarely(st.sampled_from([0, 0, 20991231]), days)),
    }


binding_rows = st.fixed_dictionaries(
    {
        "obligation": rarely(st.sampled_from(OBLIGATIONS[2:]), obligations),
        "entry": rarely(st.just(ENTRIES[0]), entries),
        "status": rarely(st.sampled_from([1, 1, 2]), st.sampled_from([0, 3])),
    }
)
objection_rows = st.fixed_dictionaries(
    {
        "obligation": obligations,
        "state": rarely(st.sampled_from([1, 1, 2, 3]), st.sampled_from([0, 4])),
    }
)


@st.composite
def exemption_rows(draw: st.DrawFn) -> dict[str, Value]:
    kind = draw(rarely(st.sampled_from([1, 1, 2]), st.sampled_from([0, 3])))
    return {
        "code": draw(st.sampled_from(["ex/1", "ex/2"])),
        "target": draw(entries if kind == 2 else rarely(st.just("duty/1"), obligations)),
        "targetType": kind,
        "scope": draw(rarely(st.integers(1, 31), st.sampled_from([0, 32, 255]))),
        "status": draw(rarely(st.sampled_from([1, 1, 2]), st.sampled_from([0, 3]))),
        "validFrom": draw(days),
        "expires": draw(rarely(st.sampled_from([20991231, 20250702]), days)),
    }


resource_rows = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["r/1", "r/2"]),
        "entry": rarely(st.just(ENTRIES[0]), entries),
        "type": rarely(st.just(1), st.sampled_from([0, 2, 4])),
        "status": rarely(st.sampled_from([1, 1, 2]), st.sampled_from([0, 3])),
    }
)


@st.composite
def content(draw: st.DrawFn) -> dict[str, Value]:
    """What manifests and deliveries have in common."""
    rows = draw(rarely(st.just(7), st.just(0)))
    usual = sha256(b"") if rows == 0 else draw(digests)
    period = draw(rarely(st.just((20250101, 20250331)), st.tuples(days, days)))
    return {
        "entry": draw(rarely(st.just(ENTRIES[0]), entries)),
        "edition": draw(rarely(st.just(1), st.sampled_from([0, 2, 0xFFFF_FFFF]))),
        "periodStart": period[0],
        "periodEnd": period[1],
        "mode": draw(rarely(st.integers(1, 2), st.sampled_from([0, 3]))),
        "rows": rows,
        "schema": draw(digests),
        "root": draw(rarely(st.just(usual), st.sampled_from([sha256(b""), bytes(32)]))),
    }


@st.composite
def manifest_rows(draw: st.DrawFn) -> dict[str, Value]:
    return {**draw(content()), "buckets": draw(digests)}


@st.composite
def delivery_rows(draw: st.DrawFn) -> dict[str, Value]:
    roots = [bytes(32), bytes(31) + b"\x07", sha256(b"a"), sha256(b"")]
    return {
        **draw(content()),
        "manifest": draw(rarely(st.sampled_from([0, 0, 1]), st.sampled_from([2, 2**64 - 1]))),
        "content": bytes(32),
        "predecessor": draw(st.sampled_from(roots)),
    }


report_rows = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["report/1", "report/2"]),
        "type": rarely(st.integers(1, 3), st.sampled_from([0, 4])),
        "scope": st.just("{}"),
        "size": rarely(st.integers(1, 14), st.sampled_from([0, 2**64 - 1])),
        "root": digests,
        "numerator": rarely(st.integers(0, 3), st.just(5)),
        "denominator": st.integers(3, 4),
        "report": digests,
    }
)


ROWS: dict[str, st.SearchStrategy[dict[str, Value]]] = {
    "Organisation": organisation_rows(),
    "Key": key_rows(),
    "Filing": filing_rows,
    "Decision": decision_rows,
    "Score": score_rows(),
    "Checkpoint": checkpoint_rows,
    "DatasetRule": rule_rows,
    "Step": step_rows,
    "Obligation": obligation_rows(),
    "Binding": binding_rows,
    "Objection": objection_rows,
    "Exemption": exemption_rows(),
    "Resource": resource_rows,
    "Manifest": manifest_rows(),
    "Delivery": delivery_rows(),
    "Report": report_rows,
}
WHO = {
    "Organisation": ((DISTRICT, "genesis"), (DISTRICT, "publisher")),
    "Key": ((DISTRICT, "genesis"), (DISTRICT, "publisher"), (WATER, "water head")),
    "Filing": ((WATER, "water steward"), (ROADS, "roads steward")),
    "Decision": ((DISTRICT, "publisher"),),
    "Score": ((DISTRICT, "assessor"), (WATER, "water steward")),
    "Correction": (
        (ROADS, "roads steward"),
        (ROADS, "roads steward"),
        (WATER, "water steward"),
        (WATER, "water steward"),
        (DISTRICT, "assessor"),
    ),
    "Checkpoint": ((DISTRICT, "publisher"), (DISTRICT, "genesis")),
    "DatasetRule": ((WATER, "water steward"), (ROADS, "roads steward"), (DISTRICT, "publisher")),
    "Step": ((WATER, "water steward"), (ROADS, "roads steward")),
    "Obligation": ((DISTRICT, "publisher"),),
    "Binding": ((WATER, "water steward"), (WATER, "water steward"), (DISTRICT, "publisher")),
    "Objection": (
        (WATER, "water steward"),
        (WATER, "water head"),
        (ROADS, "roads head"),
        (DISTRICT, "publisher"),
    ),
    "Exemption": ((DISTRICT, "publisher"),),
    "Resource": ((WATER, "water steward"), (WATER, "water steward"), (ROADS, "roads steward")),
    "Manifest": ((WATER, "water steward"), (WATER, "water steward"), (ROADS, "roads steward")),
    "Delivery": ((DISTRICT, "collector"),),
    "Report": ((DISTRICT, "auditor"),),
}
HEAD_OF = {WATER: "water head", ROADS: "roads head"}


@st.composite
def acts(draw: st.DrawFn, structs: tuple[StructType, ...]) -> Act:
    struct = draw(st.sampled_from(structs))
    organisation, signer = draw(
        rarely(
            st.sampled_from(WHO[struct.name]),
            st.tuples(st.sampled_from((*CODES, "TMP-NOBODY")), st.sampled_from(KEYS)),
        )
    )
    usual = HEAD_OF.get(organisation) if struct is FILING else None
    cosigner = draw(rarely(st.just(usual), st.sampled_from((None, *KEYS))))
    said = correction_rows(organisation) if struct is CORRECTION else ROWS[struct.name]
    # An empty body alone refuses a step of a request.
    texts = rarely(st.just(b"{}"), st.just(b"")) if struct is CORRECTION else bodies
    rows = draw(
        st.lists(
            st.tuples(said, slips, texts),
            min_size=1,
            # A step that is out of turn refuses its whole batch.
            max_size=1 if struct is CORRECTION else 3,
            # The catalogue and quality registries take a subject once a batch.
            unique_by=None if struct in (ORGANISATION, KEY) else _subject(struct),
        )
    )
    late = draw(rarely(st.sampled_from([-3600, 0]), st.sampled_from([1, 3600])))
    return Act(struct, organisation, signer, cosigner, tuple(rows), late)


@st.composite
def foundings(draw: st.DrawFn) -> Act:
    """A first batch: nearly always the district's registration of itself, and more beside it."""
    root = {"code": DISTRICT, "parent": "", "level": 2, "status": 1}
    others = draw(st.lists(st.tuples(organisation_rows(), slips, bodies), max_size=2))
    signer = draw(rarely(st.just("genesis"), st.sampled_from(KEYS)))
    cosigner = draw(rarely(st.none(), st.sampled_from(KEYS)))
    organisation = draw(rarely(st.just(DISTRICT), codes))
    rows = ((root, draw(slips), b"{}"), *others)
    return Act(ORGANISATION, organisation, signer, cosigner, rows, -3600)


def _subject(struct: StructType) -> Any:
    names = [name for name in struct.subject if name != SPEAKER]
    return lambda row: tuple(row[0][name] for name in names)
