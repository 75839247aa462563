"""``govledger catalogue``: file entries, and decide on them (报送、审核、发布、撤销)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.canonical import parse_json
from ledger.catalogue import queries
from ledger.catalogue.checks import check_together
from ledger.catalogue.documents import line_problems, load_entries
from ledger.catalogue.entry import Entry
from ledger.catalogue.lookups import names_of
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.queries import CatalogueQueryError, EntryDetail
from ledger.catalogue.sealing import unseal
from ledger.catalogue.statements import Revision, Verdict, decision, filing
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, out, say
from ledger.cli.session import (
    HeadName,
    Json,
    KeyName,
    ask_passphrase,
    existing_file,
    opened,
    prepare_to_sign,
    record,
    unlock,
)
from ledger.codes import EntryState
from ledger.office import Office
from ledger.statements import DECISION, FILING, MAX_BATCH, Batch

Codes = Annotated[list[str], typer.Argument(help="Resource codes of the entries.")]
Reasons = Annotated[list[str], typer.Option("--reason", help="Why; published. May be repeated.")]

SHOWN_PROBLEMS = 50


def add_to(app: typer.Typer) -> None:
    """Register the commands that sign."""
    app.command("register")(register)
    app.command("publish")(publish)
    app.command("return")(return_)
    app.command("suspend")(suspend)
    app.command("resume")(resume)
    app.command("revoke")(revoke)


def refused(refusal: EntryRefused) -> Problem:
    """A refused entry as every command shows it: every problem with its place."""
    lines = line_problems(refusal.problems, say("zh", "en"))
    shown = lines[:SHOWN_PROBLEMS]
    if len(lines) > len(shown):
        rest = len(lines) - len(shown)
        shown.append(say(f"… 另有 {rest} 处", f"… and {rest} more"))
    if refusal.where:
        shown[0] = f"{refusal.where}: {shown[0]}"
    return Problem(
        "\n  ".join(shown),
        say("更正后重试；尚未写入任何内容", "correct it and try again; nothing was written"),
    )


def batches_of(office: Office, speaker: str, revisions: Sequence[Revision]) -> list[Batch]:
    """Filings in batches; texts of restricted entries are sealed before anything is sent."""
    deadline = office.deadline()
    batches = []
    for at in range(0, len(revisions), MAX_BATCH):
        filed = filing(speaker, revisions[at : at + MAX_BATCH], deadline)
        office.seal(filed.envelopes)
        batches.append(filed.batch)
    return batches


def register(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: one entry, or a list of them.")],
    key: KeyName,
    head: HeadName = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="File as a draft; a draft may be incomplete.")
    ] = False,
    json_output: Json = False,
) -> None:
    """File entries, or new editions of them; the department's head co-signs what is submitted.

    Example: govledger catalogue register entry.yaml --key education-steward --head education-head
    """
    state = EntryState.DRAFT if draft else EntryState.SUBMITTED
    try:
        entries = load_entries(existing_file(file))
    except EntryRefused as refusal:
        raise refused(refusal) from refusal
    if not draft and head is None:
        raise Problem(
            say(
                "报送须部门负责人会签（条例第十三条）",
                "a submission needs the head's signature (条例 Art. 13)",
            ),
            say("加上 --head KEY，或用 --draft 存为草案", "add --head KEY, or file a --draft"),
            Exit.USAGE,
        )
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        _require_distinct(office, entries)
        revisions = [
            Revision(entry, office.next_version(FILING, entry.code), state) for entry in entries
        ]
        try:
            batches = batches_of(office, speaker, revisions)
        except EntryRefused as refusal:
            raise refused(refusal) from refusal
        record(
            office,
            batches,
            key=key,
            head=head if not draft else None,
            json_output=json_output,
            what=("目录条目", "entry"),
        )
        if not json_output and not draft:
            _warn(entries)


def _require_distinct(office: Office, entries: Sequence[Entry]) -> None:
    """Refuse names and codes that repeat one another, or what is on the ledger."""
    with office.read() as connection:
        known = names_of(connection)
    for position, problems in sorted(check_together(entries, known).items()):
        raise refused(EntryRefused(problems, entries[position].code))


def _warn(entries: Sequence[Entry]) -> None:
    restricted = [entry.code for entry in entries if entry.is_restricted]
    if restricted:
        out.print(
            say(
                f"  {len(restricted)} 条受限：链上只有加盐摘要，原文加密存于本地",
                f"  {len(restricted)} restricted: a salted digest is on the chain, the text is sealed here",
            ),
            style="dim",
        )


def _decide(
    codes: Sequence[str], state: EntryState, reasons: Sequence[str], key: str, *, json_output: bool
) -> None:
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        with office.read() as connection:
            known = queries.standing(connection, codes)
        unknown = [code for code in codes if code not in known]
        if unknown:
            raise Problem(
                say(f"账本上没有条目 {unknown[0]}", f"no entry {unknown[0]} on the ledger"),
                say(
                    "用 `govledger catalogue search` 查找",
                    "look for it with `govledger catalogue search`",
                ),
                Exit.NOT_FOUND,
            )
        verdicts = [
            Verdict(code, office.next_version(DECISION, code), state, tuple(reasons))
            for code in codes
        ]
        deadline = office.deadline()
        try:
            batches = [
                decision(speaker, verdicts[at : at + MAX_BATCH], deadline)
                for at in range(0, len(verdicts), MAX_BATCH)
            ]
        except EntryRefused as refusal:
            raise refused(refusal) from refusal
        record(office, batches, key=key, json_output=json_output, what=("审核决定", "decision"))


def publish(codes: Codes, key: KeyName, json_output: Json = False) -> None:
    """Publish submitted entries; signed by an AUTHORITY.

    Example: govledger catalogue publish 318001/000001 --key publisher
    """
    _decide(codes, EntryState.PUBLISHED, (), key, json_output=json_output)


def return_(codes: Codes, key: KeyName, reasons: Reasons, json_output: Json = False) -> None:
    """Return submitted entries with reasons.

    Example: govledger catalogue return 318001/000001 --key publisher --reason 缺少信息项
    """
    _decide(codes, EntryState.RETURNED, reasons, key, json_output=json_output)


def suspend(codes: Codes, key: KeyName, reasons: Reasons, json_output: Json = False) -> None:
    """Suspend published entries.

    Example: govledger catalogue suspend 318001/000001 --key publisher --reason 系统升级
    """
    _decide(codes, EntryState.SUSPENDED, reasons, key, json_output=json_output)


def resume(codes: Codes, key: KeyName, json_output: Json = False) -> None:
    """Put suspended entries back in force.

    Example: govledger catalogue resume 318001/000001 --key publisher
    """
    _decide(codes, EntryState.PUBLISHED, (), key, json_output=json_output)


def revoke(codes: Codes, key: KeyName, reasons: Reasons, json_output: Json = False) -> None:
    """End entries for good; their history stays.

    Example: govledger catalogue revoke 318001/000001 --key publisher --reason 事项取消
    """
    _decide(codes, EntryState.REVOKED, reasons, key, json_output=json_output)


def unsealed(found: EntryDetail) -> dict[str, Any] | None:
    """The text of a restricted entry, with the vault key; None for one that is public."""
    edition = found.published or found.pending
    commitment = edition.document.get("commitment") if edition else None
    if commitment is None:
        return None
    with opened() as office:
        ask_passphrase(office)
        with office.desk_engine.connect() as connection:
            envelope = unseal(connection, commitment, office.vault_key)
    text = parse_json(envelope.text)
    if not isinstance(text, dict):
        raise Problem(json.dumps(text, ensure_ascii=False))
    return text


__all__ = ["CatalogueQueryError", "add_to", "unsealed"]
