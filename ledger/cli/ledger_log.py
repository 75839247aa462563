"""``govledger log``: checkpoints to keep, proofs to hand out, and their check without trust (日志与证明)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ledger.canonical import printable
from ledger.catalogue.queries import editions
from ledger.cli.output import (
    Exit,
    Problem,
    as_json,
    err,
    out,
    print_json,
    print_table,
    say,
    write_whole,
)
from ledger.cli.session import Json, Limit, existing_file, opened, reading
from ledger.log.document import render
from ledger.log.queries import build_consistency, build_proof
from ledger.log.readable import act_of, decoded, utc
from ledger.log.verdict import Verdict
from ledger.log.verify import verify_proof
from ledger.mirror.queries import checkpoint as checkpoint_of
from ledger.mirror.queries import size_of, statements
from ledger.organisations.queries import names
from ledger.statements import Statement, address_bytes

app = typer.Typer(
    no_args_is_help=True, help="The log: checkpoints and proofs / 日志、检查点与证明."
)

OutFile = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where to; standard output if not given.")
]
Size = Annotated[int | None, typer.Option("--size", min=1, help="Log size; all there is.")]


def _write(data: bytes, place: Path | None) -> None:
    if place is None:
        sys.stdout.write(data.decode())
        return
    write_whole(place, [data])
    err.print(say(f"✓ 已写入 {place}", f"✓ written to {place}"), style="green")


@app.command("checkpoint")
def checkpoint(size: Size = None, place: OutFile = None) -> None:
    """The log's size and root, to be kept: a log rewritten later can then be told.

    Example: govledger log checkpoint -o checkpoint-2026-11.json
    """
    with reading() as (connection, _):
        _write((as_json(checkpoint_of(connection, size)) + "\n").encode(), place)


@app.command("prove")
def prove(
    index: Annotated[int | None, typer.Argument(min=0, help="Log index of the statement.")] = None,
    entry: Annotated[
        str | None, typer.Option(help="Instead: the newest filing of this catalogue entry.")
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(min=1, help="Instead: that the log of this size was only appended to."),
    ] = None,
    size: Size = None,
    place: OutFile = None,
) -> None:
    """A proof file: a statement is in the log, or the log only grew.

    Example: govledger log prove 42 -o proof.json
    Example: govledger log prove --entry 318001/000001 -o proof.json
    """
    with opened() as office:
        genesis = address_bytes(office.deployment.genesis_authority)
    with reading() as (connection, _):
        if since is not None:
            _write(
                render(build_consistency(connection, since, size, genesis_authority=genesis)), place
            )
            return
        if entry is not None:
            index = editions(connection, entry, as_of=size)[-1].leaf
        if index is None:
            raise Problem(
                say("请给出日志位置、--entry 或 --since", "give a log index, --entry or --since"),
                code=Exit.USAGE,
            )
        _write(render(build_proof(connection, index, size, genesis_authority=genesis)), place)


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The proof file.")],
    root: Annotated[
        str | None, typer.Option(help="A root you kept or got elsewhere, 64 hex digits.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="How many leaves that root has, if you kept it too.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Check a proof file or a provenance certificate: no network, no database, no trust. Says in words what was
    proven, and what is not claimed.

    Example: govledger log verify proof.json --root 3f9a…
    """
    data = existing_file(file).read_bytes()
    try:
        verdict = _verdict(data, root, size)
    except ValueError as error:
        raise Problem(
            say(f"--root 不是根：{error}", f"--root: {error}"),
            say("根为 64 位十六进制数", "a root has 64 hexadecimal digits"),
            Exit.USAGE,
        ) from error
    if json_output:
        print_json({"ok": verdict.ok, "steps": verdict.steps})
    else:
        for line in verdict.lines(say("zh", "en")):
            # Names in a certificate are whatever somebody called them, and a terminal obeys what it is sent.
            out.print(printable(line), markup=False)
    failure = verdict.failure
    if failure is not None:
        raise Problem(
            say("证明不成立", "the proof does not hold"),
            printable(failure.text(say("zh", "en"))),
            Exit.NOT_PROVEN,
        )


def _verdict(data: bytes, root: str | None, size: int | None) -> Verdict:
    from ledger.lineage.certificate.document import is_certificate  # noqa: PLC0415

    if not is_certificate(data):
        return verify_proof(data, root, size)
    from ledger.lineage.certificate.verify import verify_certificate  # noqa: PLC0415

    return verify_certificate(data, root, size)


@app.command("list")
def list_command(
    first: Annotated[
        int | None, typer.Option(min=0, help="From this log index; the newest.")
    ] = None,
    limit: Limit = 20,
    json_output: Json = False,
) -> None:
    """Statements in log order. Example: govledger log list --first 0"""
    with reading() as (connection, _):
        begin = first if first is not None else max(size_of(connection) - limit, 0)
        found = statements(connection, begin, limit)
        known = names(connection, [s.org for s in found])
    rows = [
        {
            "index": s.index,
            "kind": s.kind,
            "summary": say(decoded(s).summary.zh, decoded(s).summary.en),
            "version": s.version,
            "organisation": known[s.org].name if s.org in known else "0x" + s.org.hex(),
            "signer": "0x" + s.signer.hex(),
            "recorded_at": utc(s.recorded_at),
        }
        for s in found
    ]
    if json_output:
        print_json({"statements": rows})
        return
    print_table(
        "",
        [
            say("日志", "leaf"),
            say("内容", "what"),
            say("对象", "subject"),
            say("状态", "state"),
            say("版本", "version"),
            say("机构", "organisation"),
            say("签名密钥", "signer"),
            say("时间", "time"),
        ],
        [
            (
                row["index"],
                *_spoken(one),
                row["version"],
                row["organisation"],
                short(str(row["signer"])),
                row["recorded_at"],
            )
            for row, one in zip(rows, found, strict=True)
        ],
        right=[say("日志", "leaf"), say("版本", "version")],
        fold=[say("对象", "subject"), say("机构", "organisation")],
        spare=[say("签名密钥", "signer"), say("版本", "version"), say("状态", "state")],
    )


def _spoken(one: Statement) -> tuple[str, str, str]:
    """What a statement does, about what, and the state it leaves."""
    part = decoded(one)
    en, zh = act_of(part.struct)
    states = [say(member.zh, member.en) for member in part.members if member.name in _STATES]
    subject = part.members[0].value
    return say(zh, en), short(subject) if subject.startswith("0x") else subject, "".join(states)


_STATES = ("state", "status")


def short(text: str) -> str:
    """An address or hash as people compare it: its first and last digits."""
    return f"{text[:8]}…{text[-6:]}" if len(text) > len("0x") + 20 else text
