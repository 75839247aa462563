"""Verifying a report (审计报告核验): from the chain alone, in an empty database of its own.

1. Follow the log from its first block into an empty mirror, whose tree is compared with the contract's.
2. Check that mirror as ``mirror verify`` does: signatures, keys, rules, rows; nothing of the operator's is used.
3. Compare the log's root at the report's size with the root that the report names.
4. Work the audit out again at that size, under the report's own scope and policy, and compare byte by byte.
   A report that was made before the ledger moved to another chain names the log of that time, and is held against it.
   A report that counts a lineage journal too says which, by the checkpoint that the log carries: then a copy of that
   journal is needed, is held against the checkpoint's root, and its edges are made anew.
5. Look for the statement that anchored these bytes, and hold what it says against them.

Files are read whole only where something differs and the difference is to be named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Engine

from ledger.audits import queries
from ledger.audits.audit import audited
from ledger.audits.differences import differences
from ledger.audits.metrics import HEADLINE
from ledger.audits.periods import calendar_digest
from ledger.audits.policy import DEFAULT_POLICY, Policy, policy_of
from ledger.audits.queries import Report
from ledger.audits.report import measures, report_bytes, report_parts
from ledger.audits.scope import Scope, scope_of
from ledger.audits.working import Progress
from ledger.canonical import parse_json
from ledger.journal.journal import Journal
from ledger.lineage import queries as lineage
from ledger.lineage.edges import Edges
from ledger.mirror import queries as mirror
from ledger.mirror.mirror import Mirror
from ledger.statements import LogIdentity

MAX_REPORT_BYTES = 1 << 31


class ReportRefused(ValueError):
    """A file that is no completeness report; ``zh`` says so in Chinese."""

    def __init__(self, what: str, hint: str = "", *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class Check(msgspec.Struct, frozen=True):
    """One thing that was checked, in both languages."""

    ok: bool
    zh: str
    en: str
    told: bool = False
    """Whether it proves nothing either way, and is only told."""


class Verified(msgspec.Struct):
    """The outcome of a verification. ``differences`` name what is not as it follows from the chain."""

    report: str
    """SHA-256 of the bytes in question, lower-case hex."""
    size: int
    checks: list[Check] = msgspec.field(default_factory=list)
    differences: list[dict[str, Any]] = msgspec.field(default_factory=list)
    anchored: list[Report] = msgspec.field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def check(self, ok: bool, zh: str, en: str) -> bool:  # noqa: FBT001 - what was found
        self.checks.append(Check(ok, zh, en))
        return ok


class JournalClaim(msgspec.Struct, frozen=True):
    """The anchored checkpoint of the journal that a report counts: ``root`` in hex, at ``leaf`` of the log."""

    origin: str
    size: int
    root: str
    leaf: int


class LogClaim(msgspec.Struct, frozen=True):
    """The log that a report says it is of: ``address`` as 0x and 40 hex digits."""

    address: str
    chain_id: int


class Claim(msgspec.Struct, frozen=True):
    """What is to be verified: a file's bytes, or the digest that a statement anchored."""

    digest: str
    size: int
    root: str
    scope: Scope
    policy: Policy
    calendar: str | None = None
    file: Path | None = None
    journal: JournalClaim | None = None
    log: LogClaim | None = None
    """What a file says; without one ``leaf``, where the report was anchored, tells of which log it is."""
    leaf: int | None = None


class _Head(msgspec.Struct, frozen=True):
    """What of a report says how it was made."""

    format: Literal["govledger-completeness/1"]
    size: int
    root: str
    scope: dict[str, Any]
    policy: dict[str, Any]
    calendar_digest: str
    log: LogClaim
    journal: JournalClaim | None = None


def claim_of(file: Path) -> Claim:
    """What a report file claims; raises :class:`ReportRefused` for a file that is none."""
    try:
        head = msgspec.convert(parse_json(file.read_bytes(), MAX_REPORT_BYTES), _Head)
        scope, policy = scope_of(head.scope), policy_of(head.policy)
    except ValueError as error:
        raise ReportRefused(
            f"{file} is no completeness report: {error}",
            "give the file that `govledger audit publish` or `audit completeness -o` wrote",
            zh=f"{file} 不是应归尽归审计报告：{error}",
            hint_zh="请给出 `govledger audit publish` 或 `audit completeness -o` 写出的文件",
        ) from error
    return Claim(
        _file_digest(file),
        head.size,
        head.root,
        scope,
        policy,
        head.calendar_digest,
        file,
        head.journal,
        head.log,
    )


