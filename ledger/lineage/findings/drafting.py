"""A draft entry for data that nobody catalogued (目录草案), out of what jobs said of the data set.

Items come from the facet ``schema``, the abstract from ``documentation``, the provider is the likely owner, and
grade and share class are the strictest of what flows in: so a draft is classed too low by nobody's oversight. What
no job can know (legal assessments, update cycle, code sets) is left for people to fill in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.catalogue.dictionaries import DataType
from ledger.codes import ShareType
from ledger.identifiers import next_resource_code
from ledger.lineage.findings.dark import Owner, Owners
from ledger.lineage.findings.flow import arriving, flow
from ledger.lineage.findings.hops import hops
from ledger.lineage.findings.picture import Names, Picture, holding, picture
from ledger.lineage.identity import dataset_number
from ledger.lineage.models import FACET_VALUES, FACETS
from ledger.organisations import queries as organisations

_SHORT, _PARAGRAPH, _MOST_ITEMS = 128, 1_000, 2_000
_SHARE_TYPES = {code.number: code.value for code in ShareType}
_SYSTEMS = {"postgres": "postgresql", "mssql": "sqlserver", "hive": "hive"}
_FILES = frozenset({"file", "s3", "s3a", "gs", "hdfs", "abfss", "dbfs", "oss", "cosn"})
_TYPES: tuple[tuple[str, DataType], ...] = (
    (r"(big|small|tiny|medium)?int(eger|\d+)?|(big|small)?serial|long|short|u?int\d+", DataType.INTEGER),
    (r"decimal|numeric|number", DataType.DECIMAL),
    (r"money|smallmoney", DataType.CURRENCY),
    (r"double( precision)?|float8|float64", DataType.DOUBLE),
    (r"float4?|float32|real", DataType.FLOAT),
    (r"bool(ean)?|bit", DataType.LOGICAL),
    (r"(timestamp|datetime)\w*( with(out)? time zone)?", DataType.DATETIME),
    (r"date\d*", DataType.DATE),
    (r"time\w*( with(out)? time zone)?", DataType.TIME),
    (r"n?(var)?char2?|character( varying)?|string|uuid|bpchar", DataType.CHAR),
    (r"n?(tiny|medium|long)?text|n?clob|json\w*|xml", DataType.MEMO),
    (r"(tiny|medium|long)?blob|bytea|(var)?binary|bytes|raw|image", DataType.GENERAL),
)  # fmt: skip
_TYPED = re.compile(r"\s*([a-z][a-z0-9_ ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*")


class NoDraft(LookupError):
    """A data set for which there is nothing to draft: why, and what would do; ``zh`` in Chinese."""

    def __init__(self, what: str, hint: str, *, zh: str, hint_zh: str, covered: bool) -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh
        self.covered = covered
        """Whether an entry covers it already; else nothing is known of it."""


class Draft(msgspec.Struct, frozen=True):
    """A draft as ``catalogue register`` takes it, and the rule that would tie the data set to it.

    ``entry`` lacks ``code`` and ``provider`` where nobody can be named, and then has to be completed first.
    """

    namespace: str
    name: str
    entry: dict[str, Any]
    rule: dict[str, Any]
    owner: Owner | None


def draft(connection: Connection, namespace: str, name: str, *, as_of: int | None = None) -> Draft:
    """A draft for a data set; raises :class:`NoDraft` for one that is unknown or covered."""
    whole = picture(connection, as_of)
    number = dataset_number(namespace, name)
    if number not in whole.datasets:
        raise NoDraft(
            f"no job reads or writes {namespace}:{name}",
            "`govledger lineage findings --kind dark_data` lists what is used and not catalogued",
            zh=f"没有作业读写数据集 {namespace}:{name}",
            hint_zh="`govledger lineage findings --kind dark_data` 列出在用而未编目的数据",
            covered=False,
        )
    if (code := whole.entry_of(number)) is not None:
        raise NoDraft(
            f"{namespace}:{name} belongs to entry {code} already",
            f"`govledger catalogue show {code}` shows it",
            zh=f"数据集 {namespace}:{name} 已归入目录 {code}",
            hint_zh=f"见 `govledger catalogue show {code}`",
            covered=True,
        )
    owner = Owners(connection, whole).of(number)
    facets = _facets(connection, whole, number)
    entry = {
        **_whose(connection, whole, owner),
        "name": _title(name),
        "abstract": _abstract(facets),
        "formats": [_format((namespace, name))],
        "items": _items(facets),
        **_classes(whole, number),
    }
    return Draft(
        namespace=namespace,
        name=name,
        entry={member: value for member, value in entry.items() if value},
        rule={
            "code": f"R-{name}"[:_SHORT].replace(" ", "_"),
            **({"holder": owner.organisation} if owner else {}),
            **({"entry": entry["code"]} if entry.get("code") else {}),
            "namespace": namespace,
            "name": name,
        },
        owner=owner,
    )


def _whose(connection: Connection, whole: Picture, owner: Owner | None) -> dict[str, Any]:
    """Code, provider and its name: the code after the last of the provider's newest front code."""
    if owner is None:
        return {}
    of_owner = {
        entry.leaf: entry.code
        for entry in whole.entries.values()
        if entry.provider == owner.organisation and "/" in entry.code
    }
    known = organisations.organisation(connection, owner.organisation, whole.as_of)
    told: dict[str, Any] = {}
    if of_owner:
        front = of_owner[max(of_owner)].partition("/")[0]
        told["code"] = next_resource_code(front, whole.entries)
    told["provider"] = owner.organisation
    if known is not None:
        told["provider_name"] = known.name
    return told


