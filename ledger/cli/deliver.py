"""``govledger deliver``: mount resources, sign manifests, receive data, prove rows (挂接、清单、归集、证明)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from ledger.cli.organisations import speaker_of, word
from ledger.cli.output import Exit, Problem, print_fields, print_json, print_table, say
from ledger.cli.session import (
    AsOf,
    Json,
    KeyName,
    Limit,
    opened,
    prepare_to_sign,
    reading,
    record,
    unlock,
)
from ledger.codes import DeliveryMode, ResourceStatus, ResourceType
from ledger.deliveries import queries
from ledger.deliveries.queries import Act, Delivery, Manifest, Resource
from ledger.deliveries.statements import ResourceDraft
from ledger.deliveries.statements import mount as mount_batch
from ledger.log.readable import utc

app = typer.Typer(
    no_args_is_help=True,
    help="Resources, manifests, deliveries, proofs of rows / 挂接、数据清单、归集交付、逐条证明.",
)

Reasons = Annotated[list[str], typer.Option("--reason", help="Why; published. May be repeated.")]
EntryCode = Annotated[str, typer.Option("--entry", help="Code of the catalogue entry.")]


def draft_of(model: Any, **values: object) -> Any:  # noqa: ANN401 - any of the drafts
    """A draft, or a refusal that names the field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "/".join(str(step) for step in first["loc"]) or "statement"
        raise Problem(
            f"{field}: {first['msg'].removeprefix('Value error, ')}", code=Exit.USAGE
        ) from error


@app.command("mount")
def mount(
    code: Annotated[str, typer.Argument(help="A code for the resource.")],
    key: KeyName,
    entry: EntryCode,
    name: Annotated[str, typer.Option(help="What people call it.")],
    type_: Annotated[
        ResourceType, typer.Option("--type", help="table, file or api.")
    ] = ResourceType.TABLE,
    location: Annotated[
        str | None,
        typer.Option(help="A label of where it is; published, so without any password."),
    ] = None,
    json_output: Json = False,
) -> None:
    """Mount a resource on a catalogue entry (挂接), or amend it; signed by the owner's steward.

    Example: govledger deliver mount school-table --entry 318001/000001 --name 学校表 --key education-steward
    """
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        with office.read() as connection:
            before = queries.resource(connection, code)
        draft = draft_of(
            ResourceDraft,
            code=code,
            entry=entry,
            type=type_,
            name=name,
            location=location,
            version=before.version + 1 if before else 1,
        )
        batch = mount_batch([draft], speaker=speaker, deadline=office.deadline())
        record(office, [batch], key=key, json_output=json_output, what=("资源挂接", "resource"))


@app.command("unmount")
def unmount(
    code: Annotated[str, typer.Argument(help="The resource's code.")],
    key: KeyName,
    reason: Reasons,
    json_output: Json = False,
) -> None:
    """Close a resource (下线); what was delivered from it stays on the ledger.

    Example: govledger deliver unmount school-table --reason 系统下线 --key education-steward
    """
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        with office.read() as connection:
            before = queries.resource(connection, code)
        if before is None:
            raise Problem(
                say(f"没有代码为 {code} 的资源", f"there is no resource {code}"),
                say(
                    "用 `govledger deliver list --resources` 查看",
                    "see `govledger deliver list --resources`",
                ),
                Exit.NOT_FOUND,
            )
        if before.status == ResourceStatus.CLOSED.value:
            raise Problem(
                say(f"资源 {code} 已下线", f"resource {code} is closed already"),
                say("无需再次下线", "nothing is to be done"),
            )
        draft = draft_of(
            ResourceDraft,
            code=code,
            entry=before.entry,
            type=before.type,
            status=ResourceStatus.CLOSED,
            name=before.name,
            location=before.location,
            reasons=reason,
            version=before.version + 1,
        )
        batch = mount_batch([draft], speaker=speaker, deadline=office.deadline())
        record(office, [batch], key=key, json_output=json_output, what=("资源下线", "resource"))