def verify_report(
    claim: Claim,
    own: Mirror,
    *,
    journal: Path | None = None,
    progress: Callable[[str], Progress] = lambda _: _silent,
) -> Verified:
    """Verify a claim as the module says, in ``own``, the auditor's own mirror, which is empty before.

    ``journal`` is the directory of a copy of the journal that the report counts. ``progress`` gives, for the name of a
    stage (``follow``, ``check``, ``audit``), what is called while it lasts. Raises :class:`ReportRefused` for a report
    that counts a journal where none is given, and :class:`~ledger.chain.interface.ChainError` where the chain
    cannot be asked.
    """
    if claim.journal is not None and journal is None:
        raise ReportRefused(
            f"the report counts what the journal {claim.journal.origin} says up to entry {claim.journal.size}",
            "name a copy of it with --journal: the directory journals/lineage of whoever keeps it",
            zh=f"报告计入了血缘日志 {claim.journal.origin} 的前 {claim.journal.size} 条",
            hint_zh="请用 --journal 指定该日志的副本，即其保管方数据目录中的 journals/lineage",
        )
    if claim.file is not None and claim.journal is None:
        journal = None  # a report that counts none follows from the chain alone
    found = Verified(claim.digest, claim.size)
    own.catch_up(progress=progress("follow"))
    _check_log(found, own, progress("check"))
    counted = journal is None or _check_journal(found, claim, own.engine, journal)
    if counted:
        _check_claim(found, claim, own.engine, progress("audit"), counting=journal is not None)
    return found


def _check_journal(found: Verified, claim: Claim, engine: Engine, place: Path) -> bool:
    """Hold a copy of the journal against the checkpoint that the log carries, and make its edges."""
    with Journal(place) as journal:
        with engine.connect() as connection:
            known = [
                one
                for one in lineage.checkpoints(connection, origin=journal.origin)
                if one.leaf_from < claim.size
            ]
        if not found.check(
            bool(known),
            f"日志中{'有' if known else '没有'}血缘日志 {journal.origin} 的检查点",
            f"the log carries {'a' if known else 'no'} checkpoint of the journal {journal.origin}",
        ):
            return False
        last = known[-1]
        told = JournalClaim(last.origin, last.size, last.root.removeprefix("0x"), last.leaf_from)
        if claim.journal is not None and not found.check(
            claim.journal == told,
            "报告所据血缘日志与链上检查点"
            + (
                "一致"
                if claim.journal == told
                else f"不同：应为日志位置 {told.leaf}、{told.size} 条"
            ),
            "the report's journal is "
            + ("the one" if claim.journal == told else "not the one")
            + f" that leaf {told.leaf} anchors at {told.size} entries",
        ):
            return False
        whole = journal.size >= told.size and journal.root(told.size).hex() == told.root
        if found.check(
            whole,
            f"血缘日志副本的前 {told.size} 条"
            + ("与链上检查点相符" if whole else "与链上检查点不符"),
            f"the first {told.size} entries of the journal's copy are "
            + ("those" if whole else "not those")
            + " that were anchored",
        ):
            Edges(engine, journal).fold_to(told.size)
        return whole


def _silent(_done: int, _total: int) -> None:
    """For whoever does not watch."""


def _check_log(found: Verified, own: Mirror, progress: Progress) -> None:
    report = own.verify(progress=progress)
    problems = sum(report.totals.values())
    found.check(
        report.ok,
        f"链上 {report.size} 条声明的签名、密钥、规则与投影"
        + ("均相符" if report.ok else f"有 {problems} 处不符"),
        f"signatures, keys, rules and rows of the {report.size} statements on the chain "
        + ("hold" if report.ok else f"do not hold in {problems} places"),
    )
    for one in report.findings if not report.ok else ():
        found.differences.append({"pointer": f"/leaf/{one.leaf}", "zh": one.zh, "en": one.en})


def _check_claim(
    found: Verified, claim: Claim, engine: Engine, progress: Progress, *, counting: bool
) -> None:
    with engine.connect() as connection:
        held = mirror.size_of(connection)
        if not found.check(
            0 < claim.size <= held,
            f"报告所据日志大小 {claim.size}，链上现有 {held} 条",
            f"the report is of size {claim.size}, the chain has {held} statements",
        ):
            return
        root = mirror.checkpoint(connection, claim.size).root.removeprefix("0x")
        found.check(
            root == claim.root,
            f"大小 {claim.size} 时的树根"
            + ("与报告一致" if root == claim.root else f"为 {root}，报告写的是 {claim.root}"),
            f"the root at size {claim.size} "
            + (
                "is the report's"
                if root == claim.root
                else f"is {root}, the report says {claim.root}"
            ),
        )
        _check_calendar(found, claim)
        _tell_policy(found, claim.policy)
        measured = _check_bytes(found, claim, connection, progress, counting=counting)
        _check_anchors(found, claim, connection, measured)
        connection.rollback()


