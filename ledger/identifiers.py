"""Identifiers of the field: organisations, catalogue resources, administrative divisions.

* 统一社会信用代码, the unified social credit code (USCC): GB 32100-2015; the organisation code
  inside it: GB 11714-1997.
* Provisional codes ``TMP-…`` for organisations whose USCC is not known: a flag, not a wall.
* 信息资源代码, resource codes: 政务信息资源目录编制指南 (发改高技术〔2017〕1272号).
* 行政区划代码, division codes: six digits (GB/T 2260).
* 公民身份号码, citizens' identity numbers (GB 11643-1999): known so that they can be kept out of what is public.

All functions are pure. Characters that a code may not hold are refused, never repaired silently;
:func:`normalise_code` does the repairs that lose nothing, for those who want them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters; I, O, S, V and Z are left out (GB 32100-2015)."""
USCC_LENGTH = 18
USCC_REGISTRARS = "123456789NY"
"""登记管理部门: first characters that :func:`check_uscc` takes for a civil registrar."""
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0X987654321"

_CITIZEN = re.compile(
    r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]"
)
_CITIZEN_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_CITIZEN_CHECKS = "10X98765432"

_PROVISIONAL = re.compile(r"TMP-[0-9A-Z-]{1,28}")
_RESOURCE = re.compile(r"([123])([0-9]{2})([0-9]{3})([0-9A-Z]{0,24})/([0-9]{6,18})")
_RESOURCE_PREFIX = re.compile(r"[123][0-9]{5}[0-9A-Z]{0,24}")
_DIVISION = re.compile(r"[1-9][0-9]{5}")


class IdentifierError(ValueError):
    """A text that is not the identifier it should be; the message says what is wrong with it."""


class UsccProblem(Enum):
    """What is wrong with a USCC, the first of these that applies."""

    LENGTH = "length"
    ALPHABET = "alphabet"
    STRUCTURE = "structure"
    CHECKSUM = "checksum"


@dataclass(frozen=True, slots=True)
class UsccVerdict:
    """What :func:`check_uscc` found. ``message`` and ``message_zh`` are empty for a valid code.

    A wrong checksum is *overridable*: real registries have issued such codes, so evidence may
    outweigh the arithmetic. Every other problem means that the text is no USCC at all.
    """

    code: str
    problem: UsccProblem | None = None
    message: str = ""
    message_zh: str = ""

    @property
    def valid(self) -> bool:
        return self.problem is None

    @property
    def overridable(self) -> bool:
        """Whether an official source may outweigh the problem (a warning, not an error)."""
        return self.problem is UsccProblem.CHECKSUM


def uscc_check_character(body: str) -> str:
    """The 18th character for the first 17: ``(31 - sum(C_i * W_i) mod 31) mod 31`` of the alphabet.

    ``W_i = 3**(i-1) mod 31`` (GB 32100-2015). Raises :class:`IdentifierError` for other characters.
    """
    if len(body) != USCC_LENGTH - 1 or not set(body) <= set(USCC_ALPHABET):
        raise IdentifierError(f"17 characters of a USCC are needed, got {body!r}")
    total = sum(
        USCC_ALPHABET.index(character) * weight
        for character, weight in zip(body, _USCC_WEIGHTS, strict=True)
    )
    return USCC_ALPHABET[-total % 31]


def organisation_check_character(body: str) -> str:
    """The ninth character of an organisation code for its first eight (GB 11714-1997)."""
    if not re.fullmatch(r"[0-9A-Z]{8}", body):
        raise IdentifierError(f"8 characters 0-9 or A-Z are needed, got {body!r}")
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True)
    )
    return _ORGANISATION_CHECKS[total % 11]


def check_uscc(code: str) -> UsccVerdict:
    """Judge a 统一社会信用代码 (GB 32100-2015): length, alphabet, structure, check characters."""
    if len(code) != USCC_LENGTH:
        return UsccVerdict(
            code,
            UsccProblem.LENGTH,
            f"a unified social credit code has 18 characters, this one has {len(code)}",
            f"统一社会信用代码应为18位，实为{len(code)}位",
        )
    for place, character in enumerate(code, start=1):
        if character not in USCC_ALPHABET:
            return UsccVerdict(
                code,
                UsccProblem.ALPHABET,
                f"character {place} is {character!r}; allowed are digits and capital letters "
                "without I, O, S, V, Z",
                f"第{place}位“{character}”不合规：只允许数字和大写字母（不含I、O、S、V、Z）",
            )
    if code[0] not in USCC_REGISTRARS:
        return UsccVerdict(
            code,
            UsccProblem.STRUCTURE,
            f"{code[0]!r} stands for no registering department (character 1)",
            f"第1位“{code[0]}”不是登记管理部门代码",
        )
    if not code[2:8].isdigit():
        return UsccVerdict(
            code,
            UsccProblem.STRUCTURE,
            f"characters 3 to 8 are a division code of six digits, not {code[2:8]!r}",
            f"第3至8位应为6位数字的行政区划代码，实为“{code[2:8]}”",
        )
    return _check_characters(code)


def _check_characters(code: str) -> UsccVerdict:
    inner = organisation_check_character(code[8:16])
    if code[16] != inner:
        return UsccVerdict(
            code,
            UsccProblem.CHECKSUM,
            f"character 17 should be {inner!r} by GB 11714, it is {code[16]!r}",
            f"第17位按GB 11714校验应为“{inner}”，实为“{code[16]}”",
        )
    last = uscc_check_character(code[:17])
    if code[17] != last:
        return UsccVerdict(
            code,
            UsccProblem.CHECKSUM,
            f"character 18 should be {last!r} by GB 32100, it is {code[17]!r}",
            f"第18位按GB 32100校验应为“{last}”，实为“{code[17]}”",
        )
    return UsccVerdict(code)


