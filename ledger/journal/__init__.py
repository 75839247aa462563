"""Journals (日志): local, append-only logs of what comes in thousands, one RFC 9162 tree each.

What comes too fast to be one statement each (lineage events, usage receipts) goes, exact bytes, into a
journal; the journal's checkpoint is anchored on the ledger from time to time. So: fact in the journal,
journal's checkpoint in the ledger, ledger's root on the chain.

A journal is a directory in the shape of C2SP tlog-tiles:

====================  ====================================================================================
``origin``            the journal's name, one line of text
``size``              how many entries are kept for good, and how long the last bundle is
``tile/<L>/<N>``      hashes of complete subtrees of 256^L entries, 256 of them a tile, 32 bytes each
``tile/entries/<N>``  the entries themselves, 256 a bundle, each behind its length
``checkpoint``        origin, size and root as last written down (C2SP tlog-checkpoint, without signature)
====================  ====================================================================================

``<N>`` is written as tlog-tiles asks (``x001/x234/067``). Two things differ, both on purpose: lengths of
entries have 32 bits and not 16, because lineage events of 20 MB exist; and the last, partial tile or bundle
is a shorter file under the same name, which grows in place.

This package is mechanism and storage alone: it knows nothing of what the entries say.
"""
