"""Event time of an edition: the watermark, robust against times that cannot be right.

The watermark is the newest publication time seen. A time more than the tolerance ahead of it is not believed alone:
one article dated 9999 must not expire everything. When `RUN` dated articles in a row are that far ahead, the wire was
silent (or an archive has a gap) and the watermark moves to where they would have brought it by themselves. The first
time of all is not believed either until a second lies within the tolerance of it; until then the watermark is the
earliest time seen.
"""

from __future__ import annotations

import msgspec

RUN = 32
"""So many dated articles in a row, all far ahead of the watermark, move it."""

LONGEST_GAP = 10 * 366 * 24 * 3600 * 1_000_000
"""Microseconds. A time further ahead of the watermark than any silence or gap of an archive is a mistake."""


class Clock(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Event time after a decision; all times in microseconds since 1970.

    Attributes:
        watermark: None until an article said its time.
        settled: two articles have agreed on the time.
        ahead: dated articles in a row that were far ahead of the watermark.
        ahead_to: the watermark that they alone would give.
    """

    watermark: int | None = None
    settled: bool = False
    ahead: int = 0
    ahead_to: int | None = None

    def after(self, published: int | None, tolerance: int) -> Clock:
        """The clock after an article published at a time (None: it says none)."""
        if published is None:
            return self
        if self.watermark is None:
            return Clock(watermark=published, settled=self.settled, ahead=self.ahead, ahead_to=self.ahead_to)
        if published > self.watermark + tolerance:
            to = published if self.ahead_to is None else self.ahead_to
            if published < to - tolerance:
                to = published
            elif published <= to + tolerance:
                to = max(to, published)
            run = self.ahead + 1
            if run >= RUN:
                return Clock(watermark=to, settled=True)
            return Clock(watermark=self.watermark, settled=self.settled, ahead=run, ahead_to=to)
        if not self.settled and published < self.watermark - tolerance:
            return Clock(watermark=published)
        return Clock(watermark=max(self.watermark, published), settled=True)

    def remembered_from(self, published: int | None, tolerance: int) -> int | None:
        """When an article's time to live begins: its publication, unless that cannot be right.

        A time ahead of the watermark is kept even while it is not believed: after a silence the first articles are all
        ahead, and must still be remembered when the watermark follows them.
        """
        if self.watermark is None:
            return published
        if published is None:
            return self.watermark
        return published if published <= self.watermark + LONGEST_GAP else self.watermark + tolerance
