"""Wirefuse's library: pure, typed and synchronous; nothing in it imports Faust."""

import os

__version__ = "0.1.0"

# Before numpy is loaded. The matrices are small and there is a process per core: threads would only wait for one
# another (three times the CPU on a busy machine), and how a sum is split among them may change its last digit.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
