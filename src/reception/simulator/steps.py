"""
What a module gets to work with.

A module is one async function from a `Step` to a `Next` (`nexts.py`). What several modules
share (letting time pass, listening for keys, playing something) is a method of `Step`, so
that a key or a hang-up is treated the same everywhere. What a module changes in the
call's record is its own until it writes the record back.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from reception.simulator.call import CallState
from reception.simulator.events import DTMF, CallEvent
from reception.simulator.executor import Executor
from reception.simulator.nexts import (
    Branch,
    Continue,
    Gone,
    HardStop,
    Next,
    Node,
    Outcome,
    Replace,
    Stop,
    Transferred,
)
from reception.simulator.process import Process
from reception.simulator.reading import Reply, Response
from reception.simulator.request import Outgoing
from reception.simulator.rows import Rows
from reception.simulator.settings import Settings
from reception.simulator.switch import Switch
from reception.simulator.timeline import Timeline
from reception.simulator.transcript import Kind, printable, seconds
from reception.simulator.values import is_true, whole_number
from reception.simulator.world import Doing, Ring, Ringing, Situation, World

__all__ = [
    "Branch",
    "Continue",
    "Gone",
    "HardStop",
    "Module",
    "Next",
    "Node",
    "Outcome",
    "Replace",
    "Step",
    "Stop",
    "Transferred",
    "Transport",
    "is_true",
    "whole_number",
]

EVERY_KEY: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
SORTED_KEYS: Final = tuple(sorted(EVERY_KEY))

_DEFAULT_MEDIA_MS: Final = 3_000
_SPEECH_MS_PER_CHARACTER: Final = 65
_SHORTEST_SPEECH_MS: Final = 1_000


class Transport(Protocol):
    """Sends the platform's requests."""

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """Send one request and read what comes back, within `timeout_ms` in all."""
        ...


class Desk(Protocol):
    """
    What the walk does for the modules of its call.

    Attributes:
        posts: requests sent so far.
    """

    posts: int

    def say(self, kind: Kind, text: str, **detail: Any) -> None:
        """Write one entry at the present time; the text is made safe to print."""
        ...

    def situate(
        self, doing: Doing, lasts_ms: int | None, what: str = "", max_digits: int = 0
    ) -> Situation:
        """Begin something during which the caller may act."""
        ...

    def request(
        self, request: Outgoing, *, timeout_ms: int, call_id: str, has_cdr_url: bool
    ) -> None:
        """Send a Pivot request; what becomes of it comes as events."""
        ...

    def answer(self, reply: Response, *, call_id: str) -> None:
        """Judge an answer that nobody was asked for; what becomes of it comes as events."""
        ...


