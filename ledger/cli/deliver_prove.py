"""``govledger deliver prove``, ``prove-missing``, ``check`` and ``stores``: proofs about one row (逐条证明)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.deliver_options import (
    EntryCode,
    Offset,
    PeriodText,
    ShowValues,
    SourceName,
    period_of,
)
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    out,
    print_fields,
    print_json,
    print_table,
    say,
    write_whole,
)
from ledger.cli.session import Json, ask_passphrase, existing_file, opened
from ledger.deliveries import computing, queries
from ledger.deliveries.keeping import kept_secret
from ledger.deliveries.proofs import check_proof, proof_file
from ledger.deliveries.refusals import DeliveryRefused
from ledger.deliveries.rows import key_in, row_with
from ledger.deliveries.shelf import Kind, Shelf, Store
from ledger.log.queries import build_proof
from ledger.office import Office
from ledger.records.problems import NothingToProve
from ledger.statements import address_bytes

if TYPE_CHECKING:
    from ledger.records.store import LeafStore

KeyValues = Annotated[
    list[str],
    typer.Option(
        "--key", "--row-key", help="The row's key: COLUMN=VALUE; the value of a single one."
    ),
]
Number = Annotated[
    int | None,
    typer.Option("--delivery", min=1, help="Prove it of this delivery, instead of the manifest."),
]
Version = Annotated[
    int | None, typer.Option("--manifest", min=1, help="Version of the manifest; the newest.")
]
Size = Annotated[int | None, typer.Option("--size", min=1, help="Log size; all there is.")]
OutFile = Annotated[Path, typer.Option("--out", "-o", help="Where to write the proof.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands about proofs."""
    app.command("prove")(prove)
    app.command("prove-missing")(prove_missing)
    app.command("check")(check)
    app.command("stores")(stores)


def prove(
    source: SourceName,
    entry: EntryCode,
    period: PeriodText,
    key: KeyValues,
    place: OutFile,
    number: Number = None,
    version: Version = None,
    offset: Offset = None,
    size: Size = None,
) -> None:
    """Prove that one row was among those signed; the file opens that row, and no other.

    SOURCE holds the row as it was then; the ledger keeps no rows.

    Example: govledger deliver prove schools.parquet --entry 318001/000001 --period 2026-Q3
    --key 学校编号=3101 -o row.json
    """
    from ledger.records.row_proofs import prove_row  # noqa: PLC0415 - brings numpy along

    with opened() as office:
        store, leaf = _opened(office, entry, period, number, version)
        meant = store.offset if offset is None else offset
        wanted = key_in(store.schema, key, meant)
        row = row_with(source, store.schema, wanted, meant)
        if row is None:
            raise DeliveryRefused(
                "no_such_row",
                "no row of the source has this key",
                "数据源中没有该主键的行",
                hint="check the key; for a row that was never there: deliver prove-missing",
                hint_zh="请核对主键；若该行从未存在，请用 deliver prove-missing",
            )
        record = _proven(lambda: prove_row(store, wanted, row).document, entry)
        _write(office, record, leaf, size, place)


def prove_missing(
    entry: EntryCode,
    period: PeriodText,
    key: KeyValues,
    place: OutFile,
    number: Number = None,
    version: Version = None,
    offset: Offset = None,
    size: Size = None,
) -> None:
    """Prove that no row with this key was among those signed; the file opens no row.

    Example: govledger deliver prove-missing --entry 318001/000001 --period 2026-Q3
    --key 学校编号=9999 -o missing.json
    """
    from ledger.records.row_proofs import prove_missing as prove_absence  # noqa: PLC0415

    with opened() as office:
        store, leaf = _opened(office, entry, period, number, version)
        wanted = key_in(store.schema, key, store.offset if offset is None else offset)
        record = _proven(lambda: prove_absence(store, wanted).document, entry)
        _write(office, record, leaf, size, place)


def check(
    file: Annotated[Path, typer.Argument(help="The proof file.")],
    root: Annotated[
        str | None,
        typer.Option(help="The log's root that you kept or got elsewhere, 64 hex digits."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="How many leaves that root has, if you kept it too.")
    ] = None,
    show_values: ShowValues = False,
    json_output: Json = False,
) -> None:
    """Check a proof about a row: no network, no database, no trust. Says in words what was proven.

    Example: govledger deliver check row.json --root 3f9a… --show-values
    """
    try:
        found = check_proof(existing_file(file).read_bytes(), root, size)
    except ValueError as error:
        raise Problem(
            say(f"--root 不是根：{error}", f"--root: {error}"),
            say("根为 64 位十六进制数", "a root has 64 hexadecimal digits"),
            Exit.USAGE,
        ) from error
    if json_output:
        told: dict[str, Any] = {"ok": found.ok, "about": found.about, "entry": found.entry}
        shown = {"values": found.values} if show_values else {}
        print_json({**told, "steps": found.verdict.steps, **shown})
    else:
        for line in found.verdict.lines(say("zh", "en")):
            out.print(line, markup=False)
        if found.ok and show_values:
            print_fields("", [(name, _shown(text)) for name, text in found.values.items()])
    failure = found.verdict.failure
    if failure is not None:
        raise Problem(
            say("证明不成立", "the proof does not hold"),
            failure.text(say("zh", "en")),
            Exit.NOT_PROVEN,
        )


