"""One correction request on a page: how it stands, and every step of its life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.cli.correction_views import clock_words, in_china, worded
from ledger.cli.output import out, print_fields, print_table, say
from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections.answers import Request, Step
from ledger.corrections.measures import Clock
from ledger.corrections.vocabulary import Vocabulary
from ledger.corrections.words import Category, Outcome


def print_request(
    one: Request,
    clock: Clock,
    story: Sequence[Step],
    known: Mapping[str, str],
    vocabulary: Vocabulary,
) -> None:
    """The page; ``known`` are names of organisations by their codes."""
    filed = story[0]
    provider = known.get(one.provider or "", one.provider or "?")
    fields: list[tuple[str, object]] = [
        (say("状态", "state"), worded(CorrectionState, one.state)),
        (say("条目", "entry"), f"{one.entry}  {one.entry_name or ''}".rstrip()),
        (say("提供单位", "provider"), provider),
        (say("申请单位", "requester"), known.get(one.requester, one.requester)),
        (say("类型", "type"), worded(CorrectionType, one.type)),
        (say("类别", "category"), worded(Category, one.category)),
        (say("理由", "reasons"), reasons_in_words(vocabulary, one.reasons)),
        (say("说明", "description"), filed.text or "–"),
        (say("依据", "basis"), filed.basis),
        (say("数据项", "items"), ", ".join(filed.items)),
        (say("资源", "resource"), filed.resource),
        (say("联系处室", "contact"), filed.contact),
        (say("承接申请", "follows"), one.follows),
        (say("收到日期", "received"), clock.received_on),
        (say("到期日", "due"), clock.due_on or "–"),
        (say("时限", "clock"), f"{clock_words(clock)} ({clock.day})"),
    ]
    print_fields(f"{one.title}  {one.code}", [(name, value) for name, value in fields if value])
    out.print()
    print_table(
        say("经过", "Steps"),
        [
            say("日志", "leaf"),
            say("时间", "time"),
            say("步骤", "step"),
            say("内容", "what was said"),
        ],
        [
            (
                step.leaf_from,
                in_china(step.recorded_at),
                worded(CorrectionState, step.state),
                _said(step, vocabulary),
            )
            for step in story
        ],
        right=[say("日志", "leaf")],
        fold=[say("内容", "what was said")],
    )


def _said(step: Step, vocabulary: Vocabulary) -> str:
    told = []
    if step.outcome is not None:
        told.append(worded(Outcome, step.outcome))
    if step.score is not None:
        told.append(say(f"{step.score} 分", f"{step.score} of 5"))
        told.append(say("已解决", "solved") if step.solved else say("未解决", "not solved"))
    if step.reasons:
        told.append(reasons_in_words(vocabulary, step.reasons))
    if step.edition is not None:
        told.append(say(f"见第 {step.edition} 版", f"see edition {step.edition}"))
    if step.delivery is not None:
        told.append(say(f"见第 {step.delivery} 次交付", f"see delivery {step.delivery}"))
    if step.text:
        told.append(step.text)
    told += [
        say(f"附件 {one.name}（{one.sha256}）", f"attached {one.name} ({one.sha256})")
        for one in step.attachments
    ]
    return say("；", "; ").join(told)


def reasons_in_words(vocabulary: Vocabulary, codes: Sequence[str]) -> str:
    return say("、", ", ").join(say(*vocabulary.names(code)) for code in codes)
