"""``govledger deliver receive``: the collector's side (归集交付)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    out,
    print_fields,
    print_json,
    progress_bar,
    say,
)
from ledger.cli.session import (
    Json,
    KeyName,
    existing_file,
    opened,
    prepare_to_sign,
    record,
    unlock,
)
from ledger.codes import DeliveryMode, Role
from ledger.deliveries import computing, queries
from ledger.deliveries.comparing import changes_between
from ledger.deliveries.drafting import Outcome, delivery_draft, outcome_of
from ledger.deliveries.handover import (
    Envelope,
    HandoverError,
    check_secret,
    open_handover,
    read_envelope,
)
from ledger.deliveries.keeping import ManifestName, keep_secret, kept_secret
from ledger.deliveries.packing import unpack
from ledger.deliveries.planning import DeliveryPlan, plan_delivery, schema_of_manifest
from ledger.deliveries.queries import Delivery, Manifest
from ledger.deliveries.shelf import Shelf
from ledger.deliveries.statements import deliver as deliver_batch
from ledger.office import Office
from ledger.organisations import queries as organisations
from ledger.records.schema import RecordSchema
from ledger.statements import sha256
from ledger.store.engine import writing

if TYPE_CHECKING:
    from ledger.records.commitment import Commitment


def add_to(app: typer.Typer) -> None:
    """Register the collector's commands."""
    app.command("receive")(receive)


def receive(
    source: SourceName,
    entry: EntryCode,
    period: PeriodText,
    key: KeyName,
    handover: Annotated[
        Path | None, typer.Option(help="The file that came with the data: *.handover.json.")
    ] = None,
    leaves: Annotated[
        Path | None, typer.Option(help="The manifest's leaves, where they came too: *.leaves.")
    ] = None,
    manifest: Annotated[
        int | None, typer.Option(min=1, help="Version of the manifest; the newest.")
    ] = None,
    offset: Offset = None,
    edition: Annotated[
        int | None, typer.Option(min=1, help="Edition of the entry that is expected.")
    ] = None,
    note: Note = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare; sign and record nothing.")
    ] = False,
    without_manifest: Annotated[
        bool,
        typer.Option(
            "--without-manifest", help="Nothing was signed before; everybody will see so."
        ),
    ] = False,
    mode: Mode = DeliveryMode.FULL,
    row_key: RowKey = None,
    scale: Scales = None,
    text: TextColumns = None,
    json_output: Json = False,
) -> None:
    """Compute anew what arrived, hold it against the manifest, and sign the delivery (归集交付).

    --mode, --row-key, --scale and --text are for --without-manifest; a manifest says them itself.

    Example: govledger deliver receive schools.csv --entry 318001/000001 --period 2026-Q3
    --handover 318001-000001_2026-07-01_2026-09-30.handover.json --key collector
    """
    when = period_of(period)
    with opened() as office:
        prepare_to_sign(office)
        account = unlock(office, key)
        speaker = speaker_of(office, account.address)
        if not check:
            _check_collector(office, account.address)
        with office.read() as connection:
            plan = plan_delivery(
                connection,
                entry,
                when,
                today=today_of(office),
                version=manifest,
                edition=edition,
                without_manifest=without_manifest,
            )
        shelf = Shelf(office.data_dir)
        if plan.manifest is None:
            secret = computing.new_secret()
            schema = computing.schema_in(source, reading_of(row_key or [], scale, offset, text))
        else:
            envelope = (
                None if handover is None else read_envelope(existing_file(handover).read_bytes())
            )
            secret, schema = _secret(office, plan.manifest, envelope, bytes(account.key), shelf)
            schema = schema if offset is None else schema.at_offset(offset)
            mode = DeliveryMode.of(plan.manifest.mode)
            if leaves is not None:
                _take_leaves(shelf, plan.manifest, existing_file(leaves))
        with shelf.draft() as draft:
            with progress_bar(say("核算收到的数据", "Computing what arrived")) as bar:
                found = computing.committed(source, schema, secret, draft / "store", bar)
            outcome = _outcome(office, plan, mode, found, shelf, draft / "store")
            said = delivery_draft(
                plan, when, mode, found, outcome, vault_key=office.vault_key, note=note
            )
            batch = deliver_batch([said], speaker=speaker, deadline=office.deadline())
            repeats = _repeats(office, entry, said.content)
            if not json_output:
                _tell(plan, found.rows, outcome, repeats)
            if check:
                if json_output:
                    print_json(_told(plan, found.rows, outcome, repeats))
                if not outcome.complete:
                    raise Problem(
                        say("收到的数据与清单不符", "what arrived is not what was signed"),
                        say("未登记任何内容", "nothing was recorded"),
                        Exit.NOT_PROVEN,
                    )
                return
            digest = sha256(batch.bodies[0])
            shelf.keep(draft / "store", "deliveries", digest)
            with writing(office.desk_engine) as desk:
                name = ManifestName(digest, entry, when.start, when.end)
                keep_secret(desk, name, secret, office.vault_key)
        receipts = record(
            office,
            [batch],
            key=key,
            what=("归集交付", "delivery"),
            told=err if json_output else out,
        )
        if json_output:
            print_json({"receipts": receipts, **_told(plan, found.rows, outcome, repeats)})


