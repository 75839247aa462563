"""Every bench runs and gives rows. Nothing here looks at how fast anything is.

These are the slowest of the quick tests: about a minute of one core together.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scripts.bench.measuring import ROOT, Row, absent, at_least, at_most, markdown
from scripts.bench.run import BENCHES, sections


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_every_bench_gives_rows(bench):
    done = subprocess.run(
        [sys.executable, f"scripts/bench/{bench.name}.py", "--quick", "--json"],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("GOVLEDGER_")}
        | {name: text for name, text in os.environ.items() if name == "GOVLEDGER_TEST_DATA"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [Row(**row) for row in json.loads(done.stdout)]
    assert rows
    for row in rows:
        assert row.what
        assert any(digit.isdigit() for digit in row.figure) or row.note.startswith("not measured:")


def test_a_figure_is_judged_by_its_budget():
    assert at_least("rate", 79, "/s", 80).verdict == "missed"
    assert at_least("rate", 80, "/s", 80).verdict == "met"
    assert at_most("time", 51, "ms", 50).verdict == "missed"
    assert at_most("time", 50, "ms", 50).verdict == "met"
    assert at_most("time", 50, "ms").verdict == ""


def test_what_was_not_measured_says_why():
    assert "not measured: no anvil" in markdown([absent("anvil", "no anvil")])


def test_a_section_that_is_not_measured_again_stays():
    text = "# Benchmarks\n\n## One\n\nfirst\n\n## Two\n\nsecond\n"
    assert sections(text) == {"One": "\nfirst\n\n", "Two": "\nsecond\n"}
