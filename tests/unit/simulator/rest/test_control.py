"""Calls are placed by hand beside the platform's API, and what happened in them is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reception.simulator.client import PlatformClient
from reception.simulator.quirks import QUIRKS
from reception.simulator.reading import Reply, Response
from reception.simulator.reports.sending import Sender
from reception.simulator.request import Outgoing
from reception.simulator.rest.account import Account
from reception.simulator.rest.app import PlatformApi
from reception.simulator.rest.control import Control
from reception.simulator.rest.exchange import Exchange
from reception.simulator.script import parse_script

PIVOT = {"voice_url": "http://127.0.0.1:1/voice", "method": "post", "req_format": "kazoo"}
PIVOT |= {"req_body_format": "json"}
ASKS = {
    "module": "collect_dtmf",
    "data": {"max_digits": 1, "collection_name": "menu", "timeout": 3000},
    "children": {"_": {"module": "pivot", "data": PIVOT, "children": {}}},
}
BYE = {"module": "hangup", "data": {}, "children": {}}

Answer = tuple[int, dict[str, Any]]
Ask = Callable[..., Awaitable[Answer]]


class App:
    """Answers as an app would: a question, then the end."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        self.asked.append(request.body.decode())
        flow = BYE if "menu" in request.body.decode() else ASKS
        return Response(200, (("content-type", "application/json"),), json.dumps(flow).encode())


def rehearse(test: Callable[[Ask, App], Awaitable[None]]) -> None:
    async def main() -> None:
        client = PlatformClient(QUIRKS[5])
        account = Account("f" * 32, Sender(client, QUIRKS[5]))
        account.add("callflows", {"numbers": ["100"], "flow": {"module": "pivot", "data": PIVOT}})
        control = Control(account, PlatformApi(account), parse_script("press 1"))
        app = App()
        control.use(Exchange(account, app, worlds=control.world))

        async def ask(method: str, path: str, body: bytes | dict[str, Any] = b"") -> Answer:
            sent: list[Any] = []
            content = body if isinstance(body, bytes) else json.dumps(body).encode()

            async def receive() -> Any:
                return {"type": "http.request", "body": content, "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            scope = {"type": "http", "method": method, "path": path, "headers": []}
            await control(scope, receive, send)
            return sent[0]["status"], json.loads(sent[1]["body"])

        try:
            await test(ask, app)
        finally:
            await control.aclose()
            await client.aclose()

    asyncio.run(main())


def test_a_call_is_placed_carried_and_told() -> None:
    async def test(ask: Ask, app: App) -> None:
        status, told = await ask("POST", "/control/calls", {"to": "100", "call_id": "c-1"})
        assert (200, "c-1", True) == (status, told["call_id"], told["ok"])
        assert {"post", "presses", "end"} <= {entry["kind"] for entry in told["transcript"]}
        assert '"menu":"1"' in app.asked[1].replace(" ", "")
        assert (200, told) == await ask("GET", "/control/calls/c-1")
        assert {"calls": [told]} == (await ask("GET", "/control/calls"))[1]

    rehearse(test)


def test_a_call_may_bring_its_own_caller_and_variables() -> None:
    async def test(ask: Ask, app: App) -> None:
        call = {"to": "100", "script": "press 7", "from": "anonymous", "variables": {"room": "5"}}
        assert 200 == (await ask("POST", "/control/calls", call))[0]
        assert '"menu":"7"' in app.asked[1].replace(" ", "")
        assert '"room":"5"' in app.asked[0].replace(" ", "")

    rehearse(test)


def test_whoever_does_not_wait_asks_again() -> None:
    async def test(ask: Ask, app: App) -> None:
        status, told = await ask("POST", "/control/calls", {"to": "100", "wait": False})
        assert (202, None) == (status, told["ok"])
        path = f"/control/calls/{told['call_id']}"
        for _ in range(500):
            _, told = await ask("GET", path)
            await asyncio.sleep(0.001 if told["ok"] is None else 0)
        assert told["ok"]

    rehearse(test)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "send JSON"),
        (b"[]", "one JSON object"),
        (b"x" * 70_000, "larger than 64 KiB"),
        ({"too": "100"}, "unknown: too"),
        ({}, "which number is dialled"),
        ({"to": 100}, "to must be a text"),
        ({"to": "100", "script": "dance"}, "dance"),
        ({"to": "100", "variables": []}, "must be an object"),
    ],
)
def test_a_call_that_cannot_be_placed_says_why(body: Any, words: str) -> None:
    async def test(ask: Ask, app: App) -> None:
        status, told = await ask("POST", "/control/calls", body)
        assert (400, True) == (status, words in told["error"])

    rehearse(test)


def test_what_is_not_there_is_not_found_and_the_rest_is_the_platforms() -> None:
    async def test(ask: Ask, app: App) -> None:
        assert 404 == (await ask("POST", "/control/calls", {"to": "999"}))[0]
        assert 404 == (await ask("GET", "/control/calls/none"))[0]
        assert 404 == (await ask("DELETE", "/control/calls"))[0]
        status, told = await ask("PUT", "/v2/api_auth", {"data": {"api_key": "0" * 64}})
        assert (201, "f" * 32) == (status, told["data"]["account_id"])

    rehearse(test)
