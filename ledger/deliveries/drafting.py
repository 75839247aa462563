"""From what was computed to what is signed (拟稿): drafts of manifests and deliveries; no rows, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.codes import DeliveryMode
from ledger.deliveries.bodies import Differences, secret_check
from ledger.deliveries.comparing import Changes, unequal
from ledger.deliveries.keeping import content_tag
from ledger.deliveries.periods import Period
from ledger.deliveries.planning import DeliveryPlan, ManifestPlan
from ledger.deliveries.statements import DeliveryDraft, ManifestDraft

if TYPE_CHECKING:
    from ledger.deliveries.queries import Manifest
    from ledger.records.commitment import Commitment


@dataclass(frozen=True, slots=True)
class Outcome:
    """How what arrived stands beside the manifest.

    ``buckets``: numbers of the buckets (0..255) that differ, None without a manifest. ``changes``: which
    rows, where the manifest's leaves are at hand.
    """

    complete: bool
    buckets: tuple[int, ...] | None
    changes: Changes | None

    def differences(self) -> Differences | None:
        """The counts as they are published; None where nothing is known to differ."""
        if self.complete or self.buckets is None:
            return None
        counted: dict[str, int] = {"buckets": len(self.buckets)}
        if self.changes is not None:
            counted |= {
                "missing": len(self.changes.missing),
                "extra": len(self.changes.extra),
                "changed": len(self.changes.changed),
            }
        return Differences(**counted)


def manifest_draft(
    plan: ManifestPlan,
    period: Period,
    mode: DeliveryMode,
    commitment: Commitment,
    secret: bytes,
    *,
    resource: str | None = None,
    note: str | None = None,
) -> ManifestDraft:
    """The manifest of what was committed to; columns are left out where the entry's text is not public."""
    public = not plan.entry.restricted
    return ManifestDraft(
        entry=plan.entry.code,
        edition=plan.edition,
        period_start=period.start,
        period_end=period.end,
        mode=mode,
        rows=commitment.rows,
        schema=commitment.schema.document() if public else None,
        schema_digest=commitment.schema_digest.hex(),
        key=list(commitment.schema.key) if public else [],
        root=commitment.root.hex(),
        buckets=commitment.bucket_texts(),
        secret=secret_check(secret).hex(),
        resource=resource,
        note=note,
        version=plan.version,
    )


def outcome_of(
    manifest: Manifest | None,
    mode: DeliveryMode,
    commitment: Commitment,
    fingerprints: tuple[int, ...] | None,
    changes: Changes | None = None,
) -> Outcome:
    """What roots and fingerprints say; ``fingerprints`` are the manifest's."""
    if manifest is None or fingerprints is None:
        return Outcome(complete=False, buckets=None, changes=None)
    complete = (
        manifest.root == "0x" + commitment.root.hex()
        and manifest.schema == "0x" + commitment.schema_digest.hex()
        and manifest.rows == commitment.rows
        and manifest.mode == mode.value
    )
    return Outcome(complete, tuple(unequal(fingerprints, commitment.buckets)), changes)


def delivery_draft(
    plan: DeliveryPlan,
    period: Period,
    mode: DeliveryMode,
    commitment: Commitment,
    outcome: Outcome,
    *,
    vault_key: bytes,
    note: str | None = None,
) -> DeliveryDraft:
    """The delivery of what arrived; ``vault_key`` is the collector's and makes the tag of the rows."""
    tag = content_tag(vault_key, plan.entry.code, commitment.content_root)
    return DeliveryDraft(
        entry=plan.entry.code,
        edition=plan.edition,
        period_start=period.start,
        period_end=period.end,
        mode=mode,
        rows=commitment.rows,
        manifest=plan.manifest.version if plan.manifest is not None else 0,
        schema=commitment.schema_digest.hex(),
        root=commitment.root.hex(),
        content=tag.hex(),
        predecessor=plan.predecessor.hex() if plan.predecessor is not None else None,
        complete=outcome.complete,
        differences=outcome.differences(),
        note=note,
        version=plan.number,
    )
