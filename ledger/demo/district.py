"""A synthetic district (合成示例区): departments, keys, catalogue entries and scores, all from one seed.

Nothing in it is real: the division code 990118 belongs to no place, the credit codes are computed, and every
name says 示例区. The shape is a district's: 29 departments, 277 permit items, and the usual base libraries.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml
from eth_utils.crypto import keccak

from ledger.codes import Role
from ledger.identifiers import compose_resource_code, uscc_check_character

PREFIX = "示例区"
_PERSONAL = (
    "资格",
    "执业",
    "户口",
    "身份证",
    "居住证",
    "婚姻",
    "收养",
    "最低生活保障",
    "工伤",
    "失业",
    "优抚",
)
_CYCLES = ("daily", "weekly", "monthly", "quarterly", "yearly")
WITH_ADDRESS = 0.4
CONDITIONAL = 0.3
_CHECK_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Department:
    """A department with its code (GB 32100-2015) and its names."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """A quality score to be recorded: dimensions in basis points, in the order of DB31/T 1523."""

    entry: str
    period_start: int
    period_end: int
    dimensions: tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class District:
    """All that the demo records, in the order in which it is recorded."""

    seed: int
    region: str
    root: Department
    authority: Department
    departments: tuple[Department, ...]
    entries: Mapping[str, tuple[Mapping[str, Any], ...]]
    incomplete: frozenset[str]
    returned: Mapping[str, str]
    suspended: Mapping[str, str]
    revisions: Mapping[str, Mapping[str, Any]]
    scores: tuple[ScorePlan, ...]

    def private_key(self, organisation: str, role: Role) -> bytes:
        """The demo's signing key of an organisation in a role. Derived from the seed: never for real use."""
        return bytes(keccak(text=f"govledger demo {self.seed} {organisation} {role.name}"))


def synthetic_uscc(region: str, ordinal: int) -> str:
    """A well-formed credit code of an administrative body (机关, class 11) in ``region``."""
    body = f"{ordinal:08d}"
    rest = 11 - sum(int(c) * w for c, w in zip(body, _CHECK_WEIGHTS, strict=True)) % 11
    organisation = body + {10: "X", 11: "0"}.get(rest, str(rest))
    head = f"11{region}{organisation}"
    return head + uscc_check_character(head)


def build_district(seed: int = 2026) -> District:
    """The district that grows from ``seed``; the same seed gives the same district."""
    shape = yaml.safe_load(
        resources.files(__package__).joinpath("district.yaml").read_text("utf-8")
    )
    chance = random.Random(seed)  # noqa: S311 - a synthetic district, nothing secret
    region = str(shape["region"])
    root = Department(synthetic_uscc(region, 100), shape["root"]["zh"], shape["root"]["en"])
    departments = tuple(
        Department(
            synthetic_uscc(region, 200 + at), PREFIX + row["zh"], f"Sample District {row['en']}"
        )
        for at, row in enumerate(shape["departments"])
    )
    by_name = {row["zh"]: dep for row, dep in zip(shape["departments"], departments, strict=True)}
    entries: dict[str, list[Mapping[str, Any]]] = {dep.code: [] for dep in departments}
    for ordinal, row in enumerate(shape["departments"], start=1):
        owner = by_name[row["zh"]]
        for sequence, permit in enumerate(row["permits"], start=1):
            code = compose_resource_code(f"318{ordinal:03d}", sequence)
            entries[owner.code].append(_permit_entry(code, permit, owner, chance))
    counters: dict[str, int] = {}
    for row in shape["libraries"]:
        prefix = {"comprehensive": "101001", "theme": "201001", "special": "319001"}[row["library"]]
        counters[prefix] = counters.get(prefix, 0) + 1
        code = compose_resource_code(prefix, counters[prefix])
        owner = by_name[row["owner"]]
        entries[owner.code].append(_library_entry(code, row, owner))
    return _with_events(
        District(
            seed=seed,
            region=region,
            root=root,
            authority=by_name[shape["authority"]],
            departments=departments,
            entries={code: tuple(rows) for code, rows in entries.items()},
            incomplete=frozenset(),
            returned={},
            suspended={},
            revisions={},
            scores=(),
        ),
        chance,
    )


def _item(name: str, data_type: str, grade: int = 1, **more: object) -> dict[str, Any]:
    return {"name": name, "data_type": data_type, "grade": grade, **more}


def _assessments() -> dict[str, Any]:
    return {
        "use_conditions": "限于申请的用途，不得提供给第三方",
        "secrecy_assessment": {"done": True, "date": "2026-03-02"},
        "personal_information_assessment": {"done": True, "date": "2026-03-02"},
    }


