"""Transports and wire formats: from a feed, a file or a folder to RawArticle records."""
