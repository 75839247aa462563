"""``govledger lineage``: tell where data sets come from, by SQL, by dbt, or by hand (血缘)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.lineage_certify import certify
from ledger.cli.lineage_findings import composition, draft, findings
from ledger.cli.lineage_graph import column, path, trace
from ledger.cli.lineage_impact import impact
from ledger.cli.lineage_statements import declare_command, rule_app, steps
from ledger.cli.output import (
    Exit,
    Problem,
    counted,
    err,
    out,
    print_json,
    progress_bar,
    say,
)
from ledger.cli.session import Json, demand_organisation, existing_file, opened
from ledger.lineage import queries
from ledger.lineage.entries import Door
from ledger.office import Office

app = typer.Typer(no_args_is_help=True, help="Lineage: where data come from / 血缘.")
app.command("trace")(trace)
app.command("impact")(impact)
app.command("column")(column)
app.command("path")(path)
app.command("certify")(certify)
app.command("declare")(declare_command)
app.command("steps")(steps)
app.add_typer(rule_app, name="rule")
app.command("findings")(findings)
app.command("composition")(composition)
app.command("draft")(draft)

Organisation = Annotated[
    str, typer.Option("--organisation", help="Code of the organisation whose lineage this is.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the events, one a line, and keep nothing.")
]
Namespace = Annotated[
    str,
    typer.Option("--namespace", help="The data sets': postgres://host:5432, oracle://host:1521 …"),
]
JobNamespace = Annotated[str, typer.Option("--job-namespace", help="The jobs' namespace.")]
_SHOWN = 20


@app.command("sql")
def sql(
    place: Annotated[Path, typer.Argument(help="A SQL file, or a directory of *.sql.")],
    dialect: Annotated[
        str, typer.Option(help="postgres, mysql, oracle, tsql, hive, spark, duckdb …")
    ],
    namespace: Namespace,
    job_namespace: JobNamespace = "sql",
    catalog: Annotated[str, typer.Option(help="Database of tables that name none.")] = "",
    schema: Annotated[str, typer.Option(help="Schema of tables that name none.")] = "",
    models: Annotated[
        bool,
        typer.Option("--models", help="A file that is one SELECT fills the table of its name."),
    ] = False,
    encoding: Annotated[
        str, typer.Option(help="Of the files: utf-8 or gb18030 (GBK is part of it).")
    ] = "utf-8",
    organisation: Organisation = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Read definitions, views and ETL scripts, down to the columns.

    Example: govledger lineage sql etl/ --dialect postgres --namespace postgres://dw:5432 --schema public
    """
    from ledger.lineage.doors.fillings import Options  # noqa: PLC0415 - sqlglot only here
    from ledger.lineage.doors.scripts import read_scripts  # noqa: PLC0415

    if not place.exists():
        raise Problem(
            say(f"没有这个文件或目录：{place}", f"no such file or directory: {place}"),
            code=Exit.USAGE,
        )
    for option, given in (("--namespace", namespace), ("--job-namespace", job_namespace)):
        if not given.strip():
            raise Problem(
                say(f"{option} 不能为空", f"{option} is empty"),
                say(
                    "写作 postgres://主机:端口 等，与其他途径一致",
                    "write it as the other doors do, such as postgres://host:5432",
                ),
                Exit.USAGE,
            )
    options = Options(dialect, namespace, job_namespace, catalog, schema, models)
    read = read_scripts(place, options, encoding.lower())
    _keep(
        read.events(datetime.now(UTC)),
        [f"{one.file}:{one.line}: {one.what}" for one in read.troubles],
        door="sql",
        organisation=organisation,
        dry_run=dry_run,
        as_json=as_json,
    )


@app.command("dbt")
def dbt(
    manifest: Annotated[Path, typer.Argument(help="target/manifest.json")],
    catalog: Annotated[
        Path | None, typer.Argument(help="target/catalog.json, for the columns' types.")
    ] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", help="The data sets'; the adapter's name by default.")
    ] = "",
    job_namespace: JobNamespace = "dbt",
    dialect: Annotated[str, typer.Option(help="SQL dialect; the adapter's by default.")] = "",
    organisation: Organisation = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Read a dbt project's artefacts: models, seeds, sources, snapshots and exposures.

    Example: govledger lineage dbt target/manifest.json target/catalog.json --namespace postgres://dw:5432
    """
    from ledger.lineage.doors.dbt import read_dbt  # noqa: PLC0415 - sqlglot only here

    project = read_dbt(
        existing_file(manifest),
        existing_file(catalog) if catalog else None,
        namespace=namespace,
        job_namespace=job_namespace,
        dialect=dialect,
    )
    _keep(
        project.events(datetime.now(UTC)),
        [f"{one.file}: {one.what}" for one in project.troubles],
        door="dbt",
        organisation=organisation,
        dry_run=dry_run,
        as_json=as_json,
    )


def _keep(
    events: Sequence[bytes],
    troubles: Sequence[str],
    *,
    door: Door,
    organisation: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Keep what was read in the journal, make edges of it, and say what could not be told."""
    for trouble in troubles[:_SHOWN]:
        err.print(f"! {trouble}", markup=False, style="yellow")
    if len(troubles) > _SHOWN:
        more = len(troubles) - _SHOWN
        err.print(say(f"！另有 {more} 处", f"! and {more} more"), style="yellow")
    if dry_run:
        sys.stdout.writelines(event.decode() + "\n" for event in events)
        return
    if not events:
        raise Problem(
            say("没有读到任何血缘", "nothing was read that tells of lineage"),
            say("请检查文件与 --dialect", "check the files and --dialect"),
            Exit.USAGE,
        )
    with opened() as office:
        _ = office.deployment
        if organisation:
            office.refresh()
            with office.read() as connection:
                demand_organisation(connection, organisation, None)
        first = office.lineage.append(list(events), door=door, organisation=organisation)
        _fold(office)
        with office.read() as connection:
            counts = queries.counts(connection)
    if as_json:
        print_json(
            {
                "first_position": first,
                "events": len(events),
                "troubles": list(troubles),
                "counts": counts,
            }
        )
        return
    out.print(
        say(
            f"✓ 已写入 {len(events)} 个事件（日志 {first}–{first + len(events) - 1}）；"
            f"现有数据集 {counts.datasets}、作业 {counts.jobs}、血缘边 {counts.edges}",
            f"✓ {counted(len(events), 'event')} kept (journal {first}–{first + len(events) - 1}); there are now "
            f"{counted(counts.datasets, 'data set')}, {counted(counts.jobs, 'job')} and "
            f"{counted(counts.edges, 'edge')}",
        ),
        style="green",
    )


def _fold(office: Office) -> None:
    """Make edges of what is in the journal; a server that is at it already goes on."""
    with progress_bar(say("生成血缘", "Making edges")) as bar:
        office.lineage.edges.catch_up(bar)
