"""``govledger init``: from nothing to a ledger."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from ledger.chain.connect import connect
from ledger.chain.deploying import deploy
from ledger.chain.interface import Chain
from ledger.chain.keystore import account_of
from ledger.cli.organisations import drafts_from
from ledger.cli.output import (
    Exit,
    Problem,
    out,
    print_fields,
    print_json,
    progress_bar,
    say,
    write_whole,
)
from ledger.cli.session import (
    ADMIN_KEY,
    Json,
    ask_passphrase,
    existing_file,
    opened,
    record,
)
from ledger.office import Office
from ledger.organisations.statements import register
from ledger.settings import CONFIG_FILE

AUTHORITY_KEY = "authority"
DEPLOY_STEPS = 12


def init(
    code: Annotated[
        str | None, typer.Option(help="Credit code of the root organisation (the district).")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Its official name.")] = None,
    rpc: Annotated[
        str | None,
        typer.Option(help="JSON-RPC address of an existing chain; without it, an embedded one."),
    ] = None,
    sender_key_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the hex private key that pays for transactions on that chain."
        ),
    ] = None,
    admin_delay: Annotated[
        int,
        typer.Option(min=0, help="Seconds between announcing and doing an act of the log's admin."),
    ] = 86_400,
    as_json: Json = False,
) -> None:
    """Make a data directory: keys, contracts, and the root organisation if it is named.

    Example: govledger -C qingpu init --code 11990118000000000M --name 某某区人民政府
    Example: govledger init --rpc http://127.0.0.1:8545 --sender-key-file payer.hex
    """
    if bool(code) != bool(name):
        raise Problem(
            say("--code 与 --name 须同时给出", "--code and --name go together"), code=Exit.USAGE
        )
    drafts = (
        drafts_from([(f"--code {code}", {"code": code, "name": name, "level": "district"})])
        if code and name
        else []
    )
    with opened(rpc_url=rpc) as office:
        if office.is_initialised:
            raise Problem(
                say(f"{office.data_dir} 已有账本", f"{office.data_dir} holds a ledger already"),
                say("换一个 --data-dir，或直接使用它", "use it, or name another --data-dir"),
            )
        ask_passphrase(office, confirm=True)
        _make_keys(office, sender_key_file)
        _deploy(office, admin_delay, rpc)
        if drafts:
            batch = register(drafts, speaker=drafts[0].code, deadline=office.deadline())
            record(office, [batch], key=AUTHORITY_KEY, what=("机构", "organisation"))
        if as_json:
            print_json({"data_dir": str(office.data_dir), "deployment": office.deployment})
            return
        _tell_next(office, registered=bool(drafts))


def _make_keys(office: Office, sender_key_file: Path | None) -> None:
    passphrase = office.passphrase
    known = {key.name for key in office.keystore.list()}
    wanted = {
        office.settings.sender_key: say("发送交易", "carries transactions"),
        AUTHORITY_KEY: say("主管部门（创世授权）", "authority, the root of trust"),
        ADMIN_KEY: say("合约管理", "admits and retires registries"),
    }
    sender, secret = office.settings.sender_key, ""
    if sender_key_file is not None:
        secret = existing_file(sender_key_file).read_text("ascii", "replace").strip()
        given = account_of(secret).address
        if sender in known and office.keystore.find(sender).address != given:
            raise Problem(
                say(
                    f"密钥库中已有名为 {sender} 的另一密钥 {office.keystore.find(sender).address}，"
                    f"而 {sender_key_file} 中是 {given}",
                    f"the keystore has another key called {sender} already, "
                    f"{office.keystore.find(sender).address}; that of {sender_key_file} is {given}",
                ),
                say(
                    f"这是先前未完成的 init 所建：如无用处，请删除 {office.data_dir / 'keys'}，或换一个 --data-dir",
                    f"an init that was not finished made it: remove {office.data_dir / 'keys'} if nothing else "
                    "needs it, or name another --data-dir",
                ),
            )
    with progress_bar(say("生成密钥", "Making keys"), total=len(wanted)) as bar:
        for done, (key, label) in enumerate(wanted.items(), start=1):
            if key not in known:
                if key == sender and secret:
                    office.keystore.add(key, secret, passphrase, label=label)
                else:
                    office.keystore.create(key, passphrase, label=label)
            bar(done)


def _deploy(office: Office, admin_delay: int, rpc: str | None) -> None:
    steps = 0
    with progress_bar(say("部署合约", "Deploying contracts"), total=DEPLOY_STEPS) as bar:

        def step(_: str) -> None:
            nonlocal steps
            steps += 1
            bar(steps, max(DEPLOY_STEPS, steps))

        chain: Chain = connect(office.settings, create=True)
        try:
            deployment = deploy(
                chain,
                office.sender,
                office.keystore.find(AUTHORITY_KEY).address,
                office.keystore.find(ADMIN_KEY).address,
                admin_delay,
                progress=step,
            )
        finally:
            chain.close()
        bar(DEPLOY_STEPS, DEPLOY_STEPS)
    # First where the chain is: a ledger whose chain nobody knows could not be used.
    _remember(office.data_dir / CONFIG_FILE, rpc)
    deployment.save(office.data_dir)


def _remember(place: Path, rpc: str | None) -> None:
    """Write what later commands must know into ``config.toml``; what a person wrote there stays."""
    kept = place.read_bytes() if place.exists() else b""
    if rpc and "rpc_url" not in tomllib.loads(kept.decode()):
        write_whole(place, [f"rpc_url = {json.dumps(rpc)}\n".encode(), kept])


def _tell_next(office: Office, *, registered: bool) -> None:
    deployment = office.deployment
    print_fields(
        say("账本已就绪", "The ledger is ready"),
        [
            (say("数据目录", "data directory"), office.data_dir),
            (
                say("链", "chain"),
                f"{office.chain.name} ({say('链标识', 'chain id')} {deployment.chain_id})",
            ),
            (say("日志合约", "log contract"), deployment.log),
            (say("创世授权密钥", "genesis authority"), deployment.genesis_authority),
        ],
    )
    steps = [] if registered else ["org register --key authority --code … --name …"]
    steps += [
        "org register --key authority --code … --name … --parent …",
        "key create education-steward",
        "key grant education-steward --key authority --holder … --roles steward",
        "catalogue register entry.yaml --key education-steward --head …",
        "serve",
    ]
    here = "" if office.settings.sources["data_dir"] == "default" else f" -C {office.data_dir}"
    out.print(say("下一步：", "What to do next:"), style="bold")
    for number, step in enumerate(steps, start=1):
        out.print(f"  {number}. govledger{here} {step}", markup=False)
