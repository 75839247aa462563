"""What imports of whole lists share at the terminal: why rows are refused, sending, and how it ended (批量导入)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ledger.catalogue.kept_batches import BatchRefused
from ledger.cli.output import counted, err, language, out, print_table, say

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from ledger.catalogue.planning import Refused
    from ledger.office import Office
    from ledger.statements import Batch

SHOWN_REFUSALS = 20
SHOWN_SPELLINGS = 30


def show_refused(refused: Sequence[Refused], reasons: Mapping[str, int]) -> None:
    """The reasons with their numbers, and the first rows with theirs."""
    if not refused:
        return
    print_table(
        say("拒绝的原因", "Why rows are refused"),
        [say("原因", "reason"), say("行数", "rows")],
        reasons.items(),
    )
    for row in refused[:SHOWN_REFUSALS]:
        message = row.problems[0].message(language())
        err.print(f"  {say('行', 'line')} {row.line} {row.name!r}: {message}", markup=False)
    if len(refused) > SHOWN_REFUSALS:
        rest = len(refused) - SHOWN_REFUSALS
        err.print(
            say(
                f"  … 另有 {rest} 行，--json 列出全部",
                f"  … and {rest} more; --json lists all of them",
            )
        )


def show_not_turned(spellings: Iterable[tuple[str, str, int]]) -> None:
    """Field, spelling and rows of what no vocabulary holds."""
    shown = list(spellings)[:SHOWN_SPELLINGS]
    if shown:
        print_table(
            say(
                "词表未收录的写法（留空，不猜测）",
                "Spellings no vocabulary holds (left open, not guessed)",
            ),
            [say("字段", "field"), say("写法", "spelling"), say("行数", "rows")],
            shown,
        )


def send(office: Office, batch: Batch, signer: LocalAccount) -> str:
    """Sign, send, and wait until it is verified; the receipt's id. Raises :class:`BatchRefused`."""
    receipt = office.outbox.submit(office.sign(batch, signer)).id
    (done,) = office.settle([receipt])
    if done.error is not None:
        refusal = done.error
        raise BatchRefused(
            say(refusal.message_zh + refusal.hint_zh, str(refusal))
            + say("", " What is recorded stays: mend that, and run the import again.")
        )
    return receipt


def tell_finished_first(entries: int, unit: str, noun: str) -> None:
    """That an import which was interrupted was finished before this one; ``unit`` is the Chinese counter."""
    if entries:
        err.print(
            say(
                f"已续完上次中断的导入：{entries} {unit}",
                f"the interrupted import was finished first: {counted(entries, noun)}",
            )
        )


def tell_preview() -> None:
    """That nothing was written."""
    out.print(
        say(
            "这是预览，尚未写入；加 --apply 执行",
            "A preview: nothing was written; do it with --apply",
        ),
        style="bold",
    )


def tell_recorded(recorded: int, seconds: float, unit: str, noun: str) -> None:
    """How much was recorded, and how long it took; ``unit`` is the Chinese counter."""
    out.print(
        say(
            f"✓ 已上链并核验 {recorded} {unit}（{seconds:.1f} 秒）",
            f"✓ {counted(recorded, noun)} recorded and verified in {seconds:.1f} s",
        ),
        style="green",
    )
