"""``scripts/consortium``: a consortium of validators on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.engine.build import EngineUnavailable, built_engine, cached_engine
from scripts.engine.network import Network, NetworkError
from scripts.engine.wires import can_isolate

UNAVAILABLE = 3
DESCRIPTION = """A real consortium on this machine: validators of one engine (geth as BNB Smart Chain
keeps it, Parlia, BLS finality), each in a network namespace of its own where root allows, no base fee, JSON-RPC
on loopback. The engine takes no price under one wei; `fund` gives a sender what it needs.
Exit codes: 0 done, 1 failed, 2 usage, 3 the engine cannot be had here."""
EXAMPLES = """examples:
  scripts/consortium up                 five validators, RPC at 127.0.0.1:18545 to 18549
  scripts/consortium kill 2             end validator 2 as a power cut would
  scripts/consortium start 2            and start it again
  scripts/consortium part 4 5           cut two off: nothing becomes final until `heal`
  scripts/consortium fund 0x…           let an account send
  scripts/consortium status
  scripts/consortium down               end everything and remove its directory"""


def main() -> int:
    """Parse, do, tell."""
    parser = argparse.ArgumentParser(
        prog="scripts/consortium",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dir", type=Path, default=Path("consortium-data"), help="its directory")
    acts = parser.add_subparsers(dest="act", required=True)
    up = acts.add_parser("up", help="build the engine where needed, and start")
    up.add_argument(
        "--validators",
        type=int,
        help="an odd number: halves could wait for each other",
        default=5,
        choices=(3, 5, 7),
    )
    up.add_argument("--port", type=int, default=18545, help="RPC port of the first validator")
    acts.add_parser("build", help="only build the engine")
    for act, what in (("kill", "end one validator at once"), ("start", "start it again")):
        acts.add_parser(act, help=what).add_argument("number", type=int)
    fund = acts.add_parser("fund", help="give an account what it needs to send")
    fund.add_argument("address")
    part = acts.add_parser("part", help="cut validators off from the others")
    part.add_argument("number", type=int, nargs="+")
    acts.add_parser("heal", help="join all again")
    acts.add_parser("status", help="how every validator stands")
    acts.add_parser("down", help="end everything")
    asked = parser.parse_args()
    try:
        return _do(asked)
    except EngineUnavailable as why:
        print(f"the engine cannot be had here: {why}", file=sys.stderr)
        return UNAVAILABLE
    except (NetworkError, OSError) as why:
        print(f"failed: {why}", file=sys.stderr)
        return 1


def _do(asked: argparse.Namespace) -> int:
    if asked.act in {"up", "build"}:
        if not cached_engine().exists():
            print("building the engine, once: this takes some minutes …", file=sys.stderr)
        engine = built_engine()
        if asked.act == "build":
            print(engine)
            return 0
        print(
            "starting the validators, until their blocks become final: half a minute …",
            file=sys.stderr,
        )
        network = _started(asked, engine)
    else:
        network = Network.load(asked.dir)
        if asked.act == "down":
            network.down()
            return 0
        _act(network, asked)
    print("validator  running  head   final  peers  JSON-RPC")
    for number in network.numbers:
        one = network.standing(number)
        told = [
            "-" if value is None else str(value) for value in (one.head, one.finalized, one.peers)
        ]
        running = "yes" if one.running else "no"
        print(f"{number:>9}  {running:<7}  {told[0]:<5}  {told[1]:<5}  {told[2]:<5}  {one.url}")
    return 0


def _started(asked: argparse.Namespace, engine: Path) -> Network:
    network = Network.make(
        asked.dir.resolve(), engine, asked.validators, asked.port, isolated=can_isolate()
    )
    try:
        network.up()
    except (NetworkError, OSError):
        network.down()
        raise
    return network


def _act(network: Network, asked: argparse.Namespace) -> None:
    if asked.act == "kill":
        network.kill(asked.number)
    elif asked.act == "start":
        network.start(asked.number)
    elif asked.act == "fund":
        network.fund(asked.address)
    elif asked.act in {"part", "heal"}:
        network.part(asked.number if asked.act == "part" else ())


if __name__ == "__main__":
    sys.exit(main())
