"""The compiled contracts: ABI and bytecode as ``scripts/build_contracts.py`` wrote them.

CI compiles the sources again and compares byte for byte (``scripts/build_contracts.py --check``).
"""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

import msgspec

REGISTRIES = (
    "Organisations",
    "Catalogue",
    "Quality",
    "Obligations",
    "Deliveries",
    "Audits",
    "Corrections",
    "Journals",
    "Lineage",
)
"""The registries of this version, in the order in which they are deployed."""
OPENINGS = "Openings"
"""The registry that a log which carries on another one has besides."""
OF_SUCCESSORS = {
    "GovernanceLog": "SuccessorLog",
    "Organisations": "SuccessorOrganisations",
}
"""What stands in the place of these contracts where a log carries on another one."""
NAMES = tuple(
    sorted(
        ("AccessManager", "GovernanceLog", *REGISTRIES, OPENINGS, "Seal", *OF_SUCCESSORS.values())
    )
)
"""The contracts of this package, in alphabetical order."""


class ArtifactError(Exception):
    """A contract that is not in the package, or a file that is not an artifact."""


class Artifact(msgspec.Struct, frozen=True, rename="camel"):
    """One compiled contract.

    ``bytecode`` creates it (constructor arguments are appended), ``deployed_bytecode`` is what then
    stands on the chain but for ``immutable_references``: (start, length) in bytes of the places
    that the constructor fills in. ``sources`` is the SHA-256 over path and Keccak-256 of every
    source file that went into it, OpenZeppelin's included.
    """

    contract_name: str
    abi: list[dict[str, Any]]
    bytecode: str
    deployed_bytecode: str
    immutable_references: list[tuple[int, int]]
    compiler: str
    sources: str

    def matches(self, code: bytes) -> bool:
        """Whether ``code``, read from a chain, is this contract, whatever its constructor got."""
        expected = bytes.fromhex(self.deployed_bytecode.removeprefix("0x"))
        if len(code) != len(expected):
            return False
        masked = bytearray(code)
        for start, length in self.immutable_references:
            masked[start : start + length] = bytes(length)
        return bytes(masked) == expected


def decode(data: bytes, where: str) -> Artifact:
    """An artifact from its JSON; raises :class:`ArtifactError` naming ``where``."""
    try:
        return msgspec.json.decode(data, type=Artifact)
    except msgspec.MsgspecError as error:
        raise ArtifactError(
            f"{where} is no compiled contract ({error}); run scripts/build_contracts.py"
        ) from error


@functools.cache
def load(name: str) -> Artifact:
    """The compiled contract ``name``, one of :data:`NAMES`; raises :class:`ArtifactError`."""
    if name not in NAMES:
        raise ArtifactError(f"there is no contract {name!r}; there are {', '.join(NAMES)}")
    resource = files(__name__) / f"{name}.json"
    try:
        data = resource.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{name}.json is missing; run scripts/build_contracts.py or install the package again"
        ) from error
    return decode(data, f"{name}.json")
