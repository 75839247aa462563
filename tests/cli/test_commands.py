"""Every command: its help, its JSON, and that asking costs no more imports than needed."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from ledger import __version__
from ledger.cli.app import COMMANDS, app
from ledger.identifiers import check_uscc
from tests.person import ROOT, Person
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED, entry, score


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command and group."""
    root: Any = typer.main.get_command(app)
    yield ()
    for name in COMMANDS:
        command = root.get_command(None, name)
        yield (name,)
        for under in getattr(command, "commands", {}):
            yield (name, under)


EVERY = list(commands())
GROUPS = {words[:1] for words in EVERY if len(words) == 2} | {()}


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_says_what_it_does_and_gives_an_example(
    newcomer: Person, words: tuple[str, ...]
) -> None:
    said = newcomer.run(*words, "--help").out
    assert "Usage" in said
    if words not in GROUPS:
        assert "Example: govledger" in " ".join(said.split())
    for code in re.findall(r"--code (\w{18})\b", said):
        assert check_uscc(code).problem is None
    assert not newcomer.data_dir.exists()


def test_every_option_that_a_document_names_is_one_of_its_command() -> None:
    root: Any = typer.main.get_command(app)
    everywhere = {option for one in root.params for option in one.opts}
    looked_at, unknown = 0, []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for written in re.findall(r"govledger ([^`\n|#]*)", document.read_text("utf-8")):
            words, command = written.split(), root
            while words and words[0] in everywhere:
                words = words[2:]
            while words and hasattr(command, "get_command"):
                command = command.get_command(None, words.pop(0)) or root
            if command is root:
                continue
            looked_at += 1
            known = {option for one in command.params for option in one.opts + one.secondary_opts}
            asked = {option for word in words for option in re.findall(r"--[a-z][a-z-]+", word)}
            unknown += [f"{document.name}: {written}" for _ in asked - known - everywhere]
    assert looked_at > 100
    assert unknown == []


@pytest.mark.parametrize("words", sorted(GROUPS), ids=" ".join)
def test_a_group_alone_shows_its_commands(newcomer: Person, words: tuple[str, ...]) -> None:
    ran = newcomer.run(*words, expect=None)
    assert "Usage" in ran.out + ran.err


def test_a_command_that_is_misspelt_is_refused_with_the_nearest(newcomer: Person) -> None:
    ran = newcomer.run("catalog", "search", expect=2)
    assert "catalogue" in ran.err
    ran = newcomer.run("catalogue", "serch", expect=2)
    assert "search" in ran.err


READING: list[tuple[object, ...]] = [
    ("org", "list"),
    ("org", "show", EDUCATION),
    ("key", "list"),
    ("catalogue", "search"),
    ("catalogue", "search", "学校", "--state", "published", "--grade", 1, "--complete"),
    ("catalogue", "show", PUBLISHED),
    ("catalogue", "history", PUBLISHED),
    ("catalogue", "diff", PUBLISHED),
    ("quality", "list"),
    ("quality", "league"),
    ("quality", "history", PUBLISHED),
    ("audit", "completeness"),
    ("audit", "gaps"),
    ("deliver", "list"),
    ("deliver", "list", "--manifests"),
    ("deliver", "list", "--resources"),
    ("deliver", "stores"),
    ("log", "list"),
    ("log", "verify", "proof.json"),
    ("mirror", "status"),
    ("mirror", "verify"),
    ("chain", "status"),
    ("chain", "fsck"),
    ("chain", "replay"),
]


@pytest.fixture(scope="module")
def told(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The small ledger with a score and a proof file; treat it as read-only."""
    person = built_office.copy(tmp_path_factory.mktemp("told") / "ledger")
    person.run("quality", "score", person.write("score.yaml", score()), "--key", "assessor")
    person.run("log", "prove", "--entry", PUBLISHED, "-o", "proof.json")
    return person


@pytest.mark.parametrize("words", READING, ids=lambda words: " ".join(map(str, words[:2])))
def test_json_is_one_document_and_the_plain_form_is_none(
    told: Person, words: tuple[object, ...]
) -> None:
    ran = told.run(*words, "--json")
    assert isinstance(ran.json(), dict)
    assert "\\u" not in ran.out
    plain = told.run(*words).out
    assert plain.strip()
    with pytest.raises(json.JSONDecodeError):
        json.loads(plain)


def test_acts_answer_with_one_json_document_of_receipts(office: Person) -> None:
    file = office.write("entry.yaml", entry(abstract="修订"))
    scores = office.write("score.yaml", score())
    office.run("key", "create", "spare", "--json").json()
    signed: list[tuple[object, ...]] = [
        ("key", "grant", "spare", "--holder", CIVIL_AFFAIRS, "--roles", "steward,head"),
        ("key", "revoke", "spare", "--reason", "换发"),
        ("catalogue", "suspend", PUBLISHED, "--reason", "系统升级"),
        ("catalogue", "resume", PUBLISHED),
    ]
    answers = [office.run(*words, "--key", "authority", "--json").json() for words in signed]
    answers.append(office.run("quality", "score", scores, "--key", "assessor", "--json").json())
    answers.append(
        office.run(
            *("catalogue", "register", file, "--key", "education-steward"),
            *("--head", "education-head", "--json"),
        ).json()
    )
    for answer in answers:
        assert [receipt["state"] for receipt in answer["receipts"]] == ["verified"]


def test_export_is_one_json_document_a_line(told: Person) -> None:
    lines = told.run("catalogue", "export").out.splitlines()
    assert [json.loads(line)["entry"]["code"] for line in lines] == [PUBLISHED]


HEAVY = {
    "alembic",
    "datafusion",
    "duckdb",
    "eth",
    "eth_account",
    "fastapi",
    "ibis",
    "openlineage",
    "openpyxl",
    "pandas",
    "py_ecc",
    "pyarrow",
    "sqlglot",
    "uvicorn",
    "web3",
}
"""What no command brings in that only reads what the mirror has."""
DATABASE = {"httpx", "pydantic", "sqlalchemy", "sqlmodel"}
TYPED = """
import contextlib, json, sys
from ledger.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["govledger", *words]
    with contextlib.suppress(SystemExit):
        main()
print(*sys.modules, file=sys.stderr)
"""


def brought_in(person: Person, *commands: tuple[str, ...]) -> tuple[set[str], str]:
    """The modules that commands leave imported in a process of their own, and what they say."""
    typed = json.dumps([person.words(*words) for words in commands])
    done = subprocess.run(
        [sys.executable, "-c", TYPED, typed],
        env=person.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split()), done.stdout


def test_to_say_what_there_is_no_command_is_imported(newcomer: Person) -> None:
    modules, said = brought_in(newcomer, ("--help",), ("--version",))
    assert "catalogue" in said
    assert __version__ in said
    assert not modules & (HEAVY | DATABASE)
    assert not modules & {command.module for command in COMMANDS.values()}


def test_reading_what_the_mirror_has_brings_in_no_evm_and_no_engine(told: Person) -> None:
    modules, said = brought_in(
        told,
        ("catalogue", "search", "学校"),
        ("key", "list"),
        ("quality", "league"),
        *((name, "--help") for name in COMMANDS if name != "demo"),
    )
    assert PUBLISHED in said
    assert "education-steward" in said
    assert said.count("Usage") == len(COMMANDS) - 1
    assert not modules & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    root: Any = typer.main.get_command(app)
    said = inspect.cleandoc(root.get_command(None, name).help)
    assert " ".join(said.split("\n\n")[0].split()) == COMMANDS[name].does
