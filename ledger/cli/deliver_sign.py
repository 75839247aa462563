"""``govledger deliver manifest`` and ``handover``: the department's side (数据清单、盐密钥移交)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.deliver_options import (
    EntryCode,
    Mode,
    Note,
    Offset,
    PeriodText,
    RowKey,
    Scales,
    SourceName,
    TextColumns,
    period_of,
    reading_of,
    today_of,
)
from ledger.cli.organisations import speaker_of
from ledger.cli.output import Exit, Problem, err, out, print_json, progress_bar, say, write_whole
from ledger.cli.session import (
    Json,
    KeyName,
    ask_passphrase,
    existing_file,
    opened,
    prepare_to_sign,
    record,
    unlock,
)
from ledger.codes import DeliveryMode, Role
from ledger.deliveries import computing, queries
from ledger.deliveries.drafting import manifest_draft
from ledger.deliveries.handover import (
    SUFFIX,
    Handed,
    HandoverError,
    Subject,
    check_secret,
    read_public_key,
    seal_handover,
)
from ledger.deliveries.keeping import ManifestName, keep_secret, kept_secret
from ledger.deliveries.packing import pack
from ledger.deliveries.periods import Period
from ledger.deliveries.planning import (
    ManifestPlan,
    check_same_schema,
    plan_manifest,
    schema_of_manifest,
)
from ledger.deliveries.queries import Manifest
from ledger.deliveries.shelf import Shelf
from ledger.deliveries.statements import manifest as manifest_batch
from ledger.mirror.queries import authorisation_by
from ledger.office import Office
from ledger.organisations import queries as organisations
from ledger.signatures import SignatureError, address_of, public_key_of
from ledger.statements import address_bytes, sha256
from ledger.store.engine import writing


def add_to(app: typer.Typer) -> None:
    """Register the department's commands."""
    app.command("manifest")(manifest)
    app.command("handover")(handover)


