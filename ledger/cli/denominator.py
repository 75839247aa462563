"""``govledger audit denominator``: everything that moved what rates are rates of (应归清单变动)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from ledger.cli.obligation_members import organisations_in, spoken_member
from ledger.cli.obligation_page import named, speaker_name
from ledger.cli.organisations import word
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    out,
    print_json,
    print_table,
    progress_bar,
    say,
)
from ledger.cli.session import Json, demand_organisation, reading
from ledger.cli.wording import problem_of
from ledger.codes import EXEMPTION_SCOPES, BindingStatus, ObligationType
from ledger.mirror.moments import resolve_as_of
from ledger.mirror.queries import MirrorQueryError, size_of
from ledger.obligations.denominator import PURPOSES, Change, Changes, changes_between
from ledger.organisations.queries import Name, names
from ledger.statements import text_hash

_PURPOSES = {
    "owed": ("应归", "owed"),
    **{str(scope.name).lower(): labels for scope, labels in EXEMPTION_SCOPES.items()},
}
_ACTS = {
    "registered": ("登记", "registered"),
    "amended": ("调整", "amended"),
    "withdrawn": ("取消", "withdrawn"),
    "restored": ("恢复", "restored"),
    "granted": ("批准豁免", "exempted"),
    "begins": ("到达起始日", "first day came"),
    "ends": ("期满", "last day passed"),
    BindingStatus.BOUND.value: (BindingStatus.BOUND.zh, BindingStatus.BOUND.en),
    BindingStatus.RELEASED.value: (BindingStatus.RELEASED.zh, BindingStatus.RELEASED.en),
}


def denominator(
    from_: Annotated[
        str, typer.Option("--from", help="The earlier log size, or a time; 0 is the beginning.")
    ] = "0",
    to: Annotated[
        str | None, typer.Option("--to", help="The later log size, or a time; now by default.")
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option("--org", "--organisation", help="Only what moved this department's."),
    ] = None,
    shrinking: Annotated[
        bool, typer.Option("--shrinking", help="Only what made a denominator smaller.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Every obligation, binding and exemption that came, went or changed between two sizes, and who signed it.

    What the lines add up to is the whole difference: nothing takes an obligation out of a rate unseen.

    Example: govledger audit denominator --from 1200 --to 1480 --shrinking
    """
    with reading() as (connection, _):
        demand_organisation(connection, organisation, None)
        first = _size(connection, from_)
        last = size_of(connection) if to is None else _size(connection, to)
        if first > last:
            raise Problem(
                say(f"起点 {first} 晚于终点 {last}", f"size {first} comes after size {last}"),
                say("请把较早的一端给 --from", "give the earlier one to --from"),
                Exit.USAGE,
            )
        with progress_bar(say("重放变动", "Playing the changes"), total=last - first) as bar:
            found = changes_between(connection, first, last, progress=bar)
        shown = [one for one in found.changes if _wanted(one, organisation, shrinking=shrinking)]
        hashes = {bytes.fromhex(one.organisation[2:]) for one in shown}
        hashes |= {text_hash(effect.organisation) for one in shown for effect in one.effects}
        hashes |= {text_hash(code) for one in shown for code in organisations_in(one.members)}
        known = names(connection, hashes)
    if json_output:
        print_json(_document(found, shown, known))
        return
    _print_totals(found)
    _print_changes(shown, known)
    for one in found.unread:
        err.print(
            say(
                f"! 日志 {one.leaf}（{one.kind}）自相矛盾，不计入：{one.reason}",
                f"! leaf {one.leaf} ({one.kind}) contradicts itself and moved nothing: {one.reason}",
            ),
            markup=False,
            style="yellow",
        )


def _size(connection: Connection, text: str) -> int:
    try:
        return resolve_as_of(connection, text)
    except MirrorQueryError as error:
        raise (problem_of(error, Exit.USAGE) or error) from error


def _wanted(one: Change, organisation: str | None, *, shrinking: bool) -> bool:
    """Whether a change moved this department's denominators (None: anybody's, or nobody's)."""
    theirs = [effect for effect in one.effects if organisation in (None, effect.organisation)]
    if organisation is not None and not theirs:
        return False
    return not shrinking or any(effect.change < 0 for effect in theirs)


