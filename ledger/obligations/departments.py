"""Which organisation a department of a list is (部门代码判定): codes taken, repaired where provable, or provisional.

Lists give department codes truncated, hyphenated, with suffixes, in lower case, or as numbers of some system.
A code is repaired only where check characters (GB 32100-2015, GB 11714-1997) and a second place in the list say
the same: what merely looks likely stays provisional, and what speaks for it is kept as evidence. Every decision
is told.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ledger.catalogue.names import bare
from ledger.catalogue.publishers import Publishers, harmless, provisional_for
from ledger.identifiers import (
    check_uscc,
    is_provisional,
    normalise_code,
    organisation_check_character,
)

How = Literal["table", "ledger", "given", "tidied", "completed", "provisional"]
HOW: dict[How, tuple[str, str]] = {
    "table": ("部门对照表", "table of departments"),
    "ledger": ("账本上的同名机构", "organisation of this name on the ledger"),
    "given": ("原码有效", "valid as given"),
    "tidied": ("仅规范写法", "only its spelling tidied"),
    "completed": ("依据佐证修复", "repaired by evidence"),
    "provisional": ("临时代码", "provisional"),
}
COLUMNS = ("name", "code", "parent", "obligations", "note")
_SUFFIX = re.compile(r"[_#].*$")
_ORGANISATION_CODE = re.compile(r"[0-9A-Z]{8}[0-9X]")
_USCC_LENGTH = 18
_INNER = slice(8, 17)
"""Where the organisation code stands in a USCC."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a department's code is taken to be, how that was decided, and what the list says.

    ``given`` counts the codes in the list's own column, ``evidence`` those that its other columns name.
    """

    name: str
    code: str
    how: How
    zh: str
    en: str
    given: tuple[tuple[str, int], ...] = ()
    evidence: tuple[tuple[str, int], ...] = ()
    parent: str | None = None

    @property
    def is_provisional(self) -> bool:
        return is_provisional(self.code)

    def told(self, language: str, shown: int | None = None) -> str:
        """The decision and what it rests on, in one line; of codes the ``shown`` most frequent (None: all)."""
        zh = language == "zh"
        parts = [self.zh if zh else self.en]
        if self.given and self.how != "given":
            parts.append(("原码 " if zh else "given ") + _counted(self.given, shown))
        if self.evidence and self.how in ("completed", "provisional"):
            parts.append(("佐证 " if zh else "evidence ") + _counted(self.evidence, shown))
        return "；".join(parts) if zh else "; ".join(parts)


class Departments:
    """The departments of one list: what it says of each, and then which organisation each is."""

    def __init__(self, source: str, table: Publishers, registered: Mapping[str, str]) -> None:
        """``registered`` has the code of every active organisation on the ledger by bare name."""
        self._source = source
        self._table = table
        self._registered = registered
        self._names: dict[str, str] = {}
        self._given: dict[str, Counter[str]] = {}
        self._evidence: dict[str, Counter[str]] = {}

    def hear(self, name: str, given: str, evidence: Iterable[str]) -> None:
        """What one row says of a department."""
        plain = bare(name)
        self._names.setdefault(plain, name)
        codes = self._given.setdefault(plain, Counter())
        if given:
            codes[given] += 1
        self._evidence.setdefault(plain, Counter()).update(evidence)

    def decide(self) -> dict[str, Decision]:
        """A decision for every department, by bare name."""
        return {plain: self._decision(plain, name) for plain, name in self._names.items()}

    def _decision(self, plain: str, name: str) -> Decision:
        given = tuple(self._given[plain].most_common())
        evidence = tuple(self._evidence[plain].most_common())
        completed = self._table.known.get(plain)
        if completed is not None:
            told = ("部门对照表指定", "named by the table of departments")
            return Decision(name, completed.code, "table", *told, given, evidence, completed.parent)
        registered = self._registered.get(plain)
        if registered is not None:
            told = ("账本上已有同名机构", "an organisation of this name is on the ledger")
            return Decision(name, registered, "ledger", *told, given, evidence)
        found = _found(self._given[plain], self._evidence[plain])
        if isinstance(found, str):
            provisional = provisional_for(self._source, plain)
            zh, en = _WHY[found]
            return Decision(name, provisional, "provisional", zh, en, given, evidence)
        code, how, (zh, en) = found
        return Decision(name, code, how, zh, en, given, evidence)


_WHY = {
    "none": ("清单未给出代码", "the list gives no code"),
    "several": ("清单给出不止一个有效代码", "the list gives more than one valid code"),
    "unproven": (
        "代码无效，且无可证明的修复",
        "the code is not valid, and no repair can be proven",
    ),
}


def _found(given: Counter[str], evidence: Counter[str]) -> tuple[str, How, tuple[str, str]] | str:
    """The code, how it was found and in words; or why there is none (a key of ``_WHY``)."""
    valid: dict[str, tuple[How, tuple[str, str]]] = {}
    for text in given:
        code = normalise_code(text)
        if check_uscc(code).valid:
            tidied = ("规范大小写与全半角后有效", "valid once width and case are tidied")
            as_is = ("原码通过校验", "the code given passes the check")
            valid.setdefault(code, ("given", as_is) if code == text else ("tidied", tidied))
    if valid:
        return _only({code: (code, how, told) for code, (how, told) in valid.items()})
    proven: dict[str, tuple[str, How, tuple[str, str]]] = {}
    for text in given:
        for other in evidence:
            code = normalise_code(other)
            proof = _proof(text, code) if check_uscc(code).valid else None
            if proof is not None:
                proven.setdefault(code, (code, "completed", proof))
    return _only(proven) if proven else ("unproven" if given else "none")


def _only(
    found: Mapping[str, tuple[str, How, tuple[str, str]]],
) -> tuple[str, How, tuple[str, str]] | str:
    return next(iter(found.values())) if len(found) == 1 else "several"


def _proof(text: str, code: str) -> tuple[str, str] | None:
    """Why the valid ``code`` is what ``text`` was meant to be, or None where that is not certain."""
    left = _SUFFIX.sub("", normalise_code(text)).replace("-", "")
    if left == code:
        return ("去掉后缀或连字符后与佐证一致", "equals the evidence without suffix and hyphens")
    if _ORGANISATION_CODE.fullmatch(left) and organisation_check_character(left[:8]) == left[8]:
        if code[_INNER] == left:
            return (
                "组织机构代码通过 GB 11714 校验，且为佐证代码的主体标识",
                "an organisation code that passes GB 11714 and stands inside the evidence",
            )
        return None
    lost = len(left) == _USCC_LENGTH - 1 and any(
        code[:place] + code[place + 1 :] == left for place in range(_USCC_LENGTH)
    )
    if lost:
        return (
            "缺一位，补上后与佐证一致",
            "one character was lost; with it, it equals the evidence",
        )
    return None


def departments_csv(decisions: Iterable[tuple[Decision, int]]) -> str:
    """The decisions as a table to be completed, with how many obligations each department has.

    Write it as ``utf-8-sig`` so that spreadsheet programs read it right.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for decision, count in decisions:
        writer.writerow(
            (
                harmless(decision.name),
                decision.code,
                decision.parent or "",
                count,
                harmless(decision.told("zh")),
            )
        )
    return out.getvalue()


def _counted(codes: tuple[tuple[str, int], ...], shown: int | None) -> str:
    told = ", ".join(f"{code} ×{count}" for code, count in codes[:shown])
    return told + (f" … +{len(codes) - shown}" if shown and len(codes) > shown else "")
