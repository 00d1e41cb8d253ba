"""Transports and wire formats: from a feed, a file or a folder to RawArticle records.

Format and transport are apart: a reader (`formats.READERS`) turns bytes into items and knows no file or network; a
transport (`formats.read_path`, `feeds`) finds the bytes and knows no format.
"""

from pipeline.sources.formats import read_path
from pipeline.sources.wire import Item

__all__ = ["Item", "read_path"]
