"""Numbers for data sets, jobs and runs that follow from their names alone.

63 bits of SHA-256 over kind and names, so that whoever derives a row needs to look nothing up, and two
derivations of the same journal agree. Of a million names, two share a number with a chance of 1 in 20
million.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

ENTRY_NAMESPACE = "govledger:entry"
"""The namespace under which a catalogue entry (目录条目) itself is a data set, named by its code."""


@lru_cache(maxsize=65_536)
def number_of(kind: str, *names: str) -> int:
    """0 .. 2^63 - 1. Names are told apart by their lengths, so none runs into the next."""
    hashed = sha256(kind.encode())
    for name in names:
        data = name.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(4, "big") + data)
    return int.from_bytes(hashed.digest()[:8], "big") >> 1


def dataset_number(namespace: str, name: str) -> int:
    """The number of a data set (数据集)."""
    return number_of("dataset", namespace, name)


def job_number(namespace: str, name: str) -> int:
    """The number of a job (作业)."""
    return number_of("job", namespace, name)


def run_number(job: int, run: str) -> int:
    """The number of a run of a job: a run id that two jobs use means two runs."""
    return number_of("run", str(job), run.lower())


def digest_number(*parts: bytes) -> int:
    """A number for content: 63 bits of SHA-256."""
    hashed = sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return int.from_bytes(hashed.digest()[:8], "big") >> 1
