"""What lineage finds (血缘发现): data that nobody catalogued, grades that fall, chains that are stale or broken.

Every finding follows from the edges, rules and steps as of one size of the ledger, and from nothing else.
"""
