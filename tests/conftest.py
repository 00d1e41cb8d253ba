"""How the tests run: Hypothesis without limits of time (machines differ), on CI with the same examples each time."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

_untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _untimed)
settings.register_profile("ci", _untimed, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# A shell that starts the tests in the background has them ignore SIGINT, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
