"""What every ``govledger audit`` command shares: scope, policy, and the audit that they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.output import progress_bar, say
from ledger.cli.session import demand_organisation, reading, settings
from ledger.codes import Level, Library

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.audits.audit import Audit
    from ledger.audits.policy import Policy
    from ledger.audits.scope import Scope

OrganisationOption = Annotated[
    str | None,
    typer.Option(
        "--org", "--organisation", help="Only this organisation's obligations and entries."
    ),
]
LibraryOption = Annotated[
    Library | None,
    typer.Option("--library", help="Only what belongs to this library.", case_sensitive=False),
]
LevelOption = Annotated[
    Level | None,
    typer.Option("--level", help="Only organisations of this level.", case_sensitive=False),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", help="JSON file with grace, thresholds and clocks (docs/audits.md)."),
]

JournalOption = Annotated[
    bool,
    typer.Option(
        "--journal", help="Count data sets too that the anchored lineage journal says are in use."
    ),
]


def rules_of(policy: Path | None) -> Policy:
    """The policy in the file given, or else in the settings' (``audit_policy``), or else the default."""
    from ledger.audits.policy import read_policy  # noqa: PLC0415

    return read_policy(policy or settings().audit_policy)


def scope_of(
    connection: Connection,
    size: int | None,
    organisation: str | None,
    library: Library | None,
    level: Level | None,
) -> Scope:
    """The scope that options ask for; raises :class:`Problem` for an organisation that nobody knows."""
    from ledger.audits.scope import Scope  # noqa: PLC0415

    demand_organisation(connection, organisation, size)
    return Scope(organisation, library, level)


@contextmanager
def audit_of(
    as_of: str | None,
    *,
    organisation: str | None = None,
    library: Library | None = None,
    level: Level | None = None,
    policy: Path | None = None,
    journal: bool = False,
) -> Iterator[Audit]:
    """The audit that a command's options ask for, with a progress bar."""
    from ledger.audits.audit import audited  # noqa: PLC0415 - it brings every capability along

    rules = rules_of(policy)
    with reading(as_of, edges=journal) as (connection, size):
        scope = scope_of(connection, size, organisation, library, level)
        with (
            progress_bar(say("审计", "Auditing")) as bar,
            audited(
                connection, size, scope=scope, policy=rules, journal=journal, progress=bar
            ) as found,
        ):
            yield found
