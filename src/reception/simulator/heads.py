"""
The head of a request, byte for byte the platform's.

Its HTTP client keeps the headers it knows in a record and writes them in the reverse order
of that record, the others behind them as they were given; all names in lower case. So a
custom header with a well-known name does not stand where its author put it.

Source: contract/observed.md section 1, contract/wire/http; the order of the record: inets
of Erlang/OTP 25, http_internal.hrl.
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import SplitResult

from reception.simulator.request import Outgoing

_KNOWN: Final = (
    "last-modified",
    "expires",
    "content-type",
    "content-range",
    "content-md5",
    "content-location",
    "content-length",
    "content-language",
    "content-encoding",
    "allow",
    "user-agent",
    "te",
    "referer",
    "range",
    "proxy-authorization",
    "max-forwards",
    "if-unmodified-since",
    "if-range",
    "if-none-match",
    "if-modified-since",
    "if-match",
    "host",
    "from",
    "expect",
    "authorization",
    "accept-language",
    "accept-encoding",
    "accept-charset",
    "accept",
    "warning",
    "via",
    "upgrade",
    "transfer-encoding",
    "trailer",
    "pragma",
    "date",
    "connection",
    "cache-control",
)


def render_head(request: Outgoing, parts: SplitResult, *, closes: bool = False) -> bytes:
    """
    Render the request line and the header lines.

    Shape:
        parts: the request's URL.
        closes: ask the server to close the connection, as the client does when it has
            enough of them.
    """
    userinfo, _, netloc = parts.netloc.rpartition("@")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"te": "", "host": netloc, "connection": "keep-alive"}
    headers |= {name.lower(): value for name, value in request.headers.items()}
    if (credentials := basic_credentials(userinfo)) is not None:
        headers["authorization"] = credentials
    headers["content-length"] = str(len(request.body))
    if request.content_type is not None:
        headers["content-type"] = request.content_type
    if closes:
        headers["connection"] = "close"
    known = [name for name in _KNOWN if name in headers]
    others = [name for name in headers if name not in _POSITIONS]
    lines = [f"{request.method} {target} HTTP/1.1"]
    lines += [f"{name}: {headers[name]}" for name in known + others]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", errors="replace")


def basic_credentials(userinfo: str) -> str | None:
    """
    Turn the userinfo of a URL into a header, not percent-decoded; None where none is sent.

    >>> basic_credentials("us%20er:p%40ss"), basic_credentials("a:b:c")
    ('Basic dXMlMjBlcjpwJTQwc3M=', None)
    """
    words = [word for word in userinfo.split(":") if word]
    match words:
        case [name, password]:
            plain = f"{name}:{password}"
        case [name]:
            plain = f"{name}:"
        case _:
            return None
    return "Basic " + base64.b64encode(plain.encode()).decode("ascii")


_POSITIONS: Final = frozenset(_KNOWN)
