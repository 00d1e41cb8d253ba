"""Why a cluster cannot be talked to: one connection made by hand, because the clients only say that they got none."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from pipeline.broker.client import servers
from pipeline.broker.security import security_arguments
from pipeline.settings import Settings

_TIMEOUT_S = 5.0

# OpenSSL's X509_V_ERR_*, as `openssl verify` documents them.
_EXPIRED = 10
_NOT_YET_VALID = 9
_UNKNOWN_ISSUER = (18, 19, 20, 21)
_OTHER_HOST = (62, 64)

# A client of Kafka reads the length of an answer from the first four bytes; a TLS alert begins with 0x15 0x03.
_TLS_ALERT = 0x1503


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps us from a broker.

    Attributes:
        text: what is wrong, where, and what to do.
        final: somebody must change something; else it may only be down.
    """

    text: str
    final: bool


def problem(settings: Settings, address: str) -> Problem | None:
    """Connect and authenticate to the brokers of `address`; None as soon as one answers.

    Takes up to five seconds for each broker that does not. Not to be called from a running event loop's own thread.

    Raises:
        SettingsError: as `security_arguments`.
    """
    arguments = security_arguments(settings)
    found: list[Problem] = []
    for server in servers(address):
        one = asyncio.run(_look(settings, server, arguments))
        if one is None:
            return None
        found.append(one)
    return next((p for p in found if p.final), found[0])


async def _look(settings: Settings, server: str, arguments: dict[str, Any]) -> Problem | None:
    from aiokafka.conn import create_conn
    from aiokafka.errors import (
        KafkaConnectionError,
        KafkaError,
        SaslAuthenticationFailed,
        UnsupportedSaslMechanismError,
    )
    from aiokafka.protocol.metadata import MetadataRequest

    host, _, port = server.rpartition(":")
    broker = settings.broker
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            connection = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=int(_TIMEOUT_S * 1000), **arguments
            )
    except SaslAuthenticationFailed as e:
        source = f"the file {broker.sasl_password_file}" if broker.sasl_password_file else "broker.sasl_password"
        return Problem(
            f"{server} refuses the user {broker.sasl_user} or its password, by {broker.sasl_mechanism}: look at "
            f"broker.sasl_user, {source}, and whether the cluster has {broker.sasl_mechanism} credentials of that user "
            f"({e.args[0] if e.args else e})",
            final=True,
        )
    except UnsupportedSaslMechanismError:
        return Problem(f"{server} does not offer {broker.sasl_mechanism}; see broker.sasl_mechanism", final=True)
    except ssl.SSLCertVerificationError as e:
        return Problem(f"{server}: {_about_certificate(settings, host, e)}", final=True)
    except KafkaConnectionError as e:
        return _closed(settings, server, e.__cause__)
    except TimeoutError:
        return Problem(f"{server} does not answer within {_TIMEOUT_S:.0f} s", final=False)
    except socket.gaierror as e:
        return Problem(f"{server}: the host name cannot be resolved ({e.strerror}); see broker.bootstrap", final=False)
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
        return _closed(settings, server, None)
    except ssl.SSLError as e:
        return Problem(
            f"{server} does not speak TLS as we do ({e.reason}); broker.security_protocol is "
            f"{broker.security_protocol}: is it the right port?",
            final=True,
        )
    except OSError as e:
        return Problem(f"{server} cannot be reached: {_reason(e)}", final=False)
    except KafkaError as e:
        return Problem(f"{server} refuses: {e}", final=True)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await connection.send(MetadataRequest([]))
    except KafkaConnectionError:
        # A listener with SASL closes when anything but SASL comes first; but so does a broker that stops just now.
        return Problem(
            f"{server} closed the connection at the first request: if it goes on, it wants another way to log in; "
            f"broker.security_protocol is {broker.security_protocol}",
            final=False,
        )
    except TimeoutError:
        return Problem(f"{server} does not answer within {_TIMEOUT_S:.0f} s", final=False)
    finally:
        connection.close()
    return None


def _about_certificate(settings: Settings, host: str, error: ssl.SSLCertVerificationError) -> str:
    trusted = settings.broker.tls_ca_file or "this system"
    if error.verify_code in _OTHER_HOST:
        return (
            f"its certificate is not for the host {host}: name the broker in broker.bootstrap as its certificate does, "
            "or have the name added to the certificate (subjectAltName)"
        )
    if error.verify_code in _UNKNOWN_ISSUER:
        return (
            f"its certificate is signed by nobody that {trusted} trusts: broker.tls_ca_file must name a file with the "
            "certificate of the authority that signs the brokers'"
        )
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        return f"its certificate {error.verify_message.removeprefix('certificate ')}; look at it, and at this clock"
    return f"its certificate cannot be trusted: {error.verify_message}"


def _closed(settings: Settings, server: str, cause: BaseException | None) -> Problem:
    """The broker ended the connection; what it said before, if anything, is the cause."""
    broker = settings.broker
    if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
        if not broker.tls_cert_file:
            return Problem(
                f"{server} asks for a client certificate: broker.tls_cert_file and broker.tls_key_file name one",
                final=True,
            )
        return Problem(
            f"{server} refuses the client certificate {broker.tls_cert_file} ({cause.reason}): it has expired, or is "
            "signed by nobody that the brokers trust",
            final=True,
        )
    if isinstance(cause, asyncio.IncompleteReadError) and (cause.expected or 0) >> 16 == _TLS_ALERT:
        return Problem(
            f"{server} speaks TLS, and broker.security_protocol is PLAINTEXT: it must be SSL or SASL_SSL", final=True
        )
    if broker.security_protocol != "PLAINTEXT":
        return Problem(
            f"{server} closed the connection before TLS was there; broker.security_protocol is "
            f"{broker.security_protocol}: is it the right port?",
            final=False,
        )
    return Problem(f"{server} closed the connection", final=False)


def _reason(error: OSError) -> str:
    # asyncio's text is its own, and of a host with several addresses it has no errno.
    return os.strerror(error.errno) if error.errno else str(error)
