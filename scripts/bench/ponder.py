"""The same log on the same anvil, indexed by Ponder and by the mirror, one after the other.

    python scripts/bench/ponder.py [--quick]

Ponder is no dependency of the project: it is installed by npm into a directory outside the repository
(``GOVLEDGER_BENCH_PONDER``, else ``govledger-bench-ponder`` beside the temporary files) when it is not there yet. It
gets one table and one handler, which inserts what ``Recorded`` says; it verifies nothing. Its time runs from when its
server answers until it says that it is ready, and counts the rows that it has by then; the mirror's runs from an
empty SQLite file to the last leaf, everything verified that a mirror verifies while it follows.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.bench.filled_log import FilledLog, filled_anvil
from scripts.bench.indexing import Runs
from scripts.bench.measuring import NotHereError, Row, at_least, bench_main, plain, tell
from tests.chain_nodes import anvil_binary, free_port

TITLE = "Beside Ponder"
VERSION = "0.16.10"
PACKAGES = (f"ponder@{VERSION}", "viem@2", "hono@4", "typescript@5")
STATEMENTS, QUICK = 100_000, 1_000
TIMES = 10
LONGEST = 900
UNSETTLED = 100
"""Empty blocks at the end: what Ponder does not take for final yet is no part of its first sync."""
ABI = [
    {
        "type": "event",
        "name": "Recorded",
        "inputs": [
            {"name": name, "type": kind, "indexed": position < 3}  # noqa: PLR2004 - topics
            for position, (name, kind) in enumerate(
                (
                    ("index", "uint64"),
                    ("kind", "bytes32"),
                    ("subject", "bytes32"),
                    ("version", "uint64"),
                    ("org", "bytes32"),
                    ("signer", "address"),
                    ("authorisation", "bytes32"),
                    ("recordedAt", "uint64"),
                    ("payload", "bytes"),
                    ("bodyDigest", "bytes32"),
                    ("body", "bytes"),
                )
            )
        ],
    }
]
CONFIG = """import {{ createConfig }} from "ponder";
export default createConfig({{
  chains: {{ local: {{ id: 31337, rpc: "{url}", disableCache: true }} }},
  contracts: {{ Log: {{ chain: "local", abi: {abi}, address: "{log}", startBlock: {first} }} }},
}});
"""
SCHEMA = """import { onchainTable } from "ponder";
export const statement = onchainTable("statement", (t) => ({
  index: t.bigint().primaryKey(), kind: t.hex().notNull(), subject: t.hex().notNull(),
  version: t.bigint().notNull(), org: t.hex().notNull(), signer: t.hex().notNull(),
  authorisation: t.hex().notNull(), recordedAt: t.bigint().notNull(), payload: t.hex().notNull(),
  bodyDigest: t.hex().notNull(), body: t.hex().notNull(),
}));
"""
HANDLER = """import { ponder } from "ponder:registry";
import { statement } from "ponder:schema";
ponder.on("Log:Recorded", async ({ event, context }) => {
  await context.db.insert(statement).values({ ...event.args });
});
"""
API = """import { db } from "ponder:api";
import { statement } from "ponder:schema";
import { Hono } from "hono";
import { count } from "ponder";
const app = new Hono();
app.get("/count", async (c) => {
  const [found] = await db.select({ rows: count() }).from(statement);
  return c.text(String(found.rows));
});
export default app;
"""


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Ponder and the mirror, and how many times as fast."""
    if anvil_binary() is None:
        raise NotHereError("anvil is not installed (npm ci brings it)")
    modules = installed(quick=quick)
    with (
        tempfile.TemporaryDirectory(prefix="govledger-ponder-") as name,
        filled_anvil(QUICK if quick else STATEMENTS, empty_blocks=UNSETTLED) as log,
    ):
        place = Path(name)
        log.deployment.save(place)
        ours = Runs(log.url, place, 1).best("follow the log")
        theirs, seconds = ponder(log, place / "project", modules)
    rate = theirs / seconds
    return [
        plain(
            "mirror, into SQLite, verified", f"{ours.rate:,.0f} leaves/s", ours.note, peak=ours.peak
        ),
        plain(
            f"Ponder {VERSION}, into PGlite, its default",
            f"{rate:,.0f} events/s",
            f"{theirs:,} events in {seconds:.1f} s; verifies nothing",
        ),
        at_least("times as fast as Ponder", ours.rate / rate, "x", TIMES),
    ]


def installed(*, quick: bool) -> Path:
    """``node_modules`` with Ponder in it; raises :class:`NotHereError`."""
    place = Path(
        os.environ.get("GOVLEDGER_BENCH_PONDER", f"{tempfile.gettempdir()}/govledger-bench-ponder")
    )
    modules = place / "node_modules"
    if (modules / "ponder" / "package.json").is_file():
        return modules
    npm = shutil.which("npm")
    if npm is None:
        raise NotHereError("npm is not installed")
    if quick:
        raise NotHereError(f"a short run installs nothing, and there is no Ponder in {place}")
    place.mkdir(parents=True, exist_ok=True)
    (place / "package.json").write_text('{"private": true, "type": "module"}')
    tell(f"installing Ponder {VERSION} into {place}")
    flags = ["--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        [npm, "install", *flags, *PACKAGES], cwd=place, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotHereError(f"npm cannot install Ponder {VERSION}: {done.stderr.strip()[:120]}")
    return modules


def ponder(log: FilledLog, place: Path, modules: Path) -> tuple[int, float]:
    """Rows that Ponder has when it is ready, and seconds until then."""
    (place / "src" / "api").mkdir(parents=True)
    config = {"url": log.url, "log": log.deployment.log, "first": log.deployment.deploy_block}
    (place / "ponder.config.ts").write_text(CONFIG.format(abi=json.dumps(ABI), **config))
    (place / "ponder.schema.ts").write_text(SCHEMA)
    (place / "src" / "index.ts").write_text(HANDLER)
    (place / "src" / "api" / "index.ts").write_text(API)
    (place / "package.json").write_text('{"private": true, "type": "module"}')
    (place / "node_modules").symlink_to(modules, target_is_directory=True)
    with served(place) as url:
        wait_for(f"{url}/health")
        started = time.perf_counter()
        wait_for(f"{url}/ready")
        seconds = time.perf_counter() - started
        count = int(read(f"{url}/count"))
    tell(f"ponder: {count:,} events, {count / seconds:,.0f}/s")
    return count, seconds


@contextlib.contextmanager
def served(place: Path) -> Iterator[str]:
    """A Ponder of its own, ended afterwards."""
    port = free_port()
    said = (place / "said.log").open("w")
    process = subprocess.Popen(
        [
            str(shutil.which("node")),
            str(place / "node_modules" / "ponder" / "dist" / "esm" / "bin" / "ponder.js"),
            *("start", "--schema", "bench", "--port", str(port), "--hostname", "127.0.0.1"),
        ],
        cwd=place,
        stdout=said,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PONDER_TELEMETRY_DISABLED": "true", "CI": "true"},
    )
    try:
        yield f"http://127.0.0.1:{port}"
        if process.poll() is not None:
            raise RuntimeError((place / "said.log").read_text()[-2000:])
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        said.close()


def wait_for(url: str) -> None:
    """Until an address answers with 200."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            read(url)
            return
        time.sleep(0.05)
    raise NotHereError(f"Ponder did not answer {url} in {LONGEST} s")


def read(url: str) -> str:
    """An answer's text."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
        return str(answer.read().decode())


if __name__ == "__main__":
    bench_main(TITLE, rows)
