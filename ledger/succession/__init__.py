"""Moving a ledger to another chain (账本迁移): the old log is sealed, and a new one carries it on.

The new log is filled with the very leaves of the old one, so that its tree is the old tree: leaf numbers,
roots, checkpoints and proofs of the old log hold in it. Its first statement of its own is an opening that an
authority signs.
"""
