"""How the clients of Kafka prove who they are, and whom they trust: the one place that reads passwords and keys.

kafka-python and aiokafka take the same arguments. Faust takes an object of its own, made of them in `agents.app`.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Final

from pipeline.errors import SettingsError
from pipeline.settings import Settings

_LARGEST_PASSWORD_FILE: Final = 4096


def security_arguments(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for every client of kafka-python and aiokafka; empty for PLAINTEXT.

    Files are read at every call, so a client that is made later uses what is in them then. A client that is there goes
    on with what it was made with.

    Raises:
        SettingsError: a file is missing, cannot be read, or is not what it should be.
    """
    broker = settings.broker
    if broker.security_protocol == "PLAINTEXT":
        return {}
    found: dict[str, Any] = {"security_protocol": broker.security_protocol, "ssl_context": tls_context(settings)}
    if broker.security_protocol == "SASL_SSL":
        found |= {
            "sasl_mechanism": broker.sasl_mechanism,
            "sasl_plain_username": broker.sasl_user,
            "sasl_plain_password": _password(settings, "sasl_password"),
        }
    return found


def tls_context(settings: Settings) -> ssl.SSLContext:
    """TLS 1.2 or later, with the authorities, client certificate and host name check of the settings.

    Raises:
        SettingsError: as `security_arguments`.
    """
    broker = settings.broker
    try:
        context = ssl.create_default_context(cafile=_file(settings, "tls_ca_file"))
    except ssl.SSLError:
        raise _wrong(settings, "tls_ca_file", "holds no certificate (PEM)") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = broker.tls_check_hostname
    if broker.tls_cert_file:
        _load_identity(context, settings)
    return context


def identity(settings: Settings) -> str:
    """Who the cluster takes us for, in words; with mTLS only the cluster knows the name."""
    broker = settings.broker
    if broker.security_protocol == "SASL_SSL":
        return f"User:{broker.sasl_user}"
    if broker.tls_cert_file:
        return f"the principal of {broker.tls_cert_file}"
    return "User:ANONYMOUS"


def _load_identity(context: ssl.SSLContext, settings: Settings) -> None:
    certificate, key = _file(settings, "tls_cert_file"), _file(settings, "tls_key_file")
    assert certificate is not None
    assert key is not None
    password = _password(settings, "tls_key_password")
    try:
        # A function, also for no password: OpenSSL would ask the terminal for it.
        context.load_cert_chain(certificate, key, lambda: password)
    except ssl.SSLError as e:
        raise _why_not_loaded(settings, e, password) from None


def _why_not_loaded(settings: Settings, error: ssl.SSLError, password: str) -> SettingsError:
    """OpenSSL says only `PEM lib` for most that can be wrong with the two files."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return _wrong(settings, "tls_key_file", f"is not the key of {settings.broker.tls_cert_file}")
    if "BEGIN CERTIFICATE" not in Path(settings.broker.tls_cert_file).read_text(errors="replace"):
        return _wrong(settings, "tls_cert_file", "holds no certificate (PEM)")
    key = Path(settings.broker.tls_key_file).read_text(errors="replace")
    if "PRIVATE KEY" not in key:
        return _wrong(settings, "tls_key_file", "holds no private key (PEM)")
    if "ENCRYPTED" in key:
        if password:
            return _wrong(settings, "tls_key_file", "does not open with broker.tls_key_password")
        return _wrong(settings, "tls_key_file", "needs a password: broker.tls_key_password_file")
    return _wrong(settings, "tls_key_file", f"cannot be used with {settings.broker.tls_cert_file}: {error.reason}")


def _password(settings: Settings, key: str) -> str:
    """The password itself, or the content of its file without the line's end."""
    given: str = getattr(settings.broker, key)
    path = _file(settings, f"{key}_file")
    if path is None:
        return given
    if path.stat().st_size > _LARGEST_PASSWORD_FILE:
        raise _wrong(settings, f"{key}_file", f"has more than {_LARGEST_PASSWORD_FILE} bytes; is it the right file?")
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise _wrong(settings, f"{key}_file", "is no UTF-8 text") from None
    if not text:
        raise _wrong(settings, f"{key}_file", "is empty")
    return text


def _file(settings: Settings, key: str) -> Path | None:
    """A readable file that a setting names; None: it names none."""
    value: str = getattr(settings.broker, key)
    if not value:
        return None
    path = Path(value).expanduser()
    try:
        with path.open("rb"):
            return path
    except OSError as e:
        raise _wrong(settings, key, f"cannot be read: {e.strerror}") from None


def _wrong(settings: Settings, key: str, what: str) -> SettingsError:
    name = f"broker.{key}"
    return SettingsError(f"{settings.origin.get(name, 'default')}: {name}: {getattr(settings.broker, key)} {what}")
