"""How resources, manifests and deliveries are shown at a terminal (表格)."""

from __future__ import annotations

from typing import Any

from ledger.cli.listing import Listed
from ledger.cli.organisations import word
from ledger.cli.output import print_fields, print_json, print_table, say
from ledger.codes import DeliveryMode, ResourceStatus, ResourceType
from ledger.deliveries.queries import Act, Delivery, Manifest, Resource
from ledger.log.readable import utc


def spoken(complete: bool, manifest: int) -> str:  # noqa: FBT001 - the two columns that say it
    """What the roots say of a delivery, in a word or two."""
    if manifest == 0:
        return say("无清单", "no manifest")
    return say("相符", "complete") if complete else say("不符", "differs")


def act(one: Act) -> dict[str, Any]:
    """One act as a JSON value."""
    known = {"resource": one.resource, "manifest": one.manifest, "delivery": one.delivery}
    return {name: told for name, told in known.items() if told is not None}


def print_act(one: Act) -> None:
    """One act, as a person reads it."""
    if one.resource is not None:
        print_fields(
            say(
                f"[{one.leaf}] 资源 {one.resource.code}",
                f"[{one.leaf}] resource {one.resource.code}",
            ),
            [
                (say("名称", "name"), one.resource.name),
                (say("类型", "type"), word(ResourceType, one.resource.type)),
                (say("状态", "status"), word(ResourceStatus, one.resource.status)),
                (say("位置", "location"), one.resource.location),
                (say("理由", "reasons"), "\n".join(one.resource.reasons)),
                (say("时间", "recorded"), utc(one.resource.recorded_at)),
            ],
        )
    if one.manifest is not None:
        print_manifest(one.manifest)
    if one.delivery is not None:
        print_delivery(one.delivery)


def print_manifest(found: Manifest) -> None:
    """One manifest, as a person reads it."""
    print_fields(
        say(
            f"[{found.leaf_from}] 数据清单，第 {found.version} 版",
            f"[{found.leaf_from}] manifest, version {found.version}",
        ),
        [
            (
                say("条目", "entry"),
                f"{found.entry}, {say('第', 'edition')} {found.edition}{say(' 版', '')}",
            ),
            (say("期间", "period"), f"{found.period_start}–{found.period_end}"),
            (say("方式", "mode"), word(DeliveryMode, found.mode)),
            (say("行数", "rows"), f"{found.rows:,}"),
            (say("主键", "key"), ", ".join(found.key)),
            (say("根", "root"), found.root),
            (say("签署", "signed by"), found.organisation.name if found.organisation else None),
            (say("说明", "note"), found.note),
            (say("时间", "recorded"), utc(found.recorded_at)),
        ],
    )


def print_delivery(found: Delivery) -> None:
    """One delivery, as a person reads it."""
    against = (
        say("无", "none")
        if found.manifest == 0
        else say(
            f"第 {found.manifest} 版，日志位置 {found.manifest_leaf}",
            f"version {found.manifest}, log index {found.manifest_leaf}",
        )
    )
    counted = [f"{name}: {count}" for name, count in (found.differences or {}).items()]
    print_fields(
        say(
            f"[{found.leaf_from}] 第 {found.number} 次交付：{spoken(found.complete, found.manifest)}",
            f"[{found.leaf_from}] delivery {found.number}: {spoken(found.complete, found.manifest)}",
        ),
        [
            (say("条目", "entry"), found.entry),
            (say("期间", "period"), f"{found.period_start}–{found.period_end}"),
            (say("方式", "mode"), word(DeliveryMode, found.mode)),
            (say("行数", "rows"), f"{found.rows:,}"),
            (say("清单", "manifest"), against),
            (say("差异", "differences"), ", ".join(counted)),
            (
                say("重复", "repeats"),
                None
                if found.repeats is None
                else say(
                    f"与第 {found.repeats} 次交付内容相同",
                    f"the same rows as delivery {found.repeats}",
                ),
            ),
            (say("根", "root"), found.root),
            (say("归集方", "collector"), found.organisation.name if found.organisation else None),
            (say("说明", "note"), found.note),
            (say("时间", "recorded"), utc(found.recorded_at)),
        ],
    )


def print_resources(found: Listed[Resource], *, json_output: bool) -> None:
    """Resources, as a table or as JSON."""
    if json_output:
        print_json({"resources": found.rows, "more": found.more})
        return
    print_table(
        say(f"资源：{found.size}", f"Resources: {found.size}"),
        [
            say("代码", "code"),
            say("条目", "entry"),
            say("名称", "name"),
            say("类型", "type"),
            say("状态", "status"),
            say("日志", "leaf"),
        ],
        [
            (
                one.code,
                one.entry,
                one.name,
                word(ResourceType, one.type),
                word(ResourceStatus, one.status),
                one.leaf_from,
            )
            for one in found.rows
        ],
        fold=[say("名称", "name")],
    )
    found.print_more()


def print_manifests(found: Listed[Manifest], *, json_output: bool) -> None:
    """Manifests; one that was signed anew is marked, as a table or as JSON."""
    if json_output:
        print_json({"manifests": found.rows, "more": found.more})
        return
    rows = say("行数", "rows")
    print_table(
        say(f"数据清单：{found.size}", f"Manifests: {found.size}"),
        [
            say("条目", "entry"),
            say("期间", "period"),
            say("版", "ver."),
            say("方式", "mode"),
            rows,
            say("签署", "signed by"),
            say("日志", "leaf"),
        ],
        [
            (
                one.entry,
                f"{one.period_start}–{one.period_end}",
                one.version if one.leaf_until is None else f"{one.version} ✗",
                word(DeliveryMode, one.mode),
                f"{one.rows:,}",
                one.organisation.name if one.organisation else "?",
                one.leaf_from,
            )
            for one in found.rows
        ],
        right=[rows],
        fold=[say("期间", "period"), say("签署", "signed by")],
        spare=[say("方式", "mode"), say("签署", "signed by")],
    )
    found.print_more()


def print_deliveries(found: Listed[Delivery], *, json_output: bool) -> None:
    """Deliveries, as a table or as JSON."""
    if json_output:
        print_json({"deliveries": found.rows, "more": found.more})
        return
    rows = say("行数", "rows")
    print_table(
        say(f"归集交付：{found.size}", f"Deliveries: {found.size}"),
        [
            say("条目", "entry"),
            say("次", "no."),
            say("期间", "period"),
            rows,
            say("与清单", "manifest"),
            say("归集方", "collector"),
            say("日志", "leaf"),
        ],
        [
            (
                one.entry,
                one.number,
                f"{one.period_start}–{one.period_end}",
                f"{one.rows:,}",
                spoken(one.complete, one.manifest),
                one.organisation.name if one.organisation else "?",
                one.leaf_from,
            )
            for one in found.rows
        ],
        right=[rows],
        fold=[say("期间", "period"), say("归集方", "collector")],
        spare=[say("归集方", "collector")],
    )
    found.print_more()