def _check_collector(office: Office, address: str) -> None:
    """Refused before anything is computed: the contract would refuse it at the end."""
    with office.read() as connection:
        holder = organisations.holder(connection, address)
    if holder is None or not holder.key.role_mask & Role.COLLECTOR:
        raise Problem(
            say(f"密钥 {address} 没有归集方角色", f"the key {address} is no collector's"),
            say(
                "请主管部门授权：govledger key grant … --roles collector",
                "the authority grants it: govledger key grant … --roles collector",
            ),
        )


def _secret(
    office: Office, manifest: Manifest, envelope: Envelope | None, private_key: bytes, shelf: Shelf
) -> tuple[bytes, RecordSchema]:
    """The manifest's secret and schema: out of the handover, or kept from an earlier one."""
    digest = bytes.fromhex(manifest.body_digest[2:])
    schema = schema_of_manifest(manifest)
    if envelope is not None:
        if envelope.manifest.body_digest != manifest.body_digest:
            raise _other_manifest(envelope, manifest)
        handed = open_handover(envelope, private_key)
        _check_published(handed.secret, manifest)
        with writing(office.desk_engine) as desk:
            name = ManifestName(digest, manifest.entry, manifest.period_start, manifest.period_end)
            keep_secret(desk, name, handed.secret, office.vault_key)
        schema = RecordSchema.from_document(handed.schema)
        if schema.digest() != bytes.fromhex(manifest.schema[2:]):
            raise _other_manifest(envelope, manifest)
        return handed.secret, schema
    with office.desk_engine.connect() as desk:
        secret = kept_secret(desk, digest, office.vault_key)
    if schema is None and (store := shelf.find("manifests", digest)) is not None:
        schema = computing.leaves_in(store).schema
    if secret is None or schema is None:
        raise HandoverError(
            "the manifest's secret is not here: what arrived cannot be held against its root",
            "此处没有该数据清单的盐密钥，无法与其根比对",
            hint="ask the department for `deliver handover`, and give the file with --handover",
            hint_zh="请提供部门执行 `deliver handover`，并以 --handover 给出文件",
        )
    _check_published(secret, manifest)
    return secret, schema


def _check_published(secret: bytes, manifest: Manifest) -> None:
    published = manifest.secret_check
    check_secret(secret, None if published is None else bytes.fromhex(published[2:]))


def _other_manifest(envelope: Envelope, manifest: Manifest) -> HandoverError:
    of = envelope.manifest
    return HandoverError(
        f"the handover is of {of.entry}, {of.period_start}..{of.period_end}, version {of.version}; "
        f"the manifest is {manifest.entry}, {manifest.period_start}..{manifest.period_end}, "
        f"version {manifest.version}",
        f"移交文件属于 {of.entry} 的 {of.period_start}..{of.period_end} 第 {of.version} 版，"
        f"而数据清单是 {manifest.entry} 的 {manifest.period_start}..{manifest.period_end} "
        f"第 {manifest.version} 版",
        hint="give the handover of this manifest, or name the other one's period and --manifest",
        hint_zh="请给出该数据清单的移交文件，或改用其期间与 --manifest",
    )


