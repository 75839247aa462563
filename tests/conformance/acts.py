"""Acts as anybody may try them, legal or not: strategies over small pools, so that they meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ledger.statements import (
    FILING,
    KEY,
    ORGANISATION,
    StructType,
    Value,
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


correction_rows = st.fixed_dictionaries(
    {
        "code": rarely(st.sampled_from(["JH-1", "JH-2"]), st.just("JH-3")),
        "state": rarely(st.sampled_from([1, 1, 2, 3, 4, 5, 6]), st.sampled_from([0, 7, 255])),
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


ROWS: dict[str, st.SearchStrategy[dict[str, Value]]] = {
    "Organisation": organisation_rows(),
    "Key": key_rows(),
    "Filing": filing_rows,
    "Decision": decision_rows,
    "Score": score_rows(),
    "Correction": correction_rows,
    "Checkpoint": checkpoint_rows,
    "DatasetRule": rule_rows,
    "Step": step_rows,
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
    rows = draw(
        st.lists(
            st.tuples(ROWS[struct.name], slips, bodies),
            min_size=1,
            max_size=3,
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
