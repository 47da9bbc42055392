"""
What a module gets to work with, and what it may say when it is done.

A module is one async function from a `Step` to a `Next`. It never runs another module and
never decides what a missing child means: it says `Continue("NO_ANSWER")` and the walk
applies the platform's rules. What several modules share (letting time pass, listening for
keys, playing something) is a method of `Step`, so that a key or a hang-up is treated the
same everywhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias

from reception.simulator.call import CallState
from reception.simulator.clock import Clock
from reception.simulator.reading import Reply
from reception.simulator.request import Outgoing
from reception.simulator.transcript import Entry, Kind, Note, printable, seconds
from reception.simulator.world import Doing, Event, HungUp, Situation, World

Node: TypeAlias = Mapping[str, Any]

ANSWER_PAUSE_MS: Final = 100
DEFAULT_MEDIA_MS: Final = 3_000
SPEECH_MS_PER_CHARACTER: Final = 65
SHORTEST_SPEECH_MS: Final = 1_000
# The platform's schemas leave most numbers without an upper bound. Counted in seconds this
# is thirty years: beyond it nothing changes for a call, and Python can still print it.
_LARGEST_NUMBER: Final = 1_000_000_000


class Outcome(Enum):
    """How a call ended; `ok` tells whether that is what a flow may be meant to do."""

    FLOW_ENDED = "the flow ended"
    HANGUP = "hung up by the flow"
    BRIDGED = "the connected call ended"
    NOT_REACHED = "nobody was reached"
    RESPONDED = "refused with a response"
    TAKEN_OVER = "another part of the platform took the call"
    CALLER_HUNG_UP = "the caller hung up"
    STEP_FAILED = "a failed Pivot step had no way on"
    BAD_REPLY = "hung up because of a bad reply"
    SILENCE = "silence after a bad reply"
    NO_WAY_ON = "nothing drives the call any more"
    RAN_DRY = "hung up for running too many steps"
    TOO_MANY_BRANCHES = "hung up for branching too often"

    @property
    def ok(self) -> bool:
        """Tell whether the call ended the way calls should."""
        return self not in _DROPPED


_DROPPED: Final = frozenset(
    {
        Outcome.STEP_FAILED,
        Outcome.BAD_REPLY,
        Outcome.SILENCE,
        Outcome.NO_WAY_ON,
        Outcome.RAN_DRY,
        Outcome.TOO_MANY_BRANCHES,
    }
)


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on to this child; a missing one means `_`, a missing `_` means stop."""

    key: str = "_"
    otherwise: Outcome = Outcome.FLOW_ENDED


@dataclass(frozen=True, slots=True)
class Enter:
    """Run this node, found by `Step.attempt`."""

    node: Node


@dataclass(frozen=True, slots=True)
class Stop:
    """This flow is over: a stacked flow runs now, or the caller is hung up."""

    outcome: Outcome = Outcome.FLOW_ENDED


@dataclass(frozen=True, slots=True)
class HardStop:
    """The call is over, whatever is stacked."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Replace:
    """Run this flow instead of the node; its children are gone, the stack stays."""

    flow: Node


@dataclass(frozen=True, slots=True)
class Branch:
    """Run this flow, and afterwards this node's `_` child."""

    flow: Node


Next: TypeAlias = Continue | Enter | Stop | HardStop | Replace | Branch


class Transport(Protocol):
    """Sends the platform's requests."""

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """Send one request and read what comes back, within `timeout_ms` in all."""
        ...


@dataclass(slots=True)
class Step:
    """
    One node while it runs.

    Shape:
        module, data, children: the node's own, with the platform's defaults in `data`
            where the flow came in a Pivot reply.
    """

    module: str
    data: Node
    children: Mapping[str, Node]
    call: CallState
    clock: Clock
    world: World
    transport: Transport
    note: Note
    count: Callable[[], int]
    local_urls_ok: bool = False

    def say(self, kind: Kind, text: str, **detail: Any) -> None:
        """Write one entry at the present time; the text is made safe to print."""
        self.note(Entry(self.clock.now_ms, kind, printable(text), detail))

    def text(self, key: str, default: str = "") -> str:
        """Read a text out of the node's data; `default` where it is no text."""
        value = self.data.get(key)
        return value if isinstance(value, str) else default

    def number(self, key: str, default: int) -> int:
        """Read a whole number out of the node's data; `default` where it is none."""
        return whole_number(self.data.get(key), default)

    def attempt(self, key: str) -> Node | None:
        """Find a child that exists and is not empty; never falls back to `_`."""
        return self.children.get(key) or None

    def situation(
        self, doing: Doing, lasts_ms: int | None, what: str = "", max_digits: int = 0
    ) -> Situation:
        """Begin something during which the caller may act."""
        return Situation(
            doing, self.count(), self.clock.now_ms, lasts_ms, printable(what), max_digits
        )

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Wait for the caller's next act; a hang-up is written down here, once."""
        event = await self.world.event(until_ms, situation)
        if isinstance(event, HungUp):
            self.call.destroyed = True
            self.say(Kind.PRESSES, event.why, hangup=True)
        return event

    async def wait(
        self, doing: Doing, for_ms: int, what: str = "", *, keys_restart: bool = False
    ) -> bool:
        """
        Let time pass in which keys are lost; False when the caller hung up.

        `keys_restart`: the wait begins anew with each key, as some of the platform's do.
        """
        situation = self.situation(doing, for_ms, what)
        until_ms = self.clock.now_ms + for_ms
        while True:
            event = await self.event(until_ms, situation)
            if event is None:
                return True
            if isinstance(event, HungUp):
                return False
            self.lose(event, f"during the {doing.value}")
            if keys_restart:
                until_ms = self.clock.now_ms + for_ms

    def lose(self, event: Event, when: str) -> None:
        """Write down that a key was pressed where nobody listens."""
        digit = getattr(event, "digit", None)
        if digit is not None:
            self.say(Kind.PRESSES, f"{digit}  (lost: pressed {when})", key=digit, lost=True)

    def answer(self) -> None:
        """Answer the call, if nothing has; billing starts here."""
        if not self.call.answered:
            self.call.answered = True
            self.say(Kind.SETS, f"{self.module} answers the call: billing starts", answered=True)

    def media_ms(self, media: str, *, spoken: bool = False) -> int:
        """Tell how long something plays, by assumption where nobody said."""
        known = self.world.media_ms(media)
        if known is not None:
            return known
        if spoken:
            return max(SHORTEST_SPEECH_MS, SPEECH_MS_PER_CHARACTER * len(media))
        return DEFAULT_MEDIA_MS

    def hears(self, text: str, lasts_ms: int | None, *, media: str, assumed: bool) -> None:
        """Write down what the caller hears and for how long."""
        length = "without end" if lasts_ms is None else seconds(lasts_ms)
        length += ", assumed" if assumed and lasts_ms is not None else ""
        self.say(Kind.HEARS, f"{printable(text, limit=300)}  ({length})", media=media, ms=lasts_ms)


def whole_number(value: object, default: int) -> int:
    """
    Read a whole number that a flow may hold; one beyond a thousand million counts as that.

    >>> whole_number("5", 20), whole_number(10**400, 20)
    (20, 1000000000)
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return default
    return max(-_LARGEST_NUMBER, min(_LARGEST_NUMBER, value))


Module: TypeAlias = Callable[[Step], Awaitable[Next]]
