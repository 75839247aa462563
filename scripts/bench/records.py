"""Records: committed to, proven and compared, beside what else compares tables.

    python scripts/bench/records.py [--quick]

Rows have six columns (a number, text in Chinese, a decimal, a time, a boolean, a day) and lie in Parquet files
that are made beforehand. Everything runs in a process of its own, so that peak memory is its own; the load of
the machine stands beside each figure, since these use both cores. Comparing: 20 million rows with 20 million
others, 300 of which differ in one of three ways. The peers are a full outer join in DuckDB over the same
files, and reladiff over the same rows in two DuckDB databases, in an environment of its own.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
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
    percentile,
    plain,
    tell,
)

TITLE = "Records: commit, prove, compare"
COMMITTED, COMPARED, QUICK = 10_000_000, 20_000_000, 30_000
RATE_BUDGET, PROOF_BUDGET, COMPARE_BUDGET = 1_000_000, 10, 4
DIFFERENCES = 300
PROOFS = 500
SECRET = bytes(range(32))
PEER_SECONDS = 400
"""The longest that a peer may take; then it is said so."""
COLUMNS = ("name", "amount", "moment", "flag", "day")


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Commit to a table, prove rows of it, compare two."""
    committed, compared = (QUICK, QUICK) if quick else (COMMITTED, COMPARED)
    with tempfile.TemporaryDirectory(prefix="govledger-bench-") as name:
        folder = Path(name)
        table, left, right = (folder / f"{name}.parquet" for name in ("table", "left", "right"))
        tell(f"make {committed:,} rows, and twice {compared:,}")
        _parquet(table, committed)
        measure = _here if quick else _apart
        found = _committing(measure, folder, table, committed)
        shutil.rmtree(folder / "store")
        _parquet(left, compared)
        _parquet(right, compared, differ=True)
        found += _comparing(measure, folder, left, right, count=compared)
        shutil.rmtree(folder / "work")
        found += _joining(measure, left, right)
        return found if quick else [*found, _reladiff(folder, left, right)]


def _parquet(file: Path, count: int, *, differ: bool = False) -> None:
    import duckdb  # noqa: PLC0415

    each = count // (DIFFERENCES // 3)
    name = (
        f"CASE WHEN i % {each} = 11 THEN '改' ELSE '' END || '居民' || i"
        if differ
        else "'居民' || i"
    )
    key = f"CASE WHEN i % {each} = 13 THEN -i ELSE i END" if differ else "i"
    where = f"WHERE i % {each} <> 7" if differ else ""
    # A third is missing, a third changed; a third has another key: one missing, one extra.
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT {key} AS id, {name} AS name, ((i * 7919 % 100000) / 100)::DECIMAL(18,2)"  # noqa: S608
            " AS amount, TIMESTAMPTZ '2020-01-01 00:00:00+08' + INTERVAL (i) SECOND AS moment,"
            " i % 2 = 0 AS flag, DATE '2020-01-01' + (i % 1000)::INT AS day"
            f" FROM range({count}) AS numbers(i) {where}) TO '{file}' (FORMAT parquet)"
        )


Measure = Callable[..., dict[str, Any]]
"""Runs a part of this file and gives what it says of itself; ``load`` is the machine's before it."""