def _document(found: Changes, shown: Sequence[Change], known: dict[bytes, Name]) -> dict[str, Any]:
    return {
        "from": {"size": found.from_size, "day": found.from_day and found.from_day.isoformat()},
        "to": {"size": found.to_size, "day": found.to_day and found.to_day.isoformat()},
        "before": found.before,
        "after": found.after,
        "changes": [
            {
                **{name: getattr(one, name) for name in one.__struct_fields__},
                "organisation_name": speaker_name(known, one.organisation),
            }
            for one in shown
        ],
        "unread": found.unread,
    }


def _print_totals(found: Changes) -> None:
    gains: Counter[str] = Counter()
    losses: Counter[str] = Counter()
    for one in found.changes:
        for effect in one.effects:
            (gains if effect.change > 0 else losses)[effect.purpose] += effect.change
    print_table(
        say(
            f"应归清单：日志 {found.from_size}（{found.from_day or '–'}）→ "
            f"{found.to_size}（{found.to_day or '–'}）",
            f"Denominators: log size {found.from_size} ({found.from_day or '–'}) to "
            f"{found.to_size} ({found.to_day or '–'})",
        ),
        [
            say("口径", "counts for"),
            say("前", "before"),
            say("增", "more"),
            say("减", "fewer"),
            say("后", "after"),
        ],
        [
            (
                say(*_PURPOSES[purpose]),
                found.before[purpose],
                _signed(gains[purpose]),
                _signed(losses[purpose]),
                found.after[purpose],
            )
            for purpose in PURPOSES
        ],
        right=[say("前", "before"), say("增", "more"), say("减", "fewer"), say("后", "after")],
    )


def _print_changes(shown: Sequence[Change], known: dict[bytes, Name]) -> None:
    if not shown:
        out.print(say("没有变动", "nothing changed"))
        return
    print_table(
        say(f"变动：{len(shown)}", f"Changes: {len(shown)}"),
        [
            say("日志", "leaf"),
            say("日期", "day"),
            say("事项", "what"),
            say("代码", "code"),
            say("变化", "change"),
            say("影响", "effect"),
            say("签署机构", "signed for"),
            say("签名密钥", "signer"),
        ],
        [
            (
                one.leaf,
                one.day,
                say(*_ACTS[one.act]),
                one.code if one.code == one.about else f"{one.code} → {one.about}",
                _told(one, known),
                _effects(one, known),
                speaker_name(known, one.organisation),
                one.signer,
            )
            for one in shown
        ],
        right=[say("日志", "leaf")],
        fold=[say("变化", "change"), say("影响", "effect"), say("签名密钥", "signer")],
    )


def _told(one: Change, known: dict[bytes, Name]) -> str:
    """What changed, why, and by which law, a line each."""
    lines = [one.name] if one.name else []
    if one.act not in ("registered", "granted"):
        lines += [spoken_member(name, was, now, known) for name, (was, now) in one.members.items()]
    if one.law:
        lines.append(one.law)
    lines += one.reasons
    return "\n".join(lines)


def _effects(one: Change, known: dict[bytes, Name]) -> str:
    """Whose denominators moved, which, and by how much; a dash where none did."""
    moved: dict[tuple[str, str], dict[str, int]] = {}
    for effect in one.effects:
        group = moved.setdefault((effect.organisation, effect.type), {})
        group[effect.purpose] = group.get(effect.purpose, 0) + effect.change
    return (
        "\n".join(
            f"{_spoken(change)} {named(known, organisation)} {word(ObligationType, kind)}"
            for (organisation, kind), change in moved.items()
        )
        or "–"
    )


def _spoken(change: dict[str, int]) -> str:
    """The change of each purpose; one number where all are the same."""
    if len(change) == len(PURPOSES) and len(set(change.values())) == 1:
        return say("各口径 ", "all ") + _signed(change["owed"])
    return ", ".join(f"{say(*_PURPOSES[name])} {_signed(by)}" for name, by in change.items())


def _signed(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{-number}" if number < 0 else "0"