def _permit_entry(
    code: str, permit: str, owner: Department, chance: random.Random
) -> dict[str, Any]:
    personal = any(word in permit for word in _PERSONAL)
    items = [
        _item("办件编号", "char", length=32, primary_key=True),
        _item("事项名称", "char", length=128),
        _item("申请人名称", "char", 2 if personal else 1, length=128),
        _item("申请人身份证号", "char", 3, length=18, sensitive=True)
        if personal
        else _item("统一社会信用代码", "char", length=18),
        _item("受理日期", "date"),
        _item("办结日期", "date"),
        _item("办理结果", "char", length=16, code_set="办理结果代码"),
        _item("证照编号", "char", length=64),
        _item("有效期截止", "date"),
    ]
    if not personal and chance.random() < WITH_ADDRESS:
        items.append(_item("经营地址", "char", length=256))
    entry: dict[str, Any] = {
        "code": code,
        "name": f"{permit}办件信息",
        "provider": owner.code,
        "provider_name": owner.name,
        "abstract": f"{owner.name}办理“{permit}”产生的办件过程与结果数据（合成数据，仅供演示）。",
        "formats": [{"category": "database", "type": "postgresql"}],
        "items": items,
        "share_modes": ["api", "batch"],
        "update_cycle": chance.choice(_CYCLES),
        "library": "department",
        "level": "district",
        "origin": "district_supplement",
        "national_class": "general",
        "duty": f"{permit}",
        "matters": [permit],
        "scenes": ["government_service"],
        **_assessments(),
    }
    return entry | _sharing(personal=personal, conditional=chance.random() < CONDITIONAL)


def _sharing(*, personal: bool, conditional: bool) -> dict[str, Any]:
    if personal or conditional:
        return {
            "share_type": "conditional",
            "share_scope": "区级行政机关和街镇",
            "share_purpose": "行政审批与事中事后监管核验",
            "open_type": "not_open" if personal else "conditional",
            **({} if personal else {"open_condition": "实名注册后按协议使用"}),
        }
    return {"share_type": "unconditional", "open_type": "unconditional"}


def _library_entry(code: str, row: Mapping[str, Any], owner: Department) -> dict[str, Any]:
    grade = int(row["grade"])
    items = [
        _item("标识编码", "char", length=32, primary_key=True),
        _item("名称", "char", grade, length=128),
        _item("所属街镇", "char", length=12, code_set="行政区划代码"),
        _item("状态", "char", length=8),
        _item("更新时间", "datetime"),
    ]
    if grade >= 3:  # noqa: PLR2004 - restricted from level 3 (GB/T 43697-2024, annex H)
        items.insert(2, _item("公民身份号码", "char", 3, length=18, sensitive=True))
    entry: dict[str, Any] = {
        "code": code,
        "name": str(row["zh"]),
        "provider": owner.code,
        "provider_name": owner.name,
        "abstract": f"{row['zh']}，由{owner.name}牵头归集（合成数据，仅供演示）。",
        "formats": [{"category": "database", "type": "postgresql"}],
        "items": items,
        "share_modes": ["api", "batch"],
        "update_cycle": row["cycle"],
        "library": row["library"],
        "library_name": str(row["zh"]).removesuffix("信息"),
        "level": "district",
        "origin": "district_supplement",
        "national_class": "general",
        "scenes": ["public_service"],
        **_assessments(),
    }
    return entry | _sharing(personal=grade >= 3, conditional=grade >= 2)  # noqa: PLR2004


def _with_events(district: District, chance: random.Random) -> District:
    """The same district with what happens to its entries: drafts, returns, revisions, scores."""
    rows = [entry for entries in district.entries.values() for entry in entries]
    codes = [str(entry["code"]) for entry in rows]
    by_code = {str(entry["code"]): entry for entry in rows}
    picked = chance.sample(codes, 52)
    incomplete, returned, suspended, revised = (
        picked[:8],
        picked[8:16],
        picked[16:20],
        picked[20:52],
    )
    revisions = {}
    for code in [*returned[:5], *revised]:
        entry = dict(by_code[code])
        entry["items"] = [*entry["items"], _item("审批层级", "char", length=8)]
        entry["abstract"] = f"{entry['abstract']}本版新增审批层级。"
        revisions[code] = entry
    for code in incomplete:
        by_code[code].pop("items")  # type: ignore[attr-defined]
    scored = [c for c in codes if c not in {*incomplete, *returned, *suspended}]
    scores = tuple(
        ScorePlan(code, start, end, _dimensions(chance))
        for start, end in ((20260401, 20260630), (20260701, 20260930))
        for code in sorted(chance.sample(scored, 60))
    )
    return District(
        seed=district.seed,
        region=district.region,
        root=district.root,
        authority=district.authority,
        departments=district.departments,
        entries=district.entries,
        incomplete=frozenset(incomplete),
        returned=dict.fromkeys(returned, "信息项缺少审批层级，请补充后重新报送。"),
        suspended=dict.fromkeys(suspended, "来源系统升级改造，暂停共享。"),
        revisions=revisions,
        scores=scores,
    )


def _dimensions(chance: random.Random) -> tuple[int, int, int, int, int, int]:
    low = chance.choice((7000, 8200, 9000, 9400))
    values = [min(10_000, chance.randint(low, low + 1200)) for _ in range(6)]
    return (values[0], values[1], values[2], values[3], values[4], values[5])
