"""
From what arrives on a connection to a request, bounded in size.

How long it may take is the deadline's business; who may ask with it has been decided before,
but for what only the body tells (`is_foreign`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from reception.errors import PeerError
from reception.web.tenant import Admitted
from reception.wire import PivotRequest, parse_pivot, parse_pivot_query

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def read_request(
    scope: Scope, receive: Receive, admitted: Admitted, limit_bytes: int
) -> PivotRequest | None:
    """
    Read the request; None when the peer has gone meanwhile.

    Errors:
        PeerError: too large, or no pivot request; with the status to answer.
    """
    if scope["method"] == "GET":
        return parse_pivot_query(admitted.query)
    body = await body_of(receive, limit_bytes)
    return None if body is None else parse_pivot(body, content_type(scope["headers"]))


async def body_of(receive: Receive, limit_bytes: int) -> bytes | None:
    """
    Read the whole body; None when the peer has gone meanwhile.

    Errors:
        PeerError("pivot.too_large"): it is larger than allowed.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        message, body = await _rest_of_body(receive, body, limit_bytes)
    if message["type"] == "http.disconnect":
        return None
    if len(body) > limit_bytes:
        raise PeerError("pivot.too_large", "The body is larger than allowed.", status=413)
    return body


def is_foreign(admitted: Admitted, request: PivotRequest) -> bool:
    """Does the request name an account that may not use this tenant, or this URL?"""
    accounts, account = admitted.tenant.account_ids, admitted.account
    if accounts and request.account_id not in accounts:
        return True
    return account is not None and account != (request.account_id or "")


def may_be_long(headers: list[tuple[bytes, bytes]], limit_bytes: int) -> bool:
    """Does the head announce a body that is larger than allowed, or of unknown length?"""
    for name, value in headers:
        if name == b"transfer-encoding":
            return True
        if name == b"content-length" and (len(value) > 9 or int(value) > limit_bytes):
            return True
    return False


async def _rest_of_body(receive: Receive, first: bytes, limit_bytes: int) -> tuple[Message, bytes]:
    """The last message and the whole body, or more of it than is allowed."""
    chunks = [first]
    size = len(first)
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        chunks.append(chunk)
        if not message.get("more_body") or size > limit_bytes:
            return message, b"".join(chunks)


def content_type(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Give the header of that name."""
    for name, value in headers:
        if name == b"content-type":
            return value.decode("latin-1")
    return None
