"""
Fallbacks that were sent before they could be stored.

The database was away, or the deadline came first: the caller has heard the fallback, so that
is what the step was. A copy of the request hears it again from here, and as soon as the
database is there the step is stored as that fallback, so that every node says the same
(ADR 0018). Where another reply turns out to be stored already, this process goes on saying what
it has said.

The first step of an episode that was never opened is only remembered: an opening that came
late could end a newer episode of the same call.

Bounded in numbers: who was told the longest ago is forgotten first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from reception.errors import ReceptionError, Retry
from reception.ports import REPEATED_WITHIN, NewStep, Opening, Steps

MOST: Final = 4096
"""So many fallbacks are remembered; each is a few hundred bytes."""

REACH: Final = timedelta(minutes=1)
"""A database that is away for longer finds these steps not answered."""

_AGAIN_S: Final = 0.5

_Step = tuple[str, str, int]
_First = tuple[str, str, str, bytes]


class Unstored:
    """What was said and is not stored; one for a process."""

    def __init__(self, steps: Steps, *, now: Callable[[], datetime], most: int = MOST) -> None:
        self._steps: Final = steps
        self._now: Final = now
        self._most: Final = most
        self._said: Final[OrderedDict[_Step, bytes]] = OrderedDict()
        self._first: Final[OrderedDict[_First, tuple[datetime, bytes]]] = OrderedDict()
        self._owed: Final[deque[NewStep]] = deque(maxlen=most)
        self._storing: asyncio.Task[None] | None = None

    @property
    def owes(self) -> bool:
        """Is there a step that is still to be stored?"""
        return bool(self._owed)

    def note(self, step: NewStep) -> None:
        """The step's reply was sent, and is not stored: store it soon."""
        key = (step.tenant, step.episode, step.step_no)
        if key in self._said:
            return
        self._said[key] = step.reply
        if len(self._said) > self._most:
            self._said.popitem(last=False)
        self._owed.append(step)
        if self._storing is None:
            self._storing = asyncio.create_task(self._store())

    def note_first(self, opening: Opening, reply: bytes) -> None:
        """A first request was told this, and no episode was opened."""
        if opening.is_new:
            return  # No request can be a copy of it.
        self._first[_key(opening)] = (opening.now, reply)
        if len(self._first) > self._most:
            self._first.popitem(last=False)

    def said(self, tenant: str, episode: str, step_no: int) -> bytes | None:
        """What a request for this step was told, if it is not known to be stored."""
        return self._said.get((tenant, episode, step_no)) if self._said else None

    def said_first(self, opening: Opening) -> bytes | None:
        """What a first request was told of which this is a copy."""
        if not self._first or opening.is_new:
            return None
        at, reply = self._first.get(_key(opening), (None, b""))
        return reply if at is not None and abs(opening.now - at) <= REPEATED_WITHIN else None

    async def stop(self, *, within_s: float) -> None:
        """Store what can be stored in that time, and give up on the rest."""
        if (storing := self._storing) is not None:
            await asyncio.wait([storing], timeout=within_s)
            storing.cancel()

    async def _store(self) -> None:
        while self._owed:
            step = self._owed[0]
            if self._now() - step.now > REACH:
                self._owed.popleft()
                continue
            try:
                committed = await self._steps.commit(step)
            except Retry:
                await asyncio.sleep(_AGAIN_S)
                continue
            except ReceptionError:
                committed = None  # It cannot be stored at all.
            # While this waited the oldest may have been pushed out.
            if self._owed and self._owed[0] is step:
                self._owed.popleft()
            if committed is not None and committed.fate != "duplicate":
                self._said.pop((step.tenant, step.episode, step.step_no), None)
        self._storing = None


def _key(opening: Opening) -> _First:
    return (opening.tenant, opening.account_id, opening.call_id, opening.digest)
