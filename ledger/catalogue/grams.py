"""Pairs of characters (字对): in which leaves of a block which two characters stand side by side.

A text holds a word only where it holds every pair of neighbours in the word, in any script. So the leaves that hold
all its pairs are a superset of those that hold the word, found without reading a text. A pair is one number: two code
points of 21 bits, the first one higher; the second is 0 where a line or a word ends, so that the pairs of one first
character are a range of numbers, and say where that character stands alone.

Digits stand beside one another in every code, so that their pairs tell little apart: four in a row (a *four*) have a
number of their own too, above those of pairs.

The leaves of a pair within a block (``postings``) are offsets from the block's first leaf: two bytes each,
little-endian and ascending, or, from so many on that it is no longer, a bitmap with a bit for each leaf of the block,
the lowest bit of the first byte first. A block has at most 65,536 leaves, a multiple of 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Offsets = NDArray[np.uint16]

SHIFT = 21
"""Bits of a code point."""
FOURS = 0x110000 << SHIFT
"""The number of ``0000``: above every code point."""
_OFFSET_BITS = 16
_AT_ONCE = 1 << 16
"""Characters that are cut into pairs together: what a processor's cache holds."""


def pairs_of(word: str) -> list[int]:
    """What a text must hold where it holds ``word``, which has no white space; nothing for one character.

    Pairs that a four implies are left out.
    """
    implied: set[int] = set()
    found: set[int] = set()
    for at in range(len(word) - 3):
        four = word[at : at + 4]
        if four.isascii() and four.isdecimal():
            found.add(FOURS + int(four))
            implied |= {at, at + 1, at + 2}
    for at in set(range(len(word) - 1)) - implied:
        found.add(ord(word[at]) << SHIFT | ord(word[at + 1]))
    return sorted(found)


def pairs_from(character: str) -> tuple[int, int]:
    """The range of the pairs that begin with a character: the first of them, and the one after the last."""
    point = ord(character)
    return point << SHIFT, (point + 1) << SHIFT


def postings(texts: Sequence[tuple[int, str]], leaves: int) -> Iterator[tuple[int, bytes]]:
    """Each pair that occurs in ``texts``, ascending, with where it does; ``texts`` are offsets and folded texts
    (:func:`ledger.catalogue.names.folded`, lines apart) of a block of ``leaves`` leaves.
    """
    import numpy as np  # noqa: PLC0415 - a tenth of a second, for whoever builds or asks the index only

    found, some, length = [], [], 0
    for offset, text in texts:
        some.append((offset, text))
        length += len(text) + 1
        if length >= _AT_ONCE:
            found.append(_cut(some))
            some, length = [], 0
    if some:
        found.append(_cut(some))
    keys = _distinct(np.concatenate(found)) if found else np.empty(0, np.uint64)
    if not len(keys):
        return
    pairs = keys >> np.uint64(_OFFSET_BITS)
    starts = np.flatnonzero(_changes(pairs))
    offsets = keys.astype("<u2")
    plain, width = offsets.tobytes(), leaves // 8
    ends = [*starts[1:].tolist(), len(keys)]
    for pair, start, end in zip(pairs[starts].tolist(), starts.tolist(), ends, strict=True):
        if 2 * (end - start) < width:
            yield pair, plain[2 * start : 2 * end]
        else:
            bits = np.zeros(leaves, dtype=np.bool_)
            bits[offsets[start:end]] = True
            yield pair, np.packbits(bits, bitorder="little").tobytes()


def _cut(texts: Sequence[tuple[int, str]]) -> NDArray[np.uint64]:
    """Pairs and fours of the texts, each once and ascending, in one number with the offset of its text."""
    import numpy as np  # noqa: PLC0415

    joined = "\n".join(text for _, text in texts) + "\n"
    lengths = np.fromiter((len(text) + 1 for _, text in texts), np.int64, len(texts))
    offsets = np.fromiter((offset for offset, _ in texts), np.uint64, len(texts))
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    points[(points == ord(" ")) | (points == ord("\n"))] = 0
    wide = points.astype(np.uint64)
    keys = wide[:-1] << np.uint64(SHIFT)
    keys |= wide[1:]
    keys <<= np.uint64(_OFFSET_BITS)
    owners = np.repeat(offsets, lengths)
    keys |= owners[:-1]
    digits = points - ord("0")
    lone = digits < 10  # noqa: PLR2004 - below "0" wraps around
    four = np.flatnonzero(lone[:-3] & lone[1:-2] & lone[2:-1] & lone[3:])
    values = 1000 * digits[four] + 100 * digits[four + 1] + 10 * digits[four + 2] + digits[four + 3]
    fours = (values.astype(np.uint64) + np.uint64(FOURS)) << np.uint64(_OFFSET_BITS)
    return _distinct(np.concatenate((keys[points[:-1] != 0], fours | owners[four])))


def _distinct(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number once, ascending. What is sorted in stretches is merged, which a stable sort makes use of: it takes
    about as long on every processor, while the usual one is faster on some and half as fast on others.
    """
    keys.sort(kind="stable")
    return keys[_changes(keys)]


def _changes(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Where a number differs from the one before it."""
    import numpy as np  # noqa: PLC0415

    fresh = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
    return fresh


def held_by_all(found: Sequence[bytes], leaves: int) -> Offsets:
    """Offsets that all of some postings of a block hold, ascending; at least one is given."""
    import numpy as np  # noqa: PLC0415

    width = leaves // 8
    shortest, *others = sorted(found, key=len)
    held = _offsets(shortest, width)
    for other in others:
        if not len(held):
            break
        if len(other) == width:
            octets = np.frombuffer(other, np.uint8)
            held = held[(octets[held >> 3] >> (held & 7).astype(np.uint8)) & 1 == 1]
        else:
            there = np.zeros(leaves, dtype=np.bool_)
            there[_offsets(other, width)] = True
            held = held[there[held]]
    return held


def held_by_any(found: Sequence[bytes], leaves: int) -> Offsets:
    """Offsets that any of some postings of a block hold, ascending."""
    import numpy as np  # noqa: PLC0415

    there = np.zeros(leaves, dtype=np.bool_)
    for each in found:
        there[_offsets(each, leaves // 8)] = True
    return np.flatnonzero(there).astype(np.uint16)


def _offsets(posting: bytes, width: int) -> Offsets:
    import numpy as np  # noqa: PLC0415

    if len(posting) < width:
        return np.frombuffer(posting, "<u2")
    bits = np.unpackbits(np.frombuffer(posting, np.uint8), bitorder="little")
    return np.flatnonzero(bits).astype(np.uint16)