def stores(
    unused: Annotated[
        bool, typer.Option("--remove-unused", help="Remove those of no statement on the ledger.")
    ] = False,
    remove: Annotated[
        list[str] | None, typer.Option(help="Remove the store whose name begins so. Repeatable.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Leaf stores under the data directory, what they are of, and how large they are.

    Without its store a row of a statement can be proven no more; what was signed stays as true as it was.

    Example: govledger deliver stores
    """
    with opened() as office:
        _ = office.deployment
        office.refresh()
        shelf = Shelf(office.data_dir)
        found = _with_leaves(office, shelf.stores())
        gone = [one for one, of in found if _goes(one, of, unused=unused, remove=remove or [])]
        for one in gone:
            shelf.remove(one)
    rows = [
        {
            "name": one.body_digest.hex(),
            "kind": one.kind,
            "of": of,
            "bytes": one.size,
            "removed": one in gone,
        }
        for one, of in found
    ]
    if json_output:
        print_json({"stores": rows})
        return
    total = sum(one.size for one, _ in found)
    print_table(
        say(
            f"叶子存档：{len(rows)}，共 {total:,} 字节",
            f"Leaf stores: {len(rows)}, {total:,} bytes",
        ),
        [say("名称", "name"), say("类别", "kind"), say("属于", "of"), say("字节", "bytes"), ""],
        [
            (
                one.body_digest.hex()[:16],
                say(*_KINDS[one.kind]),
                of or say("账本上没有", "nothing on the ledger"),
                f"{one.size:,}",
                say("已删除", "removed") if one in gone else "",
            )
            for one, of in found
        ],
        right=[say("字节", "bytes")],
        fold=[say("属于", "of")],
    )


_KINDS: dict[Kind, tuple[str, str]] = {
    "manifests": ("数据清单", "manifest"),
    "deliveries": ("交付", "delivery"),
}


def _goes(one: Store, of: str | None, *, unused: bool, remove: list[str]) -> bool:
    return (unused and of is None) or any(one.body_digest.hex().startswith(text) for text in remove)


def _with_leaves(office: Office, every: list[Store]) -> list[tuple[Store, str | None]]:
    """Each store with the place of its statement in the log, None where it is not there."""
    with office.read() as connection:
        leaves = queries.leaves_with_bodies(connection, [one.body_digest for one in every])
    told = {digest: say(f"日志位置 {leaf}", f"log index {leaf}") for digest, leaf in leaves.items()}
    return [(one, told.get(one.body_digest)) for one in every]


def _opened(
    office: Office, entry: str, period: str, number: int | None, version: int | None
) -> tuple[LeafStore, int]:
    """The leaves of a manifest or a delivery, opened with its secret, and where it stands in the log."""
    when = period_of(period)
    _ = office.deployment
    ask_passphrase(office)
    office.refresh()
    kind: Kind = "manifests" if number is None else "deliveries"
    with office.read() as connection:
        found = (
            queries.manifest(connection, entry, when.start, when.end, version=version)
            if number is None
            else queries.delivery(connection, entry, number)
        )
    if found is None:
        raise Problem(
            say(
                f"没有 {entry} 在 {when} 的清单或交付", f"nothing of {entry} was signed for {when}"
            ),
            say("用 `govledger deliver show` 查看", "see `govledger deliver show`"),
            Exit.NOT_FOUND,
        )
    digest = bytes.fromhex(found.body_digest[2:])
    store = Shelf(office.data_dir).find(kind, digest)
    with office.desk_engine.connect() as desk:
        secret = kept_secret(desk, digest, office.vault_key)
    if store is None or secret is None:
        raise Problem(
            say("此处没有其叶子存档或盐密钥", "its leaves or its secret are not kept here"),
            say(
                "请在签署它的数据目录中出具证明；存档丢失则无法再证明",
                "prove it where it was signed; once the store is lost, rows can be proven no more",
            ),
            Exit.NOT_FOUND,
        )
    return computing.leaves_in(store, secret), found.leaf_from


def _proven(make: Any, entry: str) -> dict[str, Any]:  # noqa: ANN401 - a thunk that makes a document
    try:
        document: dict[str, Any] = make()
    except NothingToProve as error:
        # The floor below names the key's values; here they are left to whoever typed them.
        raise DeliveryRefused(
            "nothing_to_prove",
            f"the statement of {entry} allows no such proof of this key",
            f"{entry} 的这份声明对该主键给不出这样的证明",
            hint=error.hint,
            hint_zh=error.hint_zh,
        ) from None
    return document


def _write(
    office: Office, record: dict[str, Any], leaf: int, size: int | None, place: Path
) -> None:
    genesis = address_bytes(office.deployment.genesis_authority)
    with office.read() as connection:
        statement = build_proof(connection, leaf, size, genesis_authority=genesis)
    write_whole(place, [proof_file(record, statement)])
    err.print(
        say(
            f"✓ 已写入 {place}；任何人可用 `govledger deliver check {place}` 离线核验",
            f"✓ written to {place}; anybody can check it offline: `govledger deliver check {place}`",
        ),
        style="green",
    )


def _shown(text: str | None) -> str:
    return "NULL" if text is None else text
