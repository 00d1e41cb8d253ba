"""Faust's own way to say what `pipeline.broker.security` says to every other client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import faust


def credentials(arguments: Mapping[str, Any]) -> faust.SASLCredentials | faust.SSLCredentials | None:
    """The credentials of a Faust app.

    Args:
        arguments: as `security_arguments` gives them.

    Returns:
        None for PLAINTEXT.
    """
    if not arguments:
        return None
    # Without a context Faust would take SASL for SASL_PLAINTEXT, silently.
    context = arguments["ssl_context"]
    if arguments["security_protocol"] == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=arguments["sasl_plain_username"],
        password=arguments["sasl_plain_password"],
        mechanism=arguments["sasl_mechanism"],
        ssl_context=context,
    )
