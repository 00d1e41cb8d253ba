"""Sinks: where the final articles and incidents are kept, guarded by version."""