@app.command("list")
def list_command(
    entry: Annotated[str | None, typer.Option(help="Only of this catalogue entry.")] = None,
    resources: Annotated[
        bool, typer.Option("--resources", help="Resources instead of deliveries.")
    ] = False,
    manifests: Annotated[
        bool, typer.Option("--manifests", help="Manifests instead of deliveries.")
    ] = False,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Only deliveries whose root is not the manifest's.")
    ] = False,
    period: Annotated[
        str | None, typer.Option(help="Only where this day lies in the period.")
    ] = None,
    limit: Limit = 20,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Deliveries, newest first; or manifests, or resources. Example: govledger deliver list --incomplete"""
    day = _day(period)
    with reading(as_of) as (connection, size):
        if resources:
            found = queries.resources(connection, entry=entry, as_of=size, limit=limit)
            _print_resources(found, json_output=json_output)
            return
        if manifests:
            signed = queries.manifests(
                connection, entry=entry, period=day, as_of=size, limit=limit, superseded=True
            )
            _print_manifests(signed, json_output=json_output)
            return
        arrived = queries.deliveries(
            connection,
            entry=entry,
            period=day,
            complete=False if incomplete else None,
            as_of=size,
            limit=limit,
        )
    _print_deliveries(arrived, json_output=json_output)


@app.command("show")
def show(
    entry: Annotated[str, typer.Argument(help="Code of the catalogue entry.")],
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Everything that was said about an entry's data, in its order. Example: govledger deliver show 318001/000001"""
    with reading(as_of) as (connection, size):
        acts = queries.history(connection, entry, size)
    if not acts:
        raise Problem(
            say(f"{entry} 尚无挂接、清单或交付", f"nothing was said yet about the data of {entry}"),
            say(
                "用 `govledger deliver mount` 挂接资源，`deliver manifest` 签署清单",
                "mount a resource with `govledger deliver mount`, sign a `deliver manifest`",
            ),
            Exit.NOT_FOUND,
        )
    if json_output:
        print_json({"entry": entry, "acts": [_act(one) for one in acts]})
        return
    for one in acts:
        _print_act(one)


def spoken(complete: bool, manifest: int) -> str:  # noqa: FBT001 - the two columns that say it
    """What the roots say of a delivery, in a word or two."""
    if manifest == 0:
        return say("无清单", "no manifest")
    return say("相符", "complete") if complete else say("不符", "differs")


def _act(one: Act) -> dict[str, Any]:
    known = {"resource": one.resource, "manifest": one.manifest, "delivery": one.delivery}
    return {name: told for name, told in known.items() if told is not None}


def _print_act(one: Act) -> None:
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


def _print_resources(found: list[Resource], *, json_output: bool) -> None:
    if json_output:
        print_json({"resources": found})
        return
    print_table(
        say(f"资源：{len(found)}", f"Resources: {len(found)}"),
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
            for one in found
        ],
        fold=[say("名称", "name")],
    )


def _print_manifests(found: list[Manifest], *, json_output: bool) -> None:
    if json_output:
        print_json({"manifests": found})
        return
    rows = say("行数", "rows")
    print_table(
        say(f"数据清单：{len(found)}", f"Manifests: {len(found)}"),
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
            for one in found
        ],
        right=[rows],
        fold=[say("期间", "period"), say("签署", "signed by")],
        spare=[say("方式", "mode"), say("签署", "signed by")],
    )


def _print_deliveries(found: list[Delivery], *, json_output: bool) -> None:
    if json_output:
        print_json({"deliveries": found})
        return
    rows = say("行数", "rows")
    print_table(
        say(f"归集交付：{len(found)}", f"Deliveries: {len(found)}"),
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
            for one in found
        ],
        right=[rows],
        fold=[say("期间", "period"), say("归集方", "collector")],
        spare=[say("归集方", "collector")],
    )


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise Problem(
            say(f"--period：{text} 不是日期", f"--period: {text} is no day"),
            say("写作 2026-08-15", "write it like 2026-08-15"),
            Exit.USAGE,
        ) from error
