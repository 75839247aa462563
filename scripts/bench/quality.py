"""Quality rules: eight over five million rows beside other tools, forty over fifty columns, a hundred million rows.

python scripts/bench/quality.py [--quick]

Tables are Parquet files made here, with planted defects, the same in every run. Every measurement runs in
a process of its own, from opening the file to the last count, so that peak memory is its own too. Great
Expectations and Pointblank are no dependencies of the project: they are taken from the Python named by
``GOVLEDGER_BENCH_PEERS``, or installed into ``.bench-peers`` beside the repository's sources.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.bench.measuring import (
    ROOT,
    Row,
    absent,
    at_least,
    at_most,
    bench_main,
    number,
    plain,
    tell,
)

TITLE = "Quality rules"
ROWS, WIDE_ROWS, GREAT_ROWS = 5_000_000, 10_000_000, 100_000_000
TIMES = 3
"""How often the rules are carried out; the fastest counts."""
SECONDS, TIMES_GREAT_EXPECTATIONS, GREAT_MIB = 0.8, 10, 2048
PEERS = (
    "great_expectations==1.24.1",
    "pandas==3.1.1",
    "pointblank==1.1.1",
    "polars==2.1.0",
    "pyarrow==26.0.1",
)

EIGHT: list[dict[str, Any]] = [
    {"id": "id", "indicator": "030400", "check": "unique", "column": "id"},
    {"id": "name", "indicator": "020100", "check": "not_null", "column": "name"},
    {
        "id": "kind",
        "indicator": "010500",
        "check": "one_of",
        "column": "kind",
        "values": ["AA", "BB", "CC"],
    },
    {
        "id": "delay",
        "indicator": "030100",
        "check": "range",
        "column": "delay",
        "min": 0,
        "max": 2500,
    },
    {"id": "amount", "indicator": "030100", "check": "range", "column": "amount", "min": 0},
    {
        "id": "phone",
        "indicator": "030200",
        "check": "pattern",
        "column": "phone",
        "pattern": "1[3-9][0-9]{9}",
    },
    {"id": "length", "indicator": "010103", "check": "length", "column": "name", "max": 20},
    {"id": "order", "indicator": "050300", "check": "order", "columns": ["opened", "closed"]},
]
_ONE_MORE = {"id": "more", "indicator": "030100", "check": "range", "column": "amount", "max": 9000}
_ONE_MORE_TEXT = {"id": "more", "indicator": "030500", "check": "dirty", "column": "phone"}

_TABLE = """
    SELECT i AS id,
           CASE WHEN i % 50 = 0 THEN NULL ELSE '名称' || i END AS name,
           (hash(i) % 3000)::INTEGER AS delay,
           ['AA', 'BB', 'CC', 'DD'][1 + (i % 4)] AS kind,
           DATE '2020-01-01' + (i % 2000)::INTEGER AS opened,
           DATE '2020-01-01' + (i % 2000)::INTEGER + (i % 10)::INTEGER - 1 AS closed,
           '13' || lpad(((i * 104729) % 1000000000)::VARCHAR, 9, '0') AS phone,
           (hash(i + 5) % 1000000) / 100.0 AS amount
    FROM range({rows}) t(i)
"""
_GREAT = """
    SELECT i AS id,
           'S' || lpad((i * 7919 % 1000000007)::VARCHAR, 11, '0') AS code,
           (hash(i) % 3000)::SMALLINT AS delay,
           ['AA', 'BB', 'CC', 'DD'][1 + (i % 4)] AS kind,
           DATE '2020-01-01' + (i % 2000)::INTEGER AS opened,
           CASE WHEN i % 50 = 0 THEN NULL ELSE '街道' || (i % 200) END AS name
    FROM range({rows}) t(i)