def _check_calendar(found: Verified, claim: Claim) -> None:
    if claim.calendar is not None and claim.calendar != calendar_digest():
        found.check(
            False,  # noqa: FBT003 - a check that failed
            "报告采用的工作日历与本程序不同，到期日可能不同；请换用同一版本的 chinesecalendar",
            "the report was made with another calendar of working days than this program's: "
            "install the same release of chinesecalendar",
        )


def _tell_policy(found: Verified, policy: Policy) -> None:
    """A report follows from its policy, however lax: where that is not the default one, it is told."""
    others = policy.departures()
    if not others:
        return
    zh = "、".join(f"{name} {here}（默认 {usual}）" for name, (here, usual) in others.items())
    en = ", ".join(f"{name} {here} (default {usual})" for name, (here, usual) in others.items())
    found.checks.append(
        Check(
            True,  # noqa: FBT003 - nothing failed
            f"报告所用口径 {policy.name} 与默认口径不同：{zh}",
            f"the report was made under the policy {policy.name}, which is not the default: {en}",
            told=True,
        )
    )


def _log_of(claim: Claim, connection: Connection) -> LogIdentity | None:
    """The log that a report is of where that is one that the mirror's carries on; else None.

    Only what had been recorded there can be counted in a report of it.
    """
    cursor = mirror.cursor_of(connection)
    for one in cursor.log.earlier if cursor else ():
        known = LogClaim("0x" + one.log.address.hex(), one.log.chain_id)
        anchored = claim.log is None and claim.leaf is not None and claim.leaf < one.size
        if claim.size <= one.size and (claim.log == known or anchored):
            return one.log
    return None


def _check_bytes(
    found: Verified, claim: Claim, connection: Connection, progress: Progress, *, counting: bool
) -> dict[str, tuple[int, int]]:
    """Compare the report's bytes; returns numerator and denominator of every metric, by its name."""
    with audited(
        connection,
        claim.size,
        scope=claim.scope,
        policy=claim.policy,
        journal=counting,
        log=_log_of(claim, connection),
        progress=progress,
    ) as audit:
        digest = hashlib.sha256()
        for piece in report_bytes(audit):
            digest.update(piece)
        same = digest.hexdigest() == claim.digest
        found.check(
            same,
            "由链上重算的报告" + ("逐字节相同" if same else f"不同：应为 {digest.hexdigest()}"),
            "the report worked out from the chain is "
            + ("the same, byte for byte" if same else f"another: {digest.hexdigest()}"),
        )
        if not same and claim.file is not None:
            told = parse_json(claim.file.read_bytes(), MAX_REPORT_BYTES)
            made = {
                name: list(value) if isinstance(value, Iterator) else value
                for name, value in report_parts(audit)
            }
            found.differences += differences(told, made)
        return {
            one["id"]: (int(one["numerator"]), int(one["denominator"])) for one in measures(audit)
        }


def _check_anchors(
    found: Verified, claim: Claim, connection: Connection, measured: Mapping[str, tuple[int, int]]
) -> None:
    found.anchored = queries.with_digest(connection, claim.digest)
    if not found.anchored:
        found.checks.append(
            Check(
                claim.file is not None,
                "该报告未上链（未由审计方发布）",
                "these bytes are not anchored: no auditor published them",
                told=claim.file is not None,
            )
        )
        return
    for one in found.anchored:
        who = one.organisation.name if one.organisation else one.organisation_hash
        same = (one.size, one.root, one.scope) == (claim.size, claim.root, claim.scope.document())
        found.check(
            same,
            f"日志位置 {one.leaf_from}：{who} 发布"
            + ("，大小、树根与范围一致" if same else "，但所述大小、树根或范围不同"),
            f"anchored at log index {one.leaf_from} by {who}"
            + (
                ", of this size, root and scope" if same else ", but of another size, root or scope"
            ),
        )
        rate = measured.get(one.metric or HEADLINE.id)
        counted = (one.numerator, one.denominator) == rate
        told, made = f"{one.numerator}/{one.denominator}", "{}/{}".format(*rate or ("–", "–"))
        found.check(
            counted,
            f"日志位置 {one.leaf_from} 所载分子分母 {told}"
            + ("与重算一致" if counted else f"与重算不同：应为 {made}"),
            f"the {told} that log index {one.leaf_from} states "
            + ("is what follows from the chain" if counted else f"should be {made}"),
        )


def claim_anchored(report: Report, policy: Policy = DEFAULT_POLICY) -> Claim:
    """What a statement about a report claims, for who has no file; ``policy`` is not in the statement."""
    scope = scope_of(dict(report.scope))
    return Claim(report.report, report.size, report.root, scope, policy, leaf=report.leaf_from)


def headline(metrics: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The measure whose numerator and denominator a report's statement carries."""
    return next(one for one in metrics if one["id"] == HEADLINE.id)


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
