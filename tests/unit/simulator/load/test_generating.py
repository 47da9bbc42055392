"""Calls are placed when they are due, and what the server does cannot hide behind that."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reception.simulator.call import CallSetup
from reception.simulator.load.generating import Plan, generate
from reception.simulator.load.tally import Tally
from reception.simulator.phone import Dialled
from reception.simulator.quirks import QUIRKS
from reception.simulator.script import parse_script

FLOW = b'{"module":"hangup","data":{},"children":{}}'
Answer = Callable[[int, dict[str, Any]], Awaitable[tuple[int, bytes]]]


def load(
    answer: Answer,
    *,
    rate: float = 50.0,
    seconds: float = 1.0,
    ports: list[int] | None = None,
    **plan: Any,
) -> Tally:
    """Let a server answer a load; gives the counts."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                writer.close()
                return
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            count += 1
            status, flow = await answer(count, body)
            writer.write(
                b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                % (status, len(flow), flow)
            )

    async def main() -> Tally:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if ports is not None:
            ports.append(port)
        tally = Tally()
        given: dict[str, Any] = {
            "dialled": Dialled(f"http://127.0.0.1:{port}/voice"),
            "setup": CallSetup(call_id="x"),
            "quirks": QUIRKS[4].but(retry_after_posts=1),
            "rate": rate,
            "seconds": seconds,
            "mix": [(parse_script(""), 1.0)],
        }
        await generate(Plan(**(given | plan)), tally, seed=1)
        server.close()
        return tally

    return asyncio.run(main())


async def well(_: int, __: dict[str, Any]) -> tuple[int, bytes]:
    return 200, FLOW


def test_all_calls_are_placed_and_each_has_a_name_of_its_own() -> None:
    names: set[str] = set()

    async def answer(_: int, body: dict[str, Any]) -> tuple[int, bytes]:
        names.add(body["Call-ID"])
        return 200, FLOW

    began = time.monotonic()
    tally = load(answer)
    assert time.monotonic() - began > 0.9
    assert (50, 50, 0, 50, 0) == (
        tally.calls,
        tally.ended,
        tally.dropped,
        tally.pivots,
        tally.failed,
    )
    # Of this run: a server repeats what it has said to a call that it knows.
    assert {f"x-{number}" for number in range(50)} == names


def test_a_call_that_the_simulator_cannot_follow_is_lost_and_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("reception.simulator.load.generating.carry_call", fails)
    tally = load(well, seconds=0.1)
    assert (5, 0, 5) == (tally.calls, tally.ended, tally.dropped)
    assert {"not followed: ZeroDivisionError": 5} == tally.errors


def test_a_server_that_stalls_makes_every_call_late_that_was_due_meanwhile() -> None:
    stalled = asyncio.Event()

    async def answer(number: int, _: dict[str, Any]) -> tuple[int, bytes]:
        if number == 10:
            # What the event loop of a server does when a handler holds it.
            asyncio.get_running_loop().call_later(0.5, stalled.set)
        if number >= 10:
            await stalled.wait()
        return 200, FLOW

    tally = load(answer, rate=100.0)
    # Some 50 of 100 requests were due in that half second.
    assert tally.latencies.percentile_s(80) > 0.15
    assert tally.latencies.percentile_s(5) < 0.1


def test_failures_are_counted_by_what_they_were() -> None:
    async def answer(number: int, _: dict[str, Any]) -> tuple[int, bytes]:
        return (503, b"{}") if number % 2 else (200, FLOW)

    tally = load(answer)
    assert 25 == tally.failed == tally.errors["answered 503"]
    assert tally.dropped > 0
    assert tally.summary()["errors"]["answered 503"] == 25


def test_calls_that_would_be_too_many_are_lost_and_counted() -> None:
    async def answer(_: int, __: dict[str, Any]) -> tuple[int, bytes]:
        await asyncio.sleep(0.3)
        return 200, FLOW

    tally = load(answer, rate=100.0, seconds=0.5, at_once=5)
    assert 50 == tally.calls
    assert tally.errors["not placed: too many calls under way"] == 50 - tally.ended > 20


def test_callers_come_back_with_their_keys() -> None:
    pressed: list[str] = []
    port: list[int] = []

    async def answer(_: int, body: dict[str, Any]) -> tuple[int, bytes]:
        if digits := body.get("Digits"):
            pressed.append(digits["menu"])
            return 200, FLOW
        data = {"voice_url": f"http://127.0.0.1:{port[0]}/voice", "req_format": "kazoo"}
        data |= {"method": "post", "req_body_format": "json"}
        pivot = {"module": "pivot", "data": data, "children": {}}
        collecting = {"max_digits": 1, "collection_name": "menu", "timeout": 3000}
        collect = {"module": "collect_dtmf", "data": collecting, "children": {"_": pivot}}
        return 200, json.dumps(collect).encode()

    mix = [(parse_script("press 7"), 1.0), (parse_script("press 8"), 1.0)]
    tally = load(answer, rate=20.0, mix=mix, ports=port)
    assert (40, 0, 0) == (tally.pivots, tally.failed, tally.dropped)
    assert {"7", "8"} == set(pressed)
    assert 20 == len(pressed)