"""
GREAT: list[dict[str, Any]] = [
    {"id": "id", "indicator": "030400", "check": "unique", "column": "id"},
    {"id": "code", "indicator": "030400", "check": "unique", "column": "code"},
    *(rule for rule in EIGHT if rule["id"] in ("name", "kind", "delay", "length")),
    {"id": "form", "indicator": "030200", "check": "pattern", "column": "code", "pattern": "S[0-9]{11}"},
    {"id": "day", "indicator": "030100", "check": "range", "column": "opened", "max": "2026-01-01"},
]  # fmt: skip


def wide_table(rows: int) -> str:
    """Fifty columns: ten each of whole numbers, amounts, codes, days, and text."""
    columns = ["i AS id"]
    for n in range(10):
        columns += [
            f"(hash(i + {n}) % 5000)::INTEGER AS n{n}",
            f"(hash(i * {n + 3}) % 1000000) / 100.0 AS a{n}",
            f"['A', 'B', 'C', 'D', 'E'][1 + (i + {n}) % 5] AS k{n}",
            f"DATE '2015-01-01' + ((i + {n}) % 4000)::INTEGER AS d{n}",
        ]
    columns += [
        f"CASE WHEN i % {20 + n} = 0 THEN NULL ELSE 'T' || (i % 5000) END AS t{n}" for n in range(9)
    ]
    return f"SELECT {', '.join(columns)} FROM range({rows}) t(i)"  # noqa: S608 - made here


def forty_rules() -> list[dict[str, Any]]:
    """Forty rules over the wide table, of ten kinds."""
    rules: list[dict[str, Any]] = []
    for n in range(8):
        rules += [
            {
                "id": f"n{n}",
                "indicator": "030100",
                "check": "range",
                "column": f"n{n}",
                "max": 4000,
            },
            {
                "id": f"k{n}",
                "indicator": "010500",
                "check": "one_of",
                "column": f"k{n}",
                "values": ["A", "B", "C", "D"],
            },
            {"id": f"t{n}", "indicator": "020100", "check": "not_null", "column": f"t{n}"},
            {
                "id": f"d{n}",
                "indicator": "050300",
                "check": "order",
                "columns": [f"d{n}", f"d{n + 1}"],
            },
        ]
    rules += [
        {"id": f"l{n}", "indicator": "010103", "check": "length", "column": f"t{n}", "max": 4}
        for n in range(3)
    ]
    rules += [
        {
            "id": f"a{n}",
            "indicator": "040202",
            "check": "expression",
            "sql": f"a{n} >= 0 AND n{n} < 4999",
        }
        for n in range(2)
    ]
    rules += [
        {
            "id": "p0",
            "indicator": "030200",
            "check": "pattern",
            "column": "t8",
            "pattern": "T[0-9]{1,4}",
        },
        {"id": "dirty", "indicator": "030500", "check": "dirty", "column": "t7"},
        {"id": "id", "indicator": "030400", "check": "unique", "column": "id"},
    ]
    return rules  # fmt: skip


def make(place: Path, query: str) -> None:
    """Write a table as Parquet."""
    import duckdb  # noqa: PLC0415

    tell(f"writing {place.name}")
    with duckdb.connect(
        config={"memory_limit": "1GB", "preserve_insertion_order": False}
    ) as connection:
        connection.execute(f"COPY ({query}) TO '{place}' (FORMAT parquet)")


def count(place: Path, rules: list[dict[str, Any]], times: int) -> dict[str, Any]:
    """Carry out rules so many times in a process of its own: seconds, failing elements, peak memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--count", str(place), str(times)],
        input=json.dumps(rules),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def count_here(place: str, times: int) -> None:
    """What :func:`count` starts: the best of some runs, each from opening the file on."""
    import resource  # noqa: PLC0415

    from ledger.quality.ruleset import RuleSet  # noqa: PLC0415
    from ledger.quality.running import Job, run  # noqa: PLC0415
    from ledger.quality.terms import Terms  # noqa: PLC0415
    from ledger.quality.wholes import Bench  # noqa: PLC0415
    from ledger.records.sources import open_source  # noqa: PLC0415

    rules = RuleSet.model_validate({"rules": json.load(sys.stdin)})
    seconds, processor = [], []
    for _ in range(times):
        started, spent = time.perf_counter(), time.process_time()
        with open_source(place) as source:
            bench = Bench(source.con, {})
            found = run(Job(source.table, rules, Terms(date(2026, 1, 1)), bench))
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - spent)
    told = {
        "seconds": min(seconds),
        "processor": min(processor),
        "failing": {one.rule: one.failing for one in found.outcomes},
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "load": os.getloadavg()[0],
    }
    print(json.dumps(told))


def peers_python() -> Path:
    """The Python that has the other tools; they are installed where they are not."""
    told = os.environ.get("GOVLEDGER_BENCH_PEERS")
    if told:
        return Path(told)
    place = ROOT / ".bench-peers"
    python = place / "bin" / "python"
    if not python.exists():
        tell("installing Great Expectations and Pointblank into .bench-peers")
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", *PEERS], check=True, capture_output=True
        )
    return python


