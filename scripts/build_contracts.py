"""Compile the contracts and write the artifacts that are checked in, or prove them up to date.

    python scripts/build_contracts.py          write ledger/chain/artifacts, tests/contracts/artifacts
    python scripts/build_contracts.py --check  compile afresh, compare byte for byte, write nothing

Needs Node.js and ``npm ci``; the compiler is npm's solc, nothing is downloaded while compiling.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ledger.chain.artifacts import NAMES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ledger" / "chain" / "artifacts"
TESTS = ROOT / "tests" / "contracts" / "artifacts"
TIMEOUT_SECONDS = 600


class BuildError(Exception):
    """The contracts could not be compiled, or what is checked in is not what the sources give."""


def wanted() -> dict[Path, tuple[str, str]]:
    """Artifact file -> (source unit, contract): every contract of ours, and the AccessManager."""
    manager = "@openzeppelin/contracts/access/manager/AccessManager.sol"
    targets = {PACKAGE / "AccessManager.json": (manager, "AccessManager")}
    for name in NAMES:
        if name == "AccessManager":
            continue
        targets[PACKAGE / f"{name}.json"] = (f"contracts/{name}.sol", name)
    for source in sorted((ROOT / "contracts" / "test").glob("*.sol")):
        targets[TESTS / f"{source.stem}.json"] = (f"contracts/test/{source.name}", source.stem)
    return targets


def compile_all() -> dict[str, Any]:
    """Compile everything from nothing; returns the compiler's whole input and output.

    All sources go through one compiler run, so that the result depends on nothing but them.
    """
    if not (ROOT / "node_modules" / "hardhat").is_dir():
        raise BuildError("node_modules is missing: run `npm ci` first")
    environment = {**os.environ, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "CI": "true"}
    run = subprocess.run(
        ["npx", "--no", "hardhat", "compile", "--force"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if run.returncode:
        raise BuildError(f"hardhat compile failed:\n{run.stdout}{run.stderr}")
    infos = sorted(
        (ROOT / "artifacts" / "build-info").glob("*.json"), key=lambda path: path.stat().st_mtime_ns
    )
    if not infos:
        raise BuildError("hardhat compile left no build-info")
    result: dict[str, Any] = json.loads(infos[-1].read_text("utf-8"))
    return result


def artifact(build: dict[str, Any], source: str, name: str) -> bytes:
    """The checked-in form of one contract: compact JSON with sorted keys."""
    try:
        contract = build["output"]["contracts"][source][name]
    except KeyError:
        raise BuildError(f"the compiler gave no {name} in {source}") from None
    evm = contract["evm"]
    metadata = json.loads(contract["metadata"])
    units = {path: unit["keccak256"] for path, unit in metadata["sources"].items()}
    references = evm["deployedBytecode"].get("immutableReferences", {})
    value = {
        "contractName": name,
        "abi": contract["abi"],
        "bytecode": "0x" + evm["bytecode"]["object"],
        "deployedBytecode": "0x" + evm["deployedBytecode"]["object"],
        "immutableReferences": sorted(
            [place["start"], place["length"]] for places in references.values() for place in places
        ),
        "compiler": build["solcLongVersion"],
        "sources": hashlib.sha256(
            json.dumps(units, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest(),
    }
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8") + b"\n"


def differences(built: dict[Path, bytes]) -> list[str]:
    """What is checked in and differs from what was built, a line each."""
    found = []
    for path, data in built.items():
        where = path.relative_to(ROOT)
        if not path.exists():
            found.append(f"{where} is missing")
        elif path.read_bytes() != data:
            old, new = json.loads(path.read_bytes()), json.loads(data)
            parts = [key for key in new if old.get(key) != new[key]] or ["formatting"]
            found.append(f"{where} differs from the sources in: {', '.join(parts)}")
    for folder in (PACKAGE, TESTS):
        strays = [path for path in sorted(folder.glob("*.json")) if path not in built]
        found += [f"{path.relative_to(ROOT)} has no source" for path in strays]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when written or equal, 1 with the reasons on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args(arguments).check
    try:
        build = compile_all()
        built = {path: artifact(build, *target) for path, target in wanted().items()}
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    if check:
        found = differences(built)
        for line in found:
            print(line, file=sys.stderr)
        if found:
            print("run scripts/build_contracts.py and commit what it writes", file=sys.stderr)
            return 1
        print(f"{len(built)} artifacts are what the sources give")
        return 0
    for path, data in built.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{path.relative_to(ROOT)}  {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
