"""A chain that takes back a block: the mirror follows it, and what was lost is recorded again."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from eth_account import Account

from ledger.chain.connect import connect
from ledger.chain.deploying import deploy
from ledger.chain.outbox_models import State
from ledger.codes import Level
from ledger.mirror.queries import size_of
from ledger.office import Office
from ledger.organisations import queries
from ledger.organisations.statements import OrganisationDraft, register
from ledger.settings import load_settings
from tests.chain_nodes import FUNDED, anvil_node, funded

ROOT_CODE = "119901180000010036"
OTHER_CODE = "11990118000002022C"
AUTHORITY = Account.from_key("0x" + "a5" * 32)
PASSPHRASE = "chain that wavers"


def rpc(url: str, method: str, *params: object) -> object:
    answer = httpx.post(
        url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    ).json()
    assert "error" not in answer, answer
    return answer["result"]


def organisation(code: str, parent: str | None) -> OrganisationDraft:
    return OrganisationDraft(code=code, name=f"机构 {code}", parent=parent, level=Level.DISTRICT)


@pytest.mark.parametrize("noticed_by", ["the sender", "a reader"])
def test_a_statement_on_a_block_taken_back_is_recorded_again(
    tmp_path: Path, noticed_by: str
) -> None:
    with anvil_node() as url:
        settings = load_settings(
            {"data_dir": tmp_path, "rpc_url": url, "passphrase": PASSPHRASE}, env={}
        )
        with Office(settings, work_factor=1 << 12) as office:
            office.keystore.add(settings.sender_key, FUNDED, PASSPHRASE)
            chain = connect(settings)
            deploy(chain, funded(), AUTHORITY.address, funded().address, 0).save(tmp_path)
            chain.close()
            first = register([organisation(ROOT_CODE, None)], speaker=ROOT_CODE, deadline=1 << 40)
            office.settle([office.outbox.submit(office.sign(first, AUTHORITY)).id])
            before = rpc(url, "evm_snapshot")
            second = register(
                [organisation(OTHER_CODE, ROOT_CODE)], speaker=ROOT_CODE, deadline=1 << 40
            )
            receipt = office.outbox.submit(office.sign(second, AUTHORITY)).id
            (done,) = office.settle([receipt])
            assert done.state is State.VERIFIED

            assert rpc(url, "evm_revert", before)
            rpc(url, "anvil_mine", "0x5")
            if noticed_by == "a reader":
                # A reader notices first, without the key that sends.
                with Office(
                    load_settings({"data_dir": tmp_path, "rpc_url": url}, env={})
                ) as reader:
                    reader.refresh()
                    with reader.read() as connection:
                        assert size_of(connection) == 1
            else:
                office.refresh()
            assert office.outbox.receipt(receipt).state is State.SENT

            (again,) = office.settle([receipt])
            assert again.state is State.VERIFIED
            with office.read() as connection:
                assert size_of(connection) == 2
                found = queries.organisation(connection, OTHER_CODE)
            assert found is not None
            assert found.name == f"机构 {OTHER_CODE}"
            assert office.mirror.verify().ok
