"""The tenants' keys: at hand in an outage, read beside the calls, and by one for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from reception.errors import Retry
from reception.ports import TenantKey
from reception.service.signing import SigningKeys
from tests.unit.store.records import NOW


class Stored:
    """What the store has; away, slow or rotated when a test says so."""

    def __init__(self) -> None:
        self.secrets = [b"first"]
        self.is_away = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0

    async def load(self, tenant: str) -> Sequence[TenantKey]:
        raise NotImplementedError

    async def ensure(self, tenant: str, *, secret: bytes, now: datetime) -> Sequence[TenantKey]:
        self.asked += 1
        await self.gate.wait()
        if self.is_away:
            raise Retry("store.away", "away")
        return [TenantKey(number, each, now) for number, each in enumerate(self.secrets)]

    async def rotate(
        self, tenant: str, *, after: int, secret: bytes, now: datetime
    ) -> Sequence[TenantKey]:
        raise NotImplementedError


class Bench:
    """Keys over `Stored`, and a clock that a test moves."""

    def __init__(self) -> None:
        self.stored = Stored()
        self.at = NOW
        self.keys = SigningKeys(self.stored, now=lambda: self.at, entropy=bytes)

    def later(self, **values: float) -> None:
        self.at += timedelta(**values)


def run(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await test(Bench())

    asyncio.run(main())


def test_all_who_want_to_know_at_once_ask_the_store_once() -> None:
    async def test(bench: Bench) -> None:
        found = await asyncio.gather(*(bench.keys.of("a") for _ in range(50)))
        assert [(b"first",)] * 50 == found
        assert 1 == bench.stored.asked
        bench.later(seconds=6)
        bench.stored.gate.clear()
        guesses = [asyncio.create_task(bench.keys.again("a")) for _ in range(50)]
        await asyncio.sleep(0.01)
        bench.stored.gate.set()
        await asyncio.gather(*guesses)
        await bench.keys.again("a")
        assert 2 == bench.stored.asked

    run(test)


def test_no_call_waits_for_keys_that_were_read_of_late() -> None:
    async def test(bench: Bench) -> None:
        await bench.keys.of("a")
        bench.later(minutes=2)
        bench.stored.secrets = [b"second", b"first"]
        bench.stored.gate.clear()
        assert (b"first",) == await asyncio.wait_for(bench.keys.of("a"), 0.1)
        bench.stored.gate.set()
        await asyncio.sleep(0.01)
        assert (b"second", b"first") == await bench.keys.of("a")
        assert 2 == bench.stored.asked

    run(test)


def test_keys_that_may_have_been_rotated_away_sign_nothing() -> None:
    async def test(bench: Bench) -> None:
        await bench.keys.of("a")
        bench.later(hours=5)
        bench.stored.secrets = [b"third", b"second"]
        assert (b"third", b"second") == await bench.keys.of("a")

    run(test)


@pytest.mark.parametrize("age", [timedelta(minutes=2), timedelta(hours=5)])
def test_keys_that_were_read_once_outlast_an_outage(age: timedelta) -> None:
    async def test(bench: Bench) -> None:
        await bench.keys.of("a")
        bench.at += age
        bench.stored.is_away = True
        for _ in range(20):
            assert (b"first",) == await bench.keys.of("a")
            await asyncio.sleep(0)
        assert 2 == bench.stored.asked, "an outage is not made worse by asking at every call"

    run(test)


def test_keys_that_were_never_read_cannot_be_had_in_an_outage() -> None:
    async def test(bench: Bench) -> None:
        bench.stored.is_away = True
        with pytest.raises(Retry):
            await bench.keys.of("a")
        bench.stored.is_away = False
        assert (b"first",) == await bench.keys.of("a")

    run(test)


def test_who_gives_up_waiting_does_not_stop_it_for_the_others() -> None:
    async def test(bench: Bench) -> None:
        bench.stored.gate.clear()
        one, other = (asyncio.create_task(bench.keys.of("a")) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.sleep(0)
        bench.stored.gate.set()
        assert (b"first",) == await other

    run(test)
