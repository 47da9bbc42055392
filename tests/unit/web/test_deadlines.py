"""One timer keeps every deadline, in time and for those alone that are still waited for."""

from __future__ import annotations

import asyncio
import time

from reception.web.deadlines import TOLERANCE_S, Deadlines


class Request:
    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.expired_s: float | None = None

    def expire(self) -> None:
        self.expired_s = time.monotonic()


LIMIT_S = 0.1


def watched(*ages_s: float, gap_s: float = 0.0, forget: int = -1) -> list[Request]:
    """Watch requests of these ages, `gap_s` apart, for as long as the last may wait."""
    deadlines = Deadlines(LIMIT_S)
    requests: list[Request] = []

    async def watch() -> None:
        for age_s in ages_s:
            now_s = time.monotonic()
            requests.append(Request(now_s - age_s))
            deadlines.watch(requests[-1], now_s)
            if gap_s:
                await asyncio.sleep(gap_s)
        if forget >= 0:
            deadlines.forget(requests[forget])
        await asyncio.sleep(LIMIT_S + 0.05)

    asyncio.run(watch())
    return requests


def late_s(request: Request) -> float:
    assert request.expired_s is not None
    return request.expired_s - request.began_s - LIMIT_S


def test_every_deadline_passes_in_its_time() -> None:
    for request in watched(0, 0, 0, gap_s=0.02):
        assert -TOLERANCE_S <= late_s(request) < 0.05


def test_a_request_that_waited_before_it_was_noticed_has_less_time() -> None:
    requests = watched(0, 0.08, 0)
    assert late_s(requests[1]) < 0.05
    assert requests[1].expired_s is not None
    assert requests[0].expired_s is not None
    assert requests[1].expired_s < requests[0].expired_s


def test_what_is_forgotten_never_expires() -> None:
    for forget in (0, 1):
        requests = watched(0, 0.05, 0, forget=forget)
        assert [forget] == [i for i, one in enumerate(requests) if one.expired_s is None]


def test_a_loop_that_ended_takes_no_deadline_with_it() -> None:
    deadlines = Deadlines(LIMIT_S)

    async def leave() -> None:
        one = Request(time.monotonic())
        deadlines.watch(one, one.began_s)
        deadlines.forget(one)

    async def stay() -> Request:
        one = Request(time.monotonic())
        deadlines.watch(one, one.began_s)
        await asyncio.sleep(LIMIT_S + 0.05)
        return one

    asyncio.run(leave())
    assert asyncio.run(stay()).expired_s is not None
