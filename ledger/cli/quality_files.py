"""``govledger quality rules`` and ``weights``: the files that an assessment is made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.catalogue import queries as catalogue
from ledger.catalogue.queries import CatalogueQueryError
from ledger.catalogue.sealing import SealError
from ledger.cli import catalogue_acts
from ledger.cli.output import (
    Exit,
    Problem,
    counted,
    err,
    out,
    print_fields,
    print_json,
    print_table,
    say,
    write_whole,
)
from ledger.cli.session import Json, existing_file, reading
from ledger.quality.ruleset import RuleSet, load_rules, read_model, reference_of
from ledger.quality.weights import DEFAULT_PROFILE, WeightProfile

if TYPE_CHECKING:
    from ledger.records.sources import Source

SourceText = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="people.csv, people.parquet, book.xlsx#Sheet, duckdb:///FILE#TABLE, sqlite:///FILE#TABLE, "
        "postgresql://HOST/DB#TABLE.",
    ),
]
References = Annotated[
    list[str] | None,
    typer.Option("--reference", help="NAME=SOURCE of a reference that the rules name; repeatable."),
]

rules_app = typer.Typer(
    no_args_is_help=True,
    help="Rule files: check, and draft / 质量规则文件. Example: govledger quality rules check rules.yaml",
)


def weights_in(file: Path | None) -> WeightProfile:
    """The profile in a file, ours where none is given."""
    return DEFAULT_PROFILE if file is None else read_model(existing_file(file), WeightProfile)


@rules_app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="YAML or JSON file of quality rules.")],
    source: Annotated[
        str | None, typer.Option(help="Also hold the rules against this table's columns.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Check a rule file; with --source also that its columns are there and of types that fit.

    Example: govledger quality rules check rules.yaml --source schools.csv
    """
    rules = load_rules(existing_file(file))
    misfits = [] if source is None else _misfits(rules, source)
    digest = rules.digest().hex()
    if json_output:
        print_json(
            {
                "file": str(file),
                "rules": len(rules.rules),
                "digest": digest,
                "problems": [{"rule": one, "reason": reason} for one, reason in misfits],
            }
        )
    else:
        out.print(
            say(
                f"✓ {file.name}：{len(rules.rules)} 条规则，摘要 {digest}",
                f"✓ {file.name}: {counted(len(rules.rules), 'rule')}, digest {digest}",
            )
        )
    if misfits:
        from ledger.quality.reasons import REASONS  # noqa: PLC0415 - only where something is wrong

        lines = [f"{rule}: {say(*REASONS[reason])}" for rule, reason in misfits]
        raise Problem(
            say("有规则无法在该表上执行：\n", "rules cannot be carried out on this table:\n")
            + "\n".join(lines),
            say("请更正规则，或改用正确的数据表", "correct the rules, or name the right table"),
        )


def _misfits(rules: RuleSet, source: str) -> list[tuple[str, str]]:
    """Rules that the table's schema rules out, with the reason. References are not asked for."""
    from datetime import date  # noqa: PLC0415

    from ledger.quality.running import Job, plan_of  # noqa: PLC0415 - brings the query engine along
    from ledger.quality.scoring import Outcome, State  # noqa: PLC0415
    from ledger.quality.terms import Terms  # noqa: PLC0415
    from ledger.quality.wholes import Bench  # noqa: PLC0415
    from ledger.records.sources import open_source  # noqa: PLC0415

    any_day = date(2026, 1, 1)
    with open_source(source) as opened_source:
        bench = Bench(opened_source.con, {})
        plan = plan_of(Job(opened_source.table, rules, Terms(any_day, (any_day, any_day)), bench))
    return [
        (rule.id, part.reason or "")
        for rule in rules.rules
        if isinstance(part := plan.parts.get(rule.id), Outcome)
        and part.state is State.NOT_ASSESSABLE
        and part.reason != "no_cycle"
    ]


@rules_app.command("suggest")
def suggest(
    source: SourceText,
    entry: Annotated[str, typer.Option(help="Code of the catalogue entry that the table is of.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default: the screen.")
    ] = None,
) -> None:
    """Draft rules for a table from the entry's items and a profile of the data.

    Example: govledger quality rules suggest schools.csv --entry 318001/000001 -o rules.yaml
    """
    from ledger.quality.suggesting import suggest as drafted  # noqa: PLC0415 - heavy
    from ledger.records.sources import open_source  # noqa: PLC0415

    document = entry_document(entry)
    with open_source(source) as opened_source:
        rules = drafted(
            opened_source.table, entry, document.get("items"), document.get("update_cycle")
        )
    text = written(rules, document)
    if output is None:
        out.print(text, markup=False, soft_wrap=True, end="")
        return
    write_whole(output, [text.encode()])
    err.print(
        say(
            f"已写入 {output}：{len(rules.rules)} 条规则草案，请逐条审阅",
            f"wrote {output}: {len(rules.rules)} drafted rules; read each before you use them",
        )
    )