def normalise_code(text: str) -> str:
    """``text`` with full-width characters made narrow, spaces dropped and letters in capitals."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def is_provisional(code: str) -> bool:
    """Whether ``code`` is a provisional organisation code: ``TMP-`` and 1 to 28 of ``0-9A-Z-``."""
    return _PROVISIONAL.fullmatch(code) is not None


def provisional_code(suffix: str) -> str:
    """``TMP-`` + ``suffix``; raises :class:`IdentifierError` for a suffix that does not fit."""
    code = f"TMP-{suffix}"
    if not is_provisional(code):
        raise IdentifierError(
            f"a provisional code is TMP- and 1 to 28 of 0-9, A-Z and '-', not {code!r}"
        )
    return code


def check_organisation_code(code: str) -> UsccVerdict | None:
    """Judge the code of an organisation: None for a provisional one, else the verdict on its USCC.

    Raises :class:`IdentifierError` where it is neither, or where a problem cannot be overridden.
    """
    if is_provisional(code):
        return None
    verdict = check_uscc(code)
    if verdict.valid or verdict.overridable:
        return verdict
    raise IdentifierError(
        f"{code!r} is no organisation code: {verdict.message}. "
        "Where the USCC is not known, use a provisional code such as TMP-001"
    )


@dataclass(frozen=True, slots=True)
class ResourceCode:
    """信息资源代码: 类 (1 digit) 项 (2) 目 (3) 细目 (0..24 of 0-9A-Z) ``/`` 顺序码 (6 or more)."""

    category: str
    item: str
    section: str
    detail: str
    sequence: int
    digits: int = 6

    @property
    def prefix(self) -> str:
        """前段码: everything before the slash, one sequence counter each."""
        return f"{self.category}{self.item}{self.section}{self.detail}"

    def __str__(self) -> str:
        return f"{self.prefix}/{self.sequence:0{self.digits}d}"


CATEGORIES: dict[str, tuple[str, str]] = {
    "1": ("基础信息资源", "base"),
    "2": ("主题信息资源", "theme"),
    "3": ("部门信息资源", "department"),
}
"""类 of a resource code: Chinese and English label."""


def parse_resource_code(code: str) -> ResourceCode:
    """The parts of a resource code; ``str()`` of the result is ``code`` again.

    Raises :class:`IdentifierError` that names the part that is wrong.
    """
    match = _RESOURCE.fullmatch(code)
    if match is None:
        raise IdentifierError(_resource_problem(code))
    category, item, section, detail, sequence = match.groups()
    return ResourceCode(category, item, section, detail, int(sequence), len(sequence))


def _resource_problem(code: str) -> str:
    prefix, slash, sequence = code.partition("/")
    shown = f"resource code {code!r}"
    if not slash:
        return f"{shown}: a '/' between front code (前段码) and sequence (顺序码) is missing"
    if prefix[:1] not in CATEGORIES or not prefix:
        return f"{shown}: it begins with the class (类) 1, 2 or 3"
    if not re.fullmatch(r"[0-9]{5}", prefix[1:6]):
        return f"{shown}: after the class come five digits (项 2, 目 3)"
    if not _RESOURCE_PREFIX.fullmatch(prefix):
        return f"{shown}: the detail (细目) has at most 24 of 0-9 and A-Z"
    return f"{shown}: the sequence (顺序码) has 6 to 18 digits, not {sequence!r}"


def compose_resource_code(prefix: str, sequence: int) -> str:
    """``prefix/sequence``, padded to six digits; raises :class:`IdentifierError`."""
    if not _RESOURCE_PREFIX.fullmatch(prefix):
        raise IdentifierError(
            f"a front code is a class 1-3, five digits and at most 24 of 0-9A-Z, not {prefix!r}"
        )
    if not 0 < sequence < 10**18:
        raise IdentifierError(f"a sequence is between 1 and 10^18-1, not {sequence}")
    return f"{prefix}/{sequence:06d}"


def next_resource_code(prefix: str, used: Iterable[str]) -> str:
    """The code after the highest in ``used`` with this prefix (``…/000001`` after none)."""
    highest = 0
    for code in used:
        front, _, sequence = code.partition("/")
        if front == prefix and sequence.isdecimal():
            highest = max(highest, int(sequence))
    return compose_resource_code(prefix, highest + 1)


class DivisionLevel(Enum):
    """行政区划层级 by the trailing zeros of a division code."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


def division_level(code: str) -> DivisionLevel:
    """Level of a 行政区划代码 (six digits, e.g. 310118); raises :class:`IdentifierError`."""
    if _DIVISION.fullmatch(code) is None:
        raise IdentifierError(f"a division code has six digits and does not begin with 0: {code!r}")
    if code.endswith("0000"):
        return DivisionLevel.PROVINCE
    return DivisionLevel.CITY if code.endswith("00") else DivisionLevel.COUNTY


def is_citizen_id(text: str) -> bool:
    """Whether ``text`` is a citizen's identity number: its form, its day of birth, its check digit."""
    number = text.upper()
    if not _CITIZEN.fullmatch(number):
        return False
    pairs = zip(number[:17], _CITIZEN_WEIGHTS, strict=True)
    check = _CITIZEN_CHECKS[sum(int(digit) * weight for digit, weight in pairs) % 11]
    return check == number[17]
