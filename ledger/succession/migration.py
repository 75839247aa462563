"""A migration from its beginning to its end, each step looked up before it is done (账本迁移).

Nothing is half-moved: until the seal the old log is the ledger, and whatever stands on the new chain means
nothing. From the seal on nobody can write to the old log, and the same command finishes the rest, however often
it is broken off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, Engine

from ledger.chain.administration import AdminCall, Administration
from ledger.chain.artifacts import OPENINGS
from ledger.chain.cancun import runs_cancun
from ledger.chain.deploying import WAIT, Sender
from ledger.chain.deployment import REGISTRIES, Deployment, SealedLog
from ledger.chain.interface import Chain
from ledger.merkle import root_at
from ledger.mirror import queries
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Heads, Rulebook
from ledger.mirror.verification.heads import heads_of
from ledger.signatures import SignatureError, signer_of
from ledger.statements import (
    ORGANISATION,
    Authorisation,
    SignedBatch,
)
from ledger.succession.begun import Begun, load
from ledger.succession.carrying import GAS_FOR_CALL, History, loads
from ledger.succession.errors import MigrationError
from ledger.succession.sealing import Sealing
from ledger.succession.sending import MOST_BYTES, Carrier, await_time, most_gas_of
from ledger.succession.target import LOG, Target

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

Sign = Callable[[SealedLog, Deployment], SignedBatch]
"""The opening of the new deployment, signed with an authority's key."""


class Stage(StrEnum):
    """How far a migration has come (迁移阶段)."""

    NONE = "none"
    """未开始: nothing was begun."""
    CARRYING = "carrying"
    """迁入中: the old log is the ledger; its history is on its way."""
    ANNOUNCED = "announced"
    """已预告封存: everything is there, and the seal waits for its delay."""
    SEALED = "sealed"
    """已封存: the old log is closed; the rest is to be carried over and opened."""
    OPENED = "opened"
    """已启用: the new log is open; this data directory still has to change over."""
    DONE = "done"
    """完成."""


class Preview(msgspec.Struct, frozen=True):
    """What a migration would carry. ``gas`` is an upper bound, ``price`` in wei for one unit of it."""

    statements: int
    batches: int
    subjects: int
    calldata: int
    transactions: int
    largest_gas: int
    gas: int
    price: int
    accounts: tuple[str, ...]


class Outcome(msgspec.Struct, frozen=True):
    """Where a run ended. ``ripe_at`` (Unix seconds) and ``call`` are those of the seal, while it waits."""

    stage: Stage
    carried: int
    deployment: Deployment | None = None
    ripe_at: int | None = None
    call: AdminCall | None = None


