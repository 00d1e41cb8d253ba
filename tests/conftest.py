"""How Hypothesis runs: without deadlines (machines differ), and on CI with the same examples each time."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("default", settings(deadline=None))
settings.register_profile("ci", settings(deadline=None, derandomize=True))
settings.load_profile("ci" if os.environ.get("CI") else "default")
