"""The log's administration: a registry that is retired writes no more, and everything stays readable."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from web3 import Web3

from ledger.chain import artifacts
from ledger.chain.deployment import load_deployment
from ledger.statements import FILING, kind_word
from tests.person import Person
from tests.signing import account
from tests.small_office import PUBLISHED, build, entry

DELAY = 1


@pytest.fixture
def administered(tmp_path: Path) -> Person:
    """The small ledger with an admin who acts a second after announcing it."""
    return build(Person(tmp_path / "ledger"), "--admin-delay", DELAY)


def administer(person: Person, method: str) -> None:
    """Announce and do ``admit`` or ``retire`` for filings, as the log's admin, over JSON-RPC."""
    deployment = load_deployment(person.data_dir)
    admin = account(person, "admin")
    with person.running("node", "--port", "0") as url:
        w3 = Web3(Web3.HTTPProvider(url))
        log = w3.eth.contract(address=deployment.log, abi=artifacts.load("GovernanceLog").abi)
        manager = w3.eth.contract(
            address=deployment.access_manager, abi=artifacts.load("AccessManager").abi
        )
        act = log.functions[method](kind_word(FILING.kind), deployment.registries["Catalogue"])
        for call in (
            manager.functions.schedule(log.address, act._encode_transaction_data(), 0),
            act,
        ):
            transaction = call.build_transaction(
                {
                    "from": admin.address,
                    "nonce": w3.eth.get_transaction_count(admin.address),
                    "gas": 1_000_000,
                    "gasPrice": 0,
                }
            )
            raw = admin.sign_transaction(transaction).raw_transaction
            receipt = w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(raw))
            assert receipt["status"] == 1
            time.sleep(DELAY + 0.5)


def test_a_retired_registry_is_refused_in_words_and_admitted_again(administered: Person) -> None:
    person = administered
    before = person.run("catalogue", "export").out
    file = person.write("entry.yaml", entry("318001/000002"))
    register = (
        *("catalogue", "register", file, "--key", "education-steward"),
        *("--head", "education-head"),
    )
    administer(person, "retire")
    ran = person.run(*register, expect=3)
    assert "may not write statements of the kind catalogue.entry" in ran.err
    assert "have the log's administration admit it" in ran.err
    person.language = "zh"
    ran = person.run(*register, expect=3)
    assert "无权写入 catalogue.entry 类声明" in ran.err
    person.language = "en"

    assert person.run("catalogue", "export").out == before
    assert person.run("mirror", "verify", "--json").json()["findings"] == []
    person.run("key", "create", "spare")  # other registries go on

    administer(person, "admit")
    person.run(*register)
    found = person.run("catalogue", "search", "--json").json()
    assert [one["code"] for one in found["entries"]] == [PUBLISHED, "318001/000002"]
    assert person.run("mirror", "verify", "--json").json()["findings"] == []
