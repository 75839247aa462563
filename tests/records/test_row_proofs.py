"""A row, or its absence, is proven to somebody who has the anchored root and nothing else."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from ledger.merkle_verify import ProofError
from ledger.records.cells import cell_bits
from ledger.records.commitment import Commitment, commit
from ledger.records.encoding import place
from ledger.records.problems import NothingToProve
from ledger.records.row_proofs import prove_missing, prove_row
from ledger.records.schema import schema_of
from ledger.records.sources import open_source
from ledger.records.store import LeafStore
from ledger.records.verify_rows import verify_missing, verify_row
from tests.records.rows import SECRET, parquet, people


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Commitment]:
    place = tmp_path_factory.mktemp("records")
    with open_source(str(parquet(place / "p.parquet", people(1000)))) as source:
        found = commit(source, schema_of(source.table, ["id"]), SECRET, store=place / "store")
    return place / "store", found


def test_every_row_is_proven_and_only_that_one_is_opened(kept: tuple[Path, Commitment]) -> None:
    store, commitment = kept
    for number in range(0, 1000, 37):
        proof = prove_row(store, {"id": number}).document
        shown = verify_row(proof, commitment.root)
        assert shown == {"id": str(number), "name": f"居民{number}", "paid": None}
        others = [f"居民{n}" for n in range(1000) if n != number]
        assert not any(f'"{name}"' in str(proof) for name in others)
        places = [place(b"%d:%d," % (len(str(n)), n)) for n in range(1000) if n != number]
        assert not any(f"{one:016x}" in str(proof) for one in places)


def test_every_missing_key_is_proven(kept: tuple[Path, Commitment]) -> None:
    store, commitment = kept
    for number in range(1000, 1100):
        proof = prove_missing(store, {"id": number}).document
        assert verify_missing(proof, commitment.root, commitment.schema_digest) == {
            "id": str(number)
        }


def test_what_is_not_so_is_not_proven(kept: tuple[Path, Commitment]) -> None:
    store, _ = kept
    with pytest.raises(NothingToProve):
        prove_row(store, {"id": 1000})
    with pytest.raises(NothingToProve):
        prove_missing(store, {"id": 999})
    with pytest.raises(NothingToProve):
        prove_row(store, {"name": "居民1"})


def test_a_bare_store_proves_with_the_secret_and_the_row_brought_along(tmp_path: Path) -> None:
    rows = people(1000)
    with open_source(str(parquet(tmp_path / "p.parquet", rows))) as source:
        schema = schema_of(source.table, ["id"])
        found = commit(source, schema, SECRET, store=tmp_path / "store", bare=True)
    kept = b"".join(file.read_bytes() for file in (tmp_path / "store").iterdir())
    for told in (
        "居民77".encode(),
        SECRET,
        SECRET.hex().encode(),
        found.content_root.hex().encode(),
    ):
        assert told not in kept
    store = LeafStore.open(tmp_path / "store", SECRET)
    proof = prove_row(store, {"id": 77}, rows[77]).document
    assert verify_row(proof, found.root)["name"] == "居民77"
    verify_missing(prove_missing(store, {"id": -1}).document, found.root, found.schema_digest)
    with pytest.raises(NothingToProve, match="it changed since"):
        prove_row(store, {"id": 77}, {**rows[77], "name": "别人"})
    with pytest.raises(NothingToProve, match="holds no rows"):
        prove_row(store, {"id": 77})
    with pytest.raises(NothingToProve, match="holds no secret"):
        prove_row(tmp_path / "store", {"id": 77}, rows[77])
    with pytest.raises(NothingToProve, match="another secret"):
        LeafStore.open(tmp_path / "store", bytes(32))


def test_an_empty_table_misses_every_key(tmp_path: Path) -> None:
    with open_source(str(parquet(tmp_path / "p.parquet", []))) as source:
        found = commit(source, schema_of(source.table, ["id"]), SECRET, store=tmp_path / "store")
    proof = prove_missing(tmp_path / "store", {"id": 1}).document
    verify_missing(proof, found.root, found.schema_digest)
    with pytest.raises(ProofError, match="not empty"):
        verify_missing(proof, bytes(32), found.schema_digest)


def test_a_proof_that_is_touched_anywhere_is_refused(kept: tuple[Path, Commitment]) -> None:
    store, commitment = kept
    good = prove_row(store, {"id": 5}).document
    other = prove_row(store, {"id": 6}).document
    touched = []
    for member in ("row", "salt", "cell", "schema", "format", "root"):
        proof = copy.deepcopy(good)
        if member == "row":
            proof["row"][1] = "居民6"
        elif member == "schema":
            proof["schema"]["key"] = ["name"]
        elif member == "root":
            continue
        else:
            proof[member] = other[member] if member != "format" else "govledger-missing-proof/1"
        touched.append(proof)
    for proof in touched:
        with pytest.raises(ProofError):
            verify_row(proof, commitment.root)
    with pytest.raises(ProofError):
        verify_row(good, bytes(32))


def test_a_present_key_cannot_be_made_to_look_missing(kept: tuple[Path, Commitment]) -> None:
    store, commitment = kept
    there = prove_row(store, {"id": 5}).document
    honest = prove_missing(store, {"id": 1005}).document
    leaves = LeafStore.open(store)
    bits = cell_bits(leaves.rows)
    cell = there["cell"]["index"]
    first, end = leaves.range_of(cell << (64 - bits), (cell + 1) << (64 - bits))
    entries = [leaves.entries[at].tobytes() for at in range(first, end)]
    opened = {**there["cell"], "entries": [[one[:8].hex(), one[8:].hex()] for one in entries]}
    whole = {**honest, "key": ["5"], "cell": opened}
    with pytest.raises(ProofError, match="a row stands"):
        verify_missing(whole, commitment.root, commitment.schema_digest)
    # another cell, honestly opened, in which the key is not
    with pytest.raises(ProofError, match="not the one in which"):
        verify_missing({**honest, "key": ["5"]}, commitment.root, commitment.schema_digest)
    # the cell without the row
    bare = copy.deepcopy(whole)
    bare["cell"]["entries"] = []
    with pytest.raises(ProofError, match="root"):
        verify_missing(bare, commitment.root, commitment.schema_digest)
    # another column called the key
    renamed = copy.deepcopy(honest)
    renamed["schema"]["key"] = ["name"]
    with pytest.raises(ProofError, match="schema"):
        verify_missing(renamed, commitment.root, commitment.schema_digest)
