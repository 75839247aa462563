"""What the synthetic district must collect (合成归集义务): duties, expected entries, bindings, exemptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ledger.codes import ExemptionTarget, Library, ObligationType, UpdateCycle
from ledger.demo.district import Department, District
from ledger.obligations.statements import BindingDraft, ExemptionDraft, ObligationDraft

IN_FORCE = date(2026, 3, 2)
LIST = "示例区权责清单（2026年版）"
UNBOUND = 11
"""Every so many-th expected entry nobody has said of which catalogue entry it is (未绑定)."""
MISSING = ("网格巡查记录", "12345热线转办记录", "公共视频点位台账")
"""Data that duties produce and no entry lists (应编未编)."""


@dataclass(frozen=True, slots=True)
class Duties:
    """The obligations of everybody, and what is said of them."""

    obligations: tuple[ObligationDraft, ...]
    bindings: dict[str, tuple[BindingDraft, ...]]
    exemptions: tuple[ExemptionDraft, ...]


def build_duties(district: District) -> Duties:
    """Each permit item is a duty that produces data, and each such duty expects an entry."""
    obligations: list[ObligationDraft] = []
    bindings: dict[str, tuple[BindingDraft, ...]] = {}
    expected = 0
    for ordinal, department in enumerate(district.departments, start=1):
        bound: list[BindingDraft] = []
        for number, row in enumerate(_permits(district, department), start=1):
            duty, entry = f"ZZ-{ordinal:02d}-{number:02d}", f"YB-{ordinal:02d}-{number:02d}"
            cycle = UpdateCycle.of(str(row["update_cycle"]))
            obligations += _pair(department, duty, entry, str(row["duty"]), cycle)
            expected += 1
            if expected % UNBOUND:
                bound.append(BindingDraft(obligation=entry, entry=str(row["code"])))
        if bound:
            bindings[department.code] = tuple(bound)
    bureau = district.authority
    for number, name in enumerate(MISSING, start=1):
        obligations += _pair(
            bureau, f"ZZ-01-9{number}", f"YB-01-9{number}", name, UpdateCycle.MONTHLY
        )
    return Duties(tuple(obligations), bindings, tuple(_exemptions(district)))


def expected_of(district: District, entry: str) -> str:
    """The code of the obligation that expects a permit's entry."""
    for ordinal, department in enumerate(district.departments, start=1):
        for number, row in enumerate(_permits(district, department), start=1):
            if row["code"] == entry:
                return f"YB-{ordinal:02d}-{number:02d}"
    raise LookupError(entry)


def _permits(district: District, department: Department) -> list[dict[str, object]]:
    return [dict(row) for row in district.entries[department.code] if "duty" in row]


def _pair(
    department: Department, duty: str, entry: str, name: str, cycle: UpdateCycle
) -> Iterator[ObligationDraft]:
    yield ObligationDraft(
        code=duty,
        name=name,
        type=ObligationType.DUTY,
        responsible=department.code,
        legal_basis=(LIST,),
        valid_from=IN_FORCE,
        source=duty,
    )
    yield ObligationDraft(
        code=entry,
        name=f"{name}办件信息" if name not in MISSING else name,
        type=ObligationType.ENTRY,
        responsible=department.code,
        parent=duty,
        legal_basis=(LIST, "政务数据共享条例第十三条"),
        update_cycle=cycle,
        library=Library.DEPARTMENT,
        valid_from=IN_FORCE,
    )


def _exemptions(district: District) -> Iterator[ExemptionDraft]:
    """Two that hold, and one that has run out and counts no more."""
    police = next(one for one in district.departments if one.name.endswith("公安分局"))
    justice = next(one for one in district.departments if one.name.endswith("司法局"))
    told = (
        (
            police,
            5,
            ("collect",),
            "民用爆炸物品安全管理条例",
            date(2027, 3, 1),
            "涉公共安全，列入负面清单",
        ),
        (
            police,
            6,
            ("collect",),
            "危险化学品安全管理条例",
            date(2027, 3, 1),
            "涉公共安全，列入负面清单",
        ),
        (
            justice,
            1,
            ("collect",),
            "示例区数据归集工作计划",
            date(2026, 6, 30),
            "系统改造期间暂缓归集",
        ),
    )
    for number, (department, item, scope, law, expires, reason) in enumerate(told, start=1):
        row = _permits(district, department)[item - 1]
        yield ExemptionDraft(
            code=f"HM-2026-{number:02d}",
            target=expected_of(district, str(row["code"])),
            target_type=ExemptionTarget.OBLIGATION,
            scope=scope,
            law=law,
            valid_from=date(2026, 3, 10),
            expires=expires,
            reasons=(reason,),
        )
