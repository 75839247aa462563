"""The catalogue entries in a certificate: filings, deliveries and manifests, and what they say."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.lineage.certificate.document import Certificate, EntryPart
from ledger.lineage.certificate.evidence import Known, refusal
from ledger.log.readable import utc
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.statements import DELIVERY, FILING, MANIFEST, StructType

_SAME = ("root", "rows", "schema", "mode")
"""What of a delivery equals its manifest where all arrived that was signed."""


def check_entries(
    certificate: Certificate, known: Mapping[int, Known], verdict: Verdict
) -> set[int]:
    """Check the entries; returns the leaves that they rest on. Raises :class:`CheckFailedError`."""
    graph, about = certificate.graph, certificate.about
    told = {node.entry for node in graph.nodes if node.entry is not None}
    codes = [entry.code for entry in graph.entries]
    if codes != sorted(told) or about.entry not in told:
        raise CheckFailedError(
            "graph.entries: they are not the entries of the nodes and the one certified, each once and in order.",
            "graph.entries：与各节点所属条目及所证条目不一致，或未按顺序各列一次。",
        )
    certified = next(entry for entry in graph.entries if entry.code == about.entry)
    used: set[int] = set()
    for place, entry in enumerate(graph.entries):
        used |= _check_entry(f"graph.entries[{place}]", entry, known)
    _check_certified(certificate, certified, known)
    ordered = sorted(graph.entries, key=lambda entry: (entry.code != about.entry, entry.code))
    for entry in ordered:
        _check_before(entry, certified)
        _tell(entry, known, certificate, verdict)
    return used


def _check_entry(where: str, entry: EntryPart, known: Mapping[int, Known]) -> set[int]:
    filing = _said(where, entry.filing, FILING, entry.code, known)
    delivery = _said(where, entry.delivery, DELIVERY, entry.code, known)
    manifest = _said(where, entry.manifest, MANIFEST, entry.code, known)
    if filing and delivery and filing.leaf > delivery.leaf:
        raise refusal(where, "the filing is later than the delivery", "报送晚于交付")
    named = delivery.number("manifest") if delivery else 0
    if (manifest is None) != (named == 0):
        raise refusal(
            where,
            f"the delivery names the manifest of version {named}, and the file does not have it so",
            f"交付所依清单为第{named}版，与文件所载不符",
        )
    if manifest and delivery:
        fits = (
            manifest.version == named
            and manifest.leaf < delivery.leaf
            and all(
                manifest.values[name] == delivery.values[name]
                for name in ("periodStart", "periodEnd")
            )
        )
        if not fits:
            raise refusal(
                where,
                f"leaf {manifest.leaf} is not the manifest that the delivery names",
                f"第{manifest.leaf}号叶不是交付所依的清单",
            )
    return {one.leaf for one in (filing, delivery, manifest) if one}


def _said(
    where: str, leaf: int | None, struct: StructType, code: str, known: Mapping[int, Known]
) -> Known | None:
    """The statement at a leaf, which must be of this struct and about this entry."""
    member = struct.members[0][0]
    if leaf is None:
        return None
    found = known.get(leaf)
    if found is None or found.struct is not struct or not found.says(member, code):
        raise refusal(
            where,
            f"leaf {leaf} is no {struct.name} of {code} in this file",
            f"第{leaf}号叶不是本文件中 {code} 的 {struct.name}",
        )
    return found


def _check_certified(
    certificate: Certificate, certified: EntryPart, known: Mapping[int, Known]
) -> None:
    number = certificate.about.delivery
    if certified.delivery is None or known[certified.delivery].version != number:
        raise refusal(
            "about",
            f"the file does not hold delivery {number} of {certified.code}",
            f"文件中没有 {certified.code} 的第{number}次交付",
        )


def _check_before(entry: EntryPart, certified: EntryPart) -> None:
    if entry is not certified and (entry.delivery or 0) > (certified.delivery or 0):
        raise refusal(
            "graph.entries",
            f"the delivery of {entry.code} is later than the one certified",
            f"{entry.code} 的交付晚于所证交付",
        )


def _tell(
    entry: EntryPart, known: Mapping[int, Known], certificate: Certificate, verdict: Verdict
) -> None:
    certified = entry.code == certificate.about.entry
    if entry.delivery is None:
        verdict.add(
            Status.STATED,
            f"{entry.code}: nothing was delivered before this delivery, as far as this file goes.",
            f"{entry.code}：就本文件所及，此前没有交付。",
        )
        return
    delivery = known[entry.delivery]
    place = next(one for one in certificate.statements if one.statement.index == entry.delivery)
    when = utc(place.statement.recorded_at)
    number, rows = delivery.version, delivery.number("rows")
    period = f"{delivery.number('periodStart')}–{delivery.number('periodEnd')}"
    en, zh = _completeness(entry, delivery, known)
    said_en = "" if certified else ", the newest in this file before the one certified"
    said_zh = "" if certified else "，为本文件中所证交付之前的一次"
    verdict.add(
        Status.PROVEN,
        f"{entry.code}: delivery {number} of the period {period} with {rows} rows, leaf {delivery.leaf}, recorded "
        f"{when}{said_en}; {en}.",
        f"{entry.code}：第{number}次交付，期间{period}，{rows}行，第{delivery.leaf}号叶，记录于{when}{said_zh}；{zh}。",
    )


def _completeness(entry: EntryPart, delivery: Known, known: Mapping[int, Known]) -> tuple[str, str]:
    if entry.manifest is None:
        return "it names no manifest", "未依据清单"
    manifest = known[entry.manifest]
    if all(manifest.values[name] == delivery.values[name] for name in _SAME):
        return (
            "root, rows and schema equal those that the department signed before",
            "根、行数和结构与部门事先签署的清单一致",
        )
    return (
        "it differs from what the department signed before",
        "与部门事先签署的清单不一致",
    )
