"""One district from nothing to a verified, exported catalogue; by commands alone, on every kind of ground.

The same story is told on the embedded chain with nothing running, while a server runs, while only a node
runs, on anvil, on a Hardhat node, and with mirror and desk in PostgreSQL.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy

from tests.chain_nodes import FUNDED, anvil_node, hardhat_node
from tests.person import Person
from tests.small_office import (
    EDUCATION,
    PUBLISHED,
    ROOT_ORGANISATION,
    entry,
    file_entry,
    register_everybody,
    score,
)

SECOND = "318001/000002"


def tell_the_story(person: Person) -> None:
    """After ``init``: everything a steward, a head, an authority, an assessor and an auditor do."""
    register_everybody(person)
    drafted = person.write("entry.yaml", entry(items=None, abstract=None))
    person.run("catalogue", "register", drafted, "--key", "education-steward", "--draft")
    first = person.run("catalogue", "show", PUBLISHED, "--json").json()["entry"]
    assert (first["state"], first["complete"]) == ("draft", False)

    file_entry(person, entry())
    kept = person.place / "checkpoint.json"
    person.run("log", "checkpoint", "-o", kept)
    person.run("catalogue", "publish", PUBLISHED, "--key", "authority")
    file_entry(person, entry(abstract="名称、地址、办学类型和招生范围", keywords=["学校"]))
    changed = person.run("catalogue", "diff", PUBLISHED, "--json").json()["changes"]
    assert {change["pointer"] for change in changed} == {"/abstract", "/keywords"}
    person.run(
        *("catalogue", "return", PUBLISHED, "--key", "authority", "--reason", "请说明招生范围")
    )
    file_entry(person, entry(abstract="名称、地址和招生范围（按街道）"))
    person.run("catalogue", "publish", PUBLISHED, "--key", "authority")
    person.run("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "系统升级")
    person.run("catalogue", "resume", PUBLISHED, "--key", "authority")

    file_entry(person, entry(SECOND))
    person.run("catalogue", "publish", SECOND, "--key", "authority")
    person.run("catalogue", "revoke", SECOND, "--key", "authority", "--reason", "事项取消")
    person.run("quality", "score", person.write("s.yaml", score(edition=4)), "--key", "assessor")
    person.run(
        *("quality", "score", person.write("s.yaml", score(edition=4, scores={"accuracy": 9500}))),
        *("--key", "assessor"),
    )
    look_back(person, kept)


def look_back(person: Person, kept: Path) -> None:
    """What the auditor and everybody else can see of it afterwards."""
    acts = person.run("catalogue", "history", PUBLISHED, "--json").json()["acts"]
    assert [act["state"] for act in acts] == [
        *("draft", "submitted", "published", "submitted", "returned", "submitted"),
        *("published", "suspended", "published"),
    ]
    assert acts[4]["reasons"] == ["请说明招生范围"]
    shown = person.run("catalogue", "show", PUBLISHED, "--json").json()
    assert shown["published"]["edition"] == shown["entry"]["published_edition"] == 4
    assert "按街道" in shown["published"]["document"]["abstract"]
    (newest,) = person.run("quality", "list", "--json").json()["scores"]
    assert (newest["version"], newest["total"]) == (2, 9500)
    found = person.run("catalogue", "search", "招生范围", "--state", "published", "--json").json()
    assert [one["code"] for one in found["entries"]] == [PUBLISHED]
    revoked = person.run("catalogue", "search", "--state", "revoked", "--json").json()
    assert [one["code"] for one in revoked["entries"]] == [SECOND]

    size = json.loads(kept.read_text("utf-8"))["size"]
    then = person.run("catalogue", "show", PUBLISHED, "--as-of", size, "--json").json()["entry"]
    assert (then["state"], then["edition"]) == ("submitted", 2)
    proof = person.place / "proof.json"
    person.run("log", "prove", "--entry", PUBLISHED, "-o", proof)
    root = json.loads(person.run("log", "checkpoint").out)["root"].removeprefix("0x")
    assert "✗" not in person.run("log", "verify", proof, "--root", root).out
    grown = person.place / "grown.json"
    person.run("log", "prove", "--since", size, "-o", grown)
    assert "✗" not in person.run("log", "verify", grown, "--root", root).out
    report = person.run("mirror", "verify", "--since", kept, "--json").json()
    assert report["findings"] == []

    exported = [json.loads(line) for line in person.run("catalogue", "export").out.splitlines()]
    assert [row["entry"]["code"] for row in exported] == [PUBLISHED, SECOND]
    assert exported[0]["document"]["provider"] == EDUCATION


def begin(person: Person, *options: object) -> None:
    person.run("init", "--code", ROOT_ORGANISATION, "--name", "示范区人民政府", *options)


@pytest.fixture
def payer(tmp_path: Path) -> Path:
    """The file with the key of an account that has ether."""
    file = tmp_path / "payer.hex"
    file.write_text(FUNDED)
    return file


@pytest.mark.parametrize("running", ["nothing", "serve", "node"])
def test_the_story_on_the_embedded_chain(newcomer: Person, running: str) -> None:
    begin(newcomer)
    with contextlib.ExitStack() as stack:
        url = None
        if running != "nothing":
            url = stack.enter_context(newcomer.running(running, "--port", "0"))
        tell_the_story(newcomer)
        if running == "serve":
            found = httpx.get(f"{url}/api/v1/catalogue/entries/{PUBLISHED}").json()
            assert found["published_edition"] == 4
            assert httpx.get(f"{url}/readyz").json()["status"] == "ready"
    for command in ("fsck", "replay"):
        newcomer.run("chain", command)


@pytest.mark.parametrize("node", [anvil_node, hardhat_node])
def test_the_story_on_a_chain_over_json_rpc(newcomer: Person, payer: Path, node) -> None:
    with node() as url:
        begin(newcomer, "--rpc", url, "--sender-key-file", payer)
        tell_the_story(newcomer)
        assert url in newcomer.run("chain", "status").out
    # and with the node gone, the mirror still answers
    assert newcomer.run("catalogue", "search", "招生范围", "--json").json()["total"] == 1


def test_the_story_with_mirror_and_desk_in_postgresql(
    newcomer: Person, two_databases: tuple[str, str]
) -> None:
    newcomer.more |= {
        "GOVLEDGER_MIRROR_URL": two_databases[0],
        "GOVLEDGER_DESK_URL": two_databases[1],
    }
    begin(newcomer)
    tell_the_story(newcomer)
    assert not list(newcomer.data_dir.glob("mirror.db*"))
    assert not list(newcomer.data_dir.glob("desk.db*"))
    in_postgresql = newcomer.run("catalogue", "export").out
    # the same log in SQLite: the answers are the same, byte for byte
    newcomer.more = {}
    assert newcomer.run("catalogue", "export").out == in_postgresql


@pytest.fixture
def two_databases(postgresql_url: str) -> Iterator[tuple[str, str]]:
    """Two empty databases of one PostgreSQL server: for the mirror and for the desk."""
    server = sqlalchemy.create_engine(
        sqlalchemy.make_url(postgresql_url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=sqlalchemy.pool.NullPool,
    )
    name = f"{sqlalchemy.make_url(postgresql_url).database}_desk"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    desk = sqlalchemy.make_url(postgresql_url).set(database=name)
    yield postgresql_url, desk.render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
