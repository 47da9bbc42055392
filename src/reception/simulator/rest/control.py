"""
Placing calls by hand beside the platform's own API: what a test outside of this process needs.

``POST /control/calls`` dials a number from outside, ``GET /control/calls`` tells how calls ended
and what happened in them. Everything else goes to the platform's API. It is no part of the
platform, and needs no token: it is served on this machine only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from reception.errors import NeedsHuman
from reception.simulator.call import CallSetup
from reception.simulator.clock import Clock
from reception.simulator.rest.account import Account
from reception.simulator.rest.app import PlatformApi
from reception.simulator.rest.exchange import Exchange
from reception.simulator.script import Script, parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.world import World

_PATH: Final = "/control/calls"
_LARGEST_BODY: Final = 65_536
_MOST_KEPT: Final = 1_000
_KNOWN: Final = frozenset({"to", "from", "name", "call_id", "script", "variables", "wait"})

_Message = MutableMapping[str, Any]


@dataclass(slots=True)
class _Call:
    """A call that was placed here."""

    setup: CallSetup
    script: Script
    entries: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = ""
    ok: bool | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "call_id": self.setup.call_id,
            "to": self.setup.to_number,
            "outcome": self.outcome,
            "ok": self.ok,
            "transcript": self.entries,
        }


class Control:
    """
    The platform's API with calls placed by hand, as one ASGI application.

    Args:
        people: what people do around a call that brings no script of its own.
    """

    def __init__(self, account: Account, api: PlatformApi, people: Script) -> None:
        self._account: Final = account
        self._api: Final = api
        self._people: Final = people
        self._exchange: Exchange | None = None
        self._calls: Final[dict[str, _Call]] = {}
        self._under_way: Final[set[asyncio.Task[None]]] = set()

    def use(self, exchange: Exchange) -> None:
        """Have calls placed by this exchange, whose worlds and notes are ours."""
        self._exchange = exchange

    def world(self, setup: CallSetup, clock: Clock) -> World:
        """Make the people around a call."""
        call = self._calls.get(setup.call_id)
        return ScriptedWorld(call.script if call is not None else self._people, clock)

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/control"):
            await self._api(scope, receive, send)
            return
        try:
            status, told = await self._answer(scope, receive)
        except NeedsHuman as error:
            status, told = 400, {"error": error.message}
        body = json.dumps(told).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def aclose(self) -> None:
        """End what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._api.aclose()

    async def _answer(
        self, scope: _Message, receive: Callable[[], Awaitable[_Message]]
    ) -> tuple[int, dict[str, Any]]:
        path, method = scope["path"].rstrip("/"), scope["method"]
        if path == _PATH and method == "GET":
            return 200, {"calls": [call.shown() for call in self._calls.values()]}
        if path.startswith(f"{_PATH}/") and method == "GET":
            call = self._calls.get(path[len(_PATH) + 1 :])
            return (404, {"error": "no such call"}) if call is None else (200, call.shown())
        if path == _PATH and method == "POST":
            return await self._place(await _json(receive))
        return 404, {"error": f"there is {_PATH} (GET, POST) and {_PATH}/CALL-ID (GET)"}

    async def _place(self, asked: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        if unknown := asked.keys() - _KNOWN:
            raise NeedsHuman("control.call", f"unknown: {', '.join(sorted(unknown))}")
        for name in ("to", "from", "name", "call_id", "script"):
            if not isinstance(asked.get(name, ""), str):
                raise NeedsHuman("control.call", f"{name} must be a text")
        variables = asked.get("variables", {})
        if not isinstance(variables, Mapping):
            raise NeedsHuman("control.call", "variables must be an object")
        if not asked.get("to"):
            raise NeedsHuman("control.call", 'say which number is dialled: {"to": "100"}')
        number = asked.get("from", "+15551234567")
        setup = CallSetup(
            call_id=asked.get("call_id") or self._account.new_id(),
            account_id=self._account.account_id,
            from_number=number,
            caller_number=number,
            caller_name=asked.get("name"),
            to_number=asked["to"],
            to_realm=self._account.realm,
            application_vars=dict(variables),
        )
        if setup.call_id in self._calls:
            raise NeedsHuman("control.call", f"there was a call {setup.call_id} already")
        script = parse_script(asked["script"]) if "script" in asked else self._people
        call = _Call(setup, script)
        if len(self._calls) >= _MOST_KEPT:
            del self._calls[next(iter(self._calls))]
        self._calls[setup.call_id] = call
        task = asyncio.create_task(self._carry(call))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        if asked.get("wait", True) is False:
            return 202, call.shown()
        await asyncio.shield(task)
        return (404 if call.ok is None else 200), call.shown()

    async def _carry(self, call: _Call) -> None:
        assert self._exchange is not None  # `use` comes before serving
        ending = await self._exchange.dial(
            call.setup, note=lambda entry: call.entries.append(entry.to_dict())
        )
        call.outcome = "nobody has this number" if ending is None else ending.outcome.value
        call.ok = None if ending is None else ending.outcome.ok


async def _json(receive: Callable[[], Awaitable[_Message]]) -> Mapping[str, Any]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LARGEST_BODY:
            raise NeedsHuman("control.body", "the body is larger than 64 KiB")
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise NeedsHuman(
            "control.body", 'send JSON, like {"to": "100", "script": "press 1"}'
        ) from None
    if not isinstance(asked, Mapping):
        raise NeedsHuman("control.body", "send one JSON object")
    return asked