def written(rules: RuleSet, document: Mapping[str, Any]) -> str:
    """A drafted rule set as a YAML file, one rule a line."""
    import yaml  # noqa: PLC0415

    def line(value: object) -> str:
        return yaml.safe_dump(
            value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000
        ).strip()

    head = [
        f"# 质量规则草案 · drafted quality rules: {document.get('name', rules.entry)}",
        "# 草案只说明数据现状，请由业务人员审定。 A draft says what the data are like; decide what they should be.",
        f"format: {rules.format}",
        f"entry: {line(rules.entry).removesuffix('...').strip()}",
        f"key: {line(list(rules.key))}",
        "rules:",
    ]
    lines = [
        f"  - {line(rule.model_dump(mode='json', exclude_defaults=True))}" for rule in rules.rules
    ]
    return "\n".join([*head, *lines]) + "\n"


def entry_document(code: str) -> dict[str, Any]:
    """The entry's newest text, a restricted one's where its seal is kept here; raises :class:`Problem`."""
    with reading() as (connection, _):
        try:
            found = catalogue.show(connection, code)
        except CatalogueQueryError as error:
            raise Problem(
                say(f"目录中没有条目 {code}", f"no entry has the code {code}"),
                say(
                    "用 `govledger catalogue search` 查找",
                    "find it with `govledger catalogue search`",
                ),
                Exit.NOT_FOUND,
            ) from error
    edition = found.published or found.pending
    if edition is None:
        return {}
    if not found.entry.restricted:
        return edition.document
    try:
        return catalogue_acts.unsealed(found) or {}
    except SealError:
        err.print(
            say(
                "! 受限条目的原文不在本处：按未列数据项评估",
                "! the text of this restricted entry is not kept here: its items are not known",
            ),
            style="yellow",
        )
        return {}


def references_of(
    rules: RuleSet, file: Path, given: Sequence[str] | None, closing: ExitStack
) -> dict[str, Source]:
    """The references that rules need, opened: as given, else where the rule file says, beside that file.

    One that cannot be opened is told and left out: its rules are then not assessable. Raises
    :class:`Problem` for a name that the rules do not know.
    """
    from ledger.records.problems import SourceError  # noqa: PLC0415
    from ledger.records.sources import open_source  # noqa: PLC0415

    named = _named(rules, given)
    opened: dict[str, Source] = {}
    for name in sorted({found for rule in rules.rules if (found := reference_of(rule))}):
        text = named.get(name) or _beside(file, rules.references[name].source)
        why = say("未指明其来源", "no source is named for it")
        if text is not None:
            try:
                opened[name] = closing.enter_context(open_source(text))
                continue
            except SourceError as error:
                why = say(error.zh, str(error))
        err.print(
            say(
                f"! 参照表 {name}：{why}；相关规则无法评估",
                f"! reference {name}: {why}; its rules are not assessable",
            ),
            style="yellow",
            markup=False,
        )
    return opened


def _named(rules: RuleSet, given: Sequence[str] | None) -> dict[str, str]:
    named = {}
    for one in given or ():
        name, equals, source = one.partition("=")
        if not equals or name not in rules.references:
            known = ", ".join(rules.references) or "-"
            raise Problem(
                say(
                    f"--reference {one}：规则中没有这个参照表",
                    f"--reference {one}: the rules know no such reference",
                ),
                say(
                    f"写作 名称=数据源；规则中有：{known}",
                    f"write NAME=SOURCE; the rules name: {known}",
                ),
                Exit.USAGE,
            )
        named[name] = source
    return named


def _beside(file: Path, source: str | None) -> str | None:
    """A relative file in a rule file is meant from where that file is."""
    if source is None or "://" in source or Path(source).is_absolute():
        return source
    return str(file.parent / source)


def weights(
    file: Annotated[
        Path | None, typer.Argument(help="YAML or JSON file of weights; without one, ours.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Check a weight profile and show it with its digest. Example: govledger quality weights weights.yaml"""
    from ledger.quality.dimensions import FULL  # noqa: PLC0415
    from ledger.quality.indicators import INDICATORS, level_of  # noqa: PLC0415

    profile = weights_in(file)
    if json_output:
        print_json({**profile.document(), "digest": profile.digest().hex()})
        return
    print_fields(
        profile.name,
        [
            (say("来源", "origin"), say("本项目默认，非标准规定", "this project's default, not the standard's")
             if profile.origin == "project" else say("评估方", "the evaluator")),
            (say("摘要", "digest"), profile.digest().hex()),
            (say("等级", "grades"), "  ".join(f"{one.grade} ≥ {one.from_ / 100:g}" for one in profile.grades)),
        ],
    )  # fmt: skip
    print_table(
        "",
        [say("编码", "code"), say("指标", "indicator"), say("权重", "weight"), say("说明", "note")],
        [
            (
                code,
                "  " * (level_of(code) - 1) + say(one.zh, one.en),
                f"{float(profile.share(code) * FULL) / 100:.2f}%",
                "" if code in profile.weights else say("等权", "equal shares"),
            )
            for code, one in INDICATORS.items()
        ],
        right=[say("权重", "weight")],
    )
