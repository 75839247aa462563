"""``govledger token``: bearer tokens for programs that hand in lineage events (访问令牌)."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Annotated

import typer

from ledger.access import tokens
from ledger.access.tokens import SCOPES, TokenError
from ledger.cli.output import Exit, Problem, out, print_json, print_table, say
from ledger.cli.session import Json, demand_organisation, opened
from ledger.days import CHINA_TIME
from ledger.identifiers import IdentifierError, check_organisation_code

app = typer.Typer(no_args_is_help=True, help="Bearer tokens for pipelines / 访问令牌.")

STATES = {
    "active": ("有效", "active"),
    "expired": ("已过期", "expired"),
    "revoked": ("已吊销", "revoked"),
}


@app.command("create")
def create(
    scope: Annotated[list[str], typer.Option(help=f"What it allows: {', '.join(SCOPES)}.")],
    organisation: Annotated[
        str, typer.Option(help="Code of the organisation whose pipelines use it.")
    ] = "",
    days: Annotated[int, typer.Option(help="For how many days it holds.")] = 365,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Make a token. It is shown once and kept nowhere.

    Example: govledger token create --scope lineage:write --label airflow --days 180
    """
    if organisation:
        try:
            check_organisation_code(organisation)
        except IdentifierError as error:
            raise Problem(f"--organisation: {error}", code=Exit.USAGE) from error
    with opened() as office:
        _ = office.deployment
        if organisation:
            office.refresh()
            with office.read() as connection:
                demand_organisation(connection, organisation, None)
        try:
            text, token = tokens.create(
                office.desk_engine, scope, days=days, organisation=organisation, label=label
            )
        except TokenError as error:
            allowed, longest = "、".join(sorted(SCOPES)), tokens.LONGEST_DAYS
            zh = f"无法创建令牌：权限可选 {allowed}，有效期为 1 至 {longest} 天"
            raise Problem(say(zh, str(error)), code=Exit.USAGE) from error
    if as_json:
        print_json({"token": text, **_shown(token)})
        return
    out.print(
        say(
            f"✓ 令牌 {token.id} 已创建，有效期至 {_day(token.expires_at)}；下面的内容只显示这一次：",
            f"✓ token {token.id} holds until {_day(token.expires_at)}; this is shown only once:",
        ),
        style="green",
    )
    sys.stdout.write(text + "\n")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """Every token, ended ones too. Example: govledger token list"""
    with opened() as office:
        _ = office.deployment
        found = tokens.tokens(office.desk_engine)
    if as_json:
        print_json({"tokens": [_shown(token) for token in found]})
        return
    now = time.time()
    print_table(
        say(f"访问令牌：{len(found)}", f"Tokens: {len(found)}"),
        [
            say("编号", "id"),
            say("权限", "scopes"),
            say("机构", "organisation"),
            say("用途", "label"),
            say("有效期至", "until"),
            say("状态", "state"),
        ],
        [
            (
                token.id,
                " ".join(token.scopes),
                token.organisation or "–",
                token.label or "–",
                _day(token.expires_at),
                say(*STATES[token.state(now)]),
            )
            for token in found
        ],
        fold=[say("用途", "label")],
        spare=[say("用途", "label"), say("机构", "organisation")],
    )


@app.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(help="Its id, see `token list`.")], as_json: Json = False
) -> None:
    """End a token, for good; a server heeds it within two seconds. Example: govledger token revoke 0123456789ab"""
    with opened() as office:
        _ = office.deployment
        try:
            ended = tokens.revoke(office.desk_engine, token)
        except TokenError as error:
            raise Problem(
                say(f"没有令牌 {token}", str(error)),
                say("编号见 `govledger token list`", "`govledger token list` shows their ids"),
                Exit.NOT_FOUND,
            ) from error
    if as_json:
        print_json(_shown(ended))
        return
    out.print(say(f"✓ 令牌 {ended.id} 已吊销", f"✓ token {ended.id} is revoked"), style="green")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, CHINA_TIME).date().isoformat()


def _shown(token: tokens.Token) -> dict[str, object]:
    return {
        "id": token.id,
        "scopes": list(token.scopes),
        "organisation": token.organisation or None,
        "label": token.label or None,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "state": token.state(time.time()),
    }
