"""
A world with a person at the keyboard.

The person types lines: keys, `hangup`, or what a ringing phone does. On the virtual clock
the phone stops at each prompt, question and ringing phone and asks, because otherwise the
call would be over before a hand could move; an empty line lets it go on. It asks as well
when nothing was asked for ten minutes of the call: an app that pauses and pivots for ever
would otherwise never let go of the keyboard. On the real clock it does not stop: a line
acts at the moment it is entered.

How lines are read and shown is given from outside (`Lines`); nothing here knows a
terminal.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from reception.simulator.clock import Clock
from reception.simulator.transcript import seconds
from reception.simulator.world import (
    LISTENING,
    Decided,
    Doing,
    Event,
    HungUp,
    Key,
    Mailbox,
    Ring,
    Ringing,
    Situation,
)

_KEYS: Final = re.compile(r"[0-9*#]+")
_FIRST_KEY_MS: Final = 300
_BETWEEN_KEYS_MS: Final = 200
_SHORTEST_QUESTION_MS: Final = 100
_ENDLESS_MS: Final = 60_000
_LONGEST_UNASKED_MS: Final = 10 * 60_000
_LONGEST_RING_MS: Final = 60_000
_MESSAGE_MS: Final = 5_000
_TALK_MS: Final = 10_000
_DOING_WITH_KEYS: Final = LISTENING | {Doing.SILENCE}

_RINGS: Final[Mapping[str, Ring]] = {
    "answer": Ring(after_ms=2_000, answered=True, talk_ms=_TALK_MS),
    "busy": Ring(1_000, application_response="USER_BUSY", cause="USER_BUSY", code="sip:486"),
    "noanswer": Ring(None, application_response="NO_ANSWER", cause="NO_ANSWER", code="sip:480"),
    "reject": Ring(1_000, application_response="CALL_REJECTED", code="sip:603"),
    "missing": Ring(missing=True),
}
_WORDS: Final = ", ".join(_RINGS)


class Lines(Protocol):
    """Where the person's lines come from."""

    async def read(self) -> str | None:
        """Wait for the next line, without its end; None when there will be no more."""
        ...


