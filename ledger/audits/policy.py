"""The audit's policy (审计口径): grace, thresholds and clocks, a document with a digest of its own.

What the law fixes is a ceiling: 政务数据共享条例 (State Council Decree 809) Art. 23 encourages shorter limits,
so a clock may be set lower and never higher. Everything else is this program's own default and says so in
:data:`OWN_DEFAULTS`. Every report carries the policy that it was made under, word for word.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ledger.canonical import CanonicalError, canonical_json, parse_json
from ledger.codes import UpdateCycle

POLICY_FORMAT = "govledger-audit-policy/1"
MAX_POLICY_BYTES = 64 * 1024

WorkingDays = Annotated[int, msgspec.Meta(ge=0, le=250)]
BasisPoints = Annotated[int, msgspec.Meta(ge=0, le=10_000)]

LEGAL_CEILINGS: dict[str, tuple[int, str]] = {
    "publish": (2, "条例 Art. 17"),
    "catalogue_update": (10, "条例 Art. 17"),
    "deliver": (20, "条例 Art. 22"),
    "correct": (10, "条例 Art. 26"),
}
"""Clock -> the most working days that the law allows, and where it says so."""

OWN_DEFAULTS = (
    "grace",
    "window_days",
    "timeliness_pass",
    "quality_pass",
    "mount",
    "improve",
    "full_count_days",
    "rows_fell",
)
"""Members for which no law gives a figure: what stands there by default is ours (系统默认值)."""


class PolicyError(ValueError):
    """A policy that cannot be used: what is wrong, where, and what would do; ``zh`` in Chinese."""

    def __init__(self, what: str, hint: str = "", *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class Grace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Working days after a period's end within which its data arrive on time (宽限期), by cycle."""

    realtime: WorkingDays = 1
    daily: WorkingDays = 1
    weekly: WorkingDays = 2
    monthly: WorkingDays = 5
    quarterly: WorkingDays = 10
    half_yearly: WorkingDays = 15
    yearly: WorkingDays = 20


class Clocks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Statutory limits (法定时限) in working days; ceilings in :data:`LEGAL_CEILINGS`."""

    publish: WorkingDays = 2
    """审核发布: from what was submitted to a decision, by the competent department."""
    catalogue_update: WorkingDays = 10
    """目录更新: from an obligation in force to an entry that answers it."""
    deliver: WorkingDays = 20
    """提供数据: from a published entry to its first delivery."""
    correct: WorkingDays = 10
    """校核纠错: from a correction request to the provider's answer."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an audit judges. Days are working days unless a name says otherwise."""

    format: str = POLICY_FORMAT
    name: str = "default"
    grace: Grace = Grace()
    clocks: Clocks = Clocks()
    window_days: Annotated[int, msgspec.Meta(ge=1, le=1100)] = 366
    """Calendar days before the audit's day in which a period must end to be looked at."""
    timeliness_pass: BasisPoints = 8000
    """Share of the periods due that must have arrived on time for a table to count as timely."""
    quality_pass: BasisPoints = 8000
    """Least quality score of a table that counts as sound."""
    mount: WorkingDays = 10
    """From a published entry to a live resource on it."""
    improve: WorkingDays = 20
    """From a finding about rows or quality to its repair."""
    full_count_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 366
    """Calendar days after which increments alone say too little: deletions show in full deliveries."""
    rows_fell: BasisPoints = 1000
    """Share of its rows by which a table may shrink from one period to the next without being named."""

    def document(self) -> dict[str, Any]:
        """The policy as JSON values."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    def departures(self) -> dict[str, tuple[int, int]]:
        """What is not as it is by default (``grace.daily``): the figure here, and the default one."""
        here, usual = _figures(self.document()), _figures(DEFAULT_POLICY.document())
        return {name: (here[name], usual[name]) for name in usual if here[name] != usual[name]}

    def digest(self) -> str:
        """SHA-256 of the canonical document, lower-case hex."""
        return hashlib.sha256(canonical_json(self.document())).hexdigest()

    def grace_of(self, cycle: UpdateCycle) -> int | None:
        """Grace of a cycle, None for a cycle without due dates (不定时, 其他)."""
        found: int | None = getattr(self.grace, str(cycle.value), None)
        return found


def _figures(document: dict[str, Any], above: str = "") -> dict[str, int]:
    """The numbers of a policy's document, by their dotted names."""
    found: dict[str, int] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found |= _figures(value, f"{above}{name}.")
        elif isinstance(value, int):
            found[above + name] = value
    return found


DEFAULT_POLICY = Policy()


def policy_of(document: object) -> Policy:
    """The policy in a JSON value, checked; raises :class:`PolicyError`."""
    try:
        policy = msgspec.convert(document, Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(
            f"not an audit policy: {error}",
            "docs/audits.md lists the members and their ranges",
            zh=f"不是有效的审计口径：{error}",
            hint_zh="成员与取值范围见 docs/audits.md",
        ) from error
    if policy.format != POLICY_FORMAT:
        raise PolicyError(
            f"format: {policy.format!r} is not {POLICY_FORMAT!r}",
            "write the policy anew for this version",
            zh=f"format：{policy.format!r} 不是 {POLICY_FORMAT!r}",
            hint_zh="请按本版本的格式重写",
        )
    for name, (most, law) in LEGAL_CEILINGS.items():
        given = getattr(policy.clocks, name)
        if given > most:
            raise PolicyError(
                f"clocks.{name}: {given} working days are more than the {most} of {law}",
                f"set it to {most} or less: a legal limit can only be made shorter",
                zh=f"clocks.{name}：{given} 个工作日超过法定上限 {most}（{law}）",
                hint_zh=f"请设为不超过 {most}：法定时限只能缩短",
            )
    return policy


def read_policy(file: Path | None) -> Policy:
    """The policy in a JSON file, the default where None is given; raises :class:`PolicyError`."""
    if file is None:
        return DEFAULT_POLICY
    try:
        document = parse_json(file.read_bytes(), MAX_POLICY_BYTES)
    except OSError as error:
        raise PolicyError(
            f"{file}: {error.strerror or error}",
            "check the path, or leave the policy out for the default",
            zh=f"{file}：无法读取（{error.strerror or error}）",
            hint_zh="请检查路径；不指定则使用默认口径",
        ) from error
    except CanonicalError as error:
        raise PolicyError(
            f"{file}: {error}",
            "an audit policy is a JSON object",
            zh=f"{file}：不是 JSON（{error}）",
            hint_zh="审计口径是一个 JSON 对象",
        ) from error
    return policy_of(document)
