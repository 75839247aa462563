"""Lineage in the terms of W3C PROV (溯源模型): as PROV-JSON and as PROV-O."""

from ledger.lineage.prov.forms import prov_json, prov_o
from ledger.lineage.prov.model import Provenance, Thing, provenance

__all__ = ["Provenance", "Thing", "prov_json", "prov_o", "provenance"]
