"""The list of benches: what ``run.py`` runs, in this order, and how the page introduces each.

A new bench is one module here and one line in :data:`BENCHES`: ``scripts/bench/NAME.py`` with ``TITLE`` and
``rows(quick) -> list[Row]``, which ends in ``bench_main(TITLE, rows)``. See :mod:`scripts.bench.measuring`.
"""

from __future__ import annotations

from dataclasses import dataclass

FOREWORD = """# Benchmarks

`make bench` measures and writes this page: the figures are kept in [benchmarks.json](benchmarks.json), each part with
the machine and the moment it was measured on, and a part that is measured alone (`scripts/bench/run.py PART --write`)
replaces only its own. The budgets are promises of the design; `missed` says so where one was not met. They are no
timed tests: a busy machine gives other figures, and ratios between two rows say more than either. *Load* is the load
average of the machine when the row was made: on two cores, more than 2 means that others took their part.
"""


@dataclass(frozen=True)
class Bench:
    """A bench: its file in ``scripts/bench``, its heading, the seconds it may take.

    ``about`` is what a reader should know beforehand. ``short`` are the words of the command line for a run of
    everything in ten minutes (``run.py --quick``); none: it is short as it is.
    """

    name: str
    title: str
    seconds: int
    about: str = ""
    short: tuple[str, ...] = ()


QUICK = ("--quick",)
SHORT = ("--short",)
BENCHES = (
    Bench("gas", "Gas a statement", 120, "Gas is exact: no machine changes it."),
    Bench(
        "embedded_chain",
        "The embedded chain",
        240,
        "py-evm with an inner loop of our own for plain instructions, which tests hold against py-evm's; the rows "
        "*before* are the same statements with py-evm's loop.",
    ),
    Bench("outbox", "From signed to verified", 150),
    Bench(
        "hammer",
        "Writing and reading through the API",
        300,
        "Servers, clients and readers share the two cores. What a signature holds is what was signed together; what a "
        "block holds is what came in while the block before was made. `scripts/bench/hammer.py --minutes 30` goes on "
        "under fire instead: servers, node and database are killed at random.",
        QUICK,
    ),
    Bench(
        "indexing",
        "Indexing and verifying",
        3600,
        "*Bare* asks for the events, cuts them up and inserts them, and verifies nothing: what Python does on this "
        "machine. *The log, verified* recomputes leaves, tree and root and compares them with the contract. Anvil "
        "holds 200,000 statements in two gigabytes of memory; a *made-up node* makes the blocks of a longer log when "
        "they are asked for, properly signed, which takes two to three times the processor that anvil takes to read "
        "one. What serves the log takes its part of two cores, so rates a processor second say what the mirror itself "
        "costs. Where an auditor's "
        "wait at a million is measured, the node has its blocks ready: elsewhere it is a machine of its own.",
        SHORT,
    ),
    Bench(
        "ponder",
        "Beside Ponder",
        1500,
        "The same log on the same anvil. Ponder is installed by npm outside the repository, for this alone; it gets "
        "one table and one handler.",
        QUICK,
    ),
    Bench("merkle", "Tree, canonical JSON, proof files", 120),
    Bench("http_latency", "Proofs at a million leaves", 240, short=QUICK),
    Bench(
        "reads",
        "Reads at a million entries",
        2400,
        "One server process for latencies, two for rates, and their client on the same two cores. Datasette serves "
        "the same SQLite file and is "
        "installed into a virtual environment outside the repository.",
        SHORT,
    ),
    Bench("catalogue_import", "Import of seven real catalogues", 420, short=QUICK),
    Bench("quality", "Quality rules", 900, short=QUICK),
    Bench("records", "Records: commit, prove, compare", 900, short=QUICK),
    Bench(
        "audit",
        "Completeness audit",
        1800,
        "*Metrics and ladder* is what `audit completeness` makes: every state, metric, gap and item. Lists and "
        "findings are made on demand, and are in the rows with the report. Imports (some 0.3 s a process) are in none.",
        QUICK,
    ),
    Bench("lineage_ingest", "Lineage events over HTTP", 420, short=QUICK),
    Bench(
        "growth",
        "Growth of the stores",
        600,
        "What a statement takes on disk: the sizing in [operations](operations.md) rests on it.",
    ),
    Bench(
        "lineage_graph",
        "The graph of lineage",
        420,
        "55,000 jobs and 250,000 edges, with rules, steps and entries. Figures are processor time, the "
        "server's included; the clock stands beside them.",
        QUICK,
    ),
    Bench("startup", "Starting", 180),
)
