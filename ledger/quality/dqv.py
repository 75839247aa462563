"""A score as linked data: W3C Data Quality Vocabulary (DQV) terms in JSON-LD.

A measurement (``dqv:QualityMeasurement``) is computed on the entry as a DCAT dataset and is a
measurement of a metric; the metric is in a dimension, and dimensions are in a category, the standard.
Values are shares in 0..1 as exact decimals of four digits, basis points by another name.
"""

from __future__ import annotations

from typing import Any

from ledger.quality.dimensions import DIMENSIONS, FULL
from ledger.quality.indicators import INDICATORS
from ledger.quality.queries import Score

CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "prov": "http://www.w3.org/ns/prov#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "gov": "urn:govledger:quality:",
    "computedOn": {"@id": "dqv:computedOn", "@type": "@id"},
    "isMeasurementOf": {"@id": "dqv:isMeasurementOf", "@type": "@id"},
    "inDimension": {"@id": "dqv:inDimension", "@type": "@id"},
    "inCategory": {"@id": "dqv:inCategory", "@type": "@id"},
    "hasQualityMeasurement": {"@id": "dqv:hasQualityMeasurement", "@type": "@id"},
    "value": {"@id": "dqv:value", "@type": "xsd:decimal"},
    "issued": {"@id": "dcterms:issued", "@type": "xsd:dateTime"},
    "label": {"@id": "skos:prefLabel", "@container": "@language"},
    "wasAttributedTo": {"@id": "prov:wasAttributedTo", "@type": "@id"},
}
MEDIA_TYPE = "application/ld+json"
_CATEGORY = "gov:DB31-T-1523-2024"


def linked(score: Score, issued: str) -> dict[str, Any]:
    """The JSON-LD document of a score; ``issued`` is its block time as RFC 3339 text."""
    entry = f"urn:govledger:entry:{score.entry}"
    base = f"urn:govledger:leaf:{score.leaf_from}"
    measured: list[tuple[str, str, int]] = [
        (one.code, one.name, points)
        for one in DIMENSIONS
        if (points := score.dimensions[one.name]) is not None
    ]
    graph: list[dict[str, Any]] = [
        {
            "@id": _CATEGORY,
            "@type": "dqv:Category",
            "label": {
                "zh": "公共数据质量评价要求",
                "en": "DB31/T 1523-2024, quality of public data",
            },
        }
    ]
    for code, _, _ in measured:
        graph += [_dimension(code), _metric(code)]
    totals = [("total", score.total)] if score.total is not None else []
    measurements = [
        *((f"{base}#{name}", f"gov:metric-{code}", points) for code, name, points in measured),
        *((f"{base}#{name}", "gov:metric-total", points) for name, points in totals),
        (f"{base}#coverage", "gov:metric-coverage", score.coverage),
    ]
    graph += [_metric_of("total", "总分", "weighted total")] if totals else []
    graph.append(_metric_of("coverage", "评估覆盖率", "share of the weight that was assessed"))
    shared: dict[str, Any] = {
        "@type": "dqv:QualityMeasurement",
        "computedOn": entry,
        "issued": issued,
    }
    if score.assessor is not None:
        shared["wasAttributedTo"] = f"urn:govledger:organisation:{score.assessor}"
    graph += [
        {"@id": identity, **shared, "isMeasurementOf": metric, "value": _decimal(points)}
        for identity, metric, points in measurements
    ]
    graph.append(
        {
            "@id": entry,
            "@type": "dcat:Dataset",
            "dcterms:identifier": score.entry,
            "hasQualityMeasurement": [identity for identity, _, _ in measurements],
        }
    )
    return {"@context": CONTEXT, "@graph": graph}


def _dimension(code: str) -> dict[str, Any]:
    one = INDICATORS[code]
    return {
        "@id": f"gov:dimension-{code}",
        "@type": "dqv:Dimension",
        "inCategory": _CATEGORY,
        "label": {"zh": one.zh, "en": one.en},
        "skos:relatedMatch": [f"ISO/IEC 25012 {name}" for name in one.iso25012],
    }


def _metric(code: str) -> dict[str, Any]:
    one = INDICATORS[code]
    return {**_metric_of(code, one.zh, one.en), "inDimension": f"gov:dimension-{code}"}


def _metric_of(name: str, zh: str, en: str) -> dict[str, Any]:
    return {
        "@id": f"gov:metric-{name}",
        "@type": "dqv:Metric",
        "dqv:expectedDataType": {"@id": "xsd:decimal"},
        "label": {"zh": zh, "en": en},
    }


def _decimal(points: int) -> str:
    """Basis points as a share: 9213 is 0.9213."""
    return f"{points // FULL}.{points % FULL:04d}"