@dataclass(slots=True)
class Step:
    """
    One node while it runs.

    Shape:
        module, data: the node's own, with the platform's defaults in `data` where the
            flow came in a Pivot reply.
        call: this module's copy of the call's record.
    """

    module: str
    data: Node
    call: CallState
    world: World
    settings: Settings
    process: Process
    executor: Executor
    switch: Switch
    timeline: Timeline
    rows: Rows
    desk: Desk

    # --- the node ---------------------------------------------------------------------------------

    def text(self, key: str, default: str = "") -> str:
        """Read a text out of the node's data; `default` where it is no text."""
        value = self.data.get(key)
        return value if isinstance(value, str) else default

    def number(self, key: str, default: int) -> int:
        """Read a whole number out of the node's data; `default` where it is none."""
        return whole_number(self.data.get(key), default)

    def attempt(self, key: str) -> bool:
        """Run a child that exists and is not empty; a module that could is `Gone`."""
        return self.executor.attempt(key)

    def has_child(self, key: str) -> bool:
        """Is there such a child, and not an empty one?"""
        return self.executor.child(key) is not None

    @property
    def child_keys(self) -> list[str]:
        """The keys of the node's children, but for `_`."""
        return self.executor.child_keys

    def write_back(self) -> None:
        """Make this module's copy of the record the record."""
        self.executor.write_back(self.call)

    # --- words ------------------------------------------------------------------------------------

    def say(self, kind: Kind, text: str, **detail: Any) -> None:
        """Write one entry at the present time; the text is made safe to print."""
        self.desk.say(kind, text, **detail)

    def hears(self, text: str, lasts_ms: int | None, *, media: str, assumed: bool) -> None:
        """Write down what the caller hears and for how long."""
        length = "without end" if lasts_ms is None else seconds(lasts_ms)
        length += ", assumed" if assumed and lasts_ms is not None else ""
        self.say(Kind.HEARS, f"{printable(text, limit=300)}  ({length})", media=media, ms=lasts_ms)

    def lose(self, event: CallEvent, when: str) -> None:
        """Write down that a key was pressed where nobody listens; other events are no loss."""
        if event.name == DTMF:
            digit = event.fields["DTMF-Digit"]
            self.say(Kind.PRESSES, f"{digit}  (lost: pressed {when})", key=digit, lost=True)

    # --- time -------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """Milliseconds since the call began."""
        return self.timeline.now_ms

    def situate(
        self, doing: Doing, lasts_ms: int | None, what: str = "", max_digits: int = 0
    ) -> Situation:
        """Begin something during which the caller may act."""
        return self.desk.situate(doing, lasts_ms, what, max_digits)

    async def receive(self, until_ms: int | None = None) -> CallEvent | None:
        """Take the call's next event; None once `until_ms` is reached without one."""
        return await self.process.receive(until_ms)

    async def wait(self, doing: Doing, for_ms: int, what: str = "", *, restarts: bool) -> bool:
        """
        Let time pass in which keys are lost; False when the caller hung up.

        Shape:
            restarts: the wait begins anew with each event, as some of the platform's do.
        """
        self.situate(doing, for_ms, what)
        until_ms = self.now_ms + for_ms
        while True:
            event = await self.receive(until_ms)
            if event is None:
                return True
            if event.ends_call:
                return False
            self.lose(event, f"during the {doing.value}")
            if restarts:
                until_ms = self.now_ms + for_ms

    # --- the channel ------------------------------------------------------------------------------

    @property
    def call_id(self) -> str:
        """The id under which commands go out: the executor's, whatever the copy says."""
        return self.executor.call.call_id

    def answer(self) -> None:
        """Answer the call, if nothing has; billing starts here."""
        if not self.switch.is_answered:
            self.say(Kind.SETS, f"{self.module} answers the call: billing starts", answered=True)
        self.switch.answer(self.call_id)

    def play(
        self,
        media: str,
        *,
        terminators: Sequence[str] = SORTED_KEYS,
        loops: int | None = None,
        is_endless: bool = False,
        heard_as: str | None = None,
    ) -> int | None:
        """Send a prompt to the queue; gives how long it lasts, None without an end."""
        repeats = self.settings.media_repeats
        lasts_ms: int | None = self.media_ms(media) * (max(1, loops or 1) if repeats else 1)
        lasts_ms = None if is_endless and repeats else lasts_ms
        data: dict[str, Any] = {"Media-Name": media, "Terminators": list(terminators)}
        data["Endless-Playback"] = is_endless
        if loops is not None:
            data["Loop-Count"] = loops
        assumed = self.world.media_ms(media) is None
        self.hears(heard_as or f"plays {media}", lasts_ms, media=media, assumed=assumed)
        self.switch.hear(
            "play", data, media=media, lasts_ms=lasts_ms, terminators=tuple(terminators)
        )
        return lasts_ms

    async def prompt(self, name: str, what: str = "") -> bool:
        """
        Play one of the platform's prompts to its end, or to a key.

        False when the caller hung up or it could not be played.
        """
        media = self.prompt_media(name)
        lasts_ms = self.play(media, heard_as=f"the platform's prompt {name}")
        number = self.switch.noop()
        self.situate(Doing.SLEEP, lasts_ms, what or name)
        return await self.wait_for_noop(number)

    async def wait_for_noop(self, number: int) -> bool:
        """Wait until the queue has come so far; keys are lost."""
        while True:
            event = await self.receive()
            if event is None or event.ends_call or event.fails("noop"):
                return False
            if event.completes("noop", number):
                return True
            self.lose(event, "during a prompt of the platform")

    def prompt_media(self, name: str) -> str:
        """Name one of the platform's prompts as the media side knows it."""
        return f"prompt://{self.call.setup.account_id}/{name}/{self.call.language}"

    def media_path(self, media_id: str) -> str:
        """Name a recording as the media side knows it; anything with a slash is a path."""
        return media_id if "/" in media_id else f"/{self.call.setup.account_id}/{media_id}"

    def media_ms(self, media: str, *, spoken: bool = False) -> int:
        """Tell how long something plays, by assumption where nobody said."""
        known = self.world.media_ms(media)
        if known is None and "/" in media:
            known = self.world.media_ms(media.rsplit("/", 1)[1])
        if known is not None:
            return known
        if spoken:
            return max(_SHORTEST_SPEECH_MS, _SPEECH_MS_PER_CHARACTER * len(media))
        return _DEFAULT_MEDIA_MS

    def set_on_channel(
        self,
        *,
        export: bool = False,
        channel: Node | None = None,
        call: Node | None = None,
        application: Node | None = None,
    ) -> None:
        """Tell the media side of variables: of this leg, of both, of the application."""
        data: dict[str, Any] = {"Insert-At": "now", "Export-All": export}
        if application is not None:
            data["Custom-Application-Vars"] = dict(application)
        data["Custom-Channel-Vars"] = dict(channel or {})
        data["Custom-Call-Vars"] = dict(call or {})
        self.switch.now("set", data, self.call_id)

    def order(self, app: str, data: Mapping[str, Any]) -> None:
        """Send the media side a command that waits for nothing and tells nothing."""
        self.switch.now(app, {"Insert-At": "now", **data}, self.call_id)

    def flush(self) -> None:
        """Stop what is heard, and forget what is queued."""
        self.switch.flush(self.call_id)

    def bridge(self, data: Mapping[str, Any], ring: Ring) -> None:
        """Ring somebody."""
        self.switch.bridge(data, ring, self.call_id)

    def hang_up(self, *, at_once: bool = False) -> None:
        """Hang the caller up."""
        self.switch.hang_up({"Insert-At": "now"} if at_once else {}, self.call_id)

    async def asked(self, ringing: Ringing) -> Ring:
        """Ask the world what becomes of a ring; what was assumed is said."""
        ring = await self.world.ring(ringing)
        if ring.assumed:
            self.say(Kind.ASSUMES, ring.assumed)
        return ring


Module: TypeAlias = Callable[[Step], Coroutine[Any, Any, Next]]
