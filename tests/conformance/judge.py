"""The same act judged twice: by the rulebooks in Python, and by the contracts on a real EVM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.statements import (
    Authorisation,
    Batch,
    SignedBatch,
    Statement,
    Value,
    address_bytes,
    sha256,
    struct_of,
    subject_of,
    text_hash,
)
from tests.conformance.acts import Act
from tests.contracts.evm import RefusedError
from tests.contracts.world import RULEBOOKS, World, account


@dataclass
class Verdict:
    """What became of an act: None where it was accepted, otherwise why not."""

    contract: str | None
    rulebook: str | None


@dataclass
class Court:
    """A deployment, and the heads that the rulebooks believe it to have."""

    world: World
    heads: Heads

    @classmethod
    def of(cls, world: World) -> Court:
        """Replays through the rulebooks what the world has recorded so far."""
        court = cls(world, Heads(world.identity, address_bytes(world.genesis.address)))
        for authorisation in world.authorisations:
            first = authorisation.first_index
            for statement in world.statements[first : first + authorisation.count]:
                court.heads.put(*_next(statement, authorisation, court.heads))
        return court

    def copy(self) -> Heads:
        return replace(self.heads, slots=dict(self.heads.slots), counts=dict(self.heads.counts))

    def try_act(self, act: Act) -> Verdict:
        """Puts an act before both; where both accept it, they must leave the same behind."""
        signed = self._signed(act)
        self.world.evm.at(signed.batch.deadline + act.late)
        authorisation, statements = self._told(signed)
        heads = self.copy()
        broken: str | None = None
        try:
            for statement in statements:
                heads.put(*_next(statement, authorisation, heads))
        except RuleBroken as error:
            broken = str(error)
        refused: str | None = None
        try:
            self.world.send(signed)
        except RefusedError as error:
            refused = error.name
        if broken is None and refused is None:
            self.heads = heads
            assert self.world.statements[-len(statements) :] == statements
            assert self.world.authorisations[-1] == authorisation
            for statement in statements:
                chain = self.world.head(statement.kind, statement.subject)
                assert chain == heads.get(statement.kind, statement.subject)
        return Verdict(refused, broken)

    def _signed(self, act: Act) -> SignedBatch:
        given = dict(self.heads.slots)
        values: list[dict[str, Value]] = []
        for row, slip, _ in act.rows:
            slot = (act.struct.kind, subject_of(act.struct, row, text_hash(act.organisation)))
            version, state = given.get(slot, (0, 0))
            given[slot] = (version + 1, state)
            values.append({**row, "version": max(version + 1 + slip, 0)})
        batch = Batch(
            act.struct,
            act.organisation,
            self.world.evm.time + 7200,
            tuple(values),
            tuple(body for _, _, body in act.rows),
        )
        cosigner = account(act.cosigner) if act.cosigner else None
        return self.world.signed(batch, account(act.signer), cosigner)

    def _told(self, signed: SignedBatch) -> tuple[Authorisation, list[Statement]]:
        """The events that the contracts would emit if they took it."""
        batch, size = signed.batch, len(self.world.statements)
        digest = batch.digest(self.world.domain(batch.struct))
        organisation, signer = text_hash(batch.organisation), address_bytes(signed.signer)
        authorisation = Authorisation(
            digest=digest,
            registry=address_bytes(self.world.registries[batch.struct.contract].address),
            organisation=organisation,
            signer=signer,
            signature=signed.signature,
            cosigner=address_bytes(signed.cosigner) if signed.cosigner else bytes(20),
            cosignature=signed.cosignature,
            deadline=batch.deadline,
            first_index=size,
            count=len(batch.values),
        )
        return authorisation, [
            Statement(
                index=size + place,
                kind=batch.struct.kind,
                subject=subject_of(batch.struct, values, organisation),
                version=int(values["version"]),
                org=organisation,
                signer=signer,
                authorisation=digest,
                recorded_at=self.world.evm.time,
                payload=payload,
                body_digest=sha256(body),
                body=body,
            )
            for place, (values, payload, body) in enumerate(_parts(batch))
        ]


def _parts(batch: Batch) -> Iterator[tuple[dict[str, Value], bytes, bytes]]:
    yield from zip(batch.full_values(), batch.payloads(), batch.bodies, strict=True)


def _next(
    statement: Statement, authorisation: Authorisation, heads: Heads
) -> tuple[str, bytes, int, int]:
    """Kind, subject, version and state word after a statement; raises :class:`RuleBroken`."""
    version, _ = heads.get(statement.kind, statement.subject)
    if statement.version != version + 1:
        raise RuleBroken(f"version {statement.version} after {version}")
    struct = struct_of(statement.payload)
    body = json.loads(statement.body) if statement.body else {}
    decoded = Decoded(statement, struct, struct.decode(statement.payload), body)
    state = RULEBOOKS[statement.kind].next_state(decoded, authorisation, heads)
    return statement.kind, statement.subject, statement.version, state
