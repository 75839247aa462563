"""Checking proofs about one key, with nothing but SHA-256 and the anchored root.

Written from ``docs/row-encoding.md`` alone; it shares no code with what makes the proofs. Every refusal is a
:class:`~ledger.merkle_verify.ProofError` that says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from ledger.canonical import canonical_json
from ledger.merkle_verify import ProofError, leaf_hash, verify_inclusion

ROW_FORMAT = "govledger-row-proof/1"
MISSING_FORMAT = "govledger-missing-proof/1"


def verify_row(proof: Mapping[str, Any], root: bytes) -> dict[str, str | None]:
    """The row (column -> canonical text, None for NULL) that is among the records with ``root``.

    Raises :class:`ProofError` where the proof does not show it. The schema is bound by the row's leaf.
    """
    with _form(proof, ROW_FORMAT):
        schema = proof["schema"]
        names = [column["name"] for column in schema["columns"]]
        row = _texts(proof["row"], len(names))
        key = [text for name, text in zip(names, row, strict=True) if name in schema["key"]]
        message = _hex(proof["salt"], 32) + sha256(canonical_json(schema)).digest() + _encoded(row)
        leaf = sha256(b"\x00" + message).digest()
        marks = [_hex(mark, 32) for mark in proof["cell"]["marks"]]
        _check_cell(proof["cell"], marks, _place(key), root)
        if _mark(_place(key), leaf) not in marks:
            raise ProofError("the opened row is not among the rows of the cell of its key")
    return dict(zip(names, row, strict=True))


def verify_missing(
    proof: Mapping[str, Any], root: bytes, schema_digest: bytes
) -> dict[str, str | None]:
    """The key (column -> canonical text) of which no row is among the records with ``root``.

    ``schema_digest`` is anchored beside the root; without it a prover could call something else the
    key. Raises :class:`ProofError` where the proof does not show it.
    """
    with _form(proof, MISSING_FORMAT):
        schema = proof["schema"]
        if sha256(canonical_json(schema)).digest() != schema_digest:
            raise ProofError("the proof's schema is not the one that was anchored with the root")
        names = [column["name"] for column in schema["columns"] if column["name"] in schema["key"]]
        key = _texts(proof["key"], len(names))
        entries = [(_hex(one, 8), _hex(leaf, 32)) for one, leaf in proof["cell"]["entries"]]
        marks = [_mark(one, leaf) for one, leaf in entries]
        _check_cell(proof["cell"], marks, _place(key), root)
        if _place(key) in {one for one, _ in entries}:
            raise ProofError("a row stands at the place of this key")
    return dict(zip(names, key, strict=True))


@contextmanager
def _form(proof: Mapping[str, Any], form: str) -> Iterator[None]:
    try:
        if proof["format"] != form:
            raise ProofError(f"this is no {form}")
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise ProofError(f"the proof is not of the form {form}: {error!r}") from error


def _check_cell(cell: Mapping[str, Any], marks: Sequence[bytes], place: bytes, root: bytes) -> None:
    """That these are the rows of the one cell in which a row at ``place`` can be, under ``root``."""
    path = [_hex(step, 32) for step in cell["path"]]
    size, index = cell["size"], cell["index"]
    if type(size) is not int or type(index) is not int or size < 0 or size & (size - 1):
        raise ProofError("the number of cells is no power of two")
    if size == 0:
        if root != sha256(b"").digest() or marks or path:
            raise ProofError("the records are not empty, as the proof says")
        return
    verify_inclusion(leaf_hash(b"".join(marks)), index, size, path, root)
    bits = size.bit_length() - 1
    if int.from_bytes(place, "big") >> (64 - bits) != index:
        raise ProofError("the opened cell is not the one in which this key would stand")


def _mark(place: bytes, leaf: bytes) -> bytes:
    """What stands in a cell for a row: ``SHA-256(0x04 ‖ place ‖ leaf)``."""
    return sha256(b"\x04" + place + leaf).digest()


def _hex(text: str, length: int) -> bytes:
    data = bytes.fromhex(text)
    if len(data) != length:
        raise ValueError(f"{length} bytes are wanted, not {len(data)}")
    return data


def _texts(given: Any, count: int) -> Sequence[str | None]:  # noqa: ANN401
    if (
        not isinstance(given, list)
        or len(given) != count
        or not all(text is None or isinstance(text, str) for text in given)
    ):
        raise ProofError(f"{count} texts are wanted, one for each column")
    return given


def _encoded(texts: Sequence[str | None]) -> bytes:
    fields = [b"-," if t is None else b"%d:%b," % (len(t.encode()), t.encode()) for t in texts]
    return b"".join(fields)


def _place(key: Sequence[str | None]) -> bytes:
    return sha256(b"\x02" + _encoded(key)).digest()[:8]
