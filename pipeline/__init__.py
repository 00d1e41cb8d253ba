"""Wirefuse's library: pure, typed and synchronous; nothing in it imports Faust."""

__version__ = "0.1.0"
