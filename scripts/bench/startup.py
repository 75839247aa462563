"""How long a person waits: for a command to start, and for the demo to be built.

python scripts/bench/startup.py [--quick]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.bench.measuring import ROOT, Row, at_most, bench_main, plain, timed

TITLE = "Starting"
TIMES = 5
DEMO_SECONDS = 180
"""A newcomer is looking at the demo within three minutes, installation included."""


def command(*words: str) -> None:
    """One run of the program."""
    subprocess.run(
        [sys.executable, "-m", "ledger.cli", *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=DEMO_SECONDS,
    )


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """The times of commands on no ledger and on the demo's; the demo's own time."""

    def best(*words: str) -> float:
        return min(timed(lambda: command(*words)) for _ in range(1 if quick else TIMES))

    found = [plain("`govledger --help`", f"{best('--help') * 1000:,.0f} ms", "best of five")]
    if quick:
        return found
    with tempfile.TemporaryDirectory() as place:
        demo = str(Path(place) / "demo")
        seconds = timed(lambda: command("demo", "--no-serve", "--dir", demo))
        found.append(
            at_most(
                "`govledger demo --no-serve`",
                seconds,
                "s",
                DEMO_SECONDS,
                "29 departments, 300 entries, signed, recorded, verified; without installing",
            )
        )
        for words in (("mirror", "status"), ("catalogue", "search", "许可")):
            took = best("--data-dir", demo, *words)
            found.append(plain(f"`govledger {' '.join(words)}`", f"{took * 1000:,.0f} ms"))
    return found


if __name__ == "__main__":
    bench_main(TITLE, rows)
