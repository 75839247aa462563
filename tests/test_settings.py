"""Settings: precedence, refusals that help, kept secrets, true documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger.settings import SETTINGS, Secret, Settings, SettingsError, load_settings

DOCUMENTATION = Path(__file__).resolve().parents[1] / "docs" / "settings.md"


def written(place: Path, text: str) -> Path:
    (place / "config.toml").write_text(text, encoding="utf-8")
    return place


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(env={}, data_dir=tmp_path)
    assert (settings.host, settings.port, settings.chain_id) == ("127.0.0.1", 8080, 26476)
    assert settings.mirror_url == f"sqlite:///{tmp_path / 'mirror.db'}"
    assert settings.desk_url == f"sqlite:///{tmp_path / 'desk.db'}"
    assert settings.passphrase_file is None
    assert settings.sources["port"] == "default"


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    written(tmp_path, 'port = 1\nnode_port = 2\nlog_level = "error"\n')
    env = {"GOVLEDGER_PORT": "11", "GOVLEDGER_NODE_PORT": "12", "PATH": "/bin"}
    settings = load_settings({"port": 21, "host": None}, env, tmp_path)
    assert (settings.port, settings.node_port, settings.log_level) == (21, 12, "error")
    assert settings.language == "en"
    assert [settings.sources[name] for name in ("port", "node_port", "log_level", "language")] == [
        "flag",
        "environment",
        "file",
        "default",
    ]


def test_the_data_directory_may_come_from_the_environment_and_its_file_is_read(
    tmp_path: Path,
) -> None:
    written(tmp_path, "port = 7\n")
    settings = load_settings(env={"GOVLEDGER_DATA_DIR": str(tmp_path)})
    assert settings.data_dir == tmp_path
    assert settings.port == 7


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_can_be_given_in_every_way(setting: object, tmp_path: Path) -> None:
    text = {
        "port": "81",
        "node_port": "82",
        "chain_id": "83",
        "journal_seconds": "84",
        "journal_facts": "85",
        "lineage_max_bytes": "86000",
        "anonymous_lineage": "yes",
        "language": "zh",
        "log_level": "debug",
        "correction_workdays": "7",
        "drill_hours": "12",
        "drill_share": "25",
    }.get(setting.name, str(tmp_path))
    by_flag = load_settings({setting.name: text}, {}, None)
    by_env = load_settings(env={setting.environment: text})
    assert getattr(by_flag, setting.name) == getattr(by_env, setting.name)
    assert by_flag.sources[setting.name] == "flag"
    assert by_env.sources[setting.name] == "environment"
    if setting.name != "data_dir":
        written(tmp_path, f"{setting.name} = '{text}'\n")
        by_file = load_settings(env={}, data_dir=tmp_path)
        assert getattr(by_file, setting.name) == getattr(by_flag, setting.name)
        assert by_file.sources[setting.name] == "file"


@pytest.mark.parametrize(
    ("flags", "env", "file", "words"),
    [
        (
            {},
            {"GOVLEDGER_PROT": "1"},
            "",
            "no setting GOVLEDGER_PROT; did you mean GOVLEDGER_PORT?",
        ),
        ({"mirror": "x"}, {}, "", "no setting --mirror; did you mean --mirror-url?"),
        ({}, {}, "laguage = 'zh'", "no setting laguage; did you mean language?"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_one(
    flags: dict[str, str], env: dict[str, str], file: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        load_settings(flags, env, written(tmp_path, file))


def test_an_unknown_name_near_to_none_is_refused_with_all_of_them(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(env={"GOVLEDGER_XQZ": "1"}, data_dir=tmp_path)
    for setting in SETTINGS:
        assert setting.environment in str(refusal.value)


def test_variables_of_the_tests_are_no_settings(tmp_path: Path) -> None:
    assert load_settings(env={"GOVLEDGER_TEST_DATA": "x"}, data_dir=tmp_path).port == 8080


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("port", "65536", "between 0 and 65535"),
        ("port", "-1", "a whole number"),
        ("port", "８０", "a whole number"),
        ("port", "", "a whole number"),
        ("chain_id", "0", "between 1 and"),
        ("language", "fr", "one of zh, en"),
        ("log_level", "INFO", "one of debug"),
        ("data_dir", "", "an empty path"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_where_it_stands(
    name: str, value: str, reason: str, tmp_path: Path
) -> None:
    place = None if name == "data_dir" else tmp_path
    with pytest.raises(SettingsError) as refusal:
        load_settings(env={f"GOVLEDGER_{name.upper()}": value}, data_dir=place)
    assert f"GOVLEDGER_{name.upper()} is {value!r}" in str(refusal.value)
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("port = ", "cannot be read"),
        ('data_dir = "x"', "data_dir cannot be set in the directory that it names"),
        ("port = 8.5", "port must be text or a whole number"),
        ("port = [1]", "port must be text or a whole number"),
        ("[port]\nx = 1", "port must be text or a whole number"),
        ("port = true", "port in config.toml is 'True'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_place(
    text: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(env={}, data_dir=written(tmp_path, text))
    assert reason in str(refusal.value)
    assert "config.toml" in str(refusal.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(env={}, data_dir=tmp_path)


def test_no_secret_is_shown(tmp_path: Path) -> None:
    settings = load_settings(
        env={
            "GOVLEDGER_PASSPHRASE": "open-sesame",
            "GOVLEDGER_MIRROR_URL": "postgresql://clerk:hush%40hush@db.example/mirror",
            "GOVLEDGER_RPC_URL": "https://node:whisper@rpc.example/",
        },
        data_dir=tmp_path,
    )
    assert settings.passphrase.reveal() == "open-sesame"
    assert "hush%40hush" in settings.mirror_url
    for text in (repr(settings), str(settings), repr(settings.passphrase), str(settings.shown())):
        for secret in ("open-sesame", "hush", "whisper"):
            assert secret not in text
    assert "postgresql://clerk:********@db.example/mirror" in repr(settings)
    assert "https://node:********@rpc.example/" in repr(settings)


def test_a_secret_that_does_not_fit_is_not_shown_either() -> None:
    assert bool(Secret("x"))
    assert not Secret()
    assert repr(Secret("x")) == "********"
    assert Secret("x") == Secret("x") != Secret("y")


def test_settings_that_differ_only_in_their_sources_are_equal(tmp_path: Path) -> None:
    assert load_settings({"port": 8080}, {}, tmp_path) == load_settings({}, {}, tmp_path)


def test_the_documentation_has_every_setting_with_its_names_default_and_meaning() -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8")
    assert re.findall(r"^### (.+)$", text, flags=re.MULTILINE) == [each.name for each in SETTINGS]
    for setting in SETTINGS:
        section = text.split(f"### {setting.name}\n")[1].split("\n###")[0]
        assert f"`{setting.environment}`" in section
        assert f"`{setting.flag}`" in section
        assert setting.en in section
        assert setting.zh in section
        assert f"`{setting.default}`" in section or (not setting.default and "empty" in section)


def test_the_table_has_every_member_of_the_settings() -> None:
    assert {each.name for each in SETTINGS} | {"sources"} == set(Settings.__dataclass_fields__)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:open/sesame@host/mirror",
        "postgresql://u:open@sesame@host/mirror",
        "postgresql:///mirror?user=u&password=open",
        "https://node.example/rpc?apikey=open",
    ],
)
def test_a_password_in_an_address_is_hidden_wherever_drivers_take_it(url: str) -> None:
    shown = load_settings({"mirror_url": url, "rpc_url": url}, {}).shown()
    for name in ("mirror_url", "rpc_url"):
        assert "********" in shown[name]
        assert "open" not in shown[name]
        assert "sesame" not in shown[name]
