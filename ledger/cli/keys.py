"""``govledger key``: keys on this machine, and what the ledger lets them sign."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from ledger.cli.organisations import speaker_of, spoken_roles, word
from ledger.cli.output import Exit, Problem, err, out, print_json, print_table, say, write_whole
from ledger.cli.session import (
    Json,
    KeyName,
    ask_passphrase,
    opened,
    prepare_to_sign,
    reading,
    record,
    unlock,
)
from ledger.codes import KeyStatus
from ledger.deliveries.handover import public_key_file
from ledger.office import Office
from ledger.organisations import queries
from ledger.organisations.roles import role_mask
from ledger.organisations.statements import KeyDraft, set_keys

app = typer.Typer(no_args_is_help=True, help="Keys: create, grant, rotate, revoke / 密钥.")

Name = Annotated[str, typer.Argument(help="Name of a key in this keystore, or an address 0x….")]
Roles = Annotated[
    str,
    typer.Option(help="Comma-separated: steward,head,authority,collector,assessor,auditor."),
]
Reason = Annotated[str | None, typer.Option(help="Why; it is published.")]


def _address(office: Office, name: str) -> str:
    if name.startswith("0x"):
        return name
    return office.keystore.find(name).address


def _draft(**values: object) -> KeyDraft:
    try:
        return KeyDraft.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "/".join(str(step) for step in first["loc"]) or "key"
        raise Problem(f"{field}: {first['msg']}", code=Exit.USAGE) from error


def _current(office: Office, address: str) -> KeyDraft:
    with office.read() as connection:
        held = queries.holder(connection, address)
    if held is None:
        raise Problem(
            say(f"账本上没有密钥 {address} 的授权", f"the ledger has no grant for key {address}"),
            say("先用 `govledger key grant` 授权", "grant it first: `govledger key grant`"),
            Exit.NOT_FOUND,
        )
    if held.key.status == KeyStatus.REVOKED.value:
        raise Problem(
            say(f"密钥 {address} 已吊销", f"key {address} is revoked already"),
            say("请为机构授权一把新密钥", "grant the organisation a new key"),
        )
    return _draft(
        address=held.key.address,
        holder=held.key.organisation,
        roles=held.key.roles,
        version=held.key.version,
        label=held.key.label,
    )


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="A name for it, e.g. education-steward.")],
    label: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and keep it encrypted (Web3 Secret Storage V3).

    Example: govledger key create education-steward
    """
    with opened() as office:
        known = office.keystore.list()
        ask_passphrase(office, confirm=not known)
        if known:
            # One keystore, one passphrase: a slip of the finger would lock the new key away.
            office.unlock(known[0].name)
        made = office.keystore.create(name, office.passphrase, label=label or "")
    if as_json:
        print_json({"name": made.name, "address": made.address})
        return
    out.print(
        say(f"✓ 已创建密钥 {made.name}：{made.address}", f"✓ key {made.name}: {made.address}")
    )
    out.print(
        say(
            "  下一步：请主管部门执行 `govledger key grant` 授权",
            "  next: the authority grants it roles with `govledger key grant`",
        )
    )


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """Keys of this keystore, and what the ledger says of each. Example: govledger key list"""
    with opened() as office:
        stored = office.keystore.list()
        genesis = office.deployment.genesis_authority
    with reading() as (connection, _):
        held = {key.address: queries.holder(connection, key.address) for key in stored}
        tops = queries.organisations(connection, parent="")
    rows: list[dict[str, Any]] = []
    for key in stored:
        found = held[key.address]
        organisation = found.organisation if found else None
        is_genesis = found is None and key.address == genesis
        if is_genesis and tops:
            organisation = tops[0]
        rows.append(
            {
                "name": key.name,
                "address": key.address,
                "label": key.label,
                "organisation": organisation.code if organisation else None,
                "organisation_name": organisation.name if organisation else None,
                "roles": ["authority"] if is_genesis else list(found.key.roles) if found else [],
                "status": "genesis" if is_genesis else found.key.status if found else None,
            }
        )
    if as_json:
        print_json({"keys": rows})
        return
    print_table(
        say(f"密钥：{len(rows)}", f"Keys: {len(rows)}"),
        [
            say("名称", "name"),
            say("地址", "address"),
            say("机构", "organisation"),
            say("角色", "roles"),
            say("状态", "status"),
            say("说明", "label"),
        ],
        [
            (
                r["name"],
                r["address"],
                r["organisation_name"] or r["organisation"] or "–",
                spoken_roles(role_mask(r["roles"])) or "–",
                _spoken_status(r["status"]),
                r["label"],
            )
            for r in rows
        ],
        fold=[say("机构", "organisation"), say("角色", "roles"), say("说明", "label")],
        spare=[say("说明", "label")],
    )


