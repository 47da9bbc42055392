"""
The caller: a world of the simulator that a test steers line by line.

The call goes on while the caller has something to do: listens until something is heard,
presses keys, says nothing, waits, hangs up. Then it stands still, at a prompt, a question,
a ringing phone, until the test says what comes next. Phones and mailboxes follow the lines
of a script, as in `reception phone --script`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias

from reception.simulator.clock import Clock
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.world import (
    ASKING,
    Doing,
    Event,
    HungUp,
    Key,
    Mailbox,
    Ring,
    Ringing,
    Situation,
)

_FIRST_KEY_MS: Final = 500
_BETWEEN_KEYS_MS: Final = 200
# A shorter collection is no question: it drops keys that were pressed too early.
_SHORTEST_QUESTION_MS: Final = 100
# A request makes three or more; an app that lets its callers wait for ever is noticed after hundreds.
_MOST_SITUATIONS: Final = 2_000
_NOTICED: Final = ASKING | {
    Doing.PROMPT,
    Doing.RING,
    Doing.TALK,
    Doing.MAILBOX,
    Doing.SILENCE,
}


class Turn(Enum):
    """What else the caller may decide: to stand still, or to let time pass."""

    STOP = "stop"
    GO_ON = "go on"


@dataclass(frozen=True, slots=True)
class At:
    """Do this at that time; without an event only let time pass up to it."""

    at_ms: int
    event: Event | None = None


Decision: TypeAlias = Turn | At


class Act(Protocol):
    """Something that the caller does, over as many situations as it takes."""

    def decide(self, situation: Situation, until_ms: int | None, now_ms: int) -> Decision:
        """Say what to do in this situation, now."""
        ...


def is_question(situation: Situation) -> bool:
    """Is the caller asked for keys?"""
    lasts_ms = situation.lasts_ms
    return situation.doing in ASKING and (lasts_ms is None or lasts_ms >= _SHORTEST_QUESTION_MS)


def _is_noticed(situation: Situation) -> bool:
    return situation.doing in _NOTICED and (
        situation.doing is not Doing.COLLECT or is_question(situation)
    )


class Listen:
    """Let the call go on until something has happened, or until a question."""

    def __init__(self, has_happened: Callable[[], bool], *, past_questions: bool = False) -> None:
        self._has_happened: Final = has_happened
        self._past_questions: Final = past_questions
        self._seen = 0

    def decide(self, situation: Situation, until_ms: int | None, now_ms: int) -> Decision:
        """See there."""
        self._seen += 1
        if _is_noticed(situation) and self._has_happened():
            return Turn.STOP
        if is_question(situation) and not self._past_questions:
            return Turn.STOP
        return _on(until_ms, self._seen)


class Press:
    """
    Press keys from here on, or none at all, which is to let a question pass.

    Ends where the caller next notices something after that.
    """

    def __init__(self, keys: str) -> None:
        self._left: Final = list(keys)
        self._next_ms: int | None = None
        self._seen = 0
        self._last = 0

    def decide(self, situation: Situation, until_ms: int | None, now_ms: int) -> Decision:
        """See there."""
        self._seen += 1
        if self._next_ms is None:
            self._last = situation.number
            self._next_ms = _first_ms(situation, now_ms) if is_question(situation) else now_ms
        if self._left:
            at_ms = max(self._next_ms, now_ms)
            if until_ms is not None and at_ms > until_ms:
                return Turn.GO_ON
            self._next_ms = at_ms + _BETWEEN_KEYS_MS
            self._last = situation.number
            return At(at_ms, Key(self._left.pop(0)))
        if situation.number != self._last and _is_noticed(situation):
            return Turn.STOP
        return _on(until_ms, self._seen)


class WaitUntil:
    """Let time pass up to a moment."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms: Final = at_ms

    def decide(self, situation: Situation, until_ms: int | None, now_ms: int) -> Decision:
        """See there."""
        if now_ms >= self._at_ms:
            return Turn.STOP
        return At(self._at_ms) if until_ms is None or until_ms > self._at_ms else Turn.GO_ON


class GoAway:
    """Hang up, here and now."""

    def decide(self, situation: Situation, until_ms: int | None, now_ms: int) -> Decision:
        """See there."""
        return At(now_ms, HungUp())


def _on(until_ms: int | None, seen: int) -> Decision:
    # Nothing goes on for ever in a test.
    is_endless = until_ms is None or seen > _MOST_SITUATIONS
    return Turn.STOP if is_endless else Turn.GO_ON


def _first_ms(situation: Situation, now_ms: int) -> int:
    lasts_ms = situation.lasts_ms
    first_ms = _FIRST_KEY_MS if lasts_ms is None else min(_FIRST_KEY_MS, lasts_ms // 2)
    return max(situation.began_ms + first_ms, now_ms)


class Caller:
    """
    The world of one call.

    Attributes:
        situation: what the caller is in the middle of; None before the first.
        stands: set while the call stands still.
    """

    def __init__(self, clock: Clock, others: ScriptedWorld, act: Act) -> None:
        self._clock: Final = clock
        self._others: Final = others
        self._act = act
        self._goes: Final = asyncio.Event()
        self.stands: Final = asyncio.Event()
        self.situation: Situation | None = None

    def do(self, act: Act) -> None:
        """Let the call go on with this."""
        self._act = act
        self.stands.clear()
        self._goes.set()

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Give the caller's next act before `until_ms`."""
        self.situation = situation
        while True:
            decision = self._act.decide(situation, until_ms, self._clock.now_ms)
            if isinstance(decision, At):
                await self._clock.until(decision.at_ms)
                if decision.event is not None:
                    return decision.event
            elif decision is Turn.GO_ON and until_ms is not None:
                await self._clock.until(until_ms)
                return None
            else:
                self._goes.clear()
                self.stands.set()
                await self._goes.wait()

    async def ring(self, ringing: Ringing) -> Ring:
        """Take the script's line for the phone, or assume that somebody answers."""
        return await self._others.ring(ringing)

    def media_ms(self, media: str) -> int | None:
        """Take the script's length for a recording."""
        return self._others.media_ms(media)

    def menu(self, menu_id: str) -> Mapping[str, Any] | None:
        """Take the script's description of a menu."""
        return self._others.menu(menu_id)

    def stored_flow(self, flow_id: str) -> Mapping[str, Any] | None:
        """Take the flow of a document that the script describes."""
        return self._others.stored_flow(flow_id)

    def callflows(self) -> Sequence[Mapping[str, Any]]:
        """Take the script's documents that have a flow."""
        return self._others.callflows()

    def document(self, document_id: str) -> Mapping[str, Any] | None:
        """Take the script's description of a document."""
        return self._others.document(document_id)

    def outcome(self, module: str, document_id: str = "") -> str | None:
        """Take the script's word for what came of a module."""
        return self._others.outcome(module, document_id)

    def local_time(self) -> datetime | None:
        """Take the script's time."""
        return self._others.local_time()

    async def mailbox(self, box_id: str) -> Mailbox:
        """Take the script's next visit, or assume one."""
        return await self._others.mailbox(box_id)
