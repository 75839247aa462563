"""Checking a mirror as an auditor does (核验): trusting no operator, no database and no
bytecode.
"""