def _spoken_status(status: str | None) -> str:
    """What the ledger says of a key; the genesis authority needs no grant."""
    if status is None:
        return say("未授权", "not granted")
    if status == "genesis":
        return say("创世授权", "genesis")
    return word(KeyStatus, status)


@app.command("public")
def public(
    name: Annotated[str, typer.Argument(help="Name of a key in this keystore.")],
    place: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to; standard output if not given.")
    ] = None,
) -> None:
    """Write a key's public half to a file, so that others can encrypt to it before it signed anything.

    Example: govledger key public collector -o collector.key.json
    """
    with opened() as office:
        account = unlock(office, name)
        data = public_key_file(office.keystore.find(name).name, bytes(account.key))
    if place is None:
        sys.stdout.write(data.decode())
        return
    write_whole(place, [data])
    err.print(say(f"✓ 已写入 {place}", f"✓ written to {place}"), style="green")


@app.command("grant")
def grant(
    name: Name,
    key: KeyName,
    holder: Annotated[str, typer.Option(help="Code of the organisation that gets the key.")],
    roles: Roles,
    label: Annotated[str | None, typer.Option(help="What it is for; published.")] = None,
    as_json: Json = False,
) -> None:
    """Let a key sign for an organisation in these roles; signed by an AUTHORITY.

    Example: govledger key grant education-steward --key authority --holder 1131… --roles steward
    """
    with opened() as office:
        prepare_to_sign(office)
        address = _address(office, name)
        with office.read() as connection:
            held = queries.holder(connection, address)
        draft = _draft(
            address=address,
            holder=holder,
            roles=tuple(role.strip() for role in roles.split(",") if role.strip()),
            version=held.key.version + 1 if held else 1,
            label=label,
        )
        speaker = speaker_of(office, unlock(office, key).address)
        batch = set_keys([draft], speaker=speaker, deadline=office.deadline())
        record(office, [batch], key=key, json_output=as_json, what=("密钥", "key"))


@app.command("revoke")
def revoke(name: Name, key: KeyName, reason: Reason = None, as_json: Json = False) -> None:
    """End a key: it signs nothing more, and what it signed stays valid.

    Example: govledger key revoke education-steward --key authority --reason 人员调动
    """
    with opened() as office:
        prepare_to_sign(office)
        draft = _current(office, _address(office, name)).revoked(reason)
        speaker = speaker_of(office, unlock(office, key).address)
        batch = set_keys([draft], speaker=speaker, deadline=office.deadline())
        record(office, [batch], key=key, json_output=as_json, what=("密钥吊销", "revocation"))


@app.command("rotate")
def rotate(
    name: Name,
    key: KeyName,
    to: Annotated[str, typer.Option("--to", help="The key that takes its place.")],
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Replace a key by another with the same roles, in one act: the new one begins, the old one ends.

    Example: govledger key rotate education-steward --to education-steward-2 --key authority
    """
    with opened() as office:
        prepare_to_sign(office)
        old = _current(office, _address(office, name))
        new = _draft(
            address=_address(office, to), holder=old.holder, roles=old.roles, label=old.label
        )
        speaker = speaker_of(office, unlock(office, key).address)
        # The new key first: a key that replaces itself must still be one while the batch is checked.
        batch = set_keys([new, old.revoked(reason)], speaker=speaker, deadline=office.deadline())
        record(office, [batch], key=key, json_output=as_json, what=("密钥轮换", "rotation act"))
