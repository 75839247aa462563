"""Deliveries (归集): resources mounted on entries, manifests signed at the source, what arrived."""
