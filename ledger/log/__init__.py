"""Proofs (证明): inclusion and consistency proof files, and their offline check.

:func:`build_proof` and :func:`build_consistency` make them from the mirror, :func:`verify_proof`
checks them with nothing but the file. :func:`ledger.log.confirm.confirm_on_chain` asks a chain for
what only a chain can know; it is not imported here, so that checking a file loads no chain library.
"""

from ledger.log.document import (
    CarriedProof,
    Checkpoint,
    ConsistencyProof,
    DocumentError,
    InclusionProof,
    RecordedPart,
    load,
    render,
)
from ledger.log.prove import ProveError, consistency_proof, inclusion_proof
from ledger.log.queries import build_consistency, build_proof
from ledger.log.verdict import Status, Step, Verdict
from ledger.log.verify import verify_proof

__all__ = [
    "CarriedProof",
    "Checkpoint",
    "ConsistencyProof",
    "DocumentError",
    "InclusionProof",
    "ProveError",
    "RecordedPart",
    "Status",
    "Step",
    "Verdict",
    "build_consistency",
    "build_proof",
    "consistency_proof",
    "inclusion_proof",
    "load",
    "render",
    "verify_proof",
]
