"""Pipelines of the synthetic district (合成数据链路): collect, standardise, 综合库, 主题库, told by the real client.

Every table that is collected goes from its business system into the warehouse (贴源), is standardised (标准表), and
feeds the register of legal persons (综合库) or the credit information (主题库). Two data sets that work is done with
nobody catalogued; the safety table is graded lower than the register of persons that it reads; the parking table
reads it too, and declares how it de-identifies; the credit table was not made again after the third quarter.

What jobs say comes over HTTP, as OpenLineage, by the openlineage-python client; what people say is signed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from ledger.access.tokens import LINEAGE_WRITE
from ledger.access.tokens import create as create_token
from ledger.codes import Role
from ledger.demo.calendar import BEIJING
from ledger.demo.collecting import Table
from ledger.demo.district import Department, District
from ledger.demo.tables import COLUMNS
from ledger.lineage.statements import RuleDraft, StepDraft, anchor, attribute, declare
from ledger.office import Office

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

    from ledger.demo.play import Play

Receiving = Callable[[Office], AbstractContextManager[str]]
"""Receives lineage events at the address that it gives, while the block runs."""
WAREHOUSE = "postgres://dw.sample:5432"
PERMITS = "mysql://permits.sample:3306"
POLICE = "mysql://police.sample:3306"
OPERATIONS = "mysql://operations.sample:3306"
DARK = ((OPERATIONS, "hotline.orders_12345"), (OPERATIONS, "cameras.points"))
"""Data sets of nobody: what duties produce, and no entry lists."""
JOBS = "airflow.sample"
PRODUCER = "https://sample.invalid/pipelines"
LEGAL, CREDIT, SAFETY = "法人单位基础信息", "公共信用信息", "安全生产主题信息"
PERSONS, PARKING = "人口基础信息", "公共停车专题信息"
TABLES = {
    LEGAL: "base.legal_persons",
    CREDIT: "dm.credit",
    SAFETY: "dm.safety",
    PERSONS: "base.persons",
    PARKING: "dm.parking",
}
"""Entries of the libraries, and the tables in which they stand."""
DECLARED = date(2026, 3, 12)
RUNS = (date(2026, 4, 13), date(2026, 7, 13), date(2026, 10, 23))
STEP = "S-TC-01"
ITEM = "名称"
"""The item of the credit table that the tour traces."""
Ends = tuple[tuple[str, str], ...]
Mapped = dict[str, list[tuple[tuple[str, str], str, str]]]
"""Output column -> data set, column and kind of transformation of each that it is made of."""


@dataclass(frozen=True, slots=True)
class Task:
    """A job: what it reads and writes, and which columns become which."""

    name: str
    inputs: Ends
    outputs: Ends
    columns: Mapped
    schema: tuple[tuple[str, str], ...] = ()
    about: str = ""


class Pipelines:
    """The pipelines of one demo; what they say is kept in its lineage journal."""

    def __init__(self, play: Play, tables: Sequence[Table], receiving: Receiving) -> None:
        self._play = play
        self._tables = tables
        self._receiving = receiving

    def declare(self) -> None:
        """Which data sets belong to which entry, and the step that de-identifies."""
        play, bureau = self._play, self._play.district.authority
        play.calendar.turn(DECLARED)
        deadline = play.office.deadline()
        rules = attribute(
            list(rules_of(play.district, self._tables)), speaker=bureau.code, deadline=deadline
        )
        step = declare([step_of(play.district)], speaker=bureau.code, deadline=deadline)
        play.record(
            "归属规则与加工步骤 lineage rules, a step",
            [
                (rules, play.account(bureau, Role.AUTHORITY), None),
                (step, play.account(bureau, Role.STEWARD), None),
            ],
        )

    def run(self, quarter: int) -> None:
        """Every job once, as its events tell; then the journal is anchored."""
        play = self._play
        play.calendar.turn(RUNS[quarter])
        tasks = tasks_of(play.district, self._tables)
        if quarter == len(RUNS) - 1:
            tasks = [task for task in tasks if task.name != "derive.credit"]
        with play.bar("血缘事件 lineage events", len(tasks)) as bar, self._client() as client:
            for done, task in enumerate(tasks, start=1):
                for event in events_of(task, RUNS[quarter], done):
                    client.emit(event)
                bar(done)
        self._anchor()
        play.office.lineage.edges.catch_up()

    @contextlib.contextmanager
    def _client(self) -> Iterator[OpenLineageClient]:
        """The real client over HTTP, with a token of the data bureau."""
        from openlineage.client import OpenLineageClient  # noqa: PLC0415 - takes long to import
        from openlineage.client.transport.http import (  # noqa: PLC0415
            ApiKeyTokenProvider,
            HttpConfig,
            HttpTransport,
        )

        office, bureau = self._play.office, self._play.district.authority
        token, _ = create_token(
            office.desk_engine, [LINEAGE_WRITE], days=1, organisation=bureau.code, now=time.time()
        )
        with self._receiving(office) as url:
            config = HttpConfig(url=url, auth=ApiKeyTokenProvider({"apiKey": token}))
            transport = HttpTransport(config)
            # The address is this machine's own: no proxy of the environment is asked.
            transport.session.trust_env = False
            with contextlib.closing(OpenLineageClient(transport=transport)) as client:
                yield client

    def _anchor(self) -> None:
        play, bureau = self._play, self._play.district.authority
        draft = play.office.lineage.due(1, 0, play.office.clock())
        if draft is None:
            raise LookupError("no event came into the journal")
        batch = anchor([draft], speaker=bureau.code, deadline=play.office.deadline())
        collector = play.account(bureau, Role.COLLECTOR)
        play.record("血缘日志检查点 a journal checkpoint", [(batch, collector, None)])


def slug(table: Table) -> str:
    """What a collected table is called in databases."""
    return f"permit_{table.entry.replace('/', '_')}"


def library_entry(district: District, name: str) -> tuple[str, Department]:
    """Code and owner of an entry of a library."""
    for department in district.departments:
        for row in district.entries[department.code]:
            if row["name"] == name:
                return str(row["code"]), department
    raise LookupError(name)


def rules_of(district: District, tables: Sequence[Table]) -> Iterator[RuleDraft]:
    """A rule for each collected table, wherever it stands, and for each table of a library."""
    for table in tables:
        yield RuleDraft(
            code=f"R-{slug(table)}",
            holder=table.owner.code,
            entry=table.entry,
            namespace="*.sample:*",
            name=f"*.{slug(table)}",
            system="行政审批系统",
        )
    for name, place in TABLES.items():
        code, owner = library_entry(district, name)
        yield RuleDraft(
            code=f"R-{place}",
            holder=owner.code,
            entry=code,
            namespace="*.sample:*" if name == PERSONS else WAREHOUSE,
            name="*.persons" if name == PERSONS else place,
            system="公共数据平台",
        )


def step_of(district: District) -> StepDraft:
    """How the parking table is made of persons without telling of any (去标识化)."""
    return StepDraft.model_validate(
        {
            "code": STEP,
            "name": "按街镇汇总停车需求",
            "name_en": "Parking demand by town",
            "type": "derive",
            "inputs": [{"entry": library_entry(district, PERSONS)[0]}],
            "outputs": [{"entry": library_entry(district, PARKING)[0]}],
            "deidentification": {
                "method": "汇总到街镇，少于 10 人的不列",
                "standard": "GB/T 37964-2019",
                "grade_before": 3,
                "grade_after": 1,
            },
        }
    )


def tasks_of(district: District, tables: Sequence[Table]) -> list[Task]:
    """Every job, sources first."""
    shares = {
        str(row["code"]): row["share_type"] for rows in district.entries.values() for row in rows
    }
    tasks: list[Task] = [
        Task("sync.hotline", (), (DARK[0],), {}, _HOTLINE, "12345热线转办记录"),
        Task("sync.cameras", (), (DARK[1],), {}, _CAMERAS, "公共视频点位台账"),
    ]
    for table in tables:
        source, raw, clean = (
            (PERMITS, f"permit.{slug(table)}"),
            (WAREHOUSE, f"ods.{slug(table)}"),
            (WAREHOUSE, f"std.{slug(table)}"),
        )
        tasks += [
            Task(f"collect.{slug(table)}", (source,), (raw,), _same(source)),
            Task(f"standardise.{slug(table)}", (raw,), (clean,), _same(raw)),
        ]
    register = (WAREHOUSE, TABLES[PERSONS])
    persons = (POLICE, "population.persons")
    tasks.append(Task("collect.persons", (persons,), (register,), {}))
    opened: Ends = tuple(
        (WAREHOUSE, f"std.{slug(one)}") for one in tables if shares[one.entry] == "unconditional"
    )
    closed: Ends = tuple(
        (WAREHOUSE, f"std.{slug(one)}") for one in tables if shares[one.entry] != "unconditional"
    )
    legal, credit = (WAREHOUSE, TABLES[LEGAL]), (WAREHOUSE, TABLES[CREDIT])
    safety, parking = (WAREHOUSE, TABLES[SAFETY]), (WAREHOUSE, TABLES[PARKING])
    return [
        *tasks,
        Task("merge.legal_persons", opened, (legal,), _companies(opened)),
        Task(
            "derive.credit",
            (legal, *closed, DARK[0]),
            (credit,),
            {
                ITEM: [
                    (legal, ITEM, "IDENTITY"),
                    *((one, "申请人名称", "TRANSFORMATION") for one in closed),
                ],
                "标识编码": [(legal, "标识编码", "IDENTITY")],
                "状态": [(one, "办理结果", "AGGREGATION") for one in closed],
            },
        ),
        Task("derive.safety", (register, *closed[:1]), (safety,), {ITEM: [(register, ITEM, "IDENTITY")]}),
        Task("derive.parking", (register, DARK[1]), (parking,), {ITEM: [(DARK[1], "名称", "IDENTITY")]}),
    ]  # fmt: skip


_HOTLINE = (
    ("工单编号", "varchar(32)"),
    ("来电时间", "timestamp"),
    ("诉求内容", "text"),
    ("承办单位", "varchar(64)"),
)
_CAMERAS = (
    ("点位编号", "varchar(32)"),
    ("名称", "varchar(128)"),
    ("经度", "decimal(9,6)"),
    ("纬度", "decimal(9,6)"),
)


def _same(source: tuple[str, str]) -> Mapped:
    return {column: [(source, column, "IDENTITY")] for column in COLUMNS}


def _companies(sources: Ends) -> Mapped:
    return {
        ITEM: [(one, "申请人名称", "TRANSFORMATION") for one in sources],
        "标识编码": [(one, "统一社会信用代码", "IDENTITY") for one in sources],
        "更新时间": [(one, "办结日期", "AGGREGATION") for one in sources],
    }


def events_of(task: Task, day: date, number: int) -> Iterator[Any]:
    """START and COMPLETE of a run, at times and under an id that follow from the day and the job."""
    from openlineage.client.event_v2 import (  # noqa: PLC0415
        InputDataset,
        Job,
        OutputDataset,
        Run,
        RunEvent,
        RunState,
    )

    begun = datetime(day.year, day.month, day.day, 2, tzinfo=BEIJING) + timedelta(
        minutes=5 * number
    )
    run = Run(runId=str(uuid5(NAMESPACE_URL, f"{PRODUCER}/{task.name}/{day}")))
    job = Job(namespace=JOBS, name=task.name)
    inputs = [InputDataset(namespace=space, name=name) for space, name in task.inputs]
    outputs = [
        OutputDataset(namespace=space, name=name, facets=_facets(task))
        for space, name in task.outputs
    ]
    for state, at in ((RunState.START, begun), (RunState.COMPLETE, begun + timedelta(minutes=4))):
        done = state == RunState.COMPLETE
        yield RunEvent(
            eventTime=at.isoformat(),
            producer=PRODUCER,
            run=run,
            job=job,
            eventType=state,
            inputs=inputs,
            outputs=outputs if done else [],
        )


def _facets(task: Task) -> dict[str, Any]:
    from openlineage.client.facet_v2 import (  # noqa: PLC0415
        column_lineage_dataset,
        documentation_dataset,
        schema_dataset,
    )

    found: dict[str, Any] = {}
    if task.columns:
        found["columnLineage"] = column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={
                column: column_lineage_dataset.Fields(
                    inputFields=[
                        column_lineage_dataset.InputField(
                            namespace=names[0],
                            name=names[1],
                            field=field,
                            transformations=[
                                column_lineage_dataset.Transformation(
                                    type="DIRECT", subtype=subtype
                                )
                            ],
                        )
                        for names, field, subtype in sources
                    ]
                )
                for column, sources in task.columns.items()
            }
        )
    if task.schema:
        found["schema"] = schema_dataset.SchemaDatasetFacet(
            fields=[
                schema_dataset.SchemaDatasetFacetFields(name=name, type=kind)
                for name, kind in task.schema
            ]
        )
        found["documentation"] = documentation_dataset.DocumentationDatasetFacet(
            description=task.about
        )
    return found
