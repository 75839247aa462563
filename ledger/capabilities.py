"""The capabilities (能力) of this version: what the mirror projects, and the rules it holds statements to.

A capability that is not listed here does not exist for the mirror: its statements are kept, and nothing
follows from them.
"""

from __future__ import annotations

from ledger.audits.projection import PROJECTION as AUDITS_PROJECTION
from ledger.audits.rules import RULEBOOK as AUDITS_RULES
from ledger.catalogue.projection import PROJECTION as CATALOGUE_PROJECTION
from ledger.catalogue.rules import RULEBOOK as CATALOGUE_RULES
from ledger.corrections.projection import PROJECTION as CORRECTIONS_PROJECTION
from ledger.corrections.rules import RULEBOOK as CORRECTIONS_RULES
from ledger.deliveries.projection import PROJECTION as DELIVERIES_PROJECTION
from ledger.deliveries.rules import RULEBOOK as DELIVERIES_RULES
from ledger.lineage.projection import PROJECTION as LINEAGE_PROJECTION
from ledger.lineage.rules import JOURNAL_RULEBOOK as JOURNAL_RULES
from ledger.lineage.rules import RULEBOOK as LINEAGE_RULES
from ledger.mirror.projections import Projection, Rulebook
from ledger.obligations.projection import PROJECTION as OBLIGATIONS_PROJECTION
from ledger.obligations.rules import RULEBOOK as OBLIGATIONS_RULES
from ledger.organisations.projection import PROJECTION as ORGANISATIONS_PROJECTION
from ledger.organisations.rules import RULEBOOK as ORGANISATIONS_RULES
from ledger.quality.projection import PROJECTION as QUALITY_PROJECTION
from ledger.quality.rules import RULEBOOK as QUALITY_RULES
from ledger.succession.rules import RULEBOOK as SUCCESSION_RULES

PROJECTIONS: tuple[Projection, ...] = (
    ORGANISATIONS_PROJECTION,
    CATALOGUE_PROJECTION,
    OBLIGATIONS_PROJECTION,
    DELIVERIES_PROJECTION,
    QUALITY_PROJECTION,
    LINEAGE_PROJECTION,
    CORRECTIONS_PROJECTION,
    AUDITS_PROJECTION,
)
"""In an order in which each needs only those before it."""

RULEBOOKS: tuple[Rulebook, ...] = (
    ORGANISATIONS_RULES,
    CATALOGUE_RULES,
    QUALITY_RULES,
    CORRECTIONS_RULES,
    LINEAGE_RULES,
    JOURNAL_RULES,
    OBLIGATIONS_RULES,
    DELIVERIES_RULES,
    AUDITS_RULES,
    SUCCESSION_RULES,
)
