"""A small office whose theme-library table comes from a department's table, told by events, SQL and a step.

``oracle SCHOOL -(step S-1)-> 318001/000001 = ods.schools -(run standardise)-> std.schools -(run theme)-> zt.theme
= 318001/000009``; beside it ``ext.raw -(design view)-> ext.weather -(run theme)->``, and a job ``back`` that writes
``ods.schools`` from ``std.schools``: a cycle (环).
"""

from __future__ import annotations

from typing import Any

from ledger.office import Office
from ledger.settings import load_settings
from tests.deliveries import tables
from tests.lineage.events import NAMESPACE, columns, dataset, encoded, job_event, run_event
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED, entry, file_entry

THEME = "318001/000009"
ORACLE = "oracle://学籍系统:1521"
STEP = {
    "code": "S-1",
    "name": "归集学校名录",
    "type": "collect",
    "inputs": [{"namespace": ORACLE, "name": "SCHOOL"}],
    "outputs": [{"entry": PUBLISHED}],
    "columns": [
        {
            "output": {"entry": PUBLISHED, "field": "学校名称"},
            "inputs": [{"namespace": ORACLE, "name": "SCHOOL", "field": "NAME"}],
        }
    ],
}
STANDARDISED = dataset("std.schools", columnLineage=columns(name=[("ods.schools", "学校名称")]))
THEMED = dataset("zt.theme", columnLineage=columns(名称=[("std.schools", "name")]))


def events() -> list[bytes]:
    """In the order in which they arrive; positions from 0."""
    told: list[dict[str, Any]] = [
        run_event(1, minute=1, job="standardise", inputs=("ods.schools",), outputs=(STANDARDISED,)),
        run_event(2, minute=10, job="theme", inputs=("std.schools",), outputs=(THEMED,)),
        # A run that began earlier and ended later: what it named counts from its end on, which names nothing.
        run_event(
            3, "START", 5, job="theme", inputs=("std.schools", "ext.weather"), outputs=("zt.theme",)
        ),
        run_event(3, "COMPLETE", 20, job="theme"),
        job_event(2, job="view", inputs=("ext.raw",), outputs=("ext.weather",)),
    ]
    return [encoded(one) for one in told]


def later_events() -> list[bytes]:
    """What came after the first checkpoint was anchored."""
    told = run_event(4, minute=3, job="back", inputs=("std.schools",), outputs=("ods.schools",))
    return [encoded(told)]


def tell(person: Person, told: list[bytes]) -> None:
    """Keep events as a client would have handed them in, and make edges of them."""
    flags = {"journal_key": "collector", "passphrase": person.passphrase}
    with Office(load_settings(flags, {}, person.data_dir)) as office:
        office.lineage.append(told, door="api", organisation=EDUCATION)
    person.run("journal", "fold")


def build_traced(person: Person) -> Person:
    """Make all of it by commands; the theme table's delivery 1 is the one to certify."""
    person.more["GOVLEDGER_JOURNAL_KEY"] = "collector"
    file_entry(person, entry(THEME, name="学校主题库", library="theme"))
    person.run("catalogue", "publish", THEME, "--key", "authority")
    rule = ("lineage", "rule", "add", "--key", "education-steward", "--namespace", NAMESPACE)
    person.run(*rule, "--code", "R-1", "--entry", PUBLISHED, "--name", "ods.school*")
    person.run(*rule, "--code", "R-2", "--entry", THEME, "--name", "zt.*")
    person.run("lineage", "declare", person.write("step.yaml", STEP), "--key", "education-steward")
    source = tables.parquet(person.place / "pupils.parquet", tables.pupils())
    period = ("--period", "2026-Q1")
    person.run(
        *("deliver", "manifest", source, "--entry", PUBLISHED, *period),
        *("--row-key", tables.KEY, "--key", "education-steward"),
    )
    received = ("deliver", "receive", source, "--key", "collector", *period)
    person.run(*received, "--entry", PUBLISHED)
    tell(person, events())
    person.run("journal", "anchor")
    person.run(*received, "--entry", THEME, "--row-key", tables.KEY, "--without-manifest")
    tell(person, later_events())
    person.run("journal", "anchor")
    return person
