"""Drafts out of files and options: what a person wants to say, or a refusal that names every mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ledger.catalogue.documents import read_document
from ledger.catalogue.problems import EntryRefused
from ledger.cli.catalogue_acts import refused
from ledger.cli.output import Exit, Problem, say
from ledger.cli.session import existing_file
from ledger.faults import Fault, faults_of

SHOWN_FAULTS = 50
Model = TypeVar("Model", bound=BaseModel)


def read_drafts(file: Path, model: type[Model]) -> list[Model]:
    """The drafts in a YAML or JSON file: one, or a list of them, in file order.

    Raises :class:`Problem` with every mistake of all of them, each with its line and place.
    """
    try:
        value, lines = read_document(existing_file(file))
    except EntryRefused as refusal:
        raise refused(refusal) from refusal
    listed = isinstance(value, list)
    rows: list[Any] = value if listed else [value]
    drafts: list[Model] = []
    found: list[Fault] = []
    for position, row in enumerate(rows):
        prefix = f"/{position}" if listed else ""
        if not isinstance(row, Mapping):
            found.append(Fault(prefix, "应为“字段: 值”的一组", "a set of 'field: value' is meant"))
            continue
        try:
            drafts.append(model.model_validate(dict(row)))
        except ValidationError as error:
            found += [Fault(prefix + one.pointer, one.zh, one.en) for one in faults_of(error)]
    if found:
        raise _told(found, file.name, lines)
    if not drafts:
        raise Problem(say(f"{file.name} 中没有内容", f"{file.name} holds nothing"), code=Exit.USAGE)
    return drafts


def draft_of(model: type[Model], **values: object) -> Model:
    """The draft that options make, or a refusal that names the option."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _told(faults_of(error), "", {}) from error


def _told(found: Sequence[Fault], file: str, lines: Mapping[str, int]) -> Problem:
    told = [_line(one, file, lines) for one in found[:SHOWN_FAULTS]]
    if len(found) > SHOWN_FAULTS:
        rest = len(found) - SHOWN_FAULTS
        told.append(say(f"… 另有 {rest} 处", f"… and {rest} more"))
    return Problem(
        "\n  ".join(told),
        say("更正后重试；尚未写入任何内容", "correct it and try again; nothing was written"),
        Exit.REFUSED if file else Exit.USAGE,
    )


def _line(fault: Fault, file: str, lines: Mapping[str, int]) -> str:
    pointer = fault.pointer
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    at = f"{file}:{lines[pointer]}" if pointer in lines else file
    place = " ".join(part for part in (at, fault.pointer) if part)
    return f"{place}: {say(fault.zh, fault.en)}" if place else say(fault.zh, fault.en)
