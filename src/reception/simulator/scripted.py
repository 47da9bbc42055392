"""
A world that follows a script, and assumes what the script leaves open.

The caller's actions happen one after another on the call's clock. `press` waits for a
question (a collection or a menu); a second `press` without a `wait` between them waits
for the next one, so that two lines answer two questions. A caller whose script has run
out hears everything to its end, and hangs up where nothing would ever end by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from reception.simulator.clock import Clock
from reception.simulator.script import ANY_PHONE, HangUp, Press, Script, Wait, When
from reception.simulator.world import (
    ASKING,
    LISTENING,
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
_SHORTEST_QUESTION_MS: Final = 100
_GIVES_UP_MS: Final = 60_000
_LONGEST_MS: Final = 30 * 60_000
_LONGEST_RING_MS: Final = 60_000
_ASSUMED_RING: Final = Ring(after_ms=3_000, answered=True, talk_ms=10_000)
_ASSUMED_MESSAGE_MS: Final = 5_000


class ScriptedWorld:
    """Plays a script; see `script.py` for the lines."""

    def __init__(self, script: Script, clock: Clock) -> None:
        self._script = script
        self._clock = clock
        self._next = 0
        self._ready_ms = 0
        self._pending: list[tuple[int, str]] = []
        self._answered_situation = 0
        self._rung: dict[str, int] = {}
        self._boxes = 0

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Give the next act that falls before `until_ms`."""
        due = self._due(situation)
        if due is not None and (until_ms is None or due[0] <= until_ms):
            at_ms, event = due
            await self._clock.until(at_ms)
            self._done(event, at_ms, situation)
            return event
        if until_ms is None:
            return await self._give_up(max(self._clock.now_ms, situation.began_ms + _GIVES_UP_MS))
        enough_ms = self._ready_ms + _LONGEST_MS
        if due is None and until_ms > enough_ms and situation.doing is not Doing.TALK:
            # A flow that asks its app again and again would keep an idle caller for ever.
            return await self._give_up(max(self._clock.now_ms, enough_ms))
        await self._clock.until(until_ms)
        return None

    async def ring(self, ringing: Ringing) -> Ring:
        """Take the script's line for the phone, or assume that somebody answers."""
        name = ringing.id if ringing.id in self._script.rings else ANY_PHONE
        lines = self._script.rings.get(name)
        longest_ms = _LONGEST_RING_MS if ringing.timeout_ms is None else ringing.timeout_ms
        if not lines:
            assumed = (
                "nobody said whether this phone exists and what it does: it answers after 3 s"
                " (script: `noanswer ID`, `busy ID`)"
            )
            return self._bounded(replace(_ASSUMED_RING, assumed=assumed), longest_ms)
        turn = self._rung.get(name, 0)
        self._rung[name] = turn + 1
        return self._bounded(lines[min(turn, len(lines) - 1)], longest_ms)

    def media_ms(self, media: str) -> int | None:
        """Take the script's length for a recording."""
        return self._script.media_ms.get(media)

    def menu(self, menu_id: str) -> Mapping[str, Any] | None:
        """Take the script's description of a menu."""
        return self._script.menus.get(menu_id) or self.document(menu_id)

    def stored_flow(self, flow_id: str) -> Mapping[str, Any] | None:
        """Take the flow of a document that the script describes."""
        flow = (self.document(flow_id) or {}).get("flow")
        return flow if isinstance(flow, Mapping) else None

    def callflows(self) -> Sequence[Mapping[str, Any]]:
        """Take the script's documents that have a flow."""
        return [each for each in self._script.documents.values() if "flow" in each]

    def document(self, document_id: str) -> Mapping[str, Any] | None:
        """Take the script's description of a document."""
        return self._script.documents.get(document_id)

    def outcome(self, module: str, document_id: str = "") -> str | None:
        """Take the script's word for a module: for this document, or for any."""
        outcomes = self._script.outcomes
        return outcomes.get((module, document_id)) or outcomes.get((module, ""))

    def local_time(self) -> datetime | None:
        """Take the script's time, and what has passed of the call."""
        began = self._script.began_at
        return None if began is None else began + timedelta(milliseconds=self._clock.now_ms)

    async def mailbox(self, box_id: str) -> Mailbox:
        """Take the script's next visit, or assume a short message and a hang-up."""
        visits = self._script.mailboxes
        if not visits:
            assumed = (
                "nobody said what the caller does at the mailbox: a message of 5 s, then hangs up"
            )
            return Mailbox(_ASSUMED_MESSAGE_MS, goes_on=False, assumed=assumed)
        visit = visits[min(self._boxes, len(visits) - 1)]
        self._boxes += 1
        return visit

    @staticmethod
    def _bounded(ring: Ring, longest_ms: int) -> Ring:
        """Nobody answers later than the platform lets it ring; -1 is that very moment."""
        if ring.after_ms is None or ring.missing:
            return ring
        if 0 <= ring.after_ms <= longest_ms:
            return ring
        if not ring.answered:
            return replace(ring, after_ms=longest_ms)
        return Ring(longest_ms, application_response="NO_ANSWER", code="sip:480")

    def _due(self, situation: Situation) -> tuple[int, Event] | None:
        """Find the caller's next act and its time, as far as this situation allows it."""
        while not self._pending and self._next < len(self._script.actions):
            action = self._script.actions[self._next]
            match action:
                case Wait(ms):
                    self._ready_ms += ms
                    self._answered_situation = 0
                    self._next += 1
                case HangUp():
                    return max(self._ready_ms, self._clock.now_ms), HungUp()
                case Press(keys, when):
                    start_ms = self._press_ms(situation, when)
                    if start_ms is None:
                        return None
                    return start_ms, Key(keys[0])
        if self._pending:
            at_ms, digit = self._pending[0]
            return max(at_ms, self._clock.now_ms), Key(digit)
        return None

    def _press_ms(self, situation: Situation, when: When) -> int | None:
        """Tell when a key line is due here, None while its moment has not come."""
        if when is When.NOW:
            return max(self._ready_ms, self._clock.now_ms)
        heard = LISTENING if when is When.EARLY else ASKING
        lasts_ms = situation.lasts_ms
        is_drain = lasts_ms is not None and lasts_ms < _SHORTEST_QUESTION_MS
        if situation.doing not in heard or is_drain:
            return None
        if situation.number <= self._answered_situation:
            return None
        first_ms = _FIRST_KEY_MS if lasts_ms is None else min(_FIRST_KEY_MS, lasts_ms // 2)
        return max(self._ready_ms, situation.began_ms + first_ms, self._clock.now_ms)

    def _done(self, event: Event, at_ms: int, situation: Situation) -> None:
        """Book an act that happened."""
        self._ready_ms = at_ms
        if self._pending:
            self._pending.pop(0)
            self._answered_situation = situation.number
            return
        action = self._script.actions[self._next]
        self._next += 1
        if isinstance(action, Press):
            self._answered_situation = situation.number
            self._pending = [
                (at_ms + _BETWEEN_KEYS_MS * turn, digit)
                for turn, digit in enumerate(action.keys[1:], 1)
            ]

    async def _give_up(self, at_ms: int) -> HungUp:
        await self._clock.until(at_ms)
        return HungUp("the caller gives up and hangs up (assumed)")
