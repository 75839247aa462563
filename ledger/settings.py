"""The settings of this program: one table, :class:`Settings`, read from four places.

A flag wins over the environment (``GOVLEDGER_<NAME>``), the environment over ``config.toml`` in
the data directory, that file over the default. Names that nobody knows are refused with the
nearest one, so that a misspelt setting cannot pass unnoticed. Secrets, and passwords within URLs,
are never shown.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast

from ledger import setting_values as kinds
from ledger.setting_values import Raw, Secret

ENVIRONMENT_PREFIX = "GOVLEDGER_"
TEST_PREFIX = "GOVLEDGER_TEST_"
"""Variables that only the tests read; not settings."""
CONFIG_FILE = "config.toml"
Source = Literal["flag", "environment", "file", "default"]
Converted = Any
"""What a setting's converter gives: the type that its annotation in the table says."""


class SettingsError(ValueError):
    """A setting that is unknown or does not fit; says where it stands and what would do."""


def _about(convert: Callable[[Raw], Any], default: Raw, en: str, zh: str) -> dict[str, Any]:
    return {"convert": convert, "default": default, "en": en, "zh": zh}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting with its type, default and meaning. Build it with :func:`load_settings`."""

    data_dir: Path = field(
        metadata=_about(
            kinds.path,
            "data",
            "Directory with everything this office keeps: chain, databases, keys, config.toml.",
            "数据目录：链、数据库、密钥和 config.toml 都在其中。",
        )
    )
    rpc_url: str = field(
        metadata=_about(
            kinds.text,
            "",
            "JSON-RPC address of the chain; empty for the embedded chain in the data directory.",
            "链的 JSON-RPC 地址；留空则使用数据目录中的内置链。",
        )
    )
    chain_id: int = field(
        metadata=_about(
            kinds.integer(1, (1 << 53) - 1),
            26476,
            "Chain id that a new embedded chain gets.",
            "新建内置链的链标识。",
        )
    )
    mirror_url: str = field(
        metadata=_about(
            kinds.text,
            "",
            "SQLAlchemy URL of the mirror database; empty for SQLite in mirror.db.",
            "镜像库的 SQLAlchemy 地址；留空则为数据目录中的 mirror.db。",
        )
    )
    desk_url: str = field(
        metadata=_about(
            kinds.text,
            "",
            "SQLAlchemy URL of the desk database (outbox, sealed texts); empty: SQLite in desk.db.",
            "工作台库（发件箱、密封文本）的地址；留空则为数据目录中的 desk.db。",
        )
    )
    host: str = field(
        metadata=_about(
            kinds.text,
            "127.0.0.1",
            "Address that the server binds to; other than loopback is refused.",
            "服务监听地址；目前只允许本机回环地址。",
        )
    )
    port: int = field(
        metadata=_about(
            kinds.integer(0, 65535),
            8080,
            "Port of the HTTP API; 0 for any free one.",
            "HTTP 接口端口；0 表示任选空闲端口。",
        )
    )
    node_port: int = field(
        metadata=_about(
            kinds.integer(0, 65535),
            8545,
            "Loopback port on which the embedded chain answers JSON-RPC; 0 for any free one.",
            "内置链 JSON-RPC 的本机端口；0 表示任选空闲端口。",
        )
    )
    passphrase: Secret = field(
        metadata=_about(
            kinds.secret,
            "",
            "Passphrase of the keystore. Better in a file, or typed when asked.",
            "密钥库口令。建议放在文件中，或在提示时输入。",
        )
    )
    passphrase_file: Path | None = field(
        metadata=_about(
            kinds.optional_path,
            "",
            "File whose first line is the passphrase of the keystore.",
            "首行为密钥库口令的文件。",
        )
    )
    sender_key: str = field(
        metadata=_about(
            kinds.text,
            "sender",
            "Name of the keystore's key that carries transactions to the chain and pays for them.",
            "密钥库中用于发送交易（并支付费用）的密钥名称。",
        )
    )
    journal_key: str = field(
        metadata=_about(
            kinds.text,
            "",
            "Name of the keystore's COLLECTOR key that anchors the lineage journal; empty: not anchored.",
            "密钥库中用于锚定血缘日志的 COLLECTOR 密钥名称；留空则不锚定。",
        )
    )
    journal_seconds: int = field(
        metadata=_about(
            kinds.integer(1, 86_400),
            300,
            "After how many seconds a server anchors what came into the lineage journal.",
            "服务每隔多少秒把血缘日志的新增内容锚定到账本。",
        )
    )
    journal_facts: int = field(
        metadata=_about(
            kinds.integer(1, 1_000_000),
            5_000,
            "After how many new events a server anchors the lineage journal, however short the time.",
            "血缘日志每新增多少条事件即锚定，不论间隔多短。",
        )
    )
    anonymous_lineage: str = field(
        metadata=_about(
            kinds.choice("no", "yes"),
            "no",
            "Whether lineage events are taken from anybody, without a bearer token: yes or no.",
            "是否接受不带令牌的血缘事件：yes 或 no。",
        )
    )
    lineage_max_bytes: int = field(
        metadata=_about(
            kinds.integer(1_000, 1 << 30),
            32 << 20,
            "Largest request with lineage events in bytes, before and after inflating.",
            "血缘事件请求的最大字节数，压缩前后均不得超过。",
        )
    )
    language: str = field(
        metadata=_about(
            kinds.choice("zh", "en"),
            "en",
            "Language of what a person reads: zh or en.",
            "界面语言：zh 或 en。",
        )
    )
    correction_workdays: int = field(
        metadata=_about(
            kinds.integer(1, 10),
            10,
            "Working days for the answer to a correction request: at most the 10 of 条例 Art. 26.",
            "校核申请的答复期限（工作日）：不超过条例第二十六条规定的 10 个。",
        )
    )
    correction_reasons: Path | None = field(
        metadata=_about(
            kinds.optional_path,
            "",
            "YAML file with reasons for correction requests; empty for those of this program.",
            "校核理由词表（YAML 文件）；留空则使用本程序自带的词表。",
        )
    )
    correction_rule: Path | None = field(
        metadata=_about(
            kinds.optional_path,
            "",
            "YAML file with the scores below which a quality assessment opens a correction request.",
            "质量评估低于何值即提出校核申请（YAML 规则文件）；留空则为总分低于 60%。",
        )
    )
    audit_policy: Path | None = field(
        metadata=_about(
            kinds.optional_path,
            "",
            "JSON file with the policy of completeness audits (docs/audits.md); empty for the default.",
            "应归尽归审计口径的 JSON 文件（见 docs/audits.md）；留空则用默认口径。",
        )
    )
    drill_hours: int = field(
        metadata=_about(
            kinds.integer(0, 8_760),
            24,
            "Hours from one integrity drill of a server to the next (docs/runbook.md); 0 for none.",
            "服务进行完整性演练的间隔小时数（见 docs/runbook.md）；0 表示不进行。",
        )
    )
    drill_share: int = field(
        metadata=_about(
            kinds.integer(1, 100),
            10,
            "Most of one processor that a drill may take while the server works, in percent.",
            "服务运行时演练最多占用单个处理器的百分比。",
        )
    )
    log_level: str = field(
        metadata=_about(
            kinds.choice("debug", "info", "warning", "error"),
            "info",
            "Least severe messages that are logged: debug, info, warning or error.",
            "日志级别：debug、info、warning 或 error。",
        )
    )
    sources: Mapping[str, Source] = field(default_factory=dict, compare=False)

    def shown(self) -> dict[str, str]:
        """Every setting as text for people, secrets and passwords hidden."""
        return {setting.name: kinds.shown(getattr(self, setting.name)) for setting in SETTINGS}

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value}' for name, value in self.shown().items())})"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: how it is called everywhere, its default as text, its meaning."""

    name: str
    default: str
    en: str
    zh: str
    convert: Callable[[Raw], Any]

    @property
    def environment(self) -> str:
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def called(self, source: Source) -> str:
        """The name by which ``source`` calls this setting."""
        return {"flag": self.flag, "environment": self.environment}.get(source, self.name)

    @property
    def secret(self) -> bool:
        return self.convert is kinds.secret


