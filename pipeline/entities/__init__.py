"""Entities: the named things of an article, and one name for one thing."""
