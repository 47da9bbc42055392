"""
Which URLs the platform's own HTTP client may be sent to.

The rule this file keeps: it judges a URL by its text alone, as the platform's validator
does. Whether somebody answers there, and whether the URL is wise, is not asked.
"""

from __future__ import annotations

import re
from typing import Final

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})
"""The platform's blacklist. Other loopback and private addresses pass (run: 127.0.0.2, 10.x, [::1])."""

_URL: Final = re.compile(r"(https?)://([^/?#]*)")


def client_url_host(url: str) -> str | None:
    """
    Name the host of a URL that the platform's client could call: lower case, without port.

    Returns None where the scheme is not ``http`` or ``https`` in lower case.
    """
    match = _URL.match(url)
    if match is None:
        return None
    host = match.group(2).rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def client_url_fault(url: str) -> str | None:
    """
    Say why the platform refuses to call a URL; None where it does not.

    Source:
        contract wire/validate 49 to 61, flows pivot_url_*.
    """
    host = client_url_host(url)
    if host is None:
        return "This must be a URL that starts with http:// or https:// in lower case."
    if host in LOCAL_HOSTS:
        return (
            f"The platform refuses to call {host}. Use an address that it can reach: a public "
            "name, or for trials another address of this machine."
        )
    return None


def is_local_url(url: str) -> bool:
    """Tell whether a URL names this very machine in a way that the platform refuses."""
    lower = url.lower()
    # Every pivot asks this; hardly any names one of the three.
    if "localhost" not in lower and "127.0.0.1" not in lower and "0.0.0.0" not in lower:
        return False
    return client_url_host(url) in LOCAL_HOSTS
