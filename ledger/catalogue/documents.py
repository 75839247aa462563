"""Entries from a file (YAML or JSON): one entry, a list, or ``entries:`` with a list.

Every mistake is told with its line. YAML is read in a small, safe form: no tags, no aliases, no
repeated keys; only ``true``/``false``, whole numbers and ``null`` are anything but text, so that a
date, a ``no`` or a code with leading zeros stays what was written.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ledger.canonical import MAX_DEPTH, CanonicalError, parse_json
from ledger.catalogue.entry import Entry
from ledger.catalogue.problems import EntryRefused, Problem, problem

MAX_FILE_BYTES = 16 * 1024 * 1024
_INTEGER = re.compile(r"^(0|-?[1-9][0-9]{0,14})$")


class _Loader(yaml.SafeLoader):
    """YAML without types beyond text, booleans, integers and null, without tags and aliases."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        event = self.peek_event()  # type: ignore[no-untyped-call]
        refusal = None
        if isinstance(event, yaml.events.AliasEvent):
            refusal = "aliases (*name) are not taken: write it out"
        elif getattr(event, "tag", None) is not None:
            refusal = "tags (!name) are not taken: leave it out"
        elif self._depth == MAX_DEPTH and isinstance(event, yaml.events.CollectionStartEvent):
            # Not only what the body may hold: nothing but brackets takes the square of their number.
            refusal = f"nested too deep: at most {MAX_DEPTH} within one another"
        if refusal is not None:
            raise yaml.composer.ComposerError(None, None, refusal, event.start_mark)
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INTEGER, list("-0123456789"))


def load_entries(path: Path) -> list[Entry]:
    """The entries in a YAML or JSON file (UTF-8, at most 16 MiB), in file order.

    Raises :class:`EntryRefused` with every problem of every entry; pointers go from the top of the
    file (``/0/items/2/name`` in a list), and ``line`` says where. Checks across fields are not made
    here: see :func:`ledger.catalogue.checks.check_entry`.
    """
    value, lines = read_document(path)
    documents = _documents(value, path)
    entries: list[Entry] = []
    found: list[Problem] = []
    for pointer, document in documents:
        try:
            entries.append(Entry.parse(document))
        except EntryRefused as refusal:
            for one in refusal.problems:
                place = pointer + one.pointer
                found.append(replace(one, pointer=place, line=_line_of(place, lines)))
    if found:
        raise EntryRefused(found, path.name)
    return entries


def read_document(path: Path) -> tuple[Any, dict[str, int]]:
    """The value in a YAML or JSON file, and the line of every JSON pointer in it (from 1).

    Raises :class:`EntryRefused` with the line where the file cannot be read.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise _unreadable(path, f"the file is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"not UTF-8 at byte {error.start}") from error
    looks_like_json = text.lstrip()[:1] in ("{", "[")
    if looks_like_json:
        # Tabs may indent JSON, never YAML; both read the same once they are spaces.
        text = "\n".join(_indent_spaces(line) for line in text.split("\n"))
    try:
        value, lines = _read_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise _unreadable(path, error.problem or "not readable", line) from error
    except yaml.YAMLError as error:
        raise _unreadable(path, str(error).splitlines()[0]) from error
    if not lines:
        raise _unreadable(path, "the file is empty")
    if looks_like_json:
        # JSON writes characters beyond the basic plane as pairs of escapes, which YAML splits.
        with contextlib.suppress(CanonicalError):
            value = parse_json(text.encode(), MAX_FILE_BYTES)
    return value, lines


def _read_yaml(text: str) -> tuple[Any, dict[str, int]]:
    """The value of a YAML text and the lines of its pointers; no lines for an empty text."""
    loader = _Loader(text)
    lines: dict[str, int] = {}
    try:
        node = loader.get_single_node()
        if node is None:
            return None, lines
        _index(node, "", lines)
        return loader.construct_document(node), lines
    finally:
        loader.dispose()


def _indent_spaces(line: str) -> str:
    body = line.lstrip("\t ")
    return line[: len(line) - len(body)].replace("\t", "  ") + body


def _documents(value: object, path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """The entries in a file's value, with the pointer at which each stands."""
    prefix = ""
    if isinstance(value, dict) and set(value) == {"entries"}:
        prefix, value = "/entries", value["entries"]
    if isinstance(value, dict):
        return [("", value)]
    if not isinstance(value, list) or not value:
        raise _unreadable(path, "an entry is a set of 'field: value' lines, or a list of such sets")
    for position, one in enumerate(value):
        if not isinstance(one, dict):
            raise _unreadable(path, f"{prefix}/{position} is not an entry")
    return [(f"{prefix}/{position}", one) for position, one in enumerate(value)]


def _index(node: yaml.Node, pointer: str, lines: dict[str, int]) -> None:
    lines[pointer] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the field {name!r} appears twice", key.start_mark
                )
            seen.add(name)
            step = name.replace("~", "~0").replace("/", "~1")
            _index(value, f"{pointer}/{step}", lines)
            lines[f"{pointer}/{step}"] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _index(value, f"{pointer}/{position}", lines)


def _line_of(pointer: str, lines: Mapping[str, int]) -> int | None:
    """The line of a pointer, or of the nearest thing around it where it is absent."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer)


def _unreadable(path: Path, reason: str, line: int | None = None) -> EntryRefused:
    return EntryRefused([replace(problem("invalid", "", reason=reason), line=line)], path.name)


def line_problems(problems: Sequence[Problem], language: str = "zh") -> list[str]:
    """Problems as lines for people, in file order."""
    ordered = sorted(problems, key=lambda one: (one.line or 0, one.pointer))
    return [one.message(language) for one in ordered]
