"""How the tests run: Hypothesis without deadlines (machines differ), and on CI with the same examples each time."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

settings.register_profile("default", settings(deadline=None))
settings.register_profile("ci", settings(deadline=None, derandomize=True))
settings.load_profile("ci" if os.environ.get("CI") else "default")

# A shell that starts the tests in the background has them ignore SIGINT, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
