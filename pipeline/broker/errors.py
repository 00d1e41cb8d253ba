"""What can go wrong with a broker and its topics."""

from __future__ import annotations

from pipeline.errors import WirefuseError


class BrokerError(WirefuseError):
    """The broker cannot be installed, started, reached or used as asked; the message says what to do."""


class AccessDenied(BrokerError):
    """The cluster refuses who we are or what we want to do; trying again helps only after somebody has changed that."""


EXIT_REFUSED = 77
"""What a command ends with that the cluster refuses: EX_NOPERM of BSD's sysexits.h."""