def _apart(part: str, *words: object) -> dict[str, Any]:
    """In a process of its own."""
    tell(part)
    load = os.getloadavg()[0]
    done = subprocess.run(
        [sys.executable, __file__, "--part", part, *map(str, words)],
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return {**json.loads(done.stdout), "load": load}


def _here(part: str, *words: object) -> dict[str, Any]:
    """In this process: for a short run, in which engines should be loaded once."""
    load = os.getloadavg()[0]
    return {**_part(part, [str(word) for word in words]), "load": load}


def _told(found: dict[str, Any]) -> str:
    return (
        f"{found['seconds']:.1f} s, {found['cpu']:.1f} s of processor, "
        f"peak memory {found['peak']:,.0f} MiB, load before {found['load']:.1f}"
    )


def _committing(measure: Measure, folder: Path, table: Path, count: int) -> list[Row]:
    alone = measure("commit", table, "-")
    kept = measure("commit", table, folder / "store")
    proofs = measure("prove", folder / "store", count)
    return [
        at_least("encode, hash, root", count / alone["seconds"], "rows/s", RATE_BUDGET,
                 f"{count:,} rows of 6 columns from Parquet: {_told(alone)}; "
                 f"before that {alone['loading']:.1f} s for loading the engines"),
        at_least("the same, with a store of rows and leaves", count / kept["seconds"], "rows/s", 0,
                 f"{_told(kept)}; {proofs['size']:,.0f} MiB on disk"),
        *(
            at_most(f"{what}, {at}", proofs[key], "ms", PROOF_BUDGET if at == "p99" else 0,
                    f"one of {count:,}, store opened each time; {_told(proofs)}")
            for what, kind in (("proof of a row", "row"), ("proof of a missing key", "missing"))
            for at in ("p50", "p99")
            for key in (f"{kind}_{at}",)
        ),
        at_most("proof of a row checked, p99", proofs["verify_p99"], "ms"),
    ]  # fmt: skip


def _comparing(measure: Measure, folder: Path, left: Path, right: Path, *, count: int) -> list[Row]:
    first = measure("compare", left, right, folder / "work")
    again = measure("compare", left, right, folder / "work")
    _check(first), _check(again)
    return [
        at_most(
            f"compare {count:,} with {count:,} rows, nothing stored",
            first["seconds"], "s", 0, _told(first),
        ),
        at_most(
            f"compare {count:,} with {count:,} rows, fingerprints stored",
            again["seconds"], "s", COMPARE_BUDGET,
            f"{DIFFERENCES} differences, all found, with the columns that differ; {_told(again)}",
        ),
    ]  # fmt: skip


def _check(found: dict[str, Any]) -> None:
    third = DIFFERENCES // 3
    if found["found"] != [2 * third, third, third]:
        raise AssertionError(f"missing, extra, changed are {found['found']}")


def _joining(measure: Measure, left: Path, right: Path) -> list[Row]:
    joined = measure("join", left, right)
    _check(joined)
    what = "DuckDB: full outer join of the same files"
    return [plain(what, f"{joined['seconds']:.1f} s", _told(joined))]


def _reladiff(folder: Path, left: Path, right: Path) -> Row:
    import duckdb  # noqa: PLC0415

    what = "reladiff: the same rows in two DuckDB databases"
    tell(what)
    venv.create(folder / "peer", with_pip=True)
    wanted = [
        str(folder / "peer/bin/python"),
        "-m",
        "pip",
        "install",
        "-q",
        "reladiff==0.6.0",
        "duckdb",
    ]
    if subprocess.run(wanted, check=False, capture_output=True).returncode:
        return absent(what, "reladiff could not be installed")
    databases = []
    for file in (left, right):
        with duckdb.connect(str(file.with_suffix(".duckdb"))) as con:
            con.execute(f"CREATE TABLE people AS SELECT * FROM '{file}'")  # noqa: S608
        databases.append(f"duckdb://{file.with_suffix('.duckdb')}")
    command = [str(folder / "peer/bin/reladiff"), databases[0], "people", databases[1], "people"]
    command += ["-k", "id", "--json", *(word for name in COLUMNS for word in ("-c", name))]
    load, started = os.getloadavg()[0], time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=PEER_SECONDS)
    except subprocess.TimeoutExpired:
        return absent(what, f"it took more than {PEER_SECONDS} s (load before {load:.1f})")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        return absent(what, f"it ended with exit code {done.returncode}")
    lines = sum(line.startswith((b'["-', b'["+')) for line in done.stdout.splitlines())
    told = {
        "seconds": time.perf_counter() - started,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak": after.ru_maxrss / 1024,
        "load": load,
    }
    return plain(what, f"{told['seconds']:.1f} s", f"{lines} lines of differences; {_told(told)}")


