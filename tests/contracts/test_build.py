"""The build script: it names what is checked in and is not what the sources give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import build_contracts


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Path, bytes]:
    """One artifact as built, and the same checked in."""
    package, tests = tmp_path / "package", tmp_path / "tests"
    package.mkdir()
    tests.mkdir()
    monkeypatch.setattr(build_contracts, "ROOT", tmp_path)
    monkeypatch.setattr(build_contracts, "PACKAGE", package)
    monkeypatch.setattr(build_contracts, "TESTS", tests)
    data = json.dumps({"abi": [], "bytecode": "0x60"}).encode()
    (package / "Some.json").write_bytes(data)
    return {package / "Some.json": data}


def build_output(**changes: Any) -> dict[str, Any]:
    code = {"object": "6001", "immutableReferences": {"7": [{"start": 9, "length": 32}]}}
    contract = {
        "abi": [],
        "metadata": json.dumps({"sources": {"a.sol": {"keccak256": "0x01"}}}),
        "evm": {"bytecode": {"object": "6000"}, "deployedBytecode": code},
    }
    contracts = {"contracts/Some.sol": {"Some": {**contract, **changes}}}
    return {"solcLongVersion": "0.0.0", "output": {"contracts": contracts}}


def test_equal_artifacts_pass(built: dict[Path, bytes]) -> None:
    assert build_contracts.differences(built) == []


def test_a_changed_bytecode_is_named(built: dict[Path, bytes]) -> None:
    path = next(iter(built))
    path.write_bytes(path.read_bytes().replace(b"0x60", b"0x61"))
    assert build_contracts.differences(built) == [
        "package/Some.json differs from the sources in: bytecode"
    ]


def test_a_missing_and_a_stray_artifact_are_named(built: dict[Path, bytes]) -> None:
    path = next(iter(built))
    path.rename(path.with_name("Other.json"))
    assert build_contracts.differences(built) == [
        "package/Some.json is missing",
        "package/Other.json has no source",
    ]


def test_an_artifact_keeps_what_deployment_and_recognition_need() -> None:
    value = json.loads(build_contracts.artifact(build_output(), "contracts/Some.sol", "Some"))
    assert value["contractName"] == "Some"
    assert (value["bytecode"], value["deployedBytecode"]) == ("0x6000", "0x6001")
    assert value["immutableReferences"] == [[9, 32]]


def test_a_contract_that_was_not_compiled_is_named() -> None:
    with pytest.raises(build_contracts.BuildError, match=r"no Other in contracts/Some\.sol"):
        build_contracts.artifact(build_output(), "contracts/Some.sol", "Other")


def test_without_node_modules_the_way_out_is_told(
    built: dict[Path, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert built
    assert build_contracts.main(["--check"]) == 1
    assert "npm ci" in capsys.readouterr().err
