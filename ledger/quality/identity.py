"""Codes of organisations and persons as Ibis expressions: GB 32100, GB 11714, GB 11643.

The same verdicts as :mod:`ledger.identifiers`, worked out by the engine: characters become numbers by
their place in an alphabet, and their weighted sum is a sum of columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from ledger.identifiers import USCC_ALPHABET, USCC_REGISTRARS
from ledger.quality.patterns import day_pattern

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from ledger.quality.values import Engine

_LETTERS = "0-9A-HJ-NPQRTUWXY"
USCC_FORM = f"[{USCC_REGISTRARS}][{_LETTERS}][0-9]{{6}}[{_LETTERS}]{{10}}"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0X987654321"
_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

CITIZEN_FORM = f"[1-9][0-9]{{5}}{day_pattern('')}[0-9]{{3}}[0-9X]"
_CITIZEN_CHECKS = "10X98765432"


def is_uscc(engine: Engine, text: ir.StringValue) -> ir.BooleanValue:
    """Whether text is a valid 统一社会信用代码: form, character 17 (GB 11714), 18 (GB 32100)."""
    inner = _sum(text, _ORGANISATION_WEIGHTS, _BASE_36, start=8)
    whole = _sum(text, _USCC_WEIGHTS, USCC_ALPHABET, start=0)
    return (
        engine.matches(text, USCC_FORM)
        & (_place(_ORGANISATION_CHECKS, text.substr(16, 1)) == inner % 11)
        # The check character is what makes the whole sum divisible, with weight 1 of its own.
        & ((whole + _place(USCC_ALPHABET, text.substr(17, 1))) % 31 == 0)
    )


def citizen_digits(engine: Engine, text: ir.StringValue) -> ir.IntegerValue:
    """The first 17 digits of a 公民身份号码 as one number, NULL where the form is another.

    Characters of text are dear to cut out one by one, digits of a number are not.
    """
    kept = engine.matches(text, CITIZEN_FORM).ifelse(text.substr(0, 17), ibis.null("string"))
    return kept.cast("int64")


def is_citizen_id(text: ir.StringValue, digits: ir.IntegerValue) -> ir.BooleanValue:
    """Whether text is a valid 公民身份号码 (GB 11643-1999): 18 characters, a real day of birth in
    1000..2999, and the ISO 7064 MOD 11-2 check character, a capital X.

    ``digits`` are its :func:`citizen_digits`.

    The digit at place k from the right weighs 2^(k+1). With m_k = digits mod 10^k it is
    (m_(k+1) - m_k) / 10^k, and 10 is -1 modulo 11: so the sum is one of the m_k with small factors,
    and needs no division, which engines do in floating point.
    """
    total = digits * _small(_factor(16))
    for place in range(1, 17):
        factor = _small(_factor(place - 1) - _factor(place))
        if factor:
            total = total + digits % 10**place * factor
    return digits.notnull() & (
        _place(_CITIZEN_CHECKS, text.substr(17, 1)) == (total % 11 + 11) % 11
    )


def _factor(place: int) -> int:
    return int(2 * (-2) ** place)


def _small(factor: int) -> int:
    """The factor modulo 11, in -5..5: sums of 17 digits stay within 64 bits."""
    return (factor + 5) % 11 - 5


def _sum(
    text: ir.StringValue, weights: tuple[int, ...], alphabet: str, start: int
) -> ir.IntegerValue:
    total = ibis.literal(0)
    for place, weight in enumerate(weights, start=start):
        total = total + _place(alphabet, text.substr(place, 1)) * weight
    return total


def _place(alphabet: str, character: ir.StringValue) -> ir.IntegerValue:
    """The place of a character in an alphabet, from 0."""
    return ibis.literal(alphabet).find(character)
