"""What can go wrong with the local broker and its topics."""

from __future__ import annotations

from pipeline.errors import WirefuseError


class BrokerError(WirefuseError):
    """The broker cannot be installed, started, reached or used as asked; the message says what to do."""
