"""Which settings of the connection to Kafka belong together. The files they name are read in `broker.security`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import SettingsError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL")
"""Kafka's fourth, SASL_PLAINTEXT, is refused: it sends what a password is checked by, and all articles, unciphered."""
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


def check_security(values: Mapping[str, Any], origin: Mapping[str, str]) -> None:
    """Refuse settings of the section `broker` that contradict each other.

    Args:
        values: the settings that are given, by dotted name.
        origin: where each of them came from.

    Raises:
        SettingsError: with what is missing or too much.
    """
    protocol = values.get("broker.security_protocol", "PLAINTEXT")

    def given(key: str) -> bool:
        return bool(values.get(f"broker.{key}"))

    def wrong(key: str, what: str) -> SettingsError:
        return SettingsError(f"{origin[f'broker.{key}']}: broker.{key} {what}")

    if protocol != "PLAINTEXT" and not given("bootstrap"):
        raise wrong("security_protocol", f"is {protocol}, but no cluster is named (broker.bootstrap); the local broker "
                    "speaks PLAINTEXT, on the loopback address alone")  # fmt: skip
    for key in ("sasl_user", "sasl_password", "sasl_password_file"):
        if given(key) and protocol != "SASL_SSL":
            raise wrong(key, f"is given, but broker.security_protocol is {protocol}; it needs SASL_SSL")
    for key in ("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_key_password", "tls_key_password_file"):
        if given(key) and protocol == "PLAINTEXT":
            raise wrong(key, "is given, but broker.security_protocol is PLAINTEXT; it needs SSL or SASL_SSL")
    if protocol == "SASL_SSL":
        if not given("sasl_user"):
            raise wrong("security_protocol", "is SASL_SSL, which needs broker.sasl_user")
        if not given("sasl_password") and not given("sasl_password_file"):
            raise wrong("sasl_user", "needs a password: broker.sasl_password_file")
    for key in ("sasl_password", "tls_key_password"):
        if given(key) and given(f"{key}_file"):
            raise wrong(key, f"and broker.{key}_file are both given; one must go")
    for key, other in (("tls_cert_file", "tls_key_file"), ("tls_key_file", "tls_cert_file")):
        if given(key) and not given(other):
            raise wrong(key, f"is given without broker.{other}; mTLS needs both")
    for key in ("tls_key_password", "tls_key_password_file"):
        if given(key) and not given("tls_key_file"):
            raise wrong(key, "is given without broker.tls_key_file")
