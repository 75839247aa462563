"""Results of other tools (其他工具的检查结果), read as their tools write them.

:mod:`.reading` tells the format of a file and hands it to the reader of its tool; every reader gives
:class:`~ledger.quality.foreign.found.Found` checks: what was checked, on which column, and how many elements
of how many failed. :mod:`.mapping` says which indicator of DB31/T 1523-2024 each check counts for, and
:mod:`.scoring` makes a scorecard of them. Values of the data that a tool wrote into its results are dropped
while reading: nothing of them is kept, shown or anchored.
"""
