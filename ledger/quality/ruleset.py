"""Rule sets (规则集): a file of quality rules, read, checked, and with a digest of its own.

The digest is the SHA-256 of the canonical JSON of the whole set with every default written out. Two
files that mean the same have the same digest, whatever their order of fields, comments or format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ledger.bodies import Line
from ledger.canonical import canonical_json
from ledger.catalogue.documents import read_document
from ledger.catalogue.problems import EntryRefused
from ledger.quality import checks
from ledger.quality.checks import AnyRule
from ledger.quality.rule_base import Column, Name

MAX_RULES = 500
SCHEMA_ID = "/api/v1/schemas/quality-rules"
Model = TypeVar("Model", bound=BaseModel)


class Reference(BaseModel):
    """A reference (参照表): another table that rules hold this one against.

    ``source`` is a default for where it is; whoever assesses may name another, and need not where the
    file's own is right.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    source: Line | None = None
    title: Line | None = None


class RuleSet(BaseModel):
    """The rules of one table.

    ``key`` names the columns that tell records apart: without it the data have no root. ``scales`` are
    decimal places of floating-point columns, ``offset`` the offset from UTC at which times without a
    zone are meant (``+08:00``), as row encoding needs them. ``text`` names columns of a CSV file that
    are text whatever they look like, such as identity numbers and codes with leading zeros.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    format: Literal["govledger-rules/1"] = "govledger-rules/1"
    entry: Line | None = None
    title: Line | None = None
    key: Annotated[tuple[Column, ...], Field(max_length=16)] = ()
    scales: dict[Column, Annotated[int, Field(ge=0, le=18)]] = Field(default_factory=dict)
    offset: Annotated[str, Field(pattern=r"^[+-][0-9]{2}:[0-9]{2}$")] | None = None
    text: Annotated[tuple[Column, ...], Field(max_length=256)] = ()
    references: dict[Name, Reference] = Field(default_factory=dict)
    rules: Annotated[tuple[AnyRule, ...], Field(min_length=1, max_length=MAX_RULES)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.text and not self.key:
            raise ValueError("text: columns are taken as text where `key` names those of the key")
        seen: set[str] = set()
        for rule in self.rules:
            if rule.id in seen:
                raise ValueError(f"rules: the id {rule.id!r} stands there twice")
            seen.add(rule.id)
            named = reference_of(rule)
            if named is not None and named not in self.references:
                raise ValueError(
                    f"rules: {rule.id} names the reference {named!r}, which is not listed"
                )
        return self

    def document(self) -> dict[str, Any]:
        """The set as JSON values, defaults written out."""
        return self.model_dump(mode="json", exclude_none=True)

    def canonical(self) -> bytes:
        """The document whose SHA-256 is the set's digest (RFC 8785)."""
        return canonical_json(self.document())

    def digest(self) -> bytes:
        """SHA-256 of :meth:`canonical`, 32 bytes."""
        return hashlib.sha256(self.canonical()).digest()


def reference_of(rule: checks.Rule) -> str | None:
    """The reference that a rule needs, if any."""
    named = getattr(rule, "reference", None)
    return named if isinstance(named, str) else None


class RuleFileError(ValueError):
    """A rule or weight file that is not taken: every line of the message names place and mistake."""

    def __init__(self, problems: list[str], *, zh: str = "") -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.zh = zh
        self.hint = "correct the file and check it with `govledger quality rules check FILE`"
        self.hint_zh = "请更正文件，并用 `govledger quality rules check FILE` 检查"


def load_rules(path: Path) -> RuleSet:
    """The rule set in a YAML or JSON file; raises :class:`RuleFileError` with every mistake by line."""
    found = read_model(path, RuleSet)
    problems = [f"{path.name}: {problem}" for problem in expression_problems(found)]
    if problems:
        raise RuleFileError(problems, zh="规则文件中的表达式有误:\n" + "\n".join(problems))
    return found


def expression_problems(rules: RuleSet) -> list[str]:
    """What is wrong with the SQL expressions of a set, a line each."""
    from ledger.quality.sql_conditions import (  # noqa: PLC0415 - brings the query engine along
        ExpressionError,
        parse_expression,
    )

    problems = []
    for rule in rules.rules:
        for field in ("when", "sql"):
            text = getattr(rule, field, None)
            if text is None:
                continue
            try:
                parse_expression(text)
            except ExpressionError as error:
                problems.append(f"{rule.id}, {field}: {error}")
    return problems


def read_model(path: Path, model: type[Model]) -> Model:
    """A YAML or JSON file as a model; raises :class:`RuleFileError` with every mistake by line."""
    try:
        value, lines = read_document(path)
    except EntryRefused as refusal:
        told = [f"{path.name}: {one.message('en')}" for one in refusal.problems]
        raise RuleFileError(
            told, zh="\n".join(one.message("zh") for one in refusal.problems)
        ) from refusal
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A list whose members are refused is also said to be too short: that is no mistake of its own.
        own = [one for one in details if one["type"] != "too_short"] or details
        problems = [_told(path, detail, lines) for detail in own]
        raise RuleFileError(problems, zh="文件内容有误:\n" + "\n".join(problems)) from error


def _told(path: Path, detail: Any, lines: Mapping[str, int]) -> str:  # noqa: ANN401 - pydantic's dict
    steps = [str(step) for step in detail["loc"]]
    # Of a rule pydantic also names the kind of check, which no line of the file has.
    pointer, place = "", ""
    for step in steps:
        candidate = f"{pointer}/{step}"
        place = f"{place}/{step}"
        if candidate in lines:
            pointer = candidate
    line = lines.get(pointer)
    where = f"{path.name}:{line}" if line else path.name
    return f"{where} {place}: {detail['msg'].removeprefix('Value error, ')}"


def rules_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a rule file. Checks across fields are not in it."""
    schema = RuleSet.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **schema,
        "title": "质量规则集 Quality rule set",
    }
