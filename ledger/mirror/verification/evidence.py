"""Who said it, and whether they might: signatures over rebuilt digests, versions, and the rules
replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from sqlalchemy import Connection

from ledger.chain.interface import CallReverted, Chain, ChainError
from ledger.mirror.doubt import authorisation_of_row, contradiction, digest_contradiction
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Decoded, Heads, Rulebook, RuleBroken
from ledger.mirror.queries import Cursor
from ledger.mirror.reading import read_payload
from ledger.mirror.rows import authorisation_rows, statements_between
from ledger.mirror.side_by_side import Progress
from ledger.mirror.verification.report import Report
from ledger.signatures import SignatureError, signer_of
from ledger.statements import Authorisation, Statement

CHUNK = 2_000
NO_ADDRESS = bytes(20)
LOG = bytes(keccak(text="log()"))[:4]
"""Selector of a registry's ``log()``: the log that it writes to."""
IS_VALID_SIGNATURE = bytes.fromhex("1626ba7e")
"""Selector of ``isValidSignature(bytes32,bytes)``, and the value it returns (ERC-1271)."""


@dataclass(slots=True)
class Evidence:
    """One pass over authorisations and their statements, in leaf order; without a connection :meth:`check_batch`
    is all that it can do.
    """

    conn: Connection | None
    cursor: Cursor
    origin: Origin
    rulebooks: Sequence[Rulebook]
    report: Report
    chain: Chain | None = None
    heads: Heads = field(init=False)

    _rulebook_of: dict[str, Rulebook] = field(init=False)
    _writes_here: dict[bytes, bool | None] = field(default_factory=dict)
    payload_of: Callable[[Statement], Decoded] = read_payload
    """Reads a statement for the rules."""
    replayed: int = 0
    """Statements that were held against the rules so far."""

    def __post_init__(self) -> None:
        self._rulebook_of = {kind: book for book in self.rulebooks for kind in book.kinds}
        self.heads = Heads(self.origin.log, self.origin.genesis_authority)

    def check(self, progress: Progress | None = None) -> Heads:
        """Check everything; returns the heads as the rules left them."""
        self._check_all(progress)
        self.report.count("rules", self.replayed)
        return self.heads

    def _check_all(self, progress: Progress | None) -> None:
        if self.conn is None:
            raise ValueError("there is no database to check")
        expected = 0
        while expected < self.cursor.size:
            rows = authorisation_rows(self.conn, expected, expected + CHUNK)
            if not rows or rows[0][0] != expected:
                self._unvouched(expected)
                return
            for row in rows:
                end = self._check_row(self.conn, row, expected)
                if end is None:
                    return
                expected = end
            if progress is not None:
                progress(expected, self.cursor.size)
        for row in outside(self.conn, self.cursor):
            self._wrong(
                authorisation_of_row(row),
                "不属于任何声明",
                "covers no statement",
                "first_index",
            )

    def _check_row(self, conn: Connection, row: Sequence[Any], expected: int) -> int | None:
        """One authorisation and its statements; returns the leaf after them, None where the next
        one cannot be told."""
        try:
            authorisation = authorisation_of_row(row)
            end = expected + authorisation.count
            if authorisation.first_index != expected or end <= expected:
                self._unvouched(expected)
                return None
            if end > self.cursor.size:
                self._wrong(
                    authorisation,
                    f"声称覆盖到第 {end - 1} 号声明",
                    f"claims to cover leaves up to {end - 1}",
                    "count",
                )
                return None
            self.check_batch(authorisation, statements_between(conn, expected, end))
        except (TypeError, AttributeError, ValueError) as error:
            self.report.add(
                "authorisation",
                f"第 {expected} 号声明的授权无法读取：{error}",
                f"leaf {expected}: its authorisation cannot be read ({error})",
                leaf=expected,
                table="authorisation",
            )
            return None
        return end

    def _unvouched(self, leaf: int) -> None:
        self.report.add(
            "authorisation",
            f"第 {leaf} 号声明起的授权缺失或错位",
            f"leaf {leaf}: no authorisation begins with it",
            leaf=leaf,
            table="authorisation",
            column="first_index",
        )

    def _wrong(
        self, authorisation: Authorisation, zh: str, en: str, column: str | None = None
    ) -> None:
        leaf = authorisation.first_index
        self.report.add(
            "authorisation",
            f"第 {leaf} 号声明的授权：{zh}",
            f"leaf {leaf}: its authorisation {en}",
            leaf=leaf,
            table="authorisation",
            column=column,
        )

    def check_batch(self, authorisation: Authorisation, batch: Sequence[Statement]) -> None:
        """Check one authorisation and the statements that it covers, the next ones of the log."""
        for statement in batch:
            reason = contradiction(statement, authorisation)
            if reason is not None:
                self._contradicts(statement, reason)
        self._check_registry(authorisation)
        reason = digest_contradiction(batch, authorisation, self.origin.log)
        if reason is not None:
            self._wrong(authorisation, f"摘要不符（{reason}）", f"does not add up: {reason}")
        self._check_signature(
            authorisation, authorisation.signer, authorisation.signature, "signature"
        )
        if authorisation.cosigner != NO_ADDRESS:
            self._check_signature(
                authorisation, authorisation.cosigner, authorisation.cosignature, "cosignature"
            )
        elif authorisation.cosignature:
            self._wrong(
                authorisation, "有会签却没有会签人", "has a cosignature of nobody", "cosignature"
            )
        for statement in batch:
            self._replay(statement, authorisation)

    def _check_registry(self, authorisation: Authorisation) -> None:
        """A signature for another log's registry says nothing in this log."""
        registry = authorisation.registry
        if registry in self.origin.registries:
            return
        if registry not in self._writes_here:
            here = authorisation.first_index >= self.origin.log.inherited
            self._writes_here[registry] = self._registry_says(registry) if here else None
        if self._writes_here[registry] is False:
            self._wrong(
                authorisation,
                f"是为合约 0x{registry.hex()} 签署的，该合约并不写入本日志",
                f"was signed for contract 0x{registry.hex()}, which does not write to this log",
                "registry",
            )
            return
        self.report.skip(
            f"登记合约 0x{registry.hex()} 不在部署文件中；它属于本日志，只有链这样说",
            f"registry 0x{registry.hex()} is not in the deployment file; that it belongs to this "
            "log is the chain's word alone",
        )

    def _registry_says(self, registry: bytes) -> bool | None:
        """Whether a contract writes to this log; None where nobody can be asked."""
        if self.chain is None:
            return None
        try:
            return self.chain.call(registry, LOG) == self.origin.log.address.rjust(32, b"\0")
        except CallReverted:
            return False
        except ChainError:
            return None

    def _contradicts(self, statement: Statement, reason: str) -> None:
        self.report.add(
            "authorisation",
            f"第 {statement.index} 号声明与其授权矛盾：{reason}",
            f"leaf {statement.index}: {reason}",
            leaf=statement.index,
            table="authorisation",
        )

    def _check_signature(
        self, authorisation: Authorisation, signer: bytes, signature: bytes, column: str
    ) -> None:
        try:
            recovered = signer_of(authorisation.digest, signature)
            why = f"0x{recovered.hex()} made it"
        except SignatureError as error:
            recovered, why = b"", str(error)
        if recovered == signer:
            self.report.count("signatures", 1)
            return
        verdict = self._contract_says(authorisation, signer, signature)
        first, last = authorisation.first_index, authorisation.first_index + authorisation.count - 1
        if verdict is None:
            self.report.skip(
                f"第 {first} 至 {last} 号声明的签名人 0x{signer.hex()} 可能是合约账户（ERC-1271），"
                "须连上链才能核验",
                f"leaves {first} to {last}: signer 0x{signer.hex()} may be a contract account "
                "(ERC-1271), which only the chain can tell",
            )
        elif verdict:
            self.report.count("contract_signatures", 1)
        else:
            self.report.add(
                "signature",
                f"第 {first} 至 {last} 号声明：0x{signer.hex()} 并未签署（{why}）",
                f"leaves {first} to {last}: 0x{signer.hex()} did not sign this ({why})",
                leaf=first,
                table="authorisation",
                column=column,
            )

    def _contract_says(
        self, authorisation: Authorisation, signer: bytes, signature: bytes
    ) -> bool | None:
        """What an ERC-1271 account says of a signature; False where it is no contract, None where
        nobody can be asked. Asked at the newest block: what it accepts may have changed since."""
        log = self.origin.log
        if authorisation.first_index < log.inherited:
            # The account stands on the chain that the statement comes from.
            before = {account for each in log.earlier for account in each.accounts}
            return None if signer in before else False
        if self.chain is None:
            return None
        question = IS_VALID_SIGNATURE + encode(
            ["bytes32", "bytes"], [authorisation.digest, signature]
        )
        try:
            if not self.chain.code(signer):
                return False
            answer = self._ask_at_the_time(authorisation, signer, question)
        except CallReverted:
            return False
        except ChainError as error:
            self.report.skip(
                f"无法询问合约账户 0x{signer.hex()}：{error}",
                f"contract account 0x{signer.hex()} could not be asked: {error}",
            )
            return None
        return answer[:4] == IS_VALID_SIGNATURE and not any(answer[4:32])

    def _ask_at_the_time(
        self, authorisation: Authorisation, signer: bytes, question: bytes
    ) -> bytes:
        """At the block that recorded it; where the node keeps no such state, at the newest."""
        if self.chain is None or self.conn is None:
            raise ChainError("no chain to ask")
        (row,) = authorisation_rows(
            self.conn, authorisation.first_index, authorisation.first_index + 1
        )
        try:
            return self.chain.call(signer, question, int(row[10]))
        except CallReverted:
            raise
        except ChainError:
            return self.chain.call(signer, question)

    def _replay(self, statement: Statement, authorisation: Authorisation) -> None:
        version, state = self.heads.get(statement.kind, statement.subject)
        if statement.version != version + 1:
            self.report.add(
                "version",
                f"第 {statement.index} 号声明为第 {statement.version} 版，此前为第 {version} 版",
                f"leaf {statement.index} is version {statement.version} of its subject, "
                f"the one before was {version}",
                leaf=statement.index,
                table="statement",
                column="version",
            )
        rulebook = self._rulebook_of.get(statement.kind)
        if rulebook is None:
            self.report.skip(
                f"没有 {statement.kind} 的规则，未重放",
                f"there is no rulebook for {statement.kind} here",
            )
        else:
            try:
                state = rulebook.next_state(self.payload_of(statement), authorisation, self.heads)
            except (RuleBroken, ValueError, TypeError, LookupError) as error:
                # A rulebook may meet numbers here that no contract lets through.
                self.report.add(
                    "rule",
                    f"第 {statement.index} 号声明违反规则：{error}",
                    f"leaf {statement.index} breaks a rule: {error}",
                    leaf=statement.index,
                    table="statement",
                )
            self.replayed += 1
        self.heads.put(statement.kind, statement.subject, statement.version, state)


def outside(conn: Connection, cursor: Cursor) -> Iterator[Sequence[Any]]:
    """Rows of ``authorisation`` that begin with no leaf of the log."""
    for low, high in ((-(1 << 62), 0), (cursor.size, 1 << 62)):
        yield from authorisation_rows(conn, low, high)
