"""Connections as the platform keeps them: queues, bursts, idle ends, second posts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from reception.simulator.client import PlatformClient
from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.request import JSON_TYPE, Outgoing
from tests.unit.simulator.servers import Answer, RawServer, http, raw_server, sends

OK: Final = http("200 OK", b"{}", Content_Type="application/json")
AGAIN: Final = http("503 S", Retry_After="0")

Story = Callable[[PlatformClient, Outgoing], Awaitable[list[Reply]]]


def play(answer: Answer, story: Story, quirks: Quirks = QUIRKS[4]) -> tuple[RawServer, list[Reply]]:
    async def run() -> tuple[RawServer, list[Reply]]:
        async with raw_server(answer) as server:
            client = PlatformClient(quirks)
            try:
                return server, await story(client, Outgoing("POST", server.url(), b"", JSON_TYPE))
            finally:
                await client.aclose()

    return asyncio.run(run())


async def burst(client: PlatformClient, request: Outgoing, size: int, ms: int) -> list[Reply]:
    return list(await asyncio.gather(*(client.send(request, timeout_ms=ms) for _ in range(size))))


def test_a_burst_on_a_cold_client_opens_a_connection_for_each_call() -> None:
    server, replies = play(
        sends(OK, pause_s=0.05), lambda client, request: burst(client, request, 20, 2000)
    )
    assert 20 == server.connections
    assert max(reply.elapsed_ms for reply in replies) < 1000


def test_six_of_twenty_calls_queue_on_the_one_warm_connection() -> None:
    async def story(client: PlatformClient, request: Outgoing) -> list[Reply]:
        await client.send(request, timeout_ms=2000)
        return await burst(client, request, 20, 2000)

    server, replies = play(sends(OK, pause_s=0.1), story)
    assert 1 + 14 == server.connections
    late = sorted(reply.elapsed_ms for reply in replies)[14:]
    # The first of the six is as quick as the fourteen others; each further one waits longer.
    assert [2, 3, 4, 5, 6] == [round(ms / 100) for ms in late[1:]]


def test_a_call_that_had_to_wait_has_no_timeout() -> None:
    async def story(client: PlatformClient, request: Outgoing) -> list[Reply]:
        await client.send(request, timeout_ms=2000)
        return await burst(client, request, 4, 150)

    _, replies = play(sends(OK, pause_s=0.1), story)
    assert all(isinstance(reply, Response) for reply in replies)
    assert max(reply.elapsed_ms for reply in replies) >= 350

    strict = QUIRKS[4].but(queued_requests_time_out=True)
    _, replies = play(sends(OK, pause_s=0.1), story, strict)
    assert any(isinstance(reply, NoReply) for reply in replies)


def test_those_behind_a_call_that_times_out_go_elsewhere() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        if number != 2:
            writer.write(OK)
        await writer.drain()

    async def story(client: PlatformClient, request: Outgoing) -> list[Reply]:
        await client.send(request, timeout_ms=2000)
        return await burst(client, request, 3, 100)

    server, replies = play(answer, story)
    assert [Trouble.TIMED_OUT] == [r.trouble for r in replies if isinstance(r, NoReply)]
    assert 2 <= server.connections


def test_beyond_two_full_connections_others_are_opened_to_close() -> None:
    async def story(client: PlatformClient, request: Outgoing) -> list[Reply]:
        await burst(client, request, 2, 2000)
        return await burst(client, request, 13, 2000)

    server, _ = play(sends(OK, pause_s=0.02), story)
    assert 3 == server.connections
    assert 1 == sum(b"connection: close" in request for request in server.requests)


def test_an_unused_connection_is_closed_after_its_time() -> None:
    async def story(client: PlatformClient, request: Outgoing) -> list[Reply]:
        first = await client.send(request, timeout_ms=2000)
        await asyncio.sleep(0.15)
        return [first, await client.send(request, timeout_ms=2000)]

    assert 2 == play(sends(OK), story, QUIRKS[4].but(idle_s=0.05))[0].connections
    assert 1 == play(sends(OK), story)[0].connections


def closes_under_the_second(answers: int) -> Answer:
    """Answer, then close only when the next request has come, as if both had crossed."""

    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        if number == answers + 1:
            writer.close()
            return
        writer.write(OK)
        await writer.drain()

    return answer


async def two(client: PlatformClient, request: Outgoing) -> list[Reply]:
    return [await client.send(request, timeout_ms=2000) for _ in range(2)]


def test_a_post_is_lost_when_its_idle_connection_closes_under_it() -> None:
    server, (_, reply) = play(closes_under_the_second(1), two)
    assert isinstance(reply, NoReply)
    assert (Trouble.CLOSED, 2) == (reply.trouble, len(server.requests))
    assert "idle connection" in reply.detail


def test_a_lost_post_is_sent_again_where_the_platform_does_so() -> None:
    server, (_, reply) = play(
        closes_under_the_second(1), two, QUIRKS[4].but(resends_lost_post=True)
    )
    assert isinstance(reply, Response)
    assert 3 == len(server.requests)


@pytest.mark.parametrize("status", ["500 I", "502 B", "503 S"])
def test_an_answer_of_500_and_above_closes_the_connection(status: str) -> None:
    assert 2 == play(sends(http(status)), two)[0].connections


def test_a_connection_that_has_only_redirected_is_not_found_again() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(http("307 T", Location="/next") if number in {1, 4} else OK)
        await writer.drain()

    # Cold: the redirect and its target; warm: the redirected one goes where the other is.
    server, replies = play(answer, two)
    assert (2, 3) == (server.connections, len(server.requests))
    server, replies = play(answer, thrice)
    assert (2, 5) == (server.connections, len(server.requests))
    assert all(isinstance(reply, Response) for reply in replies)


async def thrice(client: PlatformClient, request: Outgoing) -> list[Reply]:
    return [await client.send(request, timeout_ms=2000) for _ in range(3)]


def test_a_close_in_capitals_is_not_seen() -> None:
    assert 1 == play(sends(http("200 OK", b"{}", Connection="Close")), two)[0].connections


async def once(client: PlatformClient, request: Outgoing) -> list[Reply]:
    return [await client.send(request, timeout_ms=2000)]


def test_503_with_retry_after_is_posted_again_and_again_behind_the_calls_back() -> None:
    quirks = QUIRKS[4].but(retry_after_posts=7, patience_ms=300)

    async def story(client: PlatformClient, request: Outgoing) -> list[Reply]:
        replies = await once(client, request)
        await asyncio.sleep(0.1)
        return replies

    server, (reply,) = play(sends(AGAIN), story, quirks)
    assert isinstance(reply, Response)
    assert (503, 7) == (reply.status, len(server.requests))
    assert 1 == len(set(server.requests))


def test_a_late_change_of_mind_is_taken_while_the_call_waits() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(AGAIN if number < 3 else OK)
        await writer.drain()

    server, (reply,) = play(answer, once)
    assert isinstance(reply, Response)
    assert (200, 3) == (reply.status, len(server.requests))


@pytest.mark.parametrize("asked", ["120", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_long_retry_after_is_not_waited_for(asked: str) -> None:
    server, (reply,) = play(sends(http("503 S", Retry_After=asked)), once)
    assert isinstance(reply, Response)
    assert 1 == len(server.requests)


def test_429_is_not_posted_again() -> None:
    assert 1 == len(play(sends(http("429 T", Retry_After="0")), once)[0].requests)


def test_an_answer_after_the_patience_is_dropped() -> None:
    began = time.monotonic()
    _, (reply,) = play(sends(OK, pause_s=0.4), once, QUIRKS[4].but(patience_ms=50))
    assert isinstance(reply, NoReply)
    assert Trouble.UNANSWERED is reply.trouble
    assert 50 <= reply.elapsed_ms < 300
    assert time.monotonic() - began < 2


def test_copies_are_sent_on_request_and_their_answers_dropped() -> None:
    async def story(client: PlatformClient, request: Outgoing) -> list[Reply]:
        replies = await once(client, request)
        await asyncio.sleep(0.1)
        return replies

    server, replies = play(sends(OK), story, QUIRKS[4].but(duplicate_sends=2))
    assert (1, 3) == (len(replies), len(server.requests))
