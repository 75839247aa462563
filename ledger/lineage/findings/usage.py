"""Data sets in use, for audits to count (在用数据): who names them, and which entry covers them.

What declared steps read and write follows from the ledger alone. What jobs read and write follows from a journal,
of which the ledger has the checkpoints only: it counts where an audit is told to take the journal too, up to the
size that was anchored by the audit's own size.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, and_, func, select

from ledger.lineage import queries
from ledger.lineage.findings.dark import Owners
from ledger.lineage.findings.noise import is_noise
from ledger.lineage.findings.picture import holding, picture
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.models import CURSORS, DATASETS, EDGES, STEP_EDGES, STEPS
from ledger.lineage.queries import AnchoredCheckpoint
from ledger.organisations import queries as organisations
from ledger.store.ranged import held


class Used(msgspec.Struct, frozen=True):
    """A data set in use. ``entry`` is what a rule says, whether the catalogue knows it or not."""

    namespace: str
    name: str
    entry: str | None
    noise: bool
    """Whether nobody would catalogue it (:mod:`ledger.lineage.findings.noise`)."""
    leaf: int | None
    """The first statement of a step in force that names it."""
    position: int | None
    """The entry of the journal from which on a job names it, where no step does."""
    organisation: str | None
    """Who declared that step; of what only jobs name the likely owner."""


def anchored_journal(connection: Connection, size: int) -> AnchoredCheckpoint | None:
    """The checkpoint by which the ledger vouches, at a size, for the journal whose edges are here."""
    origin = connection.execute(select(CURSORS.c.origin)).scalar_one_or_none()
    if origin is None:
        return None
    found = queries.checkpoints(connection, origin=origin, as_of=size)
    return found[-1] if found else None


def used(connection: Connection, size: int, journal: int | None = None) -> list[Used]:
    """Every data set in use at a size of the ledger, by name; with ``journal`` what jobs name in so many entries."""
    found = _declared(connection, size)
    attribution = queries.attribution(connection, size)
    told = [
        Used(
            namespace=namespace,
            name=name,
            entry=name if namespace == ENTRY_NAMESPACE else attribution.entry_of(namespace, name),
            noise=namespace != ENTRY_NAMESPACE and is_noise(name),
            leaf=leaf,
            position=None,
            organisation=organisation,
        )
        for (namespace, name), (leaf, organisation) in found.items()
    ]
    if journal:
        told += _run(connection, size, journal, found)
    return sorted(told, key=lambda one: (one.namespace, one.name))


_Declared = dict[tuple[str, str], tuple[int, str | None]]


def _declared(connection: Connection, size: int) -> _Declared:
    """Names -> leaf and speaker of the first step in force that names them."""
    asked = (
        select(STEP_EDGES.c.namespace, STEP_EDGES.c.name, STEPS.c.leaf_from, STEPS.c.organisation)
        .join(
            STEPS,
            and_(STEPS.c.code == STEP_EDGES.c.code, STEPS.c.leaf_from == STEP_EDGES.c.leaf_from),
        )
        .where(held(STEP_EDGES, size), held(STEPS, size), STEPS.c.active)
        .order_by(STEPS.c.leaf_from)
    )
    rows = connection.execute(asked).all()
    names = organisations.names(connection, {bytes(row.organisation) for row in rows}, size)
    found: _Declared = {}
    for row in rows:
        speaker = names.get(bytes(row.organisation))
        code = speaker.code if speaker else None
        found.setdefault((row.namespace, row.name), (row.leaf_from, code))
    return found


def _run(connection: Connection, size: int, journal: int, declared: _Declared) -> list[Used]:
    """What jobs name and no step does."""
    whole = picture(connection, size)
    owners = Owners(connection, whole)
    asked = (
        select(
            EDGES.c.dataset_id, DATASETS.c.namespace, DATASETS.c.name, func.min(EDGES.c.pos_from)
        )
        .join(DATASETS, DATASETS.c.id == EDGES.c.dataset_id)
        .where(holding(EDGES, journal))
        .group_by(EDGES.c.dataset_id, DATASETS.c.namespace, DATASETS.c.name)
    )
    found = []
    for number, namespace, name, position in connection.execute(asked).all():
        if (namespace, name) in declared:
            continue
        entry = whole.entry_of(number)
        owner = owners.of(number) if entry is None else None
        found.append(
            Used(
                namespace=namespace,
                name=name,
                entry=entry,
                noise=namespace != ENTRY_NAMESPACE and is_noise(name),
                leaf=None,
                position=position,
                organisation=owner.organisation if owner else None,
            )
        )
    return found
