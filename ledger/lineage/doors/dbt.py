"""dbt artefacts read for lineage: ``manifest.json``, and ``catalog.json`` for the columns (dbt 1.x, v4 to v12).

Each model, snapshot and exposure is a job, named as ``dbt-ol`` names it (database.schema.package.name); what it
reads and writes are the relations of the manifest. Columns are traced through the compiled SQL. An ephemeral
model has no relation: what it reads, its readers read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.schema import MappingSchema

from ledger.lineage.doors.fillings import Trouble
from ledger.lineage.doors.told import (
    LONGEST_SQL,
    Column,
    Place,
    column_facet,
    dataset,
    dataset_event,
    facet,
    job_event,
    schema_facet,
)
from ledger.lineage.doors.tracing import Name, Traced, trace

DIALECTS = {"sqlserver": "tsql", "synapse": "tsql", "fabric": "tsql", "athena": "athena"}
"""dbt adapters whose SQL goes by another name in sqlglot."""
_RELATIONS = frozenset({"model", "seed", "snapshot", "source"})
_BUILT = frozenset({"model", "snapshot"})


class DbtError(ValueError):
    """A file that is no dbt artefact of the kind that is needed; the text says which."""


@dataclass(frozen=True)
class _Node:
    """A node of the manifest, as far as lineage goes."""

    id: str
    kind: str
    name: Name
    job: str
    description: str
    columns: tuple[Column, ...]
    reads: tuple[str, ...]
    code: str
    ephemeral: bool


@dataclass
class Project:
    """What a manifest says. ``troubles`` name models whose columns could not be told."""

    namespace: str
    job_namespace: str
    dialect: str
    nodes: dict[str, _Node] = field(default_factory=dict)
    traced: dict[str, Traced] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def events(self, at: datetime) -> list[bytes]:
        """OpenLineage events for all of it, in order of the nodes' ids."""
        told = []
        for _, node in sorted(self.nodes.items()):
            if node.kind in _BUILT:
                if not node.ephemeral:
                    told.append(self._job(node, [self._output(node)], at))
            elif node.kind == "exposure":
                told.append(self._job(node, [], at))
            elif node.kind in _RELATIONS:
                told.append(dataset_event(self._place(node.name), self._facets(node), at))
        return told

    def _place(self, name: Name) -> Place:
        return Place(self.namespace, ".".join(part for part in name if part))

    def _facets(self, node: _Node) -> dict[str, Any]:
        facets: dict[str, Any] = {}
        if node.columns:
            facets["schema"] = schema_facet(node.columns)
        if node.description:
            facets["documentation"] = facet(
                "DocumentationDatasetFacet", "1-1-0", description=node.description
            )
        return facets

    def _output(self, node: _Node) -> dict[str, Any]:
        facets = self._facets(node)
        if traced := self.traced.get(node.id):
            facets["columnLineage"] = column_facet(traced, self._places(traced))
            if not node.columns and traced.columns:
                facets["schema"] = schema_facet(Column(name) for name in traced.columns)
        return dataset(self._place(node.name), facets)

    def _places(self, traced: Traced) -> dict[Name, Place]:
        """Relations by the names that the SQL gives them, which may differ in case."""
        known = {_folded(node.name): node.name for node in self.nodes.values()}
        origins = [*traced.influence, *(one for each in traced.columns.values() for one in each)]
        return {
            origin.table: self._place(known.get(_folded(origin.table), origin.table))
            for origin in origins
        }

    def _job(self, node: _Node, outputs: list[dict[str, Any]], at: datetime) -> bytes:
        facets: dict[str, Any] = {
            "jobType": facet(
                "JobTypeJobFacet",
                "2-0-3",
                processingType="BATCH",
                integration="DBT",
                jobType=node.kind.upper(),
            )
        }
        if node.code:
            sql = node.code.strip()[:LONGEST_SQL]
            facets["sql"] = facet("SQLJobFacet", "1-1-0", query=sql, dialect=self.dialect)
        read = sorted({self._place(name) for name in self._reads(node, set())})
        job = Place(self.job_namespace, node.job)
        return job_event(job, facets, [dataset(place) for place in read], outputs, at)

    def _reads(self, node: _Node, seen: set[str]) -> Iterator[Name]:
        for other in node.reads:
            found = self.nodes.get(other)
            if found is None or other in seen:
                continue
            seen.add(other)
            if found.ephemeral:
                yield from self._reads(found, seen)
            elif found.kind in _RELATIONS:
                yield found.name


def read_dbt(
    manifest: Path,
    catalog: Path | None,
    *,
    namespace: str = "",
    job_namespace: str = "dbt",
    dialect: str = "",
) -> Project:
    """Read the artefacts; without ``namespace`` data sets stand under the adapter's name.

    Raises :class:`DbtError` for a file that is no such artefact, and :class:`OSError`.
    """
    told = _artefact(manifest, "manifest")
    known = _artefact(catalog, "catalog") if catalog is not None else {}
    adapter = str(told["metadata"].get("adapter_type") or "")
    spoken = dialect or DIALECTS.get(adapter, adapter)
    try:
        Dialect.get_or_raise(spoken)
    except ValueError as error:
        raise DbtError(f"{spoken!r} is no SQL dialect that is known here: name one") from error
    project = Project(namespace or f"{adapter or 'dbt'}://", job_namespace, spoken)
    for group in ("nodes", "sources", "exposures"):
        for number, node in _members(told, group).items():
            found = _node(number, node, known)
            if found is not None:
                project.nodes[number] = found
    _trace(project)
    return project


