"""The two forms in which PROV is exchanged: PROV-JSON (W3C submission, 2013) and PROV-O in Turtle.

Both are written in order, so that the same provenance gives the same bytes.
"""

from __future__ import annotations

import json
from typing import Any

from ledger.lineage.prov.model import Provenance, Thing

VOCABULARY = "urn:govledger:vocabulary:"
_ENDS = {
    "used": ("prov:activity", "prov:entity"),
    "wasGeneratedBy": ("prov:entity", "prov:activity"),
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
    "wasAssociatedWith": ("prov:activity", "prov:agent"),
    "wasAttributedTo": ("prov:entity", "prov:agent"),
    "specializationOf": ("prov:specificEntity", "prov:generalEntity"),
    "alternateOf": ("prov:alternate1", "prov:alternate2"),
}
"""What PROV-JSON calls the two ends of a relation."""
_CLASSES = {"entity": "prov:Entity", "activity": "prov:Activity", "agent": "prov:Agent"}


def prov_json(told: Provenance) -> str:
    """The document as PROV-JSON."""
    document: dict[str, Any] = {"prefix": {"gl": told.base, "gv": VOCABULARY}}
    for role, things in _roles(told):
        document[role] = {f"gl:{thing.id}": _members(thing) for thing in things}
    for name, pairs in told.relations.items():
        first, second = _ENDS[name]
        if pairs:
            document[name] = {
                f"_:{name}{number}": {first: f"gl:{a}", second: f"gl:{b}"}
                for number, (a, b) in enumerate(pairs)
            }
    kept = {name: value for name, value in document.items() if value}
    return json.dumps(kept, ensure_ascii=False, indent=2) + "\n"


def _members(thing: Thing) -> dict[str, Any]:
    kinds = [_qualified(f"gv:{thing.kind}")]
    if thing.kind == "Organisation":
        kinds.append(_qualified("prov:Organization"))
    members: dict[str, Any] = {"prov:type": kinds, "prov:label": thing.label}
    if thing.started is not None:
        members["prov:startTime"] = thing.started
    if thing.ended is not None:
        members["prov:endTime"] = thing.ended
    return members | {f"gv:{name}": value for name, value in thing.told.items()}


def _qualified(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _roles(told: Provenance) -> list[tuple[str, list[Thing]]]:
    return [
        ("entity", list(told.entities.values())),
        ("activity", list(told.activities.values())),
        ("agent", list(told.agents.values())),
    ]


def prov_o(told: Provenance) -> str:
    """The document as PROV-O, in Turtle."""
    lines = [
        "@prefix prov: <http://www.w3.org/ns/prov#> .",
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .",
        "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .",
        f"@prefix gv: <{VOCABULARY}> .",
        "",
    ]
    related: dict[str, list[str]] = {}
    for name, pairs in told.relations.items():
        for a, b in pairs:
            related.setdefault(a, []).append(f"prov:{name} {_iri(told, b)}")
    for role, things in _roles(told):
        for thing in things:
            said = [f"a {_CLASSES[role]}, gv:{thing.kind}", f"rdfs:label {_literal(thing.label)}"]
            if thing.kind == "Organisation":
                said[0] += ", prov:Organization"
            for verb, moment in (("startedAtTime", thing.started), ("endedAtTime", thing.ended)):
                if moment is not None:
                    said.append(f'prov:{verb} "{moment}"^^xsd:dateTime')
            said += [f"gv:{name} {_literal(value)}" for name, value in thing.told.items()]
            said += related.get(thing.id, [])
            lines.append(f"{_iri(told, thing.id)}\n    " + " ;\n    ".join(said) + " .")
    return "\n".join(lines) + "\n"


def _iri(told: Provenance, local: str) -> str:
    return f"<{told.base}{local}>"


def _literal(text: str) -> str:
    """A literal of Turtle (section 6.4): quotes, backslashes and control characters escaped."""
    marks = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    written = "".join(
        marks.get(one) or (one if one >= " " and one != "\x7f" else f"\\u{ord(one):04X}")
        for one in text
    )
    return f'"{written}"'
