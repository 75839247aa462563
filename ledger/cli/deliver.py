"""``govledger deliver``: mount resources, sign manifests, receive data, prove rows (挂接、清单、归集、证明)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from ledger.catalogue.queries import standing
from ledger.cli import deliver_compare, deliver_prove, deliver_receive, deliver_sign
from ledger.cli.deliver_options import EntryCode
from ledger.cli.deliver_tables import (
    act,
    print_act,
    print_deliveries,
    print_manifests,
    print_resources,
)
from ledger.cli.drafts import draft_of
from ledger.cli.listing import cut
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, print_json, say
from ledger.cli.session import (
    AsOf,
    Json,
    KeyName,
    Limit,
    demand_organisation,
    opened,
    prepare_to_sign,
    reading,
    record,
    unlock,
)
from ledger.codes import ResourceStatus, ResourceType
from ledger.deliveries import queries
from ledger.deliveries.statements import ResourceDraft
from ledger.deliveries.statements import mount as mount_batch

app = typer.Typer(
    no_args_is_help=True,
    help="Resources, manifests, deliveries, proofs of rows / 挂接、数据清单、归集交付、逐条证明.",
)
for part in (deliver_sign, deliver_receive, deliver_compare, deliver_prove):
    part.add_to(app)

Reasons = Annotated[list[str], typer.Option("--reason", help="Why; published. May be repeated.")]


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
    organisation: Annotated[
        str | None, typer.Option(help="Only by this organisation: who signed, who collected.")
    ] = None,
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
        demand_organisation(connection, organisation, size)
        if entry is not None and not standing(connection, [entry], as_of=size):
            raise Problem(
                say(f"没有代码为 {entry} 的目录条目", f"no entry has the code {entry}"),
                say(
                    "用 `govledger catalogue search` 查找",
                    "look for it with `govledger catalogue search`",
                ),
                Exit.NOT_FOUND,
            )
        if resources:
            found = queries.resources(connection, entry=entry, as_of=size, limit=limit + 1)
            print_resources(cut(found, limit), json_output=json_output)
            return
        if manifests:
            signed = queries.manifests(
                connection,
                entry=entry,
                organisation=organisation,
                period=day,
                superseded=True,
                as_of=size,
                limit=limit + 1,
            )
            print_manifests(cut(signed, limit), json_output=json_output)
            return
        arrived = queries.deliveries(
            connection,
            entry=entry,
            collector=organisation,
            period=day,
            complete=False if incomplete else None,
            as_of=size,
            limit=limit + 1,
        )
    print_deliveries(cut(arrived, limit), json_output=json_output)


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
        print_json({"entry": entry, "acts": [act(one) for one in acts]})
        return
    for one in acts:
        print_act(one)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise Problem(
            say(f"--period：{text} 不是日期", f"--period: {text} is no day"),
            say("写作 2026-08-15", "write it like 2026-08-15"),
            Exit.USAGE,
        ) from error
