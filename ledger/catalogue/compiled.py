"""Entries (目录条目) of a long log, read by a compiled decoder made from their model.

:class:`~ledger.catalogue.entry.Entry` trims, folds and explains; a body on the ledger nearly always needs none of that.
:func:`compiled_entry` takes only bodies in which pydantic would change no value, and leaves all others to it, so that
what is refused and why stays one definition's word. What it returns has the fields of an entry and the two properties
that rows are made from.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec
from annotated_types import Ge, Le, MaxLen
from pydantic import StringConstraints
from pydantic.fields import FieldInfo

from ledger.catalogue.entry import Entry, Part

_PLAIN = (bool, int, dt.date, type(None))
_NAMED_CONSTRAINTS = {"ge": Ge, "le": Le}


def compiled_entry(body: bytes) -> Entry | None:
    """The entry in a canonical body, or None where only the model itself can say what it makes of it."""
    text = body.decode()
    # No escapes and no blanks but inner single characters: nothing that is trimmed, refused or taken for nothing.
    if "\\" in text or ' "' in text or '" ' in text or not text.isprintable():
        return None
    try:
        return cast("Entry", _DECODER.decode(body))
    except msgspec.MsgspecError:
        return None


def _struct(model: type[Part]) -> type[msgspec.Struct]:
    """A struct with the fields, bounds and properties of a part of an entry."""
    fields: list[Any] = []
    for name, info in model.model_fields.items():
        kind = _type(info.annotation, _bounds(info.metadata))
        fields.append((name, kind) if info.is_required() else (name, kind, info.default))
    properties = {name: kept for name, kept in vars(model).items() if isinstance(kept, property)}
    return msgspec.defstruct(
        f"Compiled{model.__name__}",
        fields,
        namespace=properties,
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
    )


def _type(annotation: Any, bounds: dict[str, Any]) -> Any:  # noqa: ANN401 - of any field
    """What msgspec must find where the model says ``annotation``, narrowed by ``bounds``."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(parts[0], _narrowed(bounds, _bounds(parts[1:])))
    if origin in (Union, types.UnionType):
        return Union[tuple(_type(part, bounds if part is not type(None) else {}) for part in parts)]  # noqa: UP007
    if origin is tuple:
        return _bounded(tuple[_type(parts[0], {}), ...], bounds)  # type: ignore[misc]
    if annotation is str:
        # An empty text is *not stated*, which the model turns into None or refuses.
        return _bounded(str, {"min_length": 1} | bounds)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return _struct(annotation)
    if annotation in _PLAIN or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return _bounded(annotation, bounds)
    raise TypeError(f"no compiled form of {annotation!r}")


def _bounded(kind: Any, bounds: dict[str, Any]) -> Any:  # noqa: ANN401 - of any field
    return Annotated[kind, msgspec.Meta(**bounds)] if bounds else kind


def _bounds(metadata: Sequence[Any]) -> dict[str, Any]:
    """The bounds among a field's metadata, as :class:`msgspec.Meta` names them."""
    found: dict[str, Any] = {}
    for each in metadata:
        if isinstance(each, StringConstraints):
            stated = {"max_length": each.max_length, "pattern": each.pattern}
            found = _narrowed(found, {name: one for name, one in stated.items() if one is not None})
            if each.to_lower:
                found = _narrowed(found, {"pattern": "^[!-@\\[-~]*$"})
        elif isinstance(each, FieldInfo):
            found = _narrowed(found, _bounds(each.metadata))
        elif isinstance(each, MaxLen):
            found = _narrowed(found, {"max_length": each.max_length})
        elif isinstance(each, Ge | Le):
            found |= {"ge": each.ge} if isinstance(each, Ge) else {"le": each.le}
    return found


def _narrowed(bounds: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = bounds | more
    lengths = [each["max_length"] for each in (bounds, more) if "max_length" in each]
    return both | ({"max_length": min(lengths)} if lengths else {})


_DECODER = msgspec.json.Decoder(_struct(Entry))
