"""The directory that comparisons work in (比对工作目录): stores of sources, and the secret that they share."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from ledger.records.commitment import Progress, commit
from ledger.records.encoding import SECRET_LENGTH
from ledger.records.problems import SourceError
from ledger.records.schema import RecordSchema, conform
from ledger.records.sources import Source
from ledger.records.store import LeafStore


def store_of(
    source: Source,
    schema: RecordSchema,
    secret: bytes,
    work: Path,
    *,
    progress: Progress | None = None,
    strict: bool = True,
) -> LeafStore:
    """The store of a source below the directory ``work``: the one kept from before, or made now.

    One kept from before serves as long as the source's name and fingerprint, the schema and the secret are
    the same; older ones of this source are removed. Raises what :func:`~ledger.records.commitment.commit`
    raises.
    """
    schema = conform(source.table, schema)
    offsets = repr([column.offset for column in schema.columns]).encode()
    who = sha256(source.label.encode() + b"\0" + schema.digest() + offsets + secret)
    kind = "strict" if strict else "counted"
    name = f"{who.hexdigest()[:16]}-{kind}"
    state = sha256(source.fingerprint().encode()).hexdigest()[:16]
    place = work / f"{name}-{state}"
    if place.is_dir() and source.location.path is not None:
        return LeafStore.open(place)
    for older in [*work.glob(f"{name}-*"), *work.glob(f".{name}-*")]:
        LeafStore.remove(older)
    commit(source, schema, secret, store=place, progress=progress, strict=strict)
    return LeafStore.open(place)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def secret_in(work: Path) -> bytes:
    """The secret that comparisons below ``work`` share: made once, readable by its owner alone.

    A secret of its own keeps what is stored there from being of use with any manifest's.
    """
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = work / "secret"
    with suppress(FileExistsError), os.fdopen(os.open(file, _NEW, 0o600), "wb") as made:
        made.write(secrets.token_bytes(SECRET_LENGTH))
    found = file.read_bytes()
    if len(found) != SECRET_LENGTH:
        raise SourceError(
            f"the secret has not {SECRET_LENGTH} bytes",
            "比对目录的密钥文件已损坏",
            where=str(file),
            hint="remove the directory; it is made anew from the sources",
            hint_zh="请删除该目录，程序会重新生成",
        )
    return found
