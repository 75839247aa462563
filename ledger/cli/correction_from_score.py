"""``govledger correction open-from-score``: requests about entries of poor quality (按评估结果提出)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.correction_acts import record_steps
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, out, print_json, print_table, say
from ledger.cli.session import Json, KeyName, opened, prepare_to_sign, unlock
from ledger.corrections.from_score import RuleError, Skipped, drafts_from_scores, load_rule
from ledger.corrections.statements import FiledDraft
from ledger.quality import queries as quality


def open_from_score(
    key: KeyName,
    entries: Annotated[
        list[str] | None, typer.Argument(help="Codes of entries; none: every entry with a score.")
    ] = None,
    rule: Annotated[
        Path | None, typer.Option(help="Rule file; else the setting correction_rule.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be filed, and sign nothing.")
    ] = False,
    json_output: Json = False,
) -> None:
    """File requests about entries whose newest assessment lies below a threshold (按评估结果提出).

    Example: govledger correction open-from-score 318001/000001 --key assessor --preview
    """
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        try:
            wanted = load_rule(rule or office.settings.correction_rule)
        except RuleError as error:
            raise Problem(
                say(error.zh, str(error)),
                say(
                    "请更正规则文件；尚未写入任何内容", "correct the rule file; nothing was written"
                ),
                Exit.USAGE,
            ) from error
        with office.read() as connection:
            scores = quality.latest(connection, entries or None)
            unscored = sorted(set(entries or ()) - set(scores))
            drafts, skipped = drafts_from_scores(
                connection, scores.values(), wanted, requester=speaker
            )
        if unscored:
            raise Problem(
                say(
                    f"条目 {unscored[0]} 尚无质量评分",
                    f"the entry {unscored[0]} has no quality score",
                ),
                say("用 `govledger quality list` 查看", "see `govledger quality list`"),
                Exit.NOT_FOUND,
            )
        if preview or not drafts:
            _show_drafts(drafts, skipped, json_output=json_output)
            return
        record_steps(office, drafts, speaker, key, json_output=json_output)
        if not json_output:
            _tell_skipped(skipped)


def _show_drafts(
    drafts: Sequence[FiledDraft], skipped: Sequence[Skipped], *, json_output: bool
) -> None:
    if json_output:
        told = [draft.model_dump(mode="json", exclude_none=True) for draft in drafts]
        print_json({"drafts": told, "skipped": skipped})
        return
    print_table(
        say(f"将提出的校核申请：{len(drafts)}", f"Requests that would be filed: {len(drafts)}"),
        [say("编号", "code"), say("条目", "entry"), say("理由", "reasons"), say("事由", "title")],
        [(one.code, one.entry, ", ".join(one.reasons), one.title) for one in drafts],
        fold=[say("事由", "title")],
    )
    _tell_skipped(skipped)


def _tell_skipped(skipped: Sequence[Skipped]) -> None:
    for one in skipped:
        why = (
            say("为本机构条目", "its own entry")
            if one.request is None
            else say(f"已有未办结的申请 {one.request}", f"{one.request} is open about it already")
        )
        out.print(say(f"  略过 {one.entry}：{why}", f"  skipped {one.entry}: {why}"), style="dim")
