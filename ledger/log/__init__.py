"""Proofs (证明): checkpoints, inclusion and consistency proof files, and their offline check."""

from ledger.log.document import (
    Checkpoint,
    ConsistencyProof,
    DocumentError,
    InclusionProof,
    RecordedPart,
    load,
    render,
)
from ledger.log.prove import ProveError, consistency_proof, inclusion_proof
from ledger.log.verdict import Status, Step, Verdict
from ledger.log.verify import verify_proof

__all__ = [
    "Checkpoint",
    "ConsistencyProof",
    "DocumentError",
    "InclusionProof",
    "ProveError",
    "RecordedPart",
    "Status",
    "Step",
    "Verdict",
    "consistency_proof",
    "inclusion_proof",
    "load",
    "render",
    "verify_proof",
]