@dataclass
class Migration:
    """From ``old``, mirrored in ``engine``, to ``new``. The mirror was verified by whoever begins."""

    data_dir: Path
    old: Chain
    new: Chain
    deployment: Deployment
    engine: Engine
    rulebooks: Sequence[Rulebook]
    catch_up: Callable[[], object]
    say: Callable[[str], None] = lambda _: None
    progress: Callable[[int, int], None] = lambda _done, _all: None
    wait: float = WAIT

    def preview(self) -> Preview:
        """What there is to carry, and what it takes."""
        accounts: set[bytes] = set()
        statements = batches = calldata = transactions = largest = gas = 0
        with self.engine.connect() as conn:
            size = queries.size_of(conn)
            history = History.of(conn, self._origin, self.rulebooks)
            some = loads(
                history.passages(size), most_bytes=MOST_BYTES, most_gas=most_gas_of(self.new)
            )
            for load in some:
                transactions += 1
                gas += GAS_FOR_CALL
                for one in load:
                    batches, statements = batches + 1, statements + len(one.statements)
                    calldata, gas = calldata + one.weight, gas + one.gas
                    largest = max(largest, one.gas + GAS_FOR_CALL)
                    accounts |= _accounts(one.authorisation)
                self.progress(statements, size)
        fees = self.new.fees()
        return Preview(
            statements=statements,
            batches=batches,
            subjects=len(history.heads.slots),
            calldata=calldata,
            transactions=transactions,
            largest_gas=largest,
            gas=gas,
            price=fees.get("gasPrice", fees.get("maxFeePerGas", 0)),
            accounts=tuple(sorted("0x" + one.hex() for one in accounts)),
        )

    def check(self) -> None:
        """Raise :class:`MigrationError` where the two chains cannot be the two ends of a migration."""
        if self.new.chain_id in (0, self.old.chain_id):
            raise MigrationError(
                f"{self.new.name} has the chain id {self.new.chain_id}, "
                + ("which is none" if not self.new.chain_id else "as the old chain has"),
                "signatures would hold on both: give the new chain an id of its own",
                zh=f"新链的链标识为 {self.new.chain_id}，"
                + ("无效" if not self.new.chain_id else "与旧链相同"),
                hint_zh="签名在两条链上会同样有效：请为新链设置另一个链标识",
            )
        if not runs_cancun(self.new):
            raise MigrationError(
                f"{self.new.name} is not at the Cancun level, which the contracts need",
                "use a newer node (Besu, geth 1.13 or later)",
                zh="新链未达到合约所需的 Cancun 级别",
                hint_zh="请使用较新的节点",
            )

    def run(
        self, sender: LocalAccount, admin: LocalAccount | None, authority: Sign, delay: int
    ) -> Outcome:
        """As far as it goes now; run it again for the rest. Raises :class:`MigrationError`, ChainError.

        ``sender`` pays on both chains, ``admin`` administers the old log (None where its key is elsewhere),
        ``authority`` signs the opening. ``delay`` is what the new log's administration waits for.
        """
        self.check()
        genesis = "0x" + self.old.blocks([0])[0].hash.hex()
        target = Target(
            self.new, sender, self.data_dir, self._begun(), self.deployment, self.wait, self.say
        )
        if target.begun.deployment is not None:
            return Outcome(Stage.OPENED, target.inherited(), target.begun.deployment)
        target.begin(genesis)
        if target.begun.sealed is None:
            self._carry(target, sender)
            target.registries()
            waiting = self._seal(target, sender, admin)
            if waiting is not None:
                return waiting
            self.catch_up()
            target.remember(sealed=self._sealed(genesis))
        sealed = target.begun.sealed
        if sealed is None:
            raise MigrationError("the old log is sealed, and nobody remembers with what")
        heads = self._carry(target, sender)
        target.conclude(sealed.size, sealed.predecessor.root)
        target.organisations(heads.count(ORGANISATION.kind))
        made = self._deployment(target, sealed, delay)
        target.admit([OPENINGS])
        if target.state().size == sealed.size:
            self.say("opening")
            target.record(authority(sealed, made))
        target.admit(REGISTRIES)
        target.hand_over(self.deployment.admin, delay)
        made.verify_code(self.new)
        target.remember(deployment=made)
        return Outcome(Stage.OPENED, sealed.size, made)

    @property
    def _origin(self) -> Origin:
        return Origin.of(self.deployment)

    def _begun(self) -> Begun:
        """What an earlier run began, of this log and to this chain; or a new beginning."""
        found = load(self.data_dir)
        genesis = "0x" + self.new.blocks([0])[0].hash.hex()
        here = (self.deployment.chain_id, self.deployment.log)
        if found is None:
            return Begun(*here, self.new.chain_id, genesis, self.new.name)
        if (found.chain_id, found.log) != here:
            raise MigrationError(
                f"migration.json is about log {found.log} on chain {found.chain_id}, not about this one",
                "move the file away",
                zh="migration.json 属于另一个账本",
                hint_zh="请移走该文件",
            )
        if (found.to_chain_id, found.to_genesis) != (self.new.chain_id, genesis):
            raise MigrationError(
                f"a migration to {found.to} (chain {found.to_chain_id}) is under way, and {self.new.name} is "
                "another chain",
                "go on with that one; or, as long as the old log is not sealed, remove migration.json",
                zh=f"已有向 {found.to}（链 {found.to_chain_id}）的迁移在进行中，给出的却是另一条链",
                hint_zh="请继续原来的迁移；若旧日志尚未封存，也可删除 migration.json 重新开始",
            )
        return found

    def _carry(self, target: Target, sender: LocalAccount) -> Heads:
        """Everything the mirror holds and the new log has not; returns the heads that it leaves."""
        done = target.state()
        with self.engine.connect() as conn:
            size = queries.size_of(conn)
            history = History.of(conn, self._origin, self.rulebooks)
            inherited = target.inherited()
            if inherited:
                for _ in history.passages(inherited):
                    pass
                return history.heads
            self._same_so_far(conn, size, done.size, done.root)
            if done.size < size:
                # nothing stands in a block that is older than it, and what follows is younger
                newest = queries.statement_at(conn, size - 1).recorded_at
                await_time(self.new, newest, self.say)
            rest = dropwhile(lambda one: one.end <= done.size, history.passages(size))
            self.progress(done.size, size)
            Carrier(self.new, sender, target.log, self.wait).carry(
                rest, lambda at: self.progress(at, size)
            )
        self._check_heads(target, history.heads)
        return history.heads

    def _same_so_far(self, conn: Connection, size: int, there: int, root: bytes) -> None:
        if not there:
            return
        if there > size or root_at(there, queries.tree(conn)) != root:
            raise MigrationError(
                f"the new log holds {there} statements that are not the first ones of this ledger: the old "
                "chain was reorganised since, or somebody else's history was carried there",
                "remove migration.json as long as the old log is not sealed, and begin anew",
                zh="新日志中已有的声明不是本账本的历史",
                hint_zh="若旧日志尚未封存，请删除 migration.json 后重新开始",
            )

    def _check_heads(self, target: Target, heads: Heads) -> None:
        """What the new log says of every subject, against what the rules say."""
        for kind, subject, word in heads_of(self.new, target.log, heads):
            version, state = heads.get(kind, subject)
            if word != version << 192 | state:
                raise MigrationError(
                    f"{kind} 0x{subject.hex()} stands otherwise in the new log than by the rules",
                    "never open this log: begin anew with an empty one",
                    zh=f"新日志中 {kind} 的主题状态与规则不符",
                    hint_zh="切勿启用该日志，请重新开始",
                )

    def _seal(
        self, target: Target, sender: LocalAccount, admin: LocalAccount | None
    ) -> Outcome | None:
        """Seal the old log; what it waits for where that cannot be done now."""
        sealing = Sealing(self.old, self.deployment)
        there = (self.new.chain_id, target.begun.places[LOG])
        found = sealing.successor()
        if found is None:
            administration = Administration(self.old, self.deployment, self.wait, self.say)
            administration.delay_of(admin.address if admin else self.deployment.admin)
            self.say("seal")
            if not target.begun.seal:
                send = Sender(self.old, sender, self.wait)
                place = send.next_contract()
                send.create("Seal", ["uint256", "address"], there)
                target.remember(seal="0x" + place.hex())
            ripe_at, call = administration.perform(sealing.acts(target.begun.seal), admin)
            found = sealing.successor()
            if found is None:
                return Outcome(Stage.ANNOUNCED, target.state().size, ripe_at=ripe_at, call=call)
        if found != there:
            raise MigrationError(
                f"the old log is sealed already, in favour of {found[1]} on chain {found[0]}",
                "take that deployment over with `govledger chain adopt`",
                zh=f"旧日志已封存，接续者为链 {found[0]} 上的 {found[1]}",
                hint_zh="请用 `govledger chain adopt` 采用该部署",
            )
        return None

    def _sealed(self, genesis: str) -> SealedLog:
        """The old log as it is for ever now."""
        old = self.deployment
        accounts: set[bytes] = set()
        with self.engine.connect() as conn:
            now = queries.cursor_of(conn)
            if now is None:
                raise MigrationError("the mirror is empty")
            for one in History.of(conn, self._origin, self.rulebooks).passages(now.size):
                accounts |= _accounts(one.authorisation)
        return SealedLog(
            chain_id=old.chain_id,
            log=old.log,
            registries=old.registries,
            access_manager=old.access_manager,
            deploy_block=old.deploy_block,
            deploy_block_hash=old.deploy_block_hash,
            genesis=genesis,
            size=now.size,
            root="0x" + now.root.hex(),
            seal=Sealing(self.old, old).authority(),
            sealed_block=now.block_number,
            sealed_block_hash="0x" + now.block_hash.hex(),
            accounts=tuple(sorted("0x" + one.hex() for one in accounts)),
        )

    def _deployment(self, target: Target, sealed: SealedLog, delay: int) -> Deployment:
        begun, old = target.begun, self.deployment
        return Deployment(
            chain_id=self.new.chain_id,
            log=begun.places[LOG],
            registries={name: begun.places[name] for name in (*REGISTRIES, OPENINGS)},
            access_manager=begun.places["AccessManager"],
            genesis_authority=old.genesis_authority,
            admin=old.admin,
            admin_delay=delay,
            deploy_block=begun.deploy_block,
            deploy_block_hash=begun.deploy_block_hash,
            predecessors=(*old.predecessors, sealed),
        )


def _accounts(authorisation: Authorisation) -> set[bytes]:
    """Those of signer and co-signer that are contract accounts: their signature is no key's."""
    pairs = [(authorisation.signer, authorisation.signature)]
    if any(authorisation.cosigner):
        pairs.append((authorisation.cosigner, authorisation.cosignature))
    found = set()
    for signer, signature in pairs:
        try:
            recovered = signer_of(authorisation.digest, signature)
        except SignatureError:
            recovered = b""
        if recovered != signer:
            found.add(signer)
    return found