def manifest(
    source: SourceName,
    key: KeyName,
    entry: EntryCode,
    period: PeriodText,
    row_key: RowKey = None,
    mode: Mode = DeliveryMode.FULL,
    scale: Scales = None,
    offset: Offset = None,
    text: TextColumns = None,
    edition: Annotated[
        int | None, typer.Option(min=1, help="Edition of the entry; the one in force.")
    ] = None,
    resource: Annotated[str | None, typer.Option(help="Code of the resource it is of.")] = None,
    note: Note = None,
    again: Annotated[
        bool, typer.Option("--again", help="Sign another version of a manifest that stands.")
    ] = False,
    new_schema: Annotated[
        bool, typer.Option("--new-schema", help="Other columns than in the latest manifest.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Sign what the department holds for a period, before it is collected (数据清单). Rows stay here.

    Example: govledger deliver manifest schools.parquet --entry 318001/000001 --period 2026-Q3
    --row-key 学校编号 --key education-steward
    """
    when = period_of(period)
    with opened() as office:
        prepare_to_sign(office)
        speaker = speaker_of(office, unlock(office, key).address)
        vault_key = office.vault_key
        with office.read() as connection:
            plan = plan_manifest(
                connection,
                entry,
                when,
                speaker=speaker,
                today=today_of(office),
                edition=edition,
                again=again,
            )
        schema = computing.schema_in(
            source, reading_of(row_key or _former_key(plan), scale, offset, text)
        )
        if not new_schema:
            check_same_schema(plan, schema)
        secret, shelf = computing.new_secret(), Shelf(office.data_dir)
        with shelf.draft() as draft:
            with progress_bar(say("计算清单", "Computing the manifest")) as bar:
                found = computing.committed(source, schema, secret, draft / "store", bar)
            said = manifest_draft(plan, when, mode, found, secret, resource=resource, note=note)
            batch = manifest_batch([said], speaker=speaker, deadline=office.deadline())
            digest = sha256(batch.bodies[0])
            name = ManifestName(digest, entry, when.start, when.end)
            # Before anything is sent: what is on the ledger can then always be handed over and proven.
            shelf.keep(draft / "store", "manifests", digest)
            with writing(office.desk_engine) as desk:
                keep_secret(desk, name, secret, vault_key)
        if not json_output:
            _tell(said.version, found.rows, said.root, plan)
        record(office, [batch], key=key, json_output=json_output, what=("数据清单", "manifest"))


def _tell(version: int, rows: int, root: str, plan: ManifestPlan) -> None:
    out.print(
        say(
            f"数据清单第 {version} 版：{rows:,} 行，根 {root}",
            f"manifest version {version}: {rows:,} rows, root {root}",
        )
    )
    if plan.earlier is not None:
        err.print(
            say(
                f"! 取代第 {plan.earlier.version} 版（{plan.earlier.rows:,} 行）；两版均公开可见",
                f"! takes the place of version {plan.earlier.version} ({plan.earlier.rows:,} rows); "
                "both stay visible to everybody",
            ),
            style="yellow",
        )


def _former_key(plan: ManifestPlan) -> list[str]:
    """The key of the entry's latest manifest, where none is named."""
    if plan.latest is not None and plan.latest.key:
        return list(plan.latest.key)
    raise Problem(
        say("没有指明主键列", "no key columns are named"),
        say("加上 --row-key 列名", "add --row-key COLUMN"),
        Exit.USAGE,
    )


def handover(
    entry: EntryCode,
    period: PeriodText,
    to: Annotated[
        str,
        typer.Option(
            help="The collector: its organisation's code, its key's address, or a file of `key public`."
        ),
    ],
    version: Annotated[
        int | None, typer.Option(min=1, help="Version of the manifest; the newest.")
    ] = None,
    leaves: Annotated[
        bool,
        typer.Option("--leaves", help="Also pack the leaves, so that differences can be counted."),
    ] = False,
    place: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to; named for entry and period.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Hand a manifest's secret over to the collector, encrypted to the collector's key (移交).

    Send the file along with the data; nobody but the holder of that key can open it.

    Example: govledger deliver handover --entry 318001/000001 --period 2026-Q3 --to 11310118…
    """
    when = period_of(period)
    with opened() as office:
        _ = office.deployment
        ask_passphrase(office)
        office.refresh()
        found = _manifest(office, entry, when, version)
        digest = bytes.fromhex(found.body_digest[2:])
        with office.desk_engine.connect() as desk:
            secret = kept_secret(desk, digest, office.vault_key)
        if secret is None:
            raise Problem(
                say(
                    "此处没有该数据清单的盐密钥",
                    "the secret of this manifest is not kept here",
                ),
                say("请在签署清单的数据目录中移交", "hand it over where the manifest was signed"),
                Exit.NOT_FOUND,
            )
        check_secret(secret, _published(found))
        shelf = Shelf(office.data_dir)
        store = shelf.find("manifests", digest)
        schema = schema_of_manifest(found)
        if schema is None and store is not None:
            schema = computing.leaves_in(store).schema
        if schema is None:
            raise _no_leaves()
        address, public = _recipient(office, to)
        target = place or Path(_file_name(entry, when))
        handed = Handed(secret, schema.document())
        packed = target.with_name(target.name.removesuffix(SUFFIX) + ".leaves")
        if leaves:
            if store is None:
                raise _no_leaves()
            pack(store, packed)
        write_whole(target, [seal_handover(_subject(office, found), handed, public)])
    if json_output:
        print_json({"file": str(target), "to": address, "leaves": str(packed) if leaves else None})
        return
    err.print(
        say(
            f"✓ 已写入 {target}，仅密钥 {address} 可打开",
            f"✓ written to {target}; only the key {address} opens it",
        ),
        style="green",
    )
    if leaves:
        err.print(say(f"✓ 叶子已写入 {packed}", f"✓ leaves written to {packed}"), style="green")


def _manifest(office: Office, entry: str, when: Period, version: int | None) -> Manifest:
    with office.read() as connection:
        found = queries.manifest(connection, entry, when.start, when.end, version=version)
    if found is None:
        raise Problem(
            say(
                f"没有 {entry} 在 {when} 的数据清单", f"there is no manifest of {entry} for {when}"
            ),
            say(
                "用 `govledger deliver list --manifests` 查看",
                "see `govledger deliver list --manifests`",
            ),
            Exit.NOT_FOUND,
        )
    return found


def _published(found: Manifest) -> bytes | None:
    return None if found.secret_check is None else bytes.fromhex(found.secret_check[2:])


def _subject(office: Office, found: Manifest) -> Subject:
    log = office.deployment.identity
    return Subject(
        chain_id=log.chain_id,
        log="0x" + log.address.hex(),
        entry=found.entry,
        period_start=found.period_start.isoformat(),
        period_end=found.period_end.isoformat(),
        version=found.version,
        leaf=found.leaf_from,
        body_digest=found.body_digest,
        root=found.root,
    )


def _recipient(office: Office, to: str) -> tuple[str, bytes]:
    """Address and public key of the collector's key; it must be one in force."""
    if Path(to).is_file():
        address, public = read_public_key(existing_file(Path(to)).read_bytes())
        _check_collector(office, address)
        return address, public
    address = to if to.startswith("0x") else _only_collector(office, to)
    _check_collector(office, address)
    with office.read() as connection:
        signed = authorisation_by(connection, address_bytes(address))
    if signed is not None:
        try:
            public = public_key_of(signed.digest, signed.signature)
        except SignatureError:
            # A contract account has no key of its own.
            signed = None
        else:
            if address_of(public) == address_bytes(address):
                return address, public
    raise HandoverError(
        f"the key {address} signed nothing yet by which its public half could be known",
        f"密钥 {address} 尚未在账本上签名，无从得知其公钥",
        hint="ask the collector for the file of `govledger key public`, and give it as --to",
        hint_zh="请归集方用 `govledger key public` 生成公钥文件，并以 --to 给出",
    )


def _only_collector(office: Office, organisation: str) -> str:
    with office.read() as connection:
        keys = organisations.keys(connection, organisation=organisation, role=Role.COLLECTOR)
    active = [one.address for one in keys if one.active]
    if len(active) != 1:
        raise Problem(
            say(
                f"机构 {organisation} 有 {len(active)} 把有效的归集密钥",
                f"organisation {organisation} has {len(active)} collector keys in force",
            ),
            say(
                "请以 --to 给出其中一把的地址（见 `govledger key list`、`org show`）",
                "name one of them by its address: --to 0x… (see `govledger org show`)",
            ),
            Exit.NOT_FOUND,
        )
    return active[0]


def _check_collector(office: Office, address: str) -> None:
    with office.read() as connection:
        holder = organisations.holder(connection, address)
    if holder is None or not holder.may_sign or not holder.key.role_mask & Role.COLLECTOR:
        raise HandoverError(
            f"the key {address} is no collector's key in force",
            f"密钥 {address} 不是有效的归集方密钥",
            hint="the authority grants it: govledger key grant … --roles collector",
            hint_zh="请主管部门授权：govledger key grant … --roles collector",
        )


def _file_name(entry: str, when: Period) -> str:
    return f"{entry.replace('/', '-')}_{when.start}_{when.end}{SUFFIX}"


def _no_leaves() -> Problem:
    return Problem(
        say("此处没有该数据清单的叶子存档", "the leaves of this manifest are not kept here"),
        say(
            "存档丢失后只能重新签署清单", "once they are lost, the manifest can only be signed anew"
        ),
        Exit.NOT_FOUND,
    )
