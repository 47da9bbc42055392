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

_SCHEME: Final = re.compile(r"([A-Za-z0-9+.-]*):")
_END_OF_NAME: Final = re.compile(r"[/?#@:]")
_URL: Final = re.compile(r"(https?)://([^/?#]*)")


def client_url_fault(url: str, *, anywhere: bool = False) -> str | None:
    """
    Say why the platform refuses to call a URL; None where it does not.

    Shape:
        anywhere: leave the blacklist out.

    Why:
        The platform takes URLs apart with code of its own, which knows no user with a
        password as others write it: it looks for ``user@password:host``. What stands before
        the first colon of ``user:password@host`` is its host, and a user without any colon
        behind it ends its validator, and with that the call.

    Source:
        contract wire/validate 49 to 61, flows pivot_url_*; users: read in kz_http_util.
    """
    match = _SCHEME.match(url)
    if match is None or match[1] not in ("http", "https"):
        return "This must be a URL that starts with http:// or https:// in lower case."
    host = _host_for_the_platform(url[match.end() :])
    if host is None:
        return (
            "A user without a password, before an @, ends the platform's validator. Write "
            "user:password@host, or put the secret into the path or the query."
        )
    if host.lower() in LOCAL_HOSTS and not anywhere:
        return (
            f"The platform refuses to call {host.lower()}. Use an address that it can reach: a "
            "public name, or for trials another address of this machine."
        )
    return None


def _host_for_the_platform(rest: str) -> str | None:
    """The host as the platform's code finds it behind the scheme; None where that code fails."""
    if not rest.startswith("//"):
        return ""
    start = 2
    while True:
        end = _END_OF_NAME.search(rest, start)
        if end is None:
            return rest[start:]
        if end[0] != "@":
            return rest[start : end.start()]
        colon = rest.find(":", end.end())
        if colon < 0:
            return None
        start = colon + 1


def is_local_url(url: str) -> bool:
    """Tell whether a URL names this very machine, by one of the names on the blacklist."""
    lower = url.lower()
    # Every pivot asks this; hardly any names one of the three.
    if "localhost" not in lower and "127.0.0.1" not in lower and "0.0.0.0" not in lower:
        return False
    match = _URL.match(url)
    if match is None:
        return False
    host = match[2].rpartition("@")[2]
    return host.partition(":")[0].lower() in LOCAL_HOSTS
