"""Reports on the wire: what is tried again, what is not, and what is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from reception.simulator.client import PlatformClient
from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.reports.hooks import Webhook
from reception.simulator.reports.mishaps import Mishaps
from reception.simulator.reports.sending import Sender
from tests.unit.simulator.servers import Answer, RawServer, http, raw_server, sends

EVENT: Final[dict[str, Any]] = {
    "Event-Name": "CHANNEL_DESTROY",
    "Call-ID": "c-1",
    "Custom-Channel-Vars": {"Account-ID": "a"},
}


def play(
    answer: Answer,
    tell: Callable[[Sender, RawServer], None],
    *,
    quirks: Quirks = QUIRKS[4],
    mishaps: Mishaps | None = None,
    **settings: Any,
) -> tuple[RawServer, Sender, list[float]]:
    slept: list[float] = []

    async def sleep(pause_s: float) -> None:
        slept.append(pause_s)
        if len(slept) > 20:
            raise asyncio.CancelledError

    async def run() -> tuple[RawServer, Sender]:
        async with raw_server(answer) as server:
            client = PlatformClient(quirks)
            hook = Webhook("h", "a", server.url("/w"), **settings)
            sender = Sender(
                client, quirks, {"h": hook}, mishaps or Mishaps(), sleep=sleep, cluster_id="c"
            )
            try:
                tell(sender, server)
                await sender.settle()
                return server, sender
            finally:
                await sender.aclose()
                await client.aclose()

    return *asyncio.run(run()), slept


def fire(sender: Sender, server: RawServer) -> None:
    sender.fire(EVENT)


def test_an_event_is_posted_to_the_webhook_that_wants_it() -> None:
    server, sender, _ = play(sends(http("200 OK")), fire)
    assert 1 == len(server.requests)
    assert b"call_id=c-1" in server.requests[0]
    assert [(True, 200)] == [(one.ok, one.status) for one in sender.attempts]


@pytest.mark.parametrize("status", ["204 N", "202 A", "404 N", "500 I"])
def test_any_other_answer_is_a_failure_that_is_not_tried_again(status: str) -> None:
    server, sender, slept = play(sends(http(status)), fire, retries=4)
    assert (1, []) == (len(server.requests), slept)
    assert [False] == [one.ok for one in sender.attempts]


@pytest.mark.parametrize(("retries", "posts"), [(1, 1), (2, 2), (4, 4)])
def test_a_broken_connection_is_tried_again_after_two_seconds(retries: int, posts: int) -> None:
    server, sender, slept = play(sends(close=True), fire, retries=retries)
    assert posts == len(server.requests) == len(sender.attempts)
    assert [2.0] * (posts - 1) == slept
    assert {None} == {one.status for one in sender.attempts}


def test_no_retries_is_read_as_retries_without_end() -> None:
    with pytest.raises(asyncio.CancelledError):
        play(sends(close=True), fire, retries=0)


def test_six_failures_switch_the_webhook_off() -> None:
    def tell(sender: Sender, server: RawServer) -> None:
        for _ in range(6):
            sender.fire(EVENT)

    _, sender, _ = play(sends(http("500 I")), tell)
    assert sender.hooks["h"].enabled
    sender.now_s = lambda: time.time() + 20
    sender.look()
    assert not sender.hooks["h"].enabled


def report(sender: Sender, server: RawServer) -> None:
    sender.report(server.url("/cdr"), EVENT | {"Timestamp": 1})


@pytest.mark.parametrize("answer", [sends(http("500 I")), sends(close=True), sends(http("200 O"))])
def test_a_cdr_url_is_posted_to_once_whatever_comes_of_it(answer: Answer) -> None:
    server, sender, slept = play(answer, report)
    assert (1, 1, []) == (len(server.requests), len(sender.attempts), slept)
    assert server.requests[0].endswith(b"\r\n\r\nTimestamp=1")


def test_a_cdr_url_that_redirects_is_followed_without_the_report() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(http("302 F", Location="/next") if number == 1 else http("200 OK"))
        await writer.drain()

    server, _, _ = play(answer, report)
    assert server.requests[1].startswith(b"GET /next ")
    assert server.requests[1].endswith(b"\r\n\r\n")


def test_a_null_means_that_nothing_is_posted() -> None:
    server, _, _ = play(
        sends(http("200 OK")), lambda sender, s: sender.report(s.url(), {"To": None})
    )
    assert [] == server.requests


def test_custom_data_that_cannot_be_sent_breaks_only_its_own_webhook() -> None:
    server, sender, _ = play(sends(http("200 OK")), fire, custom_data={"none": None})
    assert ([], []) == (server.requests, sender.attempts)


def test_reports_are_lost_doubled_and_held_back_on_request() -> None:
    assert [] == play(sends(http("200 OK")), fire, mishaps=Mishaps(loses=1.0))[0].requests
    server, _, slept = play(
        sends(http("200 OK")), fire, mishaps=Mishaps(doubles=1.0, delays_s=3.0, seed=1)
    )
    assert (2, 2) == (len(server.requests), len(slept))
    assert (
        server.requests[0].partition(b"cluster")[0] == server.requests[1].partition(b"cluster")[0]
    )
