"""Which of the two languages a person reads: Chinese or English, by ``Accept-Language`` (RFC 9110, 12.5.4)."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
_MAX_HEADER = 512


class Text(NamedTuple):
    """One message in both languages (中英双语)."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def both(self) -> dict[str, str]:
        return {"zh": self.zh, "en": self.en}


def negotiate(header: str | None, default: Language = "zh") -> Language:
    """The best language for an ``Accept-Language`` header; ``default`` where it names neither.

    Ranges that cannot be read are passed over: a bad preference is no reason to refuse an answer.
    """
    best: Language = default
    best_quality = 0.0
    for part in (header or "")[:_MAX_HEADER].split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        quality = _quality(parameters)
        if quality <= best_quality:
            continue
        for language in LANGUAGES:
            if primary == language:
                best, best_quality = language, quality
        if primary == "*":
            best, best_quality = default, quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
