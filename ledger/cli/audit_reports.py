"""Reports of ``govledger audit``: written, anchored, and verified from the chain alone (审计报告)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.audits.metrics import BY_ID
from ledger.cli.audit_options import (
    JournalOption,
    LevelOption,
    LibraryOption,
    OrganisationOption,
    PolicyOption,
    rules_of,
    scope_of,
)
from ledger.cli.listing import cut
from ledger.cli.organisations import speaker_of
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    language,
    out,
    print_json,
    print_table,
    progress_bar,
    say,
    write_whole,
)
from ledger.cli.quality_views import percent
from ledger.cli.session import AsOf, Json, KeyName, Limit, opened, prepare_to_sign, reading, record
from ledger.cli.session import unlock as unlock_key

if TYPE_CHECKING:
    from ledger.audits.audit import Audit
    from ledger.audits.queries import Report
    from ledger.audits.verifying import Claim, Verified
    from ledger.mirror.mirror import Mirror
    from ledger.office import Office

FORMATS = (".json", ".xlsx", ".md")
_CODE = "completeness"


def check_place(place: Path) -> None:
    """Refuse a report file of a format that there is not, before anything is worked out."""
    if place.suffix.lower() not in FORMATS:
        raise Problem(
            say(f"{place}：不支持的格式", f"{place}: there is no such format"),
            say(f"可用：{'、'.join(FORMATS)}", f"there are {', '.join(FORMATS)}"),
            Exit.USAGE,
        )


def write_report(audit: Audit, place: Path) -> str | None:
    """Write the report by the place's suffix, whole or not at all; the digest of canonical JSON."""
    from ledger.audits.report import report_bytes  # noqa: PLC0415

    suffix = place.suffix.lower()
    if suffix == ".json":
        digest = _Digesting(report_bytes(audit))
        write_whole(place, digest)
        return digest.hex()
    if suffix == ".md":
        from ledger.audits.markdown import markdown  # noqa: PLC0415

        write_whole(place, (line.encode() for line in markdown(audit, language())))
        return None
    from ledger.audits.workbook import write_workbook  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="govledger-report-") as somewhere:
        draft = Path(somewhere) / "report.xlsx"
        write_workbook(audit, draft, language())
        write_whole(place, [draft.read_bytes()])
    return None


class _Digesting:
    """Pieces on their way to a file, and the SHA-256 over them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        import hashlib  # noqa: PLC0415

        self._pieces = pieces
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._digest.update(piece)
            yield piece

    def hex(self) -> str:
        return self._digest.hexdigest()


def publish(
    key: KeyName,
    code: Annotated[
        str, typer.Option(help="Code of the report; a later one under it is its next version.")
    ] = _CODE,
    place: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the report goes; a name by its size.")
    ] = None,
    organisation: OrganisationOption = None,
    library: LibraryOption = None,
    level: LevelOption = None,
    policy: PolicyOption = None,
    journal: JournalOption = False,
    note: Annotated[str | None, typer.Option(help="A line that is published with it.")] = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Anchor a report: its digest, scope, and the log's size and root; signed by an AUDITOR.

    Example: govledger audit publish --key auditor --as-of 2026-06-30
    """
    from ledger.audits.audit import audited  # noqa: PLC0415
    from ledger.audits.report import measures, report_head  # noqa: PLC0415
    from ledger.audits.statements import ReportDraft, ScopeBody  # noqa: PLC0415
    from ledger.audits.statements import publish as publish_batch  # noqa: PLC0415
    from ledger.audits.verifying import headline  # noqa: PLC0415
    from ledger.mirror.moments import resolve_as_of  # noqa: PLC0415
    from ledger.statements import REPORT  # noqa: PLC0415

    rules = rules_of(policy)
    if place is not None and place.suffix.lower() != ".json":
        raise Problem(
            say("上链的是规范 JSON 报告", "what is anchored is the canonical JSON report"),
            say("请用 .json 文件名", "name a .json file"),
            Exit.USAGE,
        )
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock_key(office, key).address)
        if journal and office.lineage.exists:
            office.lineage.edges.catch_up()
        with office.read() as connection:
            size = None if as_of is None else resolve_as_of(connection, as_of)
            scope = scope_of(connection, size, organisation, library, level)
            with (
                progress_bar(say("审计", "Auditing")) as bar,
                audited(
                    connection, size, scope=scope, policy=rules, journal=journal, progress=bar
                ) as found,
            ):
                head, measure = report_head(found), headline(measures(found))
                file = place or Path(f"completeness-{head['size']}.json")
                digest = write_report(found, file) or ""
        draft = ReportDraft(
            code=code,
            scope=ScopeBody.model_validate(scope.document()),
            size=head["size"],
            root=head["root"],
            numerator=measure["numerator"],
            denominator=measure["denominator"],
            report=digest,
            metric=measure["id"],
            policy=head["policy_digest"],
            note=note,
            version=office.next_version(REPORT, code),
        )
        batch = publish_batch([draft], speaker=speaker, deadline=office.deadline())
        record(office, [batch], key=key, json_output=json_output, what=("审计报告", "report"))
    err.print(say(f"✓ 报告已写入 {file}", f"✓ the report is in {file}"), style="green")
    err.print(f"  SHA-256 {digest}")


