"""What a person sees: words instead of codes, tables that fit, both languages, the settings in force."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest
from rich.cells import cell_len

import ledger
from ledger.cli.wording import WORDINGS, problem_of
from tests.chain_nodes import free_port
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED, entry, file_entry, score

HAN = re.compile(r"[\u4e00-\u9fff]")
LISTS: list[tuple[object, ...]] = [
    ("org", "list"),
    ("org", "show", EDUCATION),
    ("key", "list"),
    ("catalogue", "search"),
    ("catalogue", "show", PUBLISHED),
    ("catalogue", "history", PUBLISHED),
    ("catalogue", "diff", PUBLISHED),
    ("quality", "list"),
    ("quality", "league"),
    ("log", "list"),
]


@pytest.fixture(scope="module")
def busy(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The small ledger with a long revision, a return with reasons, and a score."""
    person = built_office.copy(tmp_path_factory.mktemp("busy") / "ledger")
    file_entry(
        person,
        entry(
            abstract="本区中小学校的名称、地址、办学类型、招生范围和学位数量，每学年开学前更新。"
            * 3,
            keywords=["学校", "教育", "招生"],
            not_shared_basis=None,
        ),
    )
    person.run(
        *("catalogue", "return", PUBLISHED, "--key", "authority"),
        *("--reason", "请说明招生范围的口径", "--reason", "学位数量须注明学年"),
    )
    person.run("quality", "score", person.write("score.yaml", score()), "--key", "assessor")
    return person


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_tables_fit_the_screen(busy: Person, columns: int, language: str) -> None:
    busy.columns, busy.language = columns, language
    for words in LISTS:
        if columns < 100 and words[0] == "quality":
            continue  # six dimensions need more room
        said = busy.run(*words).out
        table = [line for line in said.splitlines() if not line.startswith(("abstract", "摘要"))]
        assert max(cell_len(line) for line in table) <= columns, said
        codes = [line for line in table if "318001/0" in line]
        assert not codes or all(PUBLISHED in line for line in codes), said


def test_an_entry_is_shown_in_words(busy: Person) -> None:
    busy.columns = 160
    for language, words in (
        ("zh", ("共享类型", "无条件共享", "数据库 (postgresql)", "已完成 2026-03-02", "字符型 C")),
        ("en", ("share type", "unconditional", "database (postgresql)", "done 2026-03-02")),
    ):
        busy.language = language
        said = busy.run("catalogue", "show", PUBLISHED).out
        assert all(word in said for word in words), said
        assert not re.search(r'[{}\[\]"]', said), said
        assert "None" not in said
    assert busy.run("catalogue", "diff", PUBLISHED).out.count("added") == 1


def test_chinese_reading_is_chinese(busy: Person) -> None:
    busy.columns, busy.language = 160, "zh"
    for words in (*LISTS, ("mirror", "status"), ("chain", "status"), ("mirror", "verify")):
        said = busy.run(*words).out
        heads = said.splitlines()[:2]
        assert any(HAN.search(line) for line in heads), said
    history = busy.run("catalogue", "history", PUBLISHED).out
    assert "退回" in history
    assert "请说明招生范围的口径; 学位数量须注明学年" in history


def test_the_authority_of_the_genesis_is_told_from_keys_that_were_never_granted(
    busy: Person,
) -> None:
    keys = {key["name"]: key for key in busy.run("key", "list", "--json").json()["keys"]}
    assert (keys["authority"]["status"], keys["authority"]["roles"]) == ("genesis", ["authority"])
    assert keys["sender"]["status"] is None
    assert keys["education-head"]["roles"] == ["head"]


def test_the_language_comes_from_flag_environment_file_and_locale_in_this_order(
    office: Person,
) -> None:
    def heading(*flags: str) -> str:
        office.more = {
            **office.more,
            "GOVLEDGER_LANGUAGE": office.more.get("GOVLEDGER_LANGUAGE", ""),
        }
        if not office.more["GOVLEDGER_LANGUAGE"]:
            del office.more["GOVLEDGER_LANGUAGE"]
        return office.run(*flags, "org", "list").out.splitlines()[0]

    office.language = None  # type: ignore[assignment] - nothing in the environment
    assert heading() == "Organisations: 3"
    office.more["LC_ALL"] = "zh_CN.UTF-8"
    assert heading() == "机构：3"
    config = office.data_dir / "config.toml"
    config.write_text('language = "en"\n', "utf-8")
    assert heading() == "Organisations: 3"
    office.more["GOVLEDGER_LANGUAGE"] = "zh"
    assert heading() == "机构：3"
    assert heading("--language", "en") == "Organisations: 3"
    assert heading() == "机构：3"


def test_settings_come_from_flag_environment_and_file_in_this_order(office: Person) -> None:
    file, environment, flag = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    config = office.data_dir / "config.toml"
    config.write_text(f'rpc_url = "{file}"\n', "utf-8")
    assert file in office.run("chain", "status", expect=6).err
    office.more["GOVLEDGER_RPC_URL"] = environment
    assert environment in office.run("chain", "status", expect=6).err
    ran = office.run("--rpc-url", flag, "chain", "status", expect=6)
    assert flag in ran.err


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ('colour = "red"\n', "colour"),
        ('languge = "zh"\n', "language"),
        ("port = 99999\n", "65535"),
        ('data_dir = "elsewhere"\n', "data_dir"),
        ("port = \n", "config.toml"),
    ],
)
def test_settings_that_are_wrong_are_named_with_their_file(
    office: Person, setting: str, says: str
) -> None:
    (office.data_dir / "config.toml").write_text(setting, "utf-8")
    for language in ("en", "zh"):
        office.language = language
        ran = office.run("org", "list", expect=2)
        assert says in ran.err
        assert "config.toml" in ran.err
    assert HAN.search(ran.err)


def test_a_variable_that_is_misspelt_is_told(office: Person) -> None:
    office.more["GOVLEDGER_LANGUGE"] = "zh"
    assert "GOVLEDGER_LANGUAGE?" in office.run("org", "list", expect=2).err


def project_errors() -> dict[str, type[BaseException]]:
    """Every exception class of ``ledger``, by name."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(ledger.__path__, "ledger.")
        if "migrations" not in module.name and not module.name.endswith("__main__")
    ]
    return {
        name: kind
        for module in modules
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__.startswith("ledger.")
    }


def test_every_error_that_can_reach_a_person_has_its_words() -> None:
    """Errors that are caught on the way, and turned into another, need none."""
    caught = {
        *("Problem", "CallReverted", "TransactionRefused", "VocabularyError"),
        *("ChainMovedError", "FollowerMovedError", "DocumentError", "CalendarError"),
        *("SignatureError", "RuleBroken", "CheckFailedError"),
        *("TokenError", "TokenRefused", "RuleError", "StepsRefused", "Unfit", "Unreadable"),
        *("NotJson", "NotAssessable", "NotApplicable", "ResultsError", "NotJsonError"),
        *("PatternError", "ExpressionError", "Stopped", "Unavailable"),
        *("NoEvent", "NotSaid", "NoDraft", "FoldingFailed", "LostError", "NotIntactError"),
        "TooLong",
    }
    errors = project_errors()
    told = set(WORDINGS) - {"BindRefused"}  # of the API
    assert told <= set(errors), told - set(errors)
    for name, kind in errors.items():
        if name in caught or name.startswith("_"):
            continue
        assert any(base.__name__ in WORDINGS for base in kind.__mro__), name


def test_an_error_that_nobody_foresaw_is_not_hidden() -> None:
    assert problem_of(ZeroDivisionError("a bug")) is None
