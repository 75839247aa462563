"""Completeness audits (应归尽归审计): what should have been collected, and was not."""
