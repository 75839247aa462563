"""The real catalogues of seven open-data portals, imported by the command that a steward uses.

    python scripts/bench/catalogue_import.py [--quick]

Rows in, entries recorded and verified by the mirror, rows refused and why, spellings that no
vocabulary holds; then everything once more, which must record nothing; then the whole ledger is
verified. The files stand beside the repository (``GOVLEDGER_TEST_DATA``) and are not part of it.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.bench.measuring import ROOT, Row, at_least, bench_main, plain, real_data, tell

TITLE = "Import of real catalogues"
PORTALS = {
    "shaanxi": "shaanxi_shaanxi.csv",
    "huangshan": "anhui_huangshan.csv",
    "huaibei": "anhui_huaibei.csv",
    "wuhu": "anhui_wuhu.csv",
    "deyang": "sichuan_deyang.csv",
    "neijiang": "sichuan_neijiang.csv",
    "luzhou": "sichuan_luzhou.csv",
}
"""Mapping and file, small ones first."""
DISTRICT = ("--code", "TMP-BENCH-DISTRICT", "--name", "导入测量区")
QUICK = 20
"""Rows of the smallest portal that are enough to see that it runs."""


@dataclass(frozen=True)
class Import:
    """One run of the command: its plan in numbers, entries recorded, seconds from start to end."""

    plan: dict[str, Any]
    recorded: int
    seconds: float


class Ledger:
    """A fresh ledger in a directory, and the program that works on it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.run("init", *DISTRICT)

    def run(self, *words: str) -> str:
        """Standard output of one command; raises where it fails, with what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "ledger.cli", "-C", str(self._place), *words],
            cwd=ROOT,
            env=os.environ | {"GOVLEDGER_PASSPHRASE": "bench", "GOVLEDGER_LANGUAGE": "en"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"govledger {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def import_portal(self, mapping: str, file: Path) -> Import:
        """``catalogue import --apply`` of one file."""
        started = time.perf_counter()
        said = self.run(
            *("catalogue", "import", str(file), "--mapping", mapping),
            *("--apply", "--authority", "authority", "--json"),
        )
        found = json.loads(said[said.index("{") :])
        return Import(found["plan"], found["recorded"], time.perf_counter() - started)


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Every portal (some rows of one when ``quick``), the second run, and the verification."""
    data = real_data() / "catalogue"
    with tempfile.TemporaryDirectory() as place:
        chosen = {name: data / file for name, file in PORTALS.items()}
        if quick:
            name, file = next(iter(chosen.items()))
            chosen = {name: _beginning(file, Path(place) / "beginning.csv")}
        ledger = Ledger(Path(place) / "ledger")
        first = {name: _import(ledger, name, file) for name, file in chosen.items()}
        again = {name: _import(ledger, name, file) for name, file in chosen.items()}
        started = time.perf_counter()
        report = json.loads(ledger.run("mirror", "verify", "--json"))
        verified = time.perf_counter() - started
    found = [_portal(name, one) for name, one in first.items()]
    found += [*_together(list(first.values())), _second_run(list(again.values()))]
    sound = f"findings: {report['totals']}" if report["totals"] else "nothing found"
    found.append(
        plain(f"`mirror verify` of all {report['size']:,} leaves", f"{verified:.1f} s", sound)
    )
    return found


def _beginning(file: Path, place: Path) -> Path:
    """The first rows of a portal's file, in a file of their own."""
    with (
        file.open(encoding="utf-8-sig", newline="") as read,
        place.open("w", newline="") as written,
    ):
        csv.writer(written).writerows(islice(csv.reader(read), QUICK + 1))
    return place


def _import(ledger: Ledger, name: str, file: Path) -> Import:
    done = ledger.import_portal(name, file)
    tell(f"{name}: {done.recorded} entries recorded in {done.seconds:.1f} s")
    return done


def _portal(name: str, one: Import) -> Row:
    plan = one.plan
    return plain(
        f"{name}: {plan['rows']:,} rows",
        f"{one.recorded:,} entries, {one.seconds:.1f} s",
        f"{plan['refused']} refused; {plan['publishers']} publishers; "
        f"{plan['incomplete']:,} incomplete, as drafts",
    )


def _together(found: list[Import]) -> list[Row]:
    def total(member: str) -> int:
        return sum(one.plan[member] for one in found)

    reasons: Counter[str] = Counter()
    spellings: Counter[str] = Counter()
    for one in found:
        reasons.update(one.plan["reasons"])
        for each in one.plan["not_turned"]:
            spellings[f"{each['field']} “{each['spelling']}”"] += each["rows"]
    recorded, seconds = sum(one.recorded for one in found), sum(one.seconds for one in found)
    return [
        plain(
            f"together: {total('rows'):,} rows",
            f"{recorded:,} entries, {seconds:.0f} s",
            f"{total('refused')} rows refused; {total('publishers')} publishers, "
            f"{total('provisional')} of them without a credit code",
        ),
        at_least(
            "read, judged, signed, recorded, verified",
            recorded / seconds,
            "entries/s",
            note="seven starts of the program included",
        ),
        plain("refused and why", f"{total('refused')} rows", _counted(reasons)),
        plain(
            "spellings that no vocabulary holds",
            f"{len(spellings)} in {sum(spellings.values()):,} rows",
            "left open, not guessed: " + _counted(spellings),
        ),
    ]


def _second_run(found: list[Import]) -> Row:
    recorded = sum(one.recorded for one in found)
    unchanged = sum(one.plan["unchanged"] for one in found)
    seconds = sum(one.seconds for one in found)
    if recorded:
        raise RuntimeError(f"the second run recorded {recorded} entries where it must record none")
    return plain(
        "the same once more", f"{recorded} entries, {seconds:.1f} s", f"{unchanged:,} unchanged"
    )


def _counted(counts: Counter[str], most: int = 12) -> str:
    shown = [f"{what} {count:,}" for what, count in counts.most_common(most)]
    rest = len(counts) - len(shown)
    return "; ".join(shown) + (f"; and {rest} more" if rest else "")


if __name__ == "__main__":
    bench_main(TITLE, rows)
