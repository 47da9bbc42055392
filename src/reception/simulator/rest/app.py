"""
The API as an ASGI application: bytes in, envelopes out.

The order is the platform's: allowance before token, token before resource. Nothing that is
sent raises here; what breaks inside is a 500 in an envelope, as the platform's own is.

Source: contract/platform_api.md, envelope, authentication, rate limiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from reception.simulator.rest.account import Account
from reception.simulator.rest.asked import LARGEST_BODY, ApiError, Asked, read
from reception.simulator.rest.envelope import Answer, encoded, failure, success
from reception.simulator.rest.routes import Routes

_Message = MutableMapping[str, Any]


class PlatformApi:
    """Serves one account."""

    def __init__(self, account: Account) -> None:
        self._account: Final = account
        self._routes: Final = Routes(account)

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Answer one request; other kinds of ASGI scope are let pass."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        body = await _body(receive)
        status, headers, content = await self.respond(scope, body)
        headers.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def respond(
        self, scope: MutableMapping[str, Any], body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Give status, headers and content of the answer."""
        request_id, timestamp = self._account.new_id(), str(self._account.now())
        token: str | None = None
        try:
            asked = _read(scope, body)
            token = asked.token
            answer, token = await self._answered(asked)
        except ApiError as error:
            wrapped = failure(error, request_id=request_id, timestamp=timestamp, token=token)
            return error.status, _headers("application/json", None), encoded(wrapped)
        headers = _headers(answer.content_type, answer.revision)
        if answer.raw is not None:
            return answer.status, headers, answer.raw
        wrapped = success(answer, request_id=request_id, timestamp=timestamp, token=token)
        return answer.status, headers, encoded(wrapped)

    async def aclose(self) -> None:
        """Give up what still rings."""
        await self._routes.aclose()

    async def _answered(self, asked: Asked) -> tuple[Answer, str | None]:
        account = self._account
        fault = account.take_fault()
        if fault is not None:
            raise fault
        account.allowance.take(asked.client, account.account_id, _resource(asked))
        match asked.path, asked.verb:
            case ["api_auth"], "PUT":
                token, said = account.tokens.log_in_by_key(asked)
                return Answer(said, 201), token
            case ["user_auth"], "PUT":
                token, said = account.tokens.log_in_by_password(asked)
                return Answer(said, 201), token
            case _:
                account.tokens.check(asked)
                return await self._routes.answer(asked), asked.token


def _resource(asked: Asked) -> str:
    return "quickcall" if "quickcall" in asked.path else asked.path[-1] if asked.path else ""


def _read(scope: MutableMapping[str, Any], body: bytes) -> Asked:
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    client = scope.get("client")
    return read(
        scope["method"],
        scope["path"],
        scope.get("query_string", b"").decode("latin-1"),
        headers,
        body,
        client=client[0] if client else "",
    )


def _headers(content_type: str, revision: str | None) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", content_type.encode())]
    if revision is not None:
        headers.append((b"etag", f'"{revision}"'.encode()))
    return headers


async def _body(receive: Callable[[], Awaitable[_Message]]) -> bytes:
    gathered = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(gathered)
        # One byte too many is enough to be refused.
        gathered += message.get("body", b"")[: LARGEST_BODY + 1 - len(gathered)]
        if not message.get("more_body"):
            return bytes(gathered)


async def _lifespan(
    receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
