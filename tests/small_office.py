"""A small ledger of two departments, made by the commands themselves, and copied for each test.

Beside ``authority`` (of the district's government, which also registers) there are the keys
``education-steward``, ``education-head``, ``civil-steward``, ``civil-head``, ``assessor``, ``auditor``
and ``collector``; the catalogue holds one published entry of the education bureau, :data:`PUBLISHED`.
"""

from __future__ import annotations

from typing import Any

from ledger.demo.district import synthetic_uscc
from tests.person import Person

REGION = "990118"
ROOT_ORGANISATION = synthetic_uscc(REGION, 0)
EDUCATION = synthetic_uscc(REGION, 1)
CIVIL_AFFAIRS = synthetic_uscc(REGION, 2)
PUBLISHED = "318001/000001"
ORGANISATIONS = f"""code,name,parent,level,name_en
{EDUCATION},示范区教育局,{ROOT_ORGANISATION},district,Education Bureau
{CIVIL_AFFAIRS},示范区民政局,{ROOT_ORGANISATION},district,Civil Affairs Bureau
"""
KEYS = (
    ("education-steward", EDUCATION, "steward"),
    ("education-head", EDUCATION, "head"),
    ("civil-steward", CIVIL_AFFAIRS, "steward"),
    ("civil-head", CIVIL_AFFAIRS, "head"),
    ("assessor", ROOT_ORGANISATION, "assessor"),
    ("auditor", ROOT_ORGANISATION, "auditor"),
    ("collector", ROOT_ORGANISATION, "collector"),
)


def entry(code: str = PUBLISHED, **changes: object) -> dict[str, Any]:
    """An entry of the education bureau that lacks nothing; ``changes`` replace or (None) remove."""
    whole: dict[str, object] = {
        "code": code,
        # one name has one code: another code, another name
        "name": "中小学校名录" if code == PUBLISHED else f"{code[-2:]}类教育机构名录",
        "provider": EDUCATION,
        "provider_name": "示范区教育局",
        "abstract": "本区中小学校的名称、地址和办学类型",
        "formats": [{"category": "database", "type": "postgresql"}],
        "items": [
            {"name": "学校名称", "data_type": "char", "length": 128, "grade": 1},
            {"name": "学校地址", "data_type": "char", "length": 256, "grade": 1},
        ],
        "share_type": "unconditional",
        "share_modes": ["api"],
        "use_conditions": "注明来源",
        "open_type": "unconditional",
        "update_cycle": "yearly",
        "library": "department",
        "level": "district",
        "origin": "district_supplement",
        "secrecy_assessment": {"done": True, "date": "2026-03-02"},
        "personal_information_assessment": {"done": True, "date": "2026-03-02"},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def score(**changes: object) -> dict[str, Any]:
    """A score of the published entry for the first quarter of 2026."""
    return {
        "entry": PUBLISHED,
        "edition": 1,
        "period_start": "2026-01-01",
        "period_end": "2026-03-31",
        "scores": {"accuracy": 9000, "completeness": 8000},
        "rule_set": "ab" * 32,
        **changes,
    }


def file_entry(person: Person, written: dict[str, Any], who: str = "education") -> None:
    """Submit an entry with its steward's and head's keys."""
    file = person.write("entry.yaml", written)
    person.run("catalogue", "register", file, "--key", f"{who}-steward", "--head", f"{who}-head")


def build(person: Person, *init: object) -> Person:
    """Make the whole small ledger in the person's directory; ``init`` are more options of it."""
    person.run("init", "--code", ROOT_ORGANISATION, "--name", "示范区人民政府", *init)
    register_everybody(person)
    file_entry(person, entry())
    person.run("catalogue", "publish", PUBLISHED, "--key", "authority")
    return person


def register_everybody(person: Person) -> None:
    """The departments, and everybody's keys."""
    table = person.place / "organisations.csv"
    table.write_text(ORGANISATIONS, "utf-8")
    person.run("org", "register", "--key", "authority", "--file", table)
    for name, holder, role in KEYS:
        person.run("key", "create", name)
        person.run("key", "grant", name, "--key", "authority", "--holder", holder, "--roles", role)
