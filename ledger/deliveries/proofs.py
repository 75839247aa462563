"""Proof files about one row (逐条证明): that it is, or is not, among the rows of an anchored statement.

A file holds the proof about the row (:mod:`ledger.records.row_proofs`) and the proof that the statement which
names the root stands in the log (:mod:`ledger.log`). Checking needs neither network, database nor trust; with a
root that the checker kept, it needs no word of the file's maker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from ledger.canonical import CanonicalError, parse_json
from ledger.days import day_of
from ledger.log.document import DocumentError, Inclusion, bytes_of, load, render
from ledger.log.verdict import Status, Verdict
from ledger.log.verify import verify_proof
from ledger.merkle_verify import ProofError
from ledger.records.verify_rows import MISSING_FORMAT, ROW_FORMAT, verify_missing, verify_row
from ledger.statements import DELIVERY, MANIFEST, Value, struct_of, text_hash
from ledger.typed_data import integer

FORMAT: Final = "govledger-record-proof/1"
MAX_BYTES = 1 << 22
"""Largest proof file that is read, in bytes."""
_STRUCTS = (MANIFEST, DELIVERY)


@dataclass(slots=True)
class RecordVerdict:
    """The outcome of a check: the steps; of a proof that holds, the row or the key as canonical texts."""

    verdict: Verdict = field(default_factory=Verdict)
    about: str = ""
    """``row`` or ``missing``."""
    entry: str = ""
    values: dict[str, str | None] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.verdict.ok


def proof_file(record: Mapping[str, Any], statement: Mapping[str, Any]) -> bytes:
    """The file with a proof about a row and the inclusion proof of the statement that names its root."""
    document = {"format": FORMAT, "record": dict(record), "statement": dict(statement)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def check_proof(
    data: bytes, root: bytes | str | None = None, size: int | None = None
) -> RecordVerdict:
    """Check a proof file; ``root`` and ``size`` are the log's, kept by whoever checks.

    Never raises for a bad file: the verdict's ``failure`` says what is wrong. A ``root`` that is none
    raises :class:`ValueError`.
    """
    found = RecordVerdict()
    parts = _parts(data)
    if isinstance(parts, str):
        found.verdict.add(
            Status.FAILED, f"This is no proof file: {parts}.", f"这不是有效的证明文件：{parts}。"
        )
        return found
    record, statement = parts
    found.verdict = verify_proof(statement, root, size)
    if found.verdict.ok:
        _check_record(found, record, statement)
    return found


def _parts(data: bytes) -> tuple[dict[str, Any], dict[str, Any]] | str:
    try:
        document = parse_json(data, MAX_BYTES)
    except CanonicalError as error:
        return str(error)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return f"its format is not {FORMAT}"
    if set(document) != {"format", "record", "statement"}:
        return "it has not the members format, record and statement"
    record, statement = document["record"], document["statement"]
    if not isinstance(record, dict) or not isinstance(statement, dict):
        return "record and statement are no objects"
    return record, statement


def _check_record(
    found: RecordVerdict, record: Mapping[str, Any], statement: dict[str, Any]
) -> None:
    add = found.verdict.add
    try:
        values, entry = _anchored(statement)
        root, schema = _bytes(values["root"]), _bytes(values["schema"])
        if record.get("format") == MISSING_FORMAT:
            found.about = "missing"
            found.values = verify_missing(record, root, schema)
        else:
            found.about = "row"
            found.values = verify_row(record, root)
    except (ProofError, DocumentError, CanonicalError, ValueError) as error:
        add(
            Status.FAILED,
            f"The row is not proven: {error}.",
            f"该行未得到证明：{error}。",
        )
        return
    found.entry = entry
    days = [day_of(integer(values[name])) for name in ("periodStart", "periodEnd")]
    rows, period = integer(values["rows"]), f"{days[0]} – {days[1]}"
    if found.about == "missing":
        add(
            Status.PROVEN,
            f"No row with this key is among the {rows} rows of entry {found.entry}, {period}.",
            f"条目 {found.entry} 在 {period} 期间的 {rows} 行中没有该主键的行。",
        )
    else:
        add(
            Status.PROVEN,
            f"The row is among the {rows} rows of entry {found.entry}, {period}, word for word.",
            f"该行逐字属于条目 {found.entry} 在 {period} 期间的 {rows} 行之一。",
        )


def _anchored(statement: dict[str, Any]) -> tuple[dict[str, Value], str]:
    """Typed members of the statement, which was checked, and its entry's code.

    Raises :class:`ProofError` for any other statement than a manifest or a delivery.
    """
    proof = load(render(statement))
    if not isinstance(proof, Inclusion):
        raise ProofError(
            "the file proves that a log grew, not that a manifest or delivery is in it"
        )
    payload = bytes_of(proof.statement.payload)
    struct = struct_of(payload)
    if struct not in _STRUCTS:
        raise ProofError(f"the statement is a {struct.name}, which names no rows")
    values, body = struct.decode(payload), parse_json(proof.statement.body.encode())
    entry = body.get("entry") if isinstance(body, dict) else None
    if not isinstance(entry, str) or text_hash(entry) != values["entry"]:
        raise ProofError("the statement's body names another entry than was signed")
    return values, entry


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ProofError("the statement names no digest")
    return value


__all__ = [
    "FORMAT",
    "MISSING_FORMAT",
    "ROW_FORMAT",
    "RecordVerdict",
    "check_proof",
    "proof_file",
]
