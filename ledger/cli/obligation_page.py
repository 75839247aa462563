"""Obligations as a person reads them (归集义务): in words, in lines, as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from ledger.cli.organisations import word
from ledger.cli.output import out, print_fields, say
from ledger.codes import (
    BindingStatus,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
    UpdateCycle,
)
from ledger.log.readable import utc
from ledger.obligations.queries import Binding, Exemption, Objection, Obligation
from ledger.organisations.queries import Name, names
from ledger.statements import text_hash


def who(connection: Connection, codes: Iterable[str], size: int | None) -> dict[bytes, Name]:
    """Names of organisations given by code, by hash."""
    return names(connection, {text_hash(code) for code in codes}, size)


def named(known: Mapping[bytes, Name], code: str) -> str:
    """An organisation's name, or its code where none is known."""
    found = known.get(text_hash(code))
    return found.name if found else code


def speaker_name(known: Mapping[bytes, Name], hashed: str) -> str:
    """The name behind an organisation's hash, or the hash."""
    found = known.get(bytes.fromhex(hashed[2:]))
    return found.name if found else hashed


def entry_of(binding: Binding | None) -> str | None:
    """The entry that a binding binds; None for one that was released."""
    bound = binding is not None and binding.status == BindingStatus.BOUND.value
    return binding.entry if bound and binding is not None else None


def effect(told: str) -> str:
    """Whether an exemption counts, in the reader's language."""
    return say(_EFFECTS_ZH[told], told.replace("_", "-"))


def spoken_exemption(exemption: Exemption, told: str) -> str:
    """An exemption in one line, with its effect."""
    scopes = ", ".join(exemption.scopes)
    term = f"{exemption.valid_from} – {exemption.expires}"
    return f"{exemption.code}: {scopes}, {exemption.law}, {term} ({effect(told)})"


_EFFECTS_ZH = {
    "counting": "有效",
    "pending": "未生效",
    "expired": "已到期",
    "withdrawn": "已取消",
    "self_approved": "受益方自批，不计",
}


def print_next(following: str | None) -> None:
    """Where the next page begins, if there is one."""
    if following is not None:
        out.print(
            say(f"下一页：--cursor {following}", f"next page: --cursor {following}"), style="dim"
        )


def print_one(held: Obligation, known: Mapping[bytes, Name], day: date | None) -> None:
    """Every field of an obligation in words."""
    ended = day is not None and held.valid_until is not None and held.valid_until < day
    until = held.valid_until or say("长期", "open")
    print_fields(
        f"{held.name}  {held.code}",
        [
            (say("英文名称", "English name"), held.name_en),
            (say("类型", "type"), word(ObligationType, held.type)),
            (
                say("责任单位", "responsible"),
                f"{named(known, held.responsible)} {held.responsible}",
            ),
            (
                say("状态", "status"),
                word(ObligationStatus, held.status)
                + (say("（已过期）", " (run out)") if ended else ""),
            ),
            (say("依据", "legal basis"), "\n".join(held.legal_basis)),
            (say("更新周期", "update cycle"), word(UpdateCycle, held.update_cycle)),
            (say("目标库", "library"), word(Library, held.library)),
            (
                say("产生数据", "produces data"),
                say("是", "yes")
                if held.produces_data
                else say("否，不计入应归", "no: not counted"),
            ),
            (say("有效期", "valid"), f"{held.valid_from} – {until}"),
            (say("来源", "source"), held.source),
            (say("备注", "note"), held.note),
            (say("理由", "reasons"), "\n".join(held.reasons)),
            (say("版本", "version"), held.version),
            (say("日志位置", "log index"), held.leaf_from),
            (say("上链时间", "recorded"), utc(held.recorded_at)),
            (say("签名密钥", "signer"), held.signer),
        ],
    )


def spoken_objection(objection: Objection | None) -> str | None:
    """An objection, or its answer, in one line."""
    if objection is None:
        return None
    return f"{word(ObjectionState, objection.state)}: {'；'.join(objection.reasons)}"


def spoken_act(one: Obligation | Binding | Objection) -> str:
    """What a statement said, in a few words."""
    if isinstance(one, Obligation):
        return f"{word(ObligationStatus, one.status)} {one.name}"
    if isinstance(one, Binding):
        return f"{word(BindingStatus, one.status)} {one.entry}"
    return say("异议", "objection") + f" {word(ObjectionState, one.state)}"


def act(one: Obligation | Binding | Objection) -> dict[str, Any]:
    """A statement for machines."""
    return {
        "act": type(one).__name__.lower(),
        **{name: getattr(one, name) for name in one.__struct_fields__},
    }


def in_depth(every: Sequence[Obligation]) -> Iterable[tuple[int, Obligation]]:
    """Each obligation under its parent; one whose parent is not among them stands at the top."""
    known = {one.code for one in every}
    below: dict[str | None, list[Obligation]] = {}
    for one in every:
        below.setdefault(one.parent if one.parent in known else None, []).append(one)

    def walk(parent: str | None, depth: int) -> Iterable[tuple[int, Obligation]]:
        for one in sorted(below.get(parent, []), key=lambda found: found.code):
            yield depth, one
            yield from walk(one.code, depth + 1)

    return walk(None, 0)


def branches(every: Sequence[Obligation], held: Mapping[str, Binding]) -> list[dict[str, Any]]:
    """The same tree for machines."""
    tops: list[dict[str, Any]] = []
    path: list[dict[str, Any]] = []
    for depth, one in in_depth(every):
        branch: dict[str, Any] = {
            "code": one.code,
            "name": one.name,
            "type": one.type,
            "responsible": one.responsible,
            "status": one.status,
            "entry": entry_of(held.get(one.code)),
            "below": [],
        }
        del path[depth:]
        (path[-1]["below"] if path else tops).append(branch)
        path.append(branch)
    return tops
