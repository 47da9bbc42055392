"""
Rules about addresses that nobody but this machine can reach.

The platform rejects localhost, 127.0.0.1 and 0.0.0.0 in four places; those are errors and not
reported again here. Private networks (10.x, 192.168.x) pass without a word: the platform may
well stand in the same building.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from reception.callflow.client_url import client_url_fault
from reception.callflow.rules.rule import Found, Subject
from reception.callflow.tree import Place

# Where the platform fetches from or sends to, and whether it rejects localhost there.
_FIELDS: Final[dict[str, tuple[tuple[str, bool], ...]]] = {
    "pivot": (("voice_url", True), ("cdr_url", False)),
    "play": (("id", False),),
    "record_call": (("url", True),),
    "record_caller": (("url", True),),
    "response": (("media", False),),
    "webhook": (("uri", True),),
}
ADDRESSED_MODULES: Final = frozenset(_FIELDS)

_LONGEST_URL: Final = 2_048


def unreachable_host(place: Place, subject: Subject) -> Iterator[Found]:
    """Report an address of the machine itself, where the platform lets it pass."""
    for key, is_checked in _FIELDS[place.module]:
        url = place.text(key)
        host = _host(url)
        if url is None or host is None or (is_checked and client_url_fault(url) is not None):
            continue
        if why := _why_unreachable(host):
            yield (
                place.path("data", key),
                f"{why}, so that the platform cannot reach your server there. Use a name or "
                "an address that leads to it from outside.",
            )


def _host(url: str | None) -> str | None:
    if not url or not url.casefold().startswith(("http://", "https://")):
        return None
    try:
        return urlsplit(url[:_LONGEST_URL]).hostname
    except ValueError:
        return None


def _why_unreachable(host: str) -> str | None:
    host = host.removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "localhost is the platform's own machine"
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified:
        return "This is an address of the platform's own machine"
    if address.version == 6:
        return "The platform's client speaks IPv4 only"
    return None
