"""Dedup: which version of which article an input is, and whose copy."""
