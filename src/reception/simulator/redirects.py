"""
Where a redirect leads, as the platform's client follows it.

A POST becomes a GET without a body after 301, 302 and 303, and stays what it was after 300,
307 and 308. The content type stays in any case, and so do the credentials of the first URL.
Relative addresses are put together without tidying dots, and a bare query loses the last
part of the path.

Source: contract/wire/http/redirect_*.raw, contract/wire/responses 56 to 63; inets of
Erlang/OTP, httpc_response.erl.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, urlsplit

from reception.simulator.heads import basic_credentials
from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.request import Outgoing

SCHEMES: Final = {"http": 80, "https": 443}

_BECOMES_GET: Final = frozenset({301, 302, 303})
_KEEPS_METHOD: Final = frozenset({300, 307, 308})
_SAFE: Final = frozenset({"GET", "HEAD"})
_ADDRESS: Final = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*", re.ASCII)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


def redirected(request: Outgoing, reply: Reply) -> Outgoing | NoReply | None:
    """
    Give the request that a redirect asks for; None where the reply is final.

    A `NoReply` is a redirect that breaks the client: to it the answer never came.
    """
    if not isinstance(reply, Response):
        return None
    location = reply.header("location")
    if location is None or reply.status not in _BECOMES_GET | _KEEPS_METHOD:
        return None
    if request.method == "PUT" and reply.status != 300:
        return None
    if _ADDRESS.fullmatch(location) is None:
        return NoReply(Trouble.UNFOLLOWABLE, detail=location)
    base = urlsplit(request.url)
    try:
        url = _resolved(base, location)
        is_ours = urlsplit(url).scheme in SCHEMES
    except ValueError:
        is_ours, url = False, location
    if not is_ours:
        return NoReply(Trouble.UNFOLLOWABLE, detail=location)
    headers = dict(request.headers)
    credentials = basic_credentials(base.netloc.rpartition("@")[0])
    if credentials is not None:
        headers["authorization"] = credentials
    onward = replace(request, url=url, headers=headers)
    if reply.status in _BECOMES_GET and request.method not in _SAFE:
        # The content type stays although the body is gone: recorded so.
        return replace(onward, method="GET", body=b"")
    return onward


def _resolved(base: SplitResult, location: str) -> str:
    location = location.split("#", 1)[0]
    if _SCHEME.match(location):
        return location
    if location.startswith("//"):
        return f"{base.scheme}:{location}"
    netloc = base.netloc.rpartition("@")[2]
    path, mark, query = location.partition("?")
    if not path.startswith("/"):
        path = f"{base.path.rpartition('/')[0]}/{path}"
    return f"{base.scheme}://{netloc}{path}{mark}{query}"
