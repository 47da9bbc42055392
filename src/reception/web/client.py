"""
Where a request really comes from.

An address lets somebody in only where it cannot be made up: the peer of the connection, or
what a proxy that the operator named says of it. A request that came through any other proxy
comes from nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from reception.web.settings import Network

Headers = Iterable[tuple[bytes, bytes]]
Address = IPv4Address | IPv6Address

_PROXY_HEADERS: Final = (b"forwarded", b"via", b"x-real-ip", b"x-client-ip")


def client_of(
    peer: Sequence[Any] | None, headers: Headers, trusted: tuple[Network, ...]
) -> Address | None:
    """
    The address of the client, or None where it cannot be known.

    Shape:
        peer: ASGI's (host, port) of the connection.
        headers: names in lower case.
        trusted: the operator's own proxies; the last address of `X-Forwarded-For` that is
            not one of them is the client.
    """
    address = _address(peer[0]) if peer else None
    if not is_proxied(headers := list(headers)):
        return address
    if address is None or not is_within(address, trusted):
        return None
    hops = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    for hop in reversed(hops.decode("latin-1").split(",")):
        address = _address(hop.strip())
        if address is None or not is_within(address, trusted):
            return address
    return None


def is_proxied(headers: Headers) -> bool:
    """Did a proxy leave its mark on this request?"""
    return any(name in _PROXY_HEADERS or name.startswith(b"x-forwarded-") for name, _ in headers)


def is_within(address: Address | None, networks: tuple[Network, ...]) -> bool:
    """Is the address in one of these networks?"""
    return address is not None and any(address in network for network in networks)


def _address(text: object) -> Address | None:
    try:
        address = ip_address(str(text))
    except ValueError:
        return None
    # A socket that listens on "::" shows IPv4 peers as ::ffff:203.0.113.9.
    return getattr(address, "ipv4_mapped", None) or address
