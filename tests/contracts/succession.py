"""A world whose log carries on the log of another one."""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from ledger.chain.artifacts import OF_SUCCESSORS, OPENINGS, load
from ledger.chain.deployment import REGISTRIES
from ledger.merkle import root_of
from ledger.mirror.projections import Heads
from ledger.mirror.reading import read_payload
from ledger.statements import (
    OPENING,
    ORGANISATION,
    LogIdentity,
    Predecessor,
    Value,
    address_bytes,
    kind_word,
)
from ledger.succession.carrying import Passage, calldata_of
from tests.contracts.evm import SENDER, Done
from tests.contracts.world import ADMIN, RECORDED, RULEBOOKS, World

GENESIS_BLOCK = keccak(text="block 0")


def predecessor_of(world: World) -> Predecessor:
    """The world's log as it stands, for one that carries it on."""
    leaves = [one.leaf_hash(world.identity.at(one.index)) for one in world.statements]
    log = LogIdentity(world.identity.chain_id, world.identity.address)
    return Predecessor(log, len(leaves), root_of(leaves), GENESIS_BLOCK)


def passages_of(world: World) -> list[Passage]:
    """Everything that the world recorded, with the heads that the rules leave."""
    heads = Heads(world.identity, address_bytes(world.genesis.address))
    passages = []
    for each in world.authorisations:
        said = world.statements[each.first_index : each.first_index + each.count]
        states = []
        for one in said:
            state = RULEBOOKS[one.kind].next_state(read_payload(one), each, heads)
            heads.put(one.kind, one.subject, one.version, state)
            states.append(state)
        log = world.identity.at(each.first_index).alone()
        passages.append(Passage(log, each, tuple(said), tuple(states)))
    return passages


class Successor(World):
    """A world that began as another one ended."""

    earlier: tuple[Predecessor, ...] = ()

    @property
    def predecessor(self) -> Predecessor:
        return self.earlier[-1]

    @property
    def identity(self) -> LogIdentity:
        here = super().identity
        return LogIdentity(here.chain_id, here.address, self.earlier)

    def carry(self, passages: Sequence[Passage], sender: bytes = SENDER) -> Done:
        return self.evm.send(self.log.address, calldata_of(passages), sender)

    def conclude(self, size: int, root: bytes, sender: bytes = SENDER) -> None:
        self.log.write("conclude", size, root, sender=sender)

    def admit(self, contract: str) -> None:
        for kind in {one.kind for one in (*RECORDED, OPENING) if one.contract == contract}:
            address = self.registries[contract].address
            self.log.write("admit", kind_word(kind), address, sender=ADMIN)

    def opening(self, **changes: Value) -> dict[str, Value]:
        one = self.predecessor
        values: dict[str, Value] = {
            "chainId": one.log.chain_id,
            "log": "0x" + one.log.address.hex(),
            "version": 1,
            "genesis": one.genesis,
            "size": one.size,
            "root": one.root,
        }
        return values | changes

    def open(self) -> None:
        self.say(OPENING, self.opening(), self.genesis)


def empty_successor(world: World) -> Successor:
    """Contracts that are ready to take over what ``world`` recorded, in the same EVM."""
    evm, one = world.evm, predecessor_of(world)
    manager = evm.deploy(load("AccessManager"), "0x" + ADMIN.hex())
    log = evm.deploy(
        load(OF_SUCCESSORS["GovernanceLog"]),
        manager.address,
        world.genesis.address,
        one.log.chain_id,
        "0x" + one.log.address.hex(),
        one.genesis,
    )
    count = len({each.subject for each in world.statements if each.kind == ORGANISATION.kind})
    registries = {
        name: evm.deploy(load(OF_SUCCESSORS["Organisations"]), log.address, count)
        if name == "Organisations"
        else evm.deploy(load(name), log.address)
        for name in (*REGISTRIES, OPENINGS)
    }
    made = Successor(evm, manager, log, registries, world.genesis)
    made.earlier = (*world.identity.earlier, one)
    return made


def succeed(world: World, *, opened: bool = True) -> Successor:
    """``world`` carried on: filled, concluded, and (``opened``) opened with all registries at work."""
    made = empty_successor(world)
    made.carry(passages_of(world))
    made.conclude(made.predecessor.size, made.predecessor.root)
    made.statements += world.statements
    made.authorisations += world.authorisations
    made.admit(OPENINGS)
    if opened:
        made.open()
        for name in REGISTRIES:
            made.admit(name)
    return made
