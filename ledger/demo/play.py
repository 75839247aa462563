"""Playing the synthetic district through the real thing: keys, contracts, signatures, chain, mirror."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger.catalogue.entry import Entry
from ledger.catalogue.statements import Revision, Verdict, decision, filing
from ledger.chain.connect import connect
from ledger.chain.deploying import deploy
from ledger.chain.deployment import FILE_NAME
from ledger.codes import EntryState, Level, Role
from ledger.demo.calendar import Calendar
from ledger.demo.collecting import build_tables
from ledger.demo.district import Department, District, ScorePlan, build_district
from ledger.demo.pipelines import Pipelines, Receiving
from ledger.demo.year import Year, parts
from ledger.office import Office, OfficeError
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.quality.dimensions import DIMENSIONS
from ledger.quality.statements import ScoreDraft, score
from ledger.statements import Batch, sha256

MARKER = "demo.json"
FIRST_DAY = date(2026, 3, 2)
PASSPHRASE = "synthetic-district"  # noqa: S105 - guards keys that anybody can derive from the seed
RULE_SET = sha256("示例区数据质量检查规则库 1.0".encode()).hex()
T = TypeVar("T")
ProgressBar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


class Demo:
    """One demo directory: the district it holds, and whether it was built to the end."""

    def __init__(self, place: Path, district: District, *, complete: bool) -> None:
        self.place = place
        self.district = district
        self.complete = complete
        self.calendar = Calendar(FIRST_DAY)
        """Dates the acts while the district is played on its own chain; another chain has its own time."""

    def build(self, office: Office, bar: ProgressBar, receiving: Receiving) -> None:
        """Deploy, register, file, decide, revise, score; every act signed, sent and verified.

        ``receiving`` takes in what the district's pipelines say.
        """
        play = Play(office, self.district, bar, self.calendar)
        play.keys()
        play.contracts()
        play.organisations()
        play.filings()
        play.decisions()
        year = Year(play)
        year.begin()
        pipelines = Pipelines(play, build_tables(self.district), receiving)
        pipelines.declare()
        play.revisions()
        year.quarter(0)
        play.suspensions()
        year.quarter(1)
        pipelines.run(1)
        year.quarter(2)
        pipelines.run(2)
        play.scores()
        year.report()
        self.calendar.leave()
        self._mark(complete=True)
        self.complete = True

    def _mark(self, *, complete: bool) -> None:
        marker = {"synthetic": True, "seed": self.district.seed, "complete": complete}
        draft = self.place / f"{MARKER}.new"
        draft.write_text(json.dumps(marker) + "\n", "utf-8")
        draft.replace(self.place / MARKER)


def open_demo(place: Path, seed: int) -> Demo:
    """The demo in ``place``. One that was cut short is begun anew; one of another seed is refused.

    Raises :class:`OfficeError` for a directory that holds anything but a demo.
    """
    marker = place / MARKER
    if marker.exists():
        told = json.loads(marker.read_text("utf-8"))
        if told["seed"] != seed:
            raise OfficeError(
                f"{place} holds the district of seed {told['seed']}",
                "name that seed, another --dir, or delete the directory",
                zh=f"{place} 中是以种子 {told['seed']} 生成的示例区",
                hint_zh="使用该种子，用 --dir 指定另一个目录，或删除该目录",
            )
        if told["complete"]:
            return Demo(place, build_district(seed), complete=True)
        _refuse_while_built(place)
        shutil.rmtree(place)
    elif place.exists() and any(place.iterdir()):
        raise OfficeError(
            f"{place} is not empty and no demo",
            "name another directory with --dir",
            zh=f"{place} 不是空目录，也不是示例区",
            hint_zh="请用 --dir 指定另一个目录",
        )
    place.mkdir(parents=True, exist_ok=True)
    demo = Demo(place, build_district(seed), complete=False)
    # The mark first: whatever is cut short after it can be begun anew.
    demo._mark(complete=False)  # noqa: SLF001 - the same class, from its own factory
    secret = place / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE + "\n", "utf-8")
    return demo


def _refuse_while_built(place: Path) -> None:
    """Raise :class:`OfficeError` where another process has the demo's chain open."""
    lock = place / "chain.db.lock"
    if not lock.exists():
        return
    with lock.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OfficeError(
                f"another process is building the district in {place}",
                "wait until it is done, or name another directory with --dir",
                zh=f"另一个进程正在 {place} 中生成示例区",
                hint_zh="请等待其完成，或用 --dir 指定另一个目录",
            ) from error


