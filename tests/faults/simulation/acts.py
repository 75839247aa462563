"""What a district says in a run: batches that are signed once and used by every seed."""

from __future__ import annotations

from functools import cache

from ledger.codes import Role
from ledger.statements import KEY, ORGANISATION, Batch, Domain, SignedBatch, Value
from tests.mirror.world import ACTIVE, FAR, HEALTH, ROOT, SCHOOLS, District
from tests.simulator import Key, SimulatedChain


@cache
def _plain() -> SimulatedChain:
    """Chain id and addresses are the same in every run."""
    return SimulatedChain(District.genesis)


def domain_of(batch: Batch) -> Domain:
    return _plain().domain(batch.struct)


def signed(batch: Batch, signer: Key) -> SignedBatch:
    digest = batch.digest(domain_of(batch))
    made = SignedBatch(batch, signer.text, signer.sign(digest))
    _digests[id(made)] = digest
    return made


def digest_of(signed: SignedBatch) -> bytes:
    return _digests[id(signed)]


_digests: dict[int, bytes] = {}
"""By the batch itself: acts are made once and kept."""


@cache
def founding() -> tuple[SignedBatch, ...]:
    """The root organisation; two departments; their keys."""

    def organisations(*rows: tuple[str, str]) -> Batch:
        values: list[dict[str, Value]] = [
            {"code": code, "version": 1, "parent": parent, "level": 2, "status": 1}
            for code, parent in rows
        ]
        bodies = tuple(
            b'{"code":"%s","name":"%s"%s}'
            % (
                code.encode(),
                code.encode(),
                b',"parent":"%s"' % parent.encode() if parent else b"",
            )
            for code, parent in rows
        )
        return Batch(ORGANISATION, ROOT, FAR, tuple(values), bodies)

    granted = [(District.steward, HEALTH), (District.teacher, SCHOOLS)]
    keys: list[dict[str, Value]] = [
        {
            "key": key.text,
            "version": 1,
            "holder": holder,
            "roles": int(Role.STEWARD),
            "status": ACTIVE,
        }
        for key, holder in granted
    ]
    bodies = tuple(b'{"holder":"%s"}' % holder.encode() for _, holder in granted)
    return (
        signed(organisations((ROOT, "")), District.genesis),
        signed(organisations((HEALTH, ROOT), (SCHOOLS, ROOT)), District.genesis),
        signed(Batch(KEY, ROOT, FAR, tuple(keys), bodies), District.genesis),
    )


@cache
def filing(names: str, version: int, wording: str) -> SignedBatch:
    """Drafts of the entries called by the letters of ``names``; ``wording`` ``?`` is malformed."""
    district = District(_plain(), {f"{HEALTH}/{name}": version - 1 for name in names})
    if wording == "?":
        batch = district.filing(*names, raw=b'{"code":"x"}')
    else:
        batch = district.filing(*names)
        bodies = tuple(
            body.replace("数据".encode(), f"数据{wording}".encode()) for body in batch.bodies
        )
        batch = Batch(batch.struct, batch.organisation, FAR, batch.values, bodies)
    return signed(batch, District.steward)