def _facets(connection: Connection, whole: Picture, number: int) -> dict[str, Any]:
    asked = (
        select(FACETS.c.name, FACET_VALUES.c.value)
        .join(FACET_VALUES, FACET_VALUES.c.id == FACETS.c.value)
        .where(
            FACETS.c.node_id == number,
            FACETS.c.name.in_(("schema", "documentation")),
            holding(FACETS, whole.journal),
        )
    )
    return {row.name: json.loads(row.value) for row in connection.execute(asked)}


def _title(name: str) -> str:
    """The last part of a data set's name."""
    return re.split(r"[./]", name.rstrip("/"))[-1][:_SHORT]


def _abstract(facets: Mapping[str, Any]) -> str | None:
    told = facets.get("documentation")
    text = told.get("description") if isinstance(told, dict) else None
    return text.strip()[:_PARAGRAPH] if isinstance(text, str) else None


def _format(names: Names) -> dict[str, str]:
    scheme = names[0].partition(":")[0].lower()
    if scheme in _FILES:
        return {"category": "electronic_file"}
    return {"category": "database", "type": _SYSTEMS.get(scheme, scheme)[:_SHORT]}


def _items(facets: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = facets.get("schema")
    fields = told.get("fields") if isinstance(told, dict) else None
    found: dict[str, dict[str, Any]] = {}
    for field in fields if isinstance(fields, list) else ():
        name = field.get("name") if isinstance(field, dict) else None
        if isinstance(name, str) and name.strip() and name.strip()[:_SHORT] not in found:
            item = {"name": name.strip()[:_SHORT], **item_type(field.get("type"))}
            about = field.get("description")
            if isinstance(about, str) and about.strip():
                item["description"] = about.strip()[:_PARAGRAPH]
            found[item["name"]] = item
    return list(found.values())[:_MOST_ITEMS]


def item_type(told: object) -> dict[str, Any]:
    """Data type, length and precision of an item, out of a column's type as any system writes it."""
    matched = _TYPED.fullmatch(told.lower()) if isinstance(told, str) else None
    if matched is None:
        return {"data_type": DataType.OTHER.value} if told else {}
    base, length, precision = matched.groups()
    for pattern, kind in _TYPES:
        if re.fullmatch(pattern, base):
            sized = kind in (DataType.CHAR, DataType.DECIMAL, DataType.CURRENCY)
            return {
                "data_type": kind.value,
                **({"length": int(length)} if length and sized else {}),
                **({"precision": int(precision)} if precision and sized else {}),
            }
    return {"data_type": DataType.OTHER.value}


def _classes(whole: Picture, number: int) -> dict[str, Any]:
    """The strictest grade and share class of what flows in."""
    grade, share = arriving(flow(whole, hops(whole)), number)
    return {
        **({"grade": grade} if grade else {}),
        **({"share_type": _SHARE_TYPES[share]} if share else {}),
    }