def peer(tool: str, place: Path) -> dict[str, Any]:
    """What another tool takes for the same rules; raises where it is not here."""
    script = Path(__file__).with_name("quality_peers.py")
    done = subprocess.run(
        [str(peers_python()), str(script), tool, str(place)],
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def conditions(told: dict[str, Any], note: str) -> str:
    """Note, processor time, peak memory and the machine's load, as every row here tells them."""
    parts = [note, f"peak {told['mib']:,.0f} MiB"]
    if "processor" in told:
        parts.append(f"{number(told['processor'])} processor s")
    parts.append(f"load {os.getloadavg()[0]:.1f}")
    return ", ".join(parts)


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Everything that the title promises."""
    scale = 100 if quick else 1
    with tempfile.TemporaryDirectory(prefix="govledger-quality-") as folder:
        place = Path(folder)
        times = 1 if quick else TIMES
        found = _eight(place / "table.parquet", ROWS // scale, times, beside_others=not quick)
        (place / "table.parquet").unlink()
        found += _wide(place / "wide.parquet", WIDE_ROWS // scale, times)
        (place / "wide.parquet").unlink()
        found += _great(place / "great.parquet", GREAT_ROWS // scale)
    return found


def _eight(place: Path, rows_made: int, times: int, *, beside_others: bool) -> list[Row]:
    make(place, _TABLE.format(rows=rows_made))
    ours = count(place, EIGHT, times)
    what = f"8 rules over {rows_made:,} rows"
    note = conditions(ours, f"from Parquet, best of {times}")
    found = [at_most(what, ours["seconds"], "s", SECONDS, note)]
    for tool, name, least in (
        ("great_expectations", "Great Expectations 1.24 on pandas", TIMES_GREAT_EXPECTATIONS),
        ("pointblank", "Pointblank 1.1 on Polars", 0),
    ):
        if not beside_others and "GOVLEDGER_BENCH_PEERS" not in os.environ:
            found.append(absent(f"the same in {name}", "a short run installs nothing"))
            continue
        tell(f"asking {name}")
        try:
            theirs = peer(tool, place)
        except (OSError, subprocess.CalledProcessError) as error:
            found.append(absent(f"the same in {name}", str(error).splitlines()[0][:80]))
            continue
        agreed = theirs["failing"] == ours["failing"]
        note = "the same counts" if agreed else f"counts differ: {_unlike(ours, theirs)}"
        found.append(
            plain(f"the same in {name}", f"{number(theirs['seconds'])} s", conditions(theirs, note))
        )
        found.append(
            at_least(f"times as fast as {name}", theirs["seconds"] / ours["seconds"], "x", least)
        )
    for name, rule in (("range of a number", _ONE_MORE), ("placeholders in text", _ONE_MORE_TEXT)):
        told = count(place, [*EIGHT, rule], times)
        more = (told["processor"] - ours["processor"]) * 1000
        found.append(
            plain(f"one more rule: {name}", f"{more:,.0f} processor ms", conditions(told, "")[2:])
        )
    return found


def _unlike(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {theirs['failing'][name]:,} for {value:,}"
        for name, value in ours["failing"].items()
        if theirs["failing"][name] != value
    )


def _wide(place: Path, rows_made: int, times: int) -> list[Row]:
    make(place, wide_table(rows_made))
    rules = forty_rules()
    told = count(place, rules, times)
    note = conditions(told, f"from Parquet, best of {times}")
    return [
        plain(
            f"{len(rules)} rules over 50 columns, {rows_made:,} rows",
            f"{number(told['seconds'])} s",
            note,
        )
    ]


def _great(place: Path, rows_made: int) -> list[Row]:
    make(place, _GREAT.format(rows=rows_made))
    told = count(place, GREAT, times=1)
    what = f"8 rules over {rows_made:,} rows, two of them uniqueness"
    return [
        plain(what, f"{number(told['seconds'])} s", conditions(told, "from Parquet")),
        at_most("its peak memory", told["mib"], "MiB", GREAT_MIB),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--count"]:
        count_here(sys.argv[2], int(sys.argv[3]))
    else:
        bench_main(TITLE, rows)