def reports(limit: Limit = 20, as_of: AsOf = None, json_output: Json = False) -> None:
    """Anchored reports, the newest first. Example: govledger audit reports"""
    from ledger.audits import queries  # noqa: PLC0415

    with reading(as_of) as (connection, size):
        listed = cut(queries.reports(connection, as_of=size, limit=limit + 1), limit)
    if json_output:
        print_json({"reports": listed.rows, "more": listed.more})
        return
    print_table(
        say(f"审计报告：{listed.size}", f"Audit reports: {listed.size}"),
        [
            say("代码", "code"),
            say("版", "v."),
            say("日志大小", "size"),
            say("范围", "scope"),
            say("指标", "metric"),
            say("比率 %", "rate %"),
            say("审计方", "auditor"),
            say("日志", "leaf"),
            "SHA-256",
        ],
        [
            (
                one.code,
                one.version,
                one.size,
                " ".join(one.scope.values()) or say("全部", "all"),
                _metric_name(one.metric),
                percent(one.rate),
                one.organisation.name if one.organisation else one.organisation_hash,
                one.leaf_from,
                one.report,
            )
            for one in listed.rows
        ],
        right=[say("日志大小", "size"), say("比率 %", "rate %")],
        fold=["SHA-256", say("审计方", "auditor")],
        spare=[say("版", "v."), say("指标", "metric"), say("日志", "leaf")],
    )
    listed.print_more()


def _metric_name(metric: str | None) -> str | None:
    known = BY_ID.get(metric or "")
    return metric if known is None else say(known.zh, known.en)


def verify(
    report: Annotated[
        str, typer.Argument(help="A report file, or the digest or code of an anchored report.")
    ],
    policy: PolicyOption = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            "--journal", help="A copy of the lineage journal, for a report that counts it."
        ),
    ] = None,
    json_output: Json = False,
) -> None:
    """Work a report out again from the chain alone, in an empty database, and compare it byte by byte.

    Example: govledger audit verify completeness-1480.json
    """
    from ledger.audits.verifying import verify_report  # noqa: PLC0415

    with opened() as office, ExitStack() as stack:
        claim = _claim(office, report, policy)
        stages = {
            "follow": say("读取链上日志", "Following the log"),
            "check": say("核验签名与规则", "Checking signatures and rules"),
            "audit": say("重算审计", "Auditing again"),
        }
        with _own_mirror(office) as own:
            found = verify_report(
                claim,
                own,
                journal=journal,
                progress=lambda stage: stack.enter_context(progress_bar(stages[stage])),
            )
    if json_output:
        print_json({"ok": found.ok, **_told(found)})
    else:
        _print_verified(found)
    if not found.ok:
        raise typer.Exit(Exit.NOT_PROVEN)


def _claim(office: Office, report: str, policy: Path | None) -> Claim:
    """What is to be verified; raises :class:`Problem` where neither file nor statement is found."""
    from ledger.audits import queries  # noqa: PLC0415
    from ledger.audits.verifying import claim_anchored, claim_of  # noqa: PLC0415

    if Path(report).is_file():
        return claim_of(Path(report))
    office.refresh()
    with office.read() as connection:
        found: list[Report] = []
        if len(report) == 64 and set(report) <= set("0123456789abcdef"):  # noqa: PLR2004
            found = queries.with_digest(connection, report)
        found = found or queries.versions(connection, report)
    if not found:
        raise Problem(
            say(
                f"没有文件或已上链的报告 {report}",
                f"no file and no anchored report is called {report}",
            ),
            say("用 `govledger audit reports` 查看", "see `govledger audit reports`"),
            Exit.NOT_FOUND,
        )
    return claim_anchored(found[0], rules_of(policy))


@contextmanager
def _own_mirror(office: Office) -> Iterator[Mirror]:
    """An empty mirror in a directory of its own, which goes when the block ends."""
    from ledger.mirror.mirror import Mirror  # noqa: PLC0415
    from ledger.mirror.origin import Origin  # noqa: PLC0415
    from ledger.store.engine import open_database  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="govledger-verify-") as place:
        engine = open_database(f"sqlite:///{place}/mirror.db", "mirror")
        try:
            origin = Origin.of(office.deployment)
            yield Mirror(engine, office.chain, origin, office.projections, office.rulebooks)
        finally:
            engine.dispose()


def _told(found: Verified) -> dict[str, Any]:
    return {
        "report": found.report,
        "size": found.size,
        "checks": found.checks,
        "differences": found.differences,
        "anchored": found.anchored,
    }


def _print_verified(found: Verified) -> None:
    for check in found.checks:
        mark, style = ("✓", "green") if check.ok else ("✗", "red")
        if check.told:
            mark, style = "·", "yellow"
        out.print(f"{mark} {say(check.zh, check.en)}", style=style, markup=False)
    for one in found.differences:
        if "told" in one:
            out.print(
                say(
                    f"  {one['pointer']}：报告为 {one['told']!r}，链上得出 {one['made']!r}",
                    f"  {one['pointer']}: the report says {one['told']!r}, the chain gives {one['made']!r}",
                ),
                markup=False,
            )
        else:
            out.print(f"  {one['pointer']}: {say(one['zh'], one['en'])}", markup=False)
