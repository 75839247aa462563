"""Before rows are read (预检): may this organisation say this of this entry and period?

Every reason to refuse is found here or, where it takes the rows, in :mod:`ledger.records`; a statement is
built only when everything was computed. Nothing here reads rows or signs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from ledger.catalogue import queries as catalogue
from ledger.catalogue.queries import EntrySummary
from ledger.codes import EntryState
from ledger.deliveries import queries
from ledger.deliveries.computing import columns_between
from ledger.deliveries.periods import Period
from ledger.deliveries.queries import Manifest
from ledger.deliveries.refusals import DeliveryRefused
from ledger.records.schema import RecordSchema


@dataclass(frozen=True, slots=True)
class ManifestPlan:
    """What is known of a manifest before its rows: the entry, the version that comes next, and what was before.

    ``earlier`` is the version that this one would take the place of; ``latest`` the entry's newest
    manifest of any period, whose key and schema the next one is expected to have.
    """

    entry: EntrySummary
    edition: int
    version: int
    earlier: Manifest | None
    latest: Manifest | None


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """What is known of a delivery before its rows: its number, what it follows, what it is held against."""

    entry: EntrySummary
    edition: int
    number: int
    predecessor: bytes | None
    manifest: Manifest | None


def plan_manifest(
    connection: Connection,
    code: str,
    period: Period,
    *,
    speaker: str,
    today: date,
    edition: int | None = None,
    again: bool = False,
) -> ManifestPlan:
    """Whether ``speaker`` may sign a manifest of the entry for the period; raises :class:`DeliveryRefused`.

    ``today`` is the day in China; ``edition`` the entry's, by default the one in force; ``again``
    allows a manifest to take the place of one that stands.
    """
    entry = _entry(connection, code)
    if entry.provider != speaker:
        raise DeliveryRefused(
            "not_owner",
            f"the entry {code} belongs to {entry.provider}, not to {speaker}",
            f"条目 {code} 属于 {entry.provider}，不属于 {speaker}",
            hint="manifests are signed by the steward of the entry's owner",
            hint_zh="数据清单由条目提供单位的数据管理员签署",
        )
    _check_period(period, today)
    earlier = queries.manifest(connection, code, period.start, period.end)
    if earlier is not None and not again:
        raise DeliveryRefused(
            "signed_already",
            f"a manifest of {code} for {period} is signed already (version {earlier.version}, "
            f"{earlier.rows:,} rows, log index {earlier.leaf_from})",
            f"{code} 在 {period} 期间的数据清单已签署（第 {earlier.version} 版，{earlier.rows:,} 行，"
            f"日志位置 {earlier.leaf_from}）",
            hint="to sign another version, which everybody will see beside the first, add --again",
            hint_zh="如需重签（前后两版都将公开可见），请加 --again",
        )
    latest = queries.manifests(connection, entry=code, limit=1)
    return ManifestPlan(
        entry=entry,
        edition=_edition(entry, edition),
        version=1 + queries.manifest_versions(connection, code, period.start, period.end),
        earlier=earlier,
        latest=latest[0] if latest else None,
    )


def plan_delivery(
    connection: Connection,
    code: str,
    period: Period,
    *,
    today: date,
    version: int | None = None,
    edition: int | None = None,
    without_manifest: bool = False,
) -> DeliveryPlan:
    """What a delivery of the entry for the period is held against; raises :class:`DeliveryRefused`.

    ``version`` is the manifest's, by default the newest one. ``without_manifest`` allows a delivery
    for which none was signed.
    """
    entry = _entry(connection, code)
    _check_period(period, today)
    manifest = queries.manifest(connection, code, period.start, period.end, version=version)
    if manifest is None and (not without_manifest or version is not None):
        raise _no_manifest(connection, code, period, version)
    if manifest is not None and without_manifest:
        raise DeliveryRefused(
            "manifest_there",
            f"there is a manifest of {code} for {period} (version {manifest.version})",
            f"{code} 在 {period} 期间已有数据清单（第 {manifest.version} 版）",
            hint="leave --without-manifest out: what arrived is held against it",
            hint_zh="请去掉 --without-manifest：收到的数据须与清单比对",
        )
    if manifest is not None and edition not in (None, manifest.edition):
        raise DeliveryRefused(
            "other_edition",
            f"the manifest is of edition {manifest.edition} of {code}, not of edition {edition}",
            f"数据清单属于 {code} 的第 {manifest.edition} 版，而不是第 {edition} 版",
            hint="ask the department for a manifest of that edition, or leave --edition out",
            hint_zh="请提供部门签署该版的清单，或去掉 --edition",
        )
    number, predecessor = queries.last_root(connection, code)
    return DeliveryPlan(
        entry=entry,
        edition=manifest.edition if manifest is not None else _edition(entry, edition),
        number=number + 1,
        predecessor=predecessor,
        manifest=manifest,
    )


def check_same_schema(plan: ManifestPlan, schema: RecordSchema) -> None:
    """Raise :class:`DeliveryRefused` where columns are not those of the entry's latest manifest.

    A manifest of a new edition may have other columns; one of the same edition does not lose or gain
    any unnoticed.
    """
    before = None if plan.latest is None else schema_of_manifest(plan.latest)
    if before is None or plan.latest is None or plan.latest.edition != plan.edition:
        return
    dropped, added, changed = columns_between(before, schema)
    if not (dropped or added or changed or before.key != schema.key):
        return
    listed = [
        (dropped, "columns dropped", "缺少列"),
        (added, "columns added", "多出列"),
        (changed, "other types", "类型改变"),
        ([] if before.key == schema.key else list(schema.key), "another key", "主键改变"),
    ]
    en = "; ".join(f"{what}: {', '.join(names)}" for names, what, _ in listed if names)
    zh = "；".join(f"{what}：{'、'.join(names)}" for names, _, what in listed if names)
    raise DeliveryRefused(
        "schema_changed",
        f"not the columns of the latest manifest of edition {plan.edition} "
        f"(log index {plan.latest.leaf_from}): {en}",
        f"与第 {plan.edition} 版最近一份数据清单（日志位置 {plan.latest.leaf_from}）的结构不一致：{zh}",
        hint="deliver the same columns, file a new edition of the entry, or say --new-schema",
        hint_zh="请按原结构提供，或报送条目的新版，或加 --new-schema 明确变更",
    )


def schema_of_manifest(manifest: Manifest) -> RecordSchema | None:
    """The schema that a manifest publishes, None where it publishes none.

    Raises :class:`~ledger.records.problems.SchemaChanged` where it is none of this encoding.
    """
    if manifest.schema_text is None:
        return None
    return RecordSchema.from_document(json.loads(manifest.schema_text))


def _entry(connection: Connection, code: str) -> EntrySummary:
    found = catalogue.standing(connection, [code]).get(code)
    if found is None:
        raise DeliveryRefused(
            "unknown_entry",
            f"no entry has the code {code}",
            f"没有代码为 {code} 的目录条目",
            hint="look for it with `govledger catalogue search`",
            hint_zh="用 `govledger catalogue search` 查找",
        )
    if found.state == EntryState.REVOKED.value:
        raise DeliveryRefused(
            "revoked_entry",
            f"the entry {code} is revoked",
            f"条目 {code} 已撤销",
            hint="nothing is delivered under a revoked entry; name the one that took its place",
            hint_zh="已撤销的条目不再归集；请使用接替它的条目",
        )
    return found


def _edition(entry: EntrySummary, asked: int | None) -> int:
    """The edition asked for; otherwise the one in force, or the newest where none is yet."""
    edition = asked or entry.published_edition or entry.edition
    if not 1 <= edition <= entry.edition:
        raise DeliveryRefused(
            "unknown_edition",
            f"the entry {entry.code} has editions 1 to {entry.edition}, not {edition}",
            f"条目 {entry.code} 有第 1 至 {entry.edition} 版，没有第 {edition} 版",
            hint="see `govledger catalogue history`",
            hint_zh="见 `govledger catalogue history`",
        )
    return edition


def _check_period(period: Period, today: date) -> None:
    if period.end > today:
        raise DeliveryRefused(
            "future_period",
            f"the period {period} ends in the future: today is {today}",
            f"期间 {period} 尚未结束：今天是 {today}",
            hint="wait until it is over, or name the days that are over",
            hint_zh="请待期间结束，或只写已结束的日期",
        )


def _no_manifest(
    connection: Connection, code: str, period: Period, version: int | None
) -> DeliveryRefused:
    others = queries.manifests(connection, entry=code, limit=5)
    known = ", ".join(f"{one.period_start}..{one.period_end} v{one.version}" for one in others)
    what = f"version {version} of a manifest" if version is not None else "manifest"
    zh = f"第 {version} 版数据清单" if version is not None else "数据清单"
    return DeliveryRefused(
        "no_manifest",
        f"there is no {what} of {code} for {period}; there are: {known or 'none'}",
        f"{code} 在 {period} 期间没有{zh}；现有：{known or '无'}",
        hint="ask the department to sign it first; to record a delivery that nothing can be held "
        "against, which everybody will see, say --without-manifest",
        hint_zh="请提供部门先签署清单；如仍要登记（无清单可比对，公开可见），请加 --without-manifest",
    )
