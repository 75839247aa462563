"""What assessments are made of: data and references opened, periods, secrets, deliveries, the entry's say."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ledger.canonical import parse_json
from ledger.catalogue import queries as catalogue
from ledger.cli.deliver_options import period_of
from ledger.cli.output import Exit, Problem, progress_bar, say
from ledger.cli.quality_files import references_of
from ledger.cli.session import ask_passphrase, existing_file, opened
from ledger.days import day_in
from ledger.deliveries.computing import Reading, schema_in
from ledger.office import Office
from ledger.quality import queries
from ledger.quality.ruleset import RuleSet

if TYPE_CHECKING:
    from ledger.quality.assessing import Inputs
    from ledger.quality.results import Result, Subject

SECRET_BYTES = 32
KEPT = "quality"
"""Directory of result documents below the data directory."""

SecretFile = Annotated[
    Path | None,
    typer.Option("--secret-file", help="File with the secret of the data's root, 64 hex digits."),
]


class Delivered(NamedTuple):
    """The delivery that is assessed: its period and edition, root, and how its rows were encoded."""

    number: int
    edition: int
    period: tuple[date, date]
    root: str
    secret: bytes
    schema: Any


@contextmanager
def inputs_of(
    source: str, *, file: Path, reference: list[str] | None, rules: RuleSet, **more: Any  # noqa: ANN401
) -> Iterator[Inputs]:  # fmt: skip
    from ledger.quality.assessing import Inputs as Made  # noqa: PLC0415 - brings the query engine along
    from ledger.records.sources import open_source  # noqa: PLC0415

    if rules.text and more["schema"] is None:
        reading = Reading(rules.key, rules.scales, rules.offset, rules.text)
        more["schema"] = schema_in(source, reading)
    with ExitStack() as closing:
        opened_source = closing.enter_context(open_source(source, more["schema"]))
        references = references_of(rules, file, reference, closing)
        yield Made(source=opened_source, references=references, rules=rules, **more)


def carried_out(inputs: Inputs) -> Result:
    """The assessment, with a bar for whoever watches."""
    from ledger.quality.assessing import assess as carry_out  # noqa: PLC0415

    words = {
        "commit": say("计算数据根", "Committing to rows"),
        "rules": say("执行规则", "Counting rules"),
    }
    bars: dict[str, Any] = {}
    with ExitStack() as shown:

        def tell(what: str, done: int, whole: int) -> None:
            if what not in bars:
                shown.close()
                bars[what] = shown.enter_context(progress_bar(words[what]))
            bars[what](done, whole)

        return carry_out(inputs, tell)


def secret_of(file: Path | None) -> bytes:
    """The secret in a file, a new one where none is named; raises :class:`Problem`."""
    if file is None:
        return secrets.token_bytes(SECRET_BYTES)
    try:
        secret = bytes.fromhex(existing_file(file).read_text("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise Problem(
            say(f"{file} 不是盐密钥", f"{file} holds no secret"),
            say("文件应为64位十六进制数", "the file holds 64 hexadecimal digits"),
            Exit.USAGE,
        )
    return secret


def subject_of_entry(
    entry: str, document: Mapping[str, Any], *, period: str | None, day: str | None, delivered: Delivered | None
) -> Subject:  # fmt: skip
    from ledger.quality.results import Subject as Made  # noqa: PLC0415

    if period is None and delivered is None:
        raise Problem(
            say("未说明评估期", "no period was given"),
            say(
                "请用 --period 2026-Q1 说明，或用 --delivery 指明交付",
                "give --period 2026-Q1, or name a --delivery",
            ),
            Exit.USAGE,
        )
    start, end = (
        period_of(period)
        if period is not None
        else (delivered.period if delivered else (date.min, date.min))
    )
    with opened() as office, office.read() as connection:
        edition = delivered.edition if delivered else _edition(connection, entry)
    return Made(
        entry=entry,
        edition=edition,
        period_start=start,
        period_end=end,
        day=end if day is None else _day(day),
        cycle=document.get("update_cycle"),
        items=tuple(_item(one) for one in document["items"]) if document.get("items") else None,
    )


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    """What rules read of an item."""
    return {
        name: item[name] for name in ("name", "name_en", "data_type") if item.get(name) is not None
    }


def _day(text: str) -> date:
    try:
        return day_in(text)
    except ValueError as error:
        raise Problem(
            f"--day: {error}", say("写作 2026-03-31", "write 2026-03-31"), Exit.USAGE
        ) from error


def _edition(connection: Any, entry: str) -> int:  # noqa: ANN401
    found = catalogue.standing(connection, [entry])[entry]
    return found.published_edition or found.edition


def delivered_as(entry: str, number: int, secret_file: Path | None) -> Delivered:
    from ledger.deliveries import queries as deliveries  # noqa: PLC0415
    from ledger.records.schema import RecordSchema  # noqa: PLC0415

    with opened() as office:
        _ = office.deployment
        office.refresh()
        with office.read() as connection:
            found = deliveries.delivery(connection, entry, number)
            manifest = (
                None
                if found is None or found.manifest_leaf is None
                else deliveries.manifest_at(connection, found.manifest_leaf)
            )
        if found is None:
            raise Problem(
                say(
                    f"条目 {entry} 没有第 {number} 次交付",
                    f"entry {entry} has no delivery {number}",
                ),
                say("用 `govledger deliver list` 查看", "see `govledger deliver list`"),
                Exit.NOT_FOUND,
            )
        secret = (
            _manifest_secret(office, manifest) if secret_file is None else secret_of(secret_file)
        )
    text = None if manifest is None else manifest.schema_text
    schema = None if text is None else RecordSchema.from_document(_parsed(text))
    days = (found.period_start, found.period_end)
    return Delivered(number, found.edition, days, found.root, secret, schema)


def _parsed(text: str) -> Any:  # noqa: ANN401
    return parse_json(text.encode())


def _manifest_secret(office: Office, manifest: Any) -> bytes:  # noqa: ANN401 - deliveries' Manifest
    from ledger.deliveries.keeping import kept_secret  # noqa: PLC0415

    secret = None
    if manifest is not None:
        ask_passphrase(office)
        digest = bytes.fromhex(manifest.body_digest.removeprefix("0x"))
        with office.desk_engine.connect() as desk:
            secret = kept_secret(desk, digest, office.vault_key)
    if secret is None:
        raise Problem(
            say("本处没有该交付的盐密钥", "the secret of this delivery is not kept here"),
            say(
                "请用 --secret-file 提供，或在归集方处评估",
                "give --secret-file, or assess where the data were received",
            ),
        )
    return secret


def subject_of_score(score: queries.Score) -> Subject:
    """What a score was of, where only the statement says so: items and cycle by its edition."""
    from ledger.quality.results import Subject as Made  # noqa: PLC0415

    with opened() as office, office.read() as connection:
        document = catalogue.edition(connection, score.entry, score.edition).document
    return Made(
        entry=score.entry,
        edition=score.edition,
        period_start=score.period_start,
        period_end=score.period_end,
        day=score.day or score.period_end,
        cycle=document.get("update_cycle"),
        items=tuple(_item(one) for one in document["items"]) if document.get("items") else None,
    )


def kept_place(office: Office, digest: str | None) -> Path | None:
    if digest is None:
        return None
    place = office.data_dir / KEPT / f"{digest.removeprefix('0x')}.json"
    return place if place.exists() else None