class TypedWorld:
    """Asks the person for everything that people and phones do."""

    def __init__(
        self, lines: Lines, clock: Clock, *, show: Callable[[str], None], real_time: bool
    ) -> None:
        self._lines = lines
        self._clock = clock
        self._show = show
        self._real_time = real_time
        self._asked = 0
        self._asked_ms = 0
        self._keys: deque[tuple[int, str]] = deque()
        self._reading: asyncio.Task[str | None] | None = None
        self._ringing: Ringing | None = None
        self._hangs_up = False

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Give the person's next act before `until_ms`."""
        if self._hangs_up:
            return HungUp()
        if self._keys:
            return await self._next_key(until_ms)
        if self._real_time:
            return await self._typed_in_time(until_ms, situation)
        if self._should_ask(situation):
            self._asked = situation.number
            self._asked_ms = self._clock.now_ms
            hung_up = await self._ask(situation)
            if hung_up is not None:
                return hung_up
            if self._keys:
                return await self._next_key(until_ms)
        if until_ms is None:
            await self._clock.until(max(self._clock.now_ms, situation.began_ms) + _ENDLESS_MS)
            return HungUp("the caller gives up and hangs up (assumed)")
        await self._clock.until(until_ms)
        return None

    async def ring(self, ringing: Ringing) -> Ring:
        """Ask what the phone does; on the real clock it rings until a line says so."""
        longest_ms = _LONGEST_RING_MS if ringing.timeout_ms is None else ringing.timeout_ms
        unanswered = _timed(_RINGS["noanswer"], longest_ms)
        if self._real_time:
            self._show(f"{ringing.kind} {ringing.id} will ring: type {_WORDS} or hangup\n")
            self._ringing = ringing
            return unanswered
        while True:
            self._show(f"{ringing.kind} {ringing.id}: {_WORDS}, hangup? [answer]")
            line = await self._line()
            self._asked_ms = self._clock.now_ms
            if line is None or line == "hangup":
                self._hangs_up = True
                return unanswered
            ring = _RINGS.get(line or "answer")
            if ring is not None:
                return _timed(ring, longest_ms)

    def media_ms(self, media: str) -> int | None:
        """Know no recording's length."""
        return None

    def menu(self, menu_id: str) -> Mapping[str, Any] | None:
        """Know no menu's document."""
        return None

    def stored_flow(self, flow_id: str) -> Mapping[str, Any] | None:
        """Know no stored callflow."""
        return None

    def callflows(self) -> Sequence[Mapping[str, Any]]:
        """Know none of the account's numbers."""
        return ()

    def document(self, document_id: str) -> Mapping[str, Any] | None:
        """Know no document."""
        return None

    def outcome(self, module: str, document_id: str = "") -> str | None:
        """Say nothing: a person who wants something else writes a script."""
        return None

    def local_time(self) -> datetime | None:
        """Know no time: a rehearsal goes the same way at any hour."""
        return None

    async def mailbox(self, box_id: str) -> Mailbox:
        """Assume a short message; a person who wants another writes a script."""
        return Mailbox(
            _MESSAGE_MS,
            goes_on=True,
            assumed="the caller leaves a message of 5 s and presses a key",
        )

    def _should_ask(self, situation: Situation) -> bool:
        short = situation.lasts_ms is not None and situation.lasts_ms < _SHORTEST_QUESTION_MS
        if short or situation.number <= self._asked:
            return False
        unasked_ms = self._clock.now_ms - self._asked_ms
        return situation.doing in _DOING_WITH_KEYS or unasked_ms > _LONGEST_UNASKED_MS

    async def _ask(self, situation: Situation) -> HungUp | None:
        """Ask once; keys are queued, and a hang-up is given back."""
        while True:
            self._show(_question(situation))
            line = await self._line()
            if line is None or line == "hangup":
                return HungUp()
            if not line:
                return None
            if _KEYS.fullmatch(line):
                self._queue(line, self._clock.now_ms + _FIRST_KEY_MS)
                return None

    async def _next_key(self, until_ms: int | None) -> Event | None:
        at_ms, digit = self._keys[0]
        if until_ms is not None and at_ms > until_ms:
            await self._clock.until(until_ms)
            return None
        self._keys.popleft()
        await self._clock.until(at_ms)
        return Key(digit)

    async def _typed_in_time(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Wait on the real clock for a line or the deadline, whichever is first."""
        while True:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._lines.read())
            left_s = None if until_ms is None else max(0, until_ms - self._clock.now_ms) / 1000
            done, _ = await asyncio.wait({self._reading}, timeout=left_s)
            if not done:
                return None
            line = self._reading.result()
            self._reading = None
            if line is None:
                return HungUp("no more input: the caller hangs up")
            event = self._act(line.strip().lower(), situation)
            if event is not None:
                return event

    def _act(self, line: str, situation: Situation) -> Event | None:
        if line == "hangup":
            return HungUp()
        if situation.doing is Doing.RING and self._ringing is not None and line in _RINGS:
            return Decided(_RINGS[line])
        if _KEYS.fullmatch(line):
            self._queue(line[1:], self._clock.now_ms + _BETWEEN_KEYS_MS)
            return Key(line[0])
        if line:
            self._show(f"type keys (0-9 * #), hangup, or while it rings {_WORDS}\n")
        return None

    def _queue(self, keys: str, first_ms: int) -> None:
        self._keys.extend(
            (first_ms + _BETWEEN_KEYS_MS * turn, digit) for turn, digit in enumerate(keys)
        )

    async def _line(self) -> str | None:
        line = await self._lines.read()
        return None if line is None else line.strip().lower()


def _timed(ring: Ring, longest_ms: int) -> Ring:
    """Fit a ring into the time that the platform lets it ring."""
    if ring.missing:
        return ring
    after_ms = longest_ms if ring.after_ms is None else min(ring.after_ms, longest_ms)
    return Ring(
        after_ms=after_ms,
        answered=ring.answered,
        talk_ms=ring.talk_ms,
        application_response=ring.application_response,
        cause=ring.cause,
        code=ring.code,
    )


def _question(situation: Situation) -> str:
    match situation.doing:
        case Doing.COLLECT:
            lasts = "" if situation.lasts_ms is None else f", {seconds(situation.lasts_ms)}"
            return f"keys? (up to {situation.max_digits}{lasts}; Enter: silence; hangup)"
        case Doing.MENU:
            return "keys for the menu? (Enter: silence; hangup)"
        case Doing.PROMPT:
            return "keys during this prompt? (Enter: listen to the end; hangup)"
        case Doing.SILENCE:
            return "silence. (Enter: wait; hangup)"
        case _:
            return f"nothing was asked for a while ({situation.doing.value}). (Enter: wait; hangup)"