def _row(item: Field[Any]) -> Setting:
    meta = item.metadata
    return Setting(item.name, str(meta["default"]), meta["en"], meta["zh"], meta["convert"])


SETTINGS: tuple[Setting, ...] = tuple(_row(item) for item in fields(Settings) if item.metadata)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load_settings(
    overrides: Mapping[str, Raw | None] | None = None,
    env: Mapping[str, str] | None = None,
    data_dir: Path | None = None,
) -> Settings:
    """The settings in force. ``overrides`` are flags by setting name, None where a flag was not
    given.

    ``env`` is the process environment unless given; ``data_dir`` is short for that override.
    Relative paths count from the working directory. Raises :class:`SettingsError`.
    """
    flags = {name: value for name, value in (overrides or {}).items() if value is not None}
    if data_dir is not None:
        flags["data_dir"] = data_dir
    _check_names(flags, "flag")
    environment = _from_environment(os.environ if env is None else env)
    place = _value("data_dir", [("flag", flags), ("environment", environment)])[0]
    layers: list[tuple[Source, Mapping[str, Raw]]] = [
        ("flag", flags),
        ("environment", environment),
        ("file", _from_file(cast("Path", place) / CONFIG_FILE)),
    ]
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for setting in SETTINGS:
        values[setting.name], sources[setting.name] = _value(setting.name, layers)
    for name, file in (("mirror_url", "mirror.db"), ("desk_url", "desk.db")):
        values[name] = values[name] or f"sqlite:///{values['data_dir'] / file}"
    return Settings(**values, sources=sources)