class Play:
    """Acts of the district, signed, sent and verified."""

    def __init__(
        self, office: Office, district: District, bar: ProgressBar, calendar: Calendar
    ) -> None:
        self.office = office
        self.district = district
        self.calendar = calendar
        self.bar = bar
        self._versions: dict[str, int] = {}

    def account(self, organisation: Department, role: Role) -> LocalAccount:
        """The key of an organisation in a role."""
        account: LocalAccount = Account.from_key(self.district.private_key(organisation.code, role))
        return account

    def keys(self) -> None:
        """Everybody's keys into the keystore, under the demo's passphrase."""
        district = self.district
        wanted: list[tuple[str, bytes, str]] = [
            (self.office.settings.sender_key, self._secret(Role.COLLECTOR), "发送交易 / sender"),
            ("admin", self._secret(Role.AUDITOR), "合约管理 / admin"),
            ("authority", self._secret(Role.AUTHORITY), "创世授权 / genesis authority"),
        ]
        for number, department in enumerate(district.departments, start=1):
            for role, word in ((Role.STEWARD, "steward"), (Role.HEAD, "head")):
                secret = district.private_key(department.code, role)
                wanted.append((f"d{number:02d}-{word}", secret, f"{department.name} {word}"))
        for organisation, role, word in _offices(district):
            secret = district.private_key(organisation.code, role)
            wanted.append((word, secret, f"{organisation.name} {word}"))
        with self.bar("密钥 keys", len(wanted)) as bar:
            for done, (name, secret, label) in enumerate(wanted, start=1):
                self.office.keystore.add(name, secret, PASSPHRASE, label=label)
                bar(done)

    def _secret(self, role: Role) -> bytes:
        return self.district.private_key(self.district.root.code, role)

    def contracts(self) -> None:
        """The log and its registries, on the embedded chain of the demo's directory."""
        office, root = self.office, self.district.root
        steps = 0
        with self.bar("合约 contracts", 12) as bar:

            def step(_: str) -> None:
                nonlocal steps
                steps += 1
                bar(min(steps, 11))

            chain = connect(office.settings, create=True, clock=office.clock)
            try:
                deployment = deploy(
                    chain,
                    self.account(root, Role.COLLECTOR),
                    self.account(root, Role.AUTHORITY).address,
                    self.account(root, Role.AUDITOR).address,
                    86_400,
                    progress=step,
                )
            finally:
                chain.close()
            bar(12)
        deployment.save(office.data_dir)
        if not (office.data_dir / FILE_NAME).exists():
            raise OfficeError(f"{office.data_dir / FILE_NAME} was not written")

    def organisations(self) -> None:
        """The root, the departments under it, and the keys that may sign for them."""
        district, deadline = self.district, self.office.deadline()
        root, genesis = district.root, self.account(district.root, Role.AUTHORITY)
        drafts = [
            OrganisationDraft(
                code=one.code,
                name=one.name,
                name_en=one.name_en,
                parent=None if one is root else root.code,
                level=Level.DISTRICT,
                region=district.region,
            )
            for one in (root, *district.departments)
        ]
        keys = [
            KeyDraft(
                address=self.account(department, role).address,
                holder=department.code,
                roles=(str(role.name).lower(),),
                label=f"{department.name} {str(role.name).lower()}",
            )
            for department in district.departments
            for role in (Role.STEWARD, Role.HEAD)
        ]
        keys += [
            KeyDraft(
                address=self.account(organisation, role).address,
                holder=organisation.code,
                roles=(str(role.name).lower(),),
                label=f"{organisation.name} {word}",
            )
            for organisation, role, word in _offices(district)
        ]
        first = register(drafts[:1], speaker=root.code, deadline=deadline)
        rest = register(drafts[1:], speaker=root.code, deadline=deadline)
        grants = set_keys(keys, speaker=root.code, deadline=deadline)
        self.record(
            "机构与密钥 organisations, keys", [(b, genesis, None) for b in (first, rest, grants)]
        )

    def filings(self) -> None:
        """Every department files its entries, its head signs with it; incomplete ones as drafts."""
        self.calendar.turn(date(2026, 3, 3))
        district = self.district
        signed = []
        for department in district.departments:
            drafts: list[Mapping[str, Any]] = []
            complete: list[Mapping[str, Any]] = []
            for row in district.entries[department.code]:
                incomplete = row["code"] in district.incomplete
                (drafts if incomplete else complete).append(row)
            signed += self._file(department, drafts, EntryState.DRAFT)
            signed += self._file(department, complete, EntryState.SUBMITTED)
        self.record("目录报送 filings", signed)

    def _file(
        self, department: Department, rows: Iterable[Any], state: EntryState
    ) -> list[tuple[Batch, LocalAccount, LocalAccount | None]]:
        signed = []
        steward = self.account(department, Role.STEWARD)
        head = self.account(department, Role.HEAD) if state is EntryState.SUBMITTED else None
        deadline = self.office.deadline()
        for part in parts(list(rows)):
            revisions = [
                Revision(Entry.parse(row), self._next(str(row["code"])), state) for row in part
            ]
            filed = filing(department.code, revisions, deadline)
            self.office.seal(filed.envelopes)
            signed.append((filed.batch, steward, head))
        return signed

    def decisions(self) -> None:
        """The data bureau returns some entries with reasons, and publishes the others."""
        self.calendar.turn(date(2026, 3, 5))
        district = self.district
        verdicts = []
        for row in (row for rows in district.entries.values() for row in rows):
            code = str(row["code"])
            if code in district.incomplete:
                continue
            reason = district.returned.get(code)
            state = EntryState.RETURNED if reason else EntryState.PUBLISHED
            verdicts.append(Verdict(code, self._next(code), state, (reason,) if reason else ()))
        self.record("审核发布 decisions", self._decide(verdicts))

    def revisions(self) -> None:
        """Owners revise returned and published entries; the bureau publishes the new editions."""
        self.calendar.turn(date(2026, 4, 2))
        district = self.district
        owner = {
            str(row["code"]): d for d in district.departments for row in district.entries[d.code]
        }
        signed = []
        for department in district.departments:
            rows = [row for code, row in district.revisions.items() if owner[code] is department]
            signed += self._file(department, rows, EntryState.SUBMITTED)
        self.record("修订 revisions", signed)
        verdicts = [
            Verdict(code, self._next(code), EntryState.PUBLISHED) for code in district.revisions
        ]
        self.record("发布修订 publishing revisions", self._decide(verdicts))

    def suspensions(self) -> None:
        """Some entries are suspended; one of them is resumed, another revoked."""
        self.calendar.turn(date(2026, 5, 6))
        district = self.district
        codes = list(district.suspended)
        verdicts = [
            Verdict(code, self._next(code), EntryState.SUSPENDED, (district.suspended[code],))
            for code in codes
        ]
        self.record("暂停 suspensions", self._decide(verdicts))
        after = [
            Verdict(codes[0], self._next(codes[0]), EntryState.PUBLISHED),
            Verdict(codes[1], self._next(codes[1]), EntryState.REVOKED, ("事项取消，目录撤销。",)),
        ]
        self.record("恢复与撤销 resumption, revocation", self._decide(after))

    def scores(self) -> None:
        """The assessor scores published editions, two quarters."""
        district = self.district
        assessor = self.account(district.authority, Role.ASSESSOR)
        deadline = self.office.deadline()
        editions = dict.fromkeys(district.revisions, 2)
        judged = {table.entry for table in build_tables(district)}
        plans = [plan for plan in district.scores if plan.entry not in judged]
        batches = [
            score(
                [_score(plan, editions.get(plan.entry, 1)) for plan in part],
                speaker=district.authority.code,
                deadline=deadline,
            )
            for part in parts(plans)
        ]
        self.record("质量评分 quality scores", [(batch, assessor, None) for batch in batches])

    def _decide(
        self, verdicts: Sequence[Verdict]
    ) -> list[tuple[Batch, LocalAccount, LocalAccount | None]]:
        district, deadline = self.district, self.office.deadline()
        publisher = self.account(district.authority, Role.AUTHORITY)
        return [
            (decision(district.authority.code, part, deadline), publisher, None)
            for part in parts(list(verdicts))
        ]

    def _next(self, code: str) -> int:
        self._versions[code] = self._versions.get(code, 0) + 1
        return self._versions[code]

    def record(
        self, what: str, signed: Sequence[tuple[Batch, LocalAccount, LocalAccount | None]]
    ) -> None:
        office = self.office
        receipts = [
            office.outbox.submit(office.sign(batch, signer, cosigner)).id
            for batch, signer, cosigner in signed
        ]
        with self.bar(what, len(receipts)) as bar:
            done = office.settle(receipts, progress=lambda ready, _: bar(ready))
        for receipt in done:
            if receipt.error is not None:
                raise OfficeError(f"{what}: {receipt.error}")


def _offices(district: District) -> tuple[tuple[Department, Role, str], ...]:
    """Who acts for everybody: the data bureau publishes, collects and assesses, statistics audits."""
    statistics = next(one for one in district.departments if one.name.endswith("统计局"))
    return (
        (district.authority, Role.AUTHORITY, "publisher"),
        (district.authority, Role.ASSESSOR, "assessor"),
        (district.authority, Role.COLLECTOR, "collector"),
        (statistics, Role.AUDITOR, "auditor"),
    )


def _score(plan: ScorePlan, edition: int) -> ScoreDraft:
    return ScoreDraft(
        entry=plan.entry,
        edition=edition,
        period_start=_day(plan.period_start),
        period_end=_day(plan.period_end),
        scores={d.name: value for d, value in zip(DIMENSIONS, plan.dimensions, strict=True)},
        rule_set=RULE_SET,
        method="DB31/T 1523-2024",
        notes="合成数据，仅供演示",
    )


def _day(number: int) -> date:
    return date(number // 10_000, number // 100 % 100, number % 100)
