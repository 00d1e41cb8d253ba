"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever the main thread happens to be. In a callback of the interpreter itself, as
there are while modules are imported, it is printed and dropped, and the command would go on. So it is also noted here.
"""

from __future__ import annotations

import signal
from types import FrameType

_asked = False


def heed(*numbers: int) -> None:
    """Let these signals raise KeyboardInterrupt in the main thread, and remember that they came.

    One that is ignored stays so: a shell starts its background jobs with SIGINT ignored.
    """
    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def check() -> None:
    """For the start of long work, and its loops.

    Raises:
        KeyboardInterrupt: a heeded signal came, and the exception for it may have been lost.
    """
    global _asked
    if _asked:
        _asked = False  # said once: what stops in answer must be able to finish
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt
