"""Which of two versions of one item is the newer, and what a delivery does to what is known of its item."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, Protocol

from pipeline.records import RawArticle

Order = Literal["newer", "older", "same", "unknown"]
Status = Literal["usable", "withheld", "canceled"]


class Known(Protocol):
    """What is remembered of an item's newest version. Times are microseconds since 1970, UTC."""

    @property
    def status(self) -> Status: ...
    @property
    def version(self) -> int | None: ...
    @property
    def version_created(self) -> int | None: ...
    @property
    def published(self) -> int | None: ...
    @property
    def content(self) -> str | None: ...


_CORRECTION_SIGNALS = frozenset({"correction", "sig:correction"})
# The words that agencies open an editor's note with.
_CORRECTION_NOTE = re.compile(r"\b(?:corrects?|corrected|correcting|corrections?|corrigendum|erratum)\b", re.IGNORECASE)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def micros(when: datetime | None) -> int | None:
    """Microseconds since 1970, exact from year 1 to year 9999."""
    if when is None:
        return None
    d = when - _EPOCH
    return (d.days * 86_400 + d.seconds) * 1_000_000 + d.microseconds


def is_correction(item: RawArticle) -> bool:
    """True when the signals or the editor's note say that this version corrects an earlier one."""
    if any(s.strip().lower() in _CORRECTION_SIGNALS for s in item.signals):
        return True
    return item.ednote is not None and _CORRECTION_NOTE.search(item.ednote) is not None


def stated_order(item: RawArticle, known: Known) -> Order:
    """Compare what both say of their version: (version, version_created), lexicographically.

    A part that one of the two lacks decides nothing; "unknown" when no part decides.
    """
    same = False
    if item.version is not None and known.version is not None:
        if item.version != known.version:
            return "newer" if item.version > known.version else "older"
        same = True
    created = micros(item.version_created)
    if created is not None and known.version_created is not None:
        if created != known.version_created:
            return "newer" if created > known.version_created else "older"
        same = True
    return "same" if same else "unknown"


def order(item: RawArticle, content: str, known: Known) -> Order:
    """The place of a usable delivery beside the known usable version of its item.

    Stated versions decide; where they do not, publication times; where those do not, a delivery whose content differs
    from the known one is the newer (it arrived later), and one with the known content is the same.
    """
    stated = stated_order(item, known)
    if stated == "older":
        return "older"
    if content == known.content and (item.version is None or item.version == known.version):
        # A feed that only touches its time stamps has nothing new to say.
        return "same"
    if stated == "newer":
        return "newer"
    if stated == "unknown":
        published = micros(item.published)
        if published is not None and known.published is not None and published < known.published:
            return "older"
    return "newer"
