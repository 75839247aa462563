"""Every bench runs and gives rows. Nothing here looks at how fast anything is.

These are the slowest of the quick tests: about a minute of one core together.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scripts.bench import page
from scripts.bench.benches import BENCHES
from scripts.bench.measuring import ROOT, Row, absent, at_least, at_most, markdown, plain


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


def part(*rows: Row, title: str = "Some part") -> page.Part:
    place = ("a moment", "a machine", "versions")
    return page.Part(title, *place, load=1.0, peak=None, short=False, rows=rows)


def test_the_page_is_what_the_kept_figures_render_to():
    rendered = page.render(page.in_order(page.kept()))
    assert page.PAGE.read_text("utf-8") == rendered, "run scripts/bench/run.py --render"


def test_a_part_that_is_measured_alone_replaces_only_its_own_rows(tmp_path):
    place, written = tmp_path / "kept.json", tmp_path / "page.md"
    first = {"gas": part(plain("price", "7 gas")), "merkle": part(at_least("rate", 9, "/s", 10))}
    page.write(first, place, written)
    page.write({"gas": part(plain("price", "6 gas", peak=12))}, place, written)
    assert page.kept(place)["merkle"] == first["merkle"]
    assert page.kept(place)["gas"].rows[0].figure == "6 gas"
    text = written.read_text("utf-8")
    assert "6 gas" in text
    assert "7 gas" not in text
    assert "Of 1 budgets 0 were met" in text


def test_a_part_keeps_the_largest_process_and_whether_the_run_was_short():
    rows = [at_most("time", 1, "ms", 2, peak=120.2), plain("other", "3", peak=80)]
    told = page.measured(BENCHES[0], rows, 0.44, short=True)
    assert (told.peak, told.load, told.short) == (120.2, 0.4, True)
    text = page.render({BENCHES[0].name: told})
    assert "a short run of reduced size" in text
    assert "| 120 MiB |" in text


def test_figures_in_another_format_are_not_overwritten(tmp_path):
    place = tmp_path / "kept.json"
    place.write_text('{"format": "something else"}', "utf-8")
    with pytest.raises(ValueError, match="format"):
        page.write({}, place, tmp_path / "page.md")
    assert not (tmp_path / "page.md").exists()


def test_every_bench_in_the_list_has_a_file():
    assert all((ROOT / "scripts" / "bench" / f"{one.name}.py").is_file() for one in BENCHES)
