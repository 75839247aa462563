"""Reasons for correction requests (校核理由), as a vocabulary that every office may replace by its own.

Statements carry the codes. A code that a vocabulary no longer knows keeps its place in counts, under its code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

import msgspec
import yaml

from ledger.codes import CorrectionState

STAGES = (CorrectionState.FILED, CorrectionState.REJECTED, CorrectionState.CANCELLED)
"""The steps at which reasons are given by code."""
MAX_REASONS = 200
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


class VocabularyError(ValueError):
    """A vocabulary that cannot be used; ``zh`` says the same in Chinese."""

    def __init__(self, what: str, zh: str) -> None:
        super().__init__(what)
        self.zh = zh


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reason: its code, its names, and the states at whose statements it may stand."""

    code: str
    zh: str
    en: str
    stages: tuple[str, ...] = msgspec.field(name="for")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reasons: tuple[Reason, ...]


class Vocabulary:
    """Reasons in the order of their file."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons: Mapping[str, Reason] = {reason.code: reason for reason in reasons}

    def at(self, stage: CorrectionState) -> tuple[Reason, ...]:
        """The reasons that may be given at a step."""
        return tuple(one for one in self.reasons.values() if stage.value in one.stages)

    def names(self, code: str) -> tuple[str, str]:
        """A reason in Chinese and English; a code that is not known stands for itself."""
        found = self.reasons.get(code)
        return (found.zh, found.en) if found else (code, code)

    def check(self, stage: CorrectionState, codes: Iterable[str]) -> None:
        """Raise :class:`VocabularyError` naming the first code that may not stand at a step."""
        allowed = {one.code for one in self.at(stage)}
        for code in codes:
            if code not in allowed:
                known = ", ".join(sorted(allowed))
                raise VocabularyError(
                    f"reasons: {code!r} is no reason for a request that is {stage.en}; known are {known}",
                    f"reasons：{code!r} 不是“{stage.zh}”可用的理由；可用：{known}",
                )


def load_vocabulary(place: Path | None = None) -> Vocabulary:
    """The vocabulary in a YAML file, ours where none is named; raises :class:`VocabularyError`."""
    if place is None:
        text = files("ledger.corrections").joinpath("reasons.yaml").read_text("utf-8")
        name = "reasons.yaml"
    else:
        name = str(place)
        try:
            text = place.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise VocabularyError(
                f"{name} cannot be read: {error}", f"无法读取 {name}：{error}"
            ) from error
    try:
        found = msgspec.convert(yaml.safe_load(text), _File)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise VocabularyError(
            f"{name} is no list of reasons: {error}", f"{name} 不是理由词表：{error}"
        ) from error
    _check(name, found.reasons)
    return Vocabulary(found.reasons)


def _check(name: str, reasons: tuple[Reason, ...]) -> None:
    stages = {stage.value for stage in STAGES}
    seen: set[str] = set()
    for reason in reasons:
        if not CODE.fullmatch(reason.code):
            raise VocabularyError(
                f"{name}: the code {reason.code!r} must be 1 to 40 lower-case letters, digits and _, a "
                "letter first",
                f"{name}：代码 {reason.code!r} 须为 1 至 40 个小写字母、数字或下划线，字母开头",
            )
        if reason.code in seen:
            raise VocabularyError(
                f"{name}: {reason.code} stands there twice", f"{name}：{reason.code} 重复"
            )
        if not reason.stages or not set(reason.stages) <= stages:
            raise VocabularyError(
                f"{name}: {reason.code}: `for` names some of {', '.join(sorted(stages))}",
                f"{name}：{reason.code} 的 for 须取自 {'、'.join(sorted(stages))}",
            )
        if not reason.zh.strip() or not reason.en.strip():
            raise VocabularyError(
                f"{name}: {reason.code} has no name in Chinese or English",
                f"{name}：{reason.code} 缺少中文或英文名称",
            )
        seen.add(reason.code)
    for stage in STAGES:
        if not any(stage.value in reason.stages for reason in reasons):
            raise VocabularyError(
                f"{name}: there is no reason for a request that is {stage.en}",
                f"{name}：缺少可用于“{stage.zh}”的理由",
            )
    if len(reasons) > MAX_REASONS:
        raise VocabularyError(
            f"{name} has {len(reasons)} reasons, at most {MAX_REASONS} can be told apart",
            f"{name} 有 {len(reasons)} 条理由，最多 {MAX_REASONS} 条",
        )