def _value(name: str, layers: list[tuple[Source, Mapping[str, Raw]]]) -> tuple[Converted, Source]:
    setting = _BY_NAME[name]
    raw: Raw = setting.default
    source: Source = "default"
    for origin, given in layers:
        if name in given:
            raw, source = given[name], origin
            break
    try:
        return setting.convert(raw), source
    except ValueError as error:
        where = setting.called(source) + (f" in {CONFIG_FILE}" if source == "file" else "")
        shown = kinds.HIDDEN if setting.secret else repr(str(raw))
        raise SettingsError(f"{where} is {shown}: {error}") from error


def _from_environment(env: Mapping[str, str]) -> dict[str, Raw]:
    given: dict[str, Raw] = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in env.items()
        if name.startswith(ENVIRONMENT_PREFIX) and not name.startswith(TEST_PREFIX)
    }
    _check_names(given, "environment")
    return given


def _from_file(path: Path) -> dict[str, Raw]:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    if "data_dir" in given:
        raise SettingsError(f"{path}: data_dir cannot be set in the directory that it names")
    _check_names(given, "file", f"{path}: ")
    for name, value in given.items():
        if not isinstance(value, str | int):
            raise SettingsError(f"{path}: {name} must be text or a whole number")
    return given


def _check_names(given: Mapping[str, Raw], source: Source, where: str = "") -> None:
    for name in given:
        if name in _BY_NAME:
            continue
        near = difflib.get_close_matches(name, _BY_NAME, n=1)
        unknown = Setting(name, "", "", "", kinds.text).called(source)
        if near:
            hint = f"did you mean {_BY_NAME[near[0]].called(source)}?"
        else:
            hint = f"known are {', '.join(setting.called(source) for setting in SETTINGS)}"
        raise SettingsError(f"{where}there is no setting {unknown}; {hint}")
