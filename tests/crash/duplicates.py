"""
Every request is sent twice at the same moment, to two workers, and both answers are compared.

Each pair of connections belongs to two different workers as far as chance allows. All pairs of
a wave wait for each other before they send, so that copies meet in the store and not one after
the other. Every now and then a worker is killed, or all of them are replaced; then requests
that were answered long before are sent once more, and must be answered alike.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import time
from collections import deque
from pathlib import Path

from tests.crash.callers import VOICE, Line, Reply, request_body
from tests.crash.history import LATE_S, History
from tests.crash.trial import Enough, Report, Say, Trial, never, silent, trial

# Two questions: more in a row would be held back, to spare the bucket of the platform.
_PLANS = (*("caa", "ncaja", "cjaa") * 3, "caea")
_REMEMBERED = 2_000
_PAIRS_OF_ONE = 8
_WORKER = VOICE + "&do=pid"


async def run(
    folder: Path,
    duplicates: int,
    seed: int,
    *,
    say: Say = silent,
    enough: Enough = never,
    callers: int = 32,
    restarts: int = 20,
) -> Report:
    """Compare so many repeated requests with the first of their kind."""
    async with trial(folder, seed, say=say, callers=callers) as on:
        await on.start()
        pairs = Pairs(on, duplicates, seed, enough)
        began = time.monotonic()
        lanes = [asyncio.create_task(pairs.lane(number)) for number in range(callers)]
        chance = random.Random(seed)
        try:
            for number in range(1, restarts + 1):
                await pairs.reach(duplicates * number // (restarts + 1))
                if enough():
                    break
                if chance.random() < 0.5:
                    await on.service.kill_worker(chance)
                else:
                    os.kill(on.service.pid, signal.SIGHUP)
                    await asyncio.sleep(chance.uniform(0.0, 1.0))
                await pairs.repeat_remembered()
                await on.check_recent()
                say(
                    f"{pairs.compared:7d} of {duplicates} compared,"
                    f" {len(on.history.problems)} problems"
                )
            await pairs.reach(duplicates)
        finally:
            pairs.stopping = True
            await asyncio.gather(*lanes)
        took_s = time.monotonic() - began
        report = await on.report(f"{pairs.compared} duplicates compared")
        await on.stop()
    report.is_cut_short = enough()
    report.figures["to two workers"] = pairs.across
    report.figures["after a restart"] = pairs.after_restart
    report.figures["answers a second"] = round(2 * pairs.compared / took_s)
    return report


class Pairs:
    """The lanes, each of which makes calls by pairs of requests."""

    def __init__(self, on: Trial, wanted: int, seed: int, enough: Enough) -> None:
        self._on = on
        self._wanted = wanted
        self._seed = seed
        self._enough = enough
        self.compared = 0
        self.across = 0
        self.after_restart = 0
        self.stopping = False
        self._old: deque[tuple[str, bytes, bytes]] = deque(maxlen=_REMEMBERED)
        self._wave = Wave(_PAIRS_OF_ONE)

    @property
    def _history(self) -> History:
        return self._on.history

    async def reach(self, count: int) -> None:
        """Wait until so many are compared."""
        while self.compared < min(count, self._wanted):
            if self._enough() or self._history.problems:
                break
            await asyncio.sleep(0.01)

    async def lane(self, number: int) -> None:
        """Make one call after the other."""
        chance = random.Random(f"{self._seed}-{number}")
        lines = (Bound(self._on.service.port), Bound(self._on.service.port))
        calls = 0
        while not self.stopping:
            calls += 1
            call_id = f"d{self._seed}-{number}-{calls}"
            await self._call(call_id, chance.choice(_PLANS), chance, lines)
        for line in lines:
            line.close()

    async def _call(
        self, call_id: str, plan: str, chance: random.Random, lines: tuple[Bound, Bound]
    ) -> None:
        target, digits, step_no = VOICE, dict[str, str](), 0
        while True:
            body = request_body(call_id, plan, "", digits, {})
            said = await self._pair(target, body, lines)
            if said is None:
                return
            reply = Reply.read(said)
            if reply.is_fallback or not reply.target:
                self._history.counts["fallbacks heard"] += reply.is_fallback
                return
            self._history.heard((reply.episode, step_no), said)
            if step_no:
                self._old.append((target, body, hashlib.sha256(said).digest()))
            digits[reply.collection] = chance.choice("123456789")
            target, step_no = reply.target, step_no + 1
            # The platform's bucket: what comes too fast is held back.
            await asyncio.sleep(reply.silence_s)

    async def _pair(self, target: str, body: bytes, lines: tuple[Bound, Bound]) -> bytes | None:
        """Send both at once; what they say, or None where the connection of one was lost."""
        try:
            await lines[0].open()
            await lines[1].open(other_than=lines[0].worker)
            await self._wave.full()
            one, other = await asyncio.gather(
                lines[0].line.ask(target, body), lines[1].line.ask(target, body)
            )
        except (OSError, EOFError, TimeoutError):
            for line in lines:
                line.close()
            self._history.counts["pairs lost"] += 1
            return None
        self._history.slowest_s = max(self._history.slowest_s, one.took_s, other.took_s)
        if any(
            answer.took_s >= LATE_S and Reply.read(answer.body).is_fallback
            for answer in (one, other)
        ):
            # Whoever waits for the other's answer waits to its deadline, and hears the fallback.
            self._history.counts["pairs of which one was late"] += 1
            return None
        self.compared += 1
        self.across += lines[0].worker != lines[1].worker
        if one.body != other.body or (one.status, other.status) != (200, 200):
            self._history.problem(f"a pair was answered {one} and {other}")
        return one.body

    async def repeat_remembered(self) -> None:
        """Send requests of before once more, over new connections."""
        old = list(self._old)
        shares = [old[start::8] for start in range(8)]
        await asyncio.gather(*(self._repeat(share) for share in shares))

    async def _repeat(self, share: list[tuple[str, bytes, bytes]]) -> None:
        line = Line(self._on.service.port)
        for target, body, digest in share:
            answer = None
            while answer is None:
                try:
                    answer = await line.ask(target, body)
                except (OSError, EOFError, TimeoutError):
                    await asyncio.sleep(0.02)
            if hashlib.sha256(answer.body).digest() != digest:
                self._history.problem(f"after a restart {target} was answered {answer}")
            self.compared += 1
            self.after_restart += 1
        line.close()


class Bound:
    """A connection whose worker is known."""

    def __init__(self, port: int) -> None:
        self.line = Line(port)
        self.worker = ""

    async def open(self, other_than: str = "") -> None:
        """Connect, to another worker than that where one can be had."""
        if self.line.is_open and self.worker != other_than:
            return
        for _ in range(4):
            self.close()
            answer = await self.line.ask(_WORKER, request_body("who", "", "", {}, {}))
            self.worker = Reply.read(answer.body).words[0]
            if self.worker != other_than and self.line.is_open:
                break

    def close(self) -> None:
        self.line.close()
        self.worker = ""


class Wave:
    """A barrier that lets go of whoever waits when it is full, or when nobody else comes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: list[asyncio.Future[None]] = []

    async def full(self) -> None:
        """Wait for the others."""
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        self._waiting.append(place)
        if len(self._waiting) >= self._size:
            self._let_go()
        else:
            loop.call_later(0.02, self._let_go_of, place)
        await place

    def _let_go_of(self, place: asyncio.Future[None]) -> None:
        if not place.done():
            self._let_go()

    def _let_go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():
                place.set_result(None)