# What runs in a process of its own


def _commit(table: str, store: str) -> dict[str, Any]:
    started = time.perf_counter()
    # A program loads its engines once, whatever it commits afterwards: that is told apart.
    import datafusion  # noqa: F401, PLC0415
    import ibis.backends.duckdb  # noqa: F401, PLC0415
    import pyarrow.parquet  # noqa: F401, PLC0415

    from ledger.records.commitment import commit  # noqa: PLC0415
    from ledger.records.schema import schema_of  # noqa: PLC0415
    from ledger.records.sources import open_source  # noqa: PLC0415

    loading = time.perf_counter() - started
    with open_source(table) as source:
        schema = schema_of(source.table, ["id"])
        commit(source, schema, SECRET, store=None if store == "-" else Path(store))
    return {"loading": loading}


def _prove(store: str, count: str) -> dict[str, Any]:
    from ledger.records.row_proofs import prove_missing, prove_row  # noqa: PLC0415
    from ledger.records.store import LeafStore  # noqa: PLC0415
    from ledger.records.verify_rows import verify_row  # noqa: PLC0415

    place = Path(store)
    root = LeafStore.open(place).root
    dice = random.Random(1)  # noqa: S311 - the same keys in every run
    keys = [dice.randrange(int(count)) for _ in range(PROOFS)]
    proofs: list[Any] = []

    def times(act: Callable[[int], object]) -> list[float]:
        taken = []
        for key in keys:
            started = time.perf_counter()
            act(key)
            taken.append(1000 * (time.perf_counter() - started))
        return taken

    of = {
        "row": times(lambda key: proofs.append(prove_row(place, {"id": key}).document)),
        "missing": times(lambda key: prove_missing(place, {"id": -1 - key})),
        "verify": times(lambda _: verify_row(proofs.pop(), root)),
    }
    size = sum(file.stat().st_size for file in place.iterdir()) / 2**20
    return {"size": size} | {
        f"{name}_p{at}": percentile(taken, at) for name, taken in of.items() for at in (50, 99)
    }


def _compare(left: str, right: str, work: str) -> dict[str, Any]:
    from ledger.records.reconciliation import reconcile  # noqa: PLC0415
    from ledger.records.schema import schema_of  # noqa: PLC0415
    from ledger.records.sources import open_source  # noqa: PLC0415
    from ledger.records.workplace import store_of  # noqa: PLC0415

    stores = []
    for name in (left, right):
        with open_source(name) as source:
            schema = schema_of(source.table, ["id"])
            stores.append(store_of(source, schema, SECRET, Path(work)))
    found = reconcile(*stores)
    if any(one.columns != ("name",) for one in found.of("changed")):
        raise AssertionError("the changed column is not told")
    return {"found": [found.missing, found.extra, found.changed]}


def _join(left: str, right: str) -> dict[str, Any]:
    import duckdb  # noqa: PLC0415

    differ = " OR ".join(f"l.{name} IS DISTINCT FROM r.{name}" for name in COLUMNS)
    with duckdb.connect() as con:
        found = con.execute(
            "SELECT count(*) FILTER (WHERE r.id IS NULL), count(*) FILTER (WHERE l.id IS NULL),"  # noqa: S608
            " count(*) FILTER (WHERE l.id = r.id)"
            f" FROM '{left}' AS l FULL JOIN '{right}' AS r ON l.id = r.id"
            f" WHERE l.id IS NULL OR r.id IS NULL OR {differ}"
        ).fetchone()
    return {"found": list(found or ())}


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "commit": _commit,
    "prove": _prove,
    "compare": _compare,
    "join": _join,
}


def _part(part: str, words: list[str]) -> dict[str, Any]:
    started = time.perf_counter()
    found = PARTS[part](*words)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return found | {
        "seconds": time.perf_counter() - started - found.get("loading", 0),
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        print(json.dumps(_part(sys.argv[2], sys.argv[3:])))
    else:
        bench_main(TITLE, rows)
