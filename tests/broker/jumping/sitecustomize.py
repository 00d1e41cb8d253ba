"""Makes the wall clock of a Python process wrong by the seconds that a file says; steady clocks stay as they are.

Python imports this at start where PYTHONPATH names this folder. So a bad time server looks to the workers.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

OFFSET_FILE_ENV = "JUMPING_CLOCK"
_LOOK_EVERY_S = 0.2

_true_time = time.time
_offset = 0.0
_next_look = float("-inf")


def _wrong_time() -> float:
    global _offset, _next_look
    if time.monotonic() >= _next_look:
        _next_look = time.monotonic() + _LOOK_EVERY_S
        _offset = float(Path(os.environ[OFFSET_FILE_ENV]).read_text())
    return _true_time() + _offset


def _wrong_time_ns() -> int:
    return int(_wrong_time() * 1e9)


time.time = _wrong_time
time.time_ns = _wrong_time_ns
