"""Checking Merkle proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2), step by step as the RFC writes
them.

Shares nothing with :mod:`ledger.merkle`, which makes the proofs, beyond the hash of a leaf and of
a node. Every refusal is a :class:`ProofError` that says what is wrong.

*Consistency from size 0.* The RFC defines a consistency proof for ``0 < old``. Implementations
differ on 0; here it is refused, because every log extends the empty one and a check that cannot
fail proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.merkle import HASH_LENGTH, leaf_hash, node_hash

__all__ = ["ProofError", "leaf_hash", "verify_consistency", "verify_inclusion"]


class ProofError(Exception):
    """A proof that does not prove what it claims; the text says why."""


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf`` (a leaf hash) stands at ``index`` in the tree of ``size`` leaves with
    ``root``.

    RFC 9162 section 2.1.3.2. Returns where it does, raises :class:`ProofError` where it does not.
    """
    _check_lengths({"leaf hash": leaf, "root": root}, path)
    # 1. Compare leaf_index from the proof against tree_size.
    if index < 0 or index >= size:
        raise ProofError(f"leaf {index} cannot be in a tree of {size} leaves")
    # 2. Set fn to leaf_index and sn to tree_size - 1.
    fn, sn = index, size - 1
    # 3. Set r to hash.
    r = leaf
    # 4. For each value p in the inclusion_path array:
    for p in path:
        if sn == 0:
            raise ProofError(f"the path is longer than leaf {index} of {size} needs")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            if not fn & 1:
                while fn and not fn & 1:
                    fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    # 5. Compare sn to 0, and r against the root_hash.
    if sn != 0:
        raise ProofError(f"the path is shorter than leaf {index} of {size} needs")
    if r != root:
        raise ProofError(f"leaf and path lead to the root {r.hex()}, not to {root.hex()}")


def verify_consistency(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree of ``new`` leaves begins with the very ``old`` leaves of the older one.

    RFC 9162 section 2.1.4.2. Returns where it does, raises :class:`ProofError` where it does not.
    """
    _check_lengths({"old root": old_root, "new root": new_root}, path)
    if old < 0 or new < old:
        raise ProofError(f"a tree of {new} leaves cannot extend one of {old}")
    if old == 0:
        raise ProofError("nothing can be proven from size 0: every log extends the empty one")
    if old == new:
        if path:
            raise ProofError("equal sizes need no path, and one is given")
        if old_root != new_root:
            raise ProofError(f"two different roots for the same {old} leaves: a forked log")
        return
    fr, sr = _walk_consistency(old, new, path, old_root)
    # 7. Verify that fr equals first_hash and that sr equals second_hash (and that sn is 0: below).
    if fr != old_root:
        raise ProofError(f"the path leads to the old root {fr.hex()}, not to {old_root.hex()}")
    if sr != new_root:
        raise ProofError(f"the path leads to the new root {sr.hex()}, not to {new_root.hex()}")


def _walk_consistency(
    old: int, new: int, path: Sequence[bytes], old_root: bytes
) -> tuple[bytes, bytes]:
    """Steps 1 to 6 of RFC 9162 section 2.1.4.2: the old and the new root that the path leads to."""
    # 1. If consistency_path is an empty array, stop and fail the proof verification.
    if not path:
        raise ProofError(f"no path is given from {old} to {new} leaves")
    # 2. If first is an exact power of 2, then prepend first_hash to the consistency_path array.
    steps = [old_root, *path] if not old & (old - 1) else list(path)
    # 3. Set fn to first - 1 and sn to second - 1.
    fn, sn = old - 1, new - 1
    # 4. If LSB(fn) is set, then right-shift both until LSB(fn) is not set.
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # 5. Set both fr and sr to the first value in the consistency_path array.
    fr = sr = steps[0]
    # 6. For each subsequent value c in the consistency_path array:
    for c in steps[1:]:
        if sn == 0:
            raise ProofError(f"the path is longer than {old} to {new} leaves need")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            if not fn & 1:
                while fn and not fn & 1:
                    fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofError(f"the path is shorter than {old} to {new} leaves need")
    return fr, sr


def _check_lengths(named: dict[str, bytes], path: Sequence[bytes]) -> None:
    for name, value in named.items():
        if len(value) != HASH_LENGTH:
            raise ProofError(f"the {name} has {len(value)} bytes, not {HASH_LENGTH}")
    for position, value in enumerate(path):
        if len(value) != HASH_LENGTH:
            raise ProofError(f"hash {position} of the path has {len(value)} bytes")
