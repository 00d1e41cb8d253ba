"""Which network addresses a producer may fetch from: a feed's address is input, and must not reach into our network."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 6052: an IPv4 address in the last 32 bits, reached through a translator.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, however it is wrapped.

    Not public are loopback, private, link-local, shared (RFC 6598), reserved, multicast and unspecified addresses, and
    IPv6 forms that carry one of these.
    """
    try:
        return _is_public(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None and not _is_public(inner):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve(host: str, port: int) -> list[str]:
    """IP addresses of a host, in the system's order of preference.

    Raises:
        OSError: the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: OSError | None) -> None:
        if answer.done():  # nobody waits any more
            return
        if error is None:
            answer.set_result(addresses)
        else:
            answer.set_exception(error)

    def work() -> None:
        found: list[str] = []
        error: OSError | None = None
        try:
            found = [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError as e:
            error = OSError(f"the name {host} cannot be resolved: {e.strerror or e}")
        except UnicodeError:
            error = OSError(f"{host!r} is no host name")
        try:
            loop.call_soon_threadsafe(settle, list(dict.fromkeys(found)), error)
        except RuntimeError:
            pass  # the loop was closed: the fetch has timed out

    # Not the loop's executor: leaving it, or the process, would wait for a name server that does not answer.
    threading.Thread(target=work, name="resolve", daemon=True).start()
    return await answer
