"""A department that keeps its keys in a wallet of its own, and never hands them to this program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account

from tests.person import Person
from tests.signing import STATEMENTS, cast, prepared
from tests.small_office import CIVIL_AFFAIRS, ROOT_ORGANISATION, entry

CODE = "318002/000001"


def signed_by_cast(ready: dict[str, Any], key: str, place: Path) -> str:
    """``cast wallet sign --data``: Foundry's own reading of EIP-712."""
    file = place / "typed_data.json"
    file.write_text(json.dumps(ready["typed_data"], ensure_ascii=False), "utf-8")
    return cast("wallet", "sign", "--private-key", key, "--data", "--from-file", str(file))


def handed_in(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(STATEMENTS, json=body, headers={"idempotency-key": "one act"})
    assert answer.status_code == 202, answer.text
    again = client.post(STATEMENTS, json=body, headers={"idempotency-key": "one act"})
    assert again.json()["receipt"] == answer.json()["receipt"]
    where = answer.headers["location"]
    found = client.get(where, params={"wait": 30, "until": "verified"}, timeout=60).json()
    assert found["state"] == "verified", found
    return dict(found)


def test_a_department_files_and_the_authority_publishes_with_foreign_wallets(
    office: Person, tmp_path: Path
) -> None:
    steward, head = Account.create("steward"), Account.create("head")
    for account, role in ((steward, "steward"), (head, "head")):
        office.run(
            *("key", "grant", account.address, "--key", "authority"),
            *("--holder", CIVIL_AFFAIRS, "--roles", role),
        )
    whole = entry(CODE, name="养老机构名录", provider=CIVIL_AFFAIRS, provider_name="示范区民政局")
    with office.running("serve", "--port", "0") as url, httpx.Client(base_url=url) as client:
        ready = prepared(client, "Filing", CIVIL_AFFAIRS, {"entry": whole})
        receipt = handed_in(
            client,
            {
                "typed_data": ready["typed_data"],
                "bodies": ready["bodies"],
                "signer": steward.address,
                "signature": signed_by_cast(ready, steward.key.to_0x_hex(), tmp_path),
                "cosigner": head.address,
                "cosignature": signed_by_cast(ready, head.key.to_0x_hex(), tmp_path),
            },
        )
        leaf = client.get(f"/api/v1/log/statements/{receipt['first_index']}").json()
        assert leaf["body"]["name"] == "养老机构名录"
        assert steward.address.lower() in json.dumps(leaf).lower()
        # the authority's key is in the office's keystore: the command line decides
        office.run("catalogue", "publish", CODE, "--key", "authority")
        found = client.get(f"/api/v1/catalogue/entries/{CODE}").json()
        assert found["state"]["code"] == "published"
        assert found["provider"]["code"] == CIVIL_AFFAIRS
    acts = office.run("catalogue", "history", CODE, "--json").json()["acts"]
    assert [act["act"] for act in acts] == ["filed", "decided"]
    assert office.run("mirror", "verify", "--json").json()["findings"] == []


def test_a_wallet_speaks_to_the_chain_that_the_server_and_the_node_offer(office: Person) -> None:
    deployment = json.loads((office.data_dir / "deployment.json").read_text("utf-8"))
    size = office.run("mirror", "status", "--json").json()["size"]
    for command, path in (("serve", "/rpc"), ("node", "")):
        with office.running(command, "--port", "0") as url:
            rpc = ("--rpc-url", url + path)
            assert cast("chain-id", *rpc) == "26476"
            assert cast("call", deployment["log"], "size()(uint64)", *rpc) == str(size)
            root = cast("call", deployment["log"], "root()(bytes32)", *rpc)
            assert root == json.loads(office.run("log", "checkpoint").out)["root"]
            name = cast("call", deployment["registries"]["Catalogue"], "eip712Domain()", *rpc)
            assert name.startswith("0x")
    assert ROOT_ORGANISATION in office.run("org", "list").out