def _take_leaves(shelf: Shelf, manifest: Manifest, packed: Path) -> None:
    """Put the manifest's leaves on the shelf, once they are shown to make its root."""
    digest = bytes.fromhex(manifest.body_digest[2:])
    if shelf.find("manifests", digest) is None:
        with shelf.draft() as draft:
            unpack(packed, draft / "store", bytes.fromhex(manifest.root[2:]))
            shelf.keep(draft / "store", "manifests", digest)


def _outcome(
    office: Office,
    plan: DeliveryPlan,
    mode: DeliveryMode,
    found: Commitment,
    shelf: Shelf,
    store: Path,
) -> Outcome:
    """What the roots say, and, where the manifest's leaves are at hand, which rows differ."""
    signed = plan.manifest
    if signed is None:
        return outcome_of(None, mode, found, None)
    with office.read() as connection:
        fingerprints = queries.fingerprints(connection, signed.leaf_from)
    bare = outcome_of(signed, mode, found, fingerprints)
    kept = shelf.find("manifests", bytes.fromhex(signed.body_digest[2:]))
    if bare.complete or kept is None:
        return bare
    changes = changes_between(computing.leaves_in(kept), computing.leaves_in(store))
    return outcome_of(signed, mode, found, fingerprints, changes)


def _repeats(office: Office, entry: str, content: str) -> Delivery | None:
    """An earlier delivery of the entry with the same rows, if any."""
    with office.read() as connection:
        return queries.first_with(connection, entry, bytes.fromhex(content))


def _tell(plan: DeliveryPlan, rows: int, outcome: Outcome, repeats: Delivery | None) -> None:
    signed = plan.manifest
    if signed is None:
        out.print(
            say(
                f"! 收到 {rows:,} 行；没有数据清单可比对",
                f"! {rows:,} rows arrived; there is no manifest to hold them against",
            ),
            style="yellow",
        )
    elif outcome.complete:
        out.print(
            say(
                f"✓ 完整：收到 {rows:,} 行，与第 {signed.version} 版数据清单逐条相符",
                f"✓ complete: {rows:,} rows, record for record those of manifest version {signed.version}",
            ),
            style="green",
        )
    else:
        _tell_differences(signed, rows, outcome)
    if signed is not None and signed.leaf_until is not None:
        out.print(
            say(
                f"! 第 {signed.version} 版清单已被重签取代（日志位置 {signed.leaf_until}）",
                f"! manifest version {signed.version} was signed anew since (log index {signed.leaf_until})",
            ),
            style="yellow",
        )
    if repeats is not None:
        out.print(
            say(
                f"! 与第 {repeats.number} 次交付（{repeats.period_start}–{repeats.period_end}）内容完全相同",
                f"! the same rows as delivery {repeats.number} "
                f"({repeats.period_start}–{repeats.period_end})",
            ),
            style="yellow",
        )


def _tell_differences(signed: Manifest, rows: int, outcome: Outcome) -> None:
    out.print(
        say(
            f"✗ 与第 {signed.version} 版数据清单不符",
            f"✗ not what manifest version {signed.version} says",
        ),
        style="bold red",
    )
    changes = outcome.changes
    unknown = say(
        "未知（需要清单的叶子：`deliver handover --leaves`）",
        "not known (needs the manifest's leaves: `deliver handover --leaves`)",
    )
    print_fields(
        "",
        [
            (say("清单行数", "rows signed"), f"{signed.rows:,}"),
            (say("收到行数", "rows arrived"), f"{rows:,}"),
            (say("不符的分桶", "buckets that differ"), f"{len(outcome.buckets or ())} / 256"),
            (say("缺少", "missing"), unknown if changes is None else f"{len(changes.missing):,}"),
            (say("多出", "extra"), None if changes is None else f"{len(changes.extra):,}"),
            (say("改动", "changed"), None if changes is None else f"{len(changes.changed):,}"),
        ],
    )


def _told(
    plan: DeliveryPlan, rows: int, outcome: Outcome, repeats: Delivery | None
) -> dict[str, Any]:
    differences = outcome.differences()
    return {
        "delivery": plan.number,
        "manifest": plan.manifest.version if plan.manifest else 0,
        "rows": rows,
        "rows_signed": plan.manifest.rows if plan.manifest else None,
        "complete": outcome.complete,
        "differences": differences.said() if differences else None,
        "buckets": list(outcome.buckets) if outcome.buckets is not None else None,
        "repeats": repeats.number if repeats else None,
    }