def _artefact(path: Path, kind: str) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise DbtError(f"{path} is no JSON: {error}") from error
    metadata = told.get("metadata") if isinstance(told, dict) else None
    version = metadata.get("dbt_schema_version") if isinstance(metadata, dict) else None
    if not isinstance(version, str) or f"/{kind}/" not in version:
        raise DbtError(f"{path} is no dbt {kind}: its metadata name no schema of one")
    return dict(told)


def _members(told: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    group = told.get(name)
    if not isinstance(group, dict):
        return {}
    return {str(key): value for key, value in group.items() if isinstance(value, dict)}


def _node(number: str, node: Mapping[str, Any], catalog: Mapping[str, Any]) -> _Node | None:
    kind = str(node.get("resource_type") or number.split(".", 1)[0])
    if kind not in {*_RELATIONS, "exposure"}:
        return None
    config, depends = node.get("config"), node.get("depends_on")
    name: Name = (
        str(node.get("database") or ""),
        str(node.get("schema") or ""),
        str(node.get("identifier") or node.get("alias") or node.get("name") or ""),
    )
    job = (*name[:2], str(node.get("package_name") or ""), str(node.get("name") or ""))
    reads = depends.get("nodes") if isinstance(depends, dict) else None
    return _Node(
        id=number,
        kind=kind,
        name=name,
        job=number if kind == "exposure" else ".".join(part for part in job if part),
        description=str(node.get("description") or ""),
        columns=_columns(number, node, catalog),
        reads=tuple(str(one) for one in reads or ()),
        code=str(node.get("compiled_code") or "") if node.get("language", "sql") == "sql" else "",
        ephemeral=isinstance(config, dict) and config.get("materialized") == "ephemeral",
    )


def _columns(
    number: str, node: Mapping[str, Any], catalog: Mapping[str, Any]
) -> tuple[Column, ...]:
    """Columns by the catalogue, in its order, with the manifest's descriptions; else the manifest's."""
    described = _members(node, "columns")
    words = {name.casefold(): str(one.get("description") or "") for name, one in described.items()}
    listed = {**_members(catalog, "nodes"), **_members(catalog, "sources")}.get(number, {})
    found = sorted(
        _members(listed, "columns").items(), key=lambda one: int(one[1].get("index") or 0)
    )
    if found:
        return tuple(
            Column(name, str(one.get("type") or ""), words.get(name.casefold(), ""))
            for name, one in found
        )
    return tuple(
        Column(name, str(one.get("data_type") or ""), str(one.get("description") or ""))
        for name, one in described.items()
    )


def _trace(project: Project) -> None:
    """Trace the columns of every model, each after those that it reads."""
    schema = MappingSchema(dialect=project.dialect)
    for node in _in_order(project.nodes):
        columns = [column.name for column in node.columns]
        if node.kind in _BUILT and node.code:
            traced = _traced(project, node, schema)
            if traced is not None:
                project.traced[node.id] = traced
                columns = columns or list(traced.columns)
        if columns and node.kind in _RELATIONS and all(node.name):
            table = exp.table_(node.name[2], db=node.name[1], catalog=node.name[0], quoted=True)
            schema.add_table(table, dict.fromkeys(columns, "unknown"), match_depth=False)


def _traced(project: Project, node: _Node, schema: MappingSchema) -> Traced | None:
    try:
        (tree,) = (
            one
            for one in Dialect.get_or_raise(project.dialect).parse(node.code)
            if isinstance(one, exp.Query)
        )
        traced = trace(tree, schema, project.dialect, (node.name[0], node.name[1]))
    except (SqlglotError, RecursionError, ValueError) as error:
        project.troubles.append(Trouble(node.id, 1, str(error).split("\n", 1)[0]))
        return None
    for what in traced.unresolved:
        project.troubles.append(Trouble(node.id, 1, f"{what}: no definition says whose it is"))
    if len(node.columns) == len(traced.columns):
        return traced.renamed(column.name for column in node.columns)
    return replace(traced)


def _in_order(nodes: Mapping[str, _Node]) -> list[_Node]:
    """Each after those that it reads; manifests have no circles, and one that had some would end too."""
    ordered: list[_Node] = []
    seen: set[str] = set()
    for first in sorted(nodes):
        waiting = [(first, False)]
        while waiting:
            number, done = waiting.pop()
            if done:
                ordered.append(nodes[number])
            elif number not in seen and number in nodes:
                seen.add(number)
                waiting.append((number, True))
                waiting += [(other, False) for other in reversed(nodes[number].reads)]
    return ordered


def _folded(name: Name) -> tuple[str, ...]:
    return tuple(part.casefold() for part in name)
