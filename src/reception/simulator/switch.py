"""
The media side of a call: a queue of commands, what is heard, and the channel itself.

The platform's modules send commands and hear of their ends as events; the channel hears
the caller's keys. Commands run one after another, so a prompt that is sent while another
plays waits for it, and one that is sent behind a bridge waits for its end. A key that is
one of a prompt's terminators ends that prompt; the event of the key comes first.

The rule: it knows nothing of callflows. How long something plays, and what becomes of a
ring, is said with the command.

Source: contract/traces, `fake_media_rules` of its index.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.events import (
    ANSWERED,
    BRIDGED,
    COMPLETE,
    DESTROYED,
    DTMF,
    REPLACED,
    CallEvent,
)
from reception.simulator.rows import Rows
from reception.simulator.timeline import Timeline, Timer
from reception.simulator.world import Ring

NORMAL: Final = "NORMAL_CLEARING"


@dataclass(slots=True)
class _Command:
    """
    One command in the queue.

    Shape:
        lasts_ms: of something that is heard; None has no end; 0 for the rest.
        media: what is heard; None for the rest.
        number: of a noop.
    """

    app: str
    lasts_ms: int | None = 0
    media: str | None = None
    terminators: Collection[str] | None = None
    number: int | None = None
    ring: Ring | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class Switch:
    """
    The channel of one call.

    Attributes:
        channel_id: its present id; a transfer changes it.
        is_answered, is_gone: whether the caller pays already, and whether there is a caller.
        is_silent: nothing will be told of the channel any more.
        tell: takes the events.
    """

    def __init__(self, call_id: str, timeline: Timeline, rows: Rows, *, hang_up_ms: int) -> None:
        self.channel_id = call_id
        self.is_answered = False
        self.is_gone = False
        self.is_silent = False
        self.tell: Callable[[CallEvent], None] = lambda _: None
        self._timeline: Final = timeline
        self._rows: Final = rows
        self._hang_up_ms: Final = hang_up_ms
        self._queue: Final[deque[_Command]] = deque()
        self._running: _Command | None = None
        self._timer: Timer | None = None
        self._noops = 0

    # --- commands ---------------------------------------------------------------------------------

    def answer(self, call_id: str) -> None:
        """Answer, when the queue comes to it."""
        self._row("answer", {}, call_id)
        self._add(_Command("answer"))

    def hear(
        self,
        app: str,
        data: Mapping[str, Any],
        *,
        media: str,
        lasts_ms: int | None,
        terminators: Collection[str] | None,
    ) -> None:
        """Play something; None for one without an end."""
        self._row(app, data)
        self._add(_Command(app, lasts_ms, media, terminators))

    def noop(self, call_id: str | None = None) -> int:
        """Ask to be told when the queue has come as far as this; gives the number to look for."""
        self._noops += 1
        self._row("noop", {}, call_id)
        self._add(_Command("noop", number=self._noops))
        return self._noops

    def flush(self, call_id: str) -> None:
        """Stop what is heard, empty the queue, and complete one noop."""
        self._noops += 1
        self._row("noop", {"Insert-At": "flush"}, call_id)
        if self.is_gone:
            return
        self._queue.clear()
        self._end_running()
        number = self._noops
        self._timeline.soon(lambda: self._complete(_Command("noop", number=number)))

    def bridge(self, data: Mapping[str, Any], ring: Ring, call_id: str) -> None:
        """Ring somebody, and join the two when they answer."""
        self._row("bridge", data, call_id)
        self._add(_Command("bridge", ring=ring))

    def queue(self, app: str, data: Mapping[str, Any], call_id: str | None = None) -> None:
        """Send a command that takes no time and tells nothing."""
        self._row(app, data, call_id)
        self._add(_Command(app))

    def now(self, app: str, data: Mapping[str, Any], call_id: str | None = None) -> None:
        """Send a command that waits for nothing."""
        self._row(app, data, call_id)

    def hang_up(self, data: Mapping[str, Any], call_id: str) -> None:
        """End the channel; that takes a moment."""
        self._row("hangup", data, call_id)
        cause = str(data.get("Hangup-Cause") or NORMAL)
        self._timeline.after(self._hang_up_ms, lambda: self.end(cause, by="platform"))

    # --- what happens to the channel --------------------------------------------------------------

    def key(self, digit: str) -> None:
        """The caller presses a key."""
        if self.is_gone:
            return
        running = self._running
        cuts = running is not None and digit in (running.terminators or ())
        self._event(DTMF, {"DTMF-Digit": digit}, hidden={"cuts": cuts})
        if cuts:
            self._finish_running()

    def decide(self, ring: Ring) -> None:
        """What is ringing does this now."""
        if self._running is not None and self._running.ring is not None:
            self._end_running()
            self._ringing(_Command("bridge", ring=ring), after_ms=0)

    def rename(self, new_id: str) -> None:
        """An attended transfer gives the call another id; all later events have it."""
        self._event(REPLACED, {"Replaced-By": new_id})
        self.channel_id = new_id

    def signal(self, name: str, fields: Mapping[str, Any]) -> None:
        """Something else happens on the network."""
        failed = fields.get("Request")
        app = fields.get("Application-Name")
        if app is None and isinstance(failed, Mapping):
            app = failed.get("Application-Name")
        is_error = fields.get("Event-Category") == "error"
        self._rows.write("event", event=name, **fields)
        self.tell(CallEvent(name, self.channel_id, str(app or ""), fields, is_error))

    def end(self, cause: str, *, by: str) -> None:
        """The channel is gone."""
        if self.is_gone:
            return
        self.is_gone = True
        self.fall_silent()
        fields = {"hangup_cause": cause, "by": by}
        self._rows.write("event", event=DESTROYED, **fields)
        self.tell(CallEvent(DESTROYED, self.channel_id, fields=fields))

    def fall_silent(self) -> None:
        """Nothing is told of the channel any more."""
        self.is_silent = True
        self._queue.clear()
        self._end_running()

    # --- parts ------------------------------------------------------------------------------------

    def _row(self, app: str, data: Mapping[str, Any], call_id: str | None = None) -> None:
        named = {} if call_id is None else {"call_id": call_id}
        self._rows.write("command", app=app, data=data, **named)

    def _event(
        self, name: str, fields: Mapping[str, Any], *, hidden: Mapping[str, Any] | None = None
    ) -> None:
        self._rows.write("event", event=name, **fields)
        self.tell(CallEvent(name, self.channel_id, fields={**fields, **(hidden or {})}))

    def _add(self, command: _Command) -> None:
        if self.is_gone:
            return
        begins = self._running is None and not self._queue
        self._queue.append(command)
        if not begins:
            return
        if command.media is None:
            self._next()
        else:
            # What is sent in one breath with it has been sent when it begins.
            self._timeline.soon(self._next)

    def _next(self) -> None:
        """Run commands until one takes time."""
        while self._running is None and self._queue and not self.is_gone:
            command = self._queue.popleft()
            if command.ring is not None:
                self._ringing(command, command.ring.after_ms)
            elif command.media is not None:
                self._hear(command)
            elif command.app == "answer":
                self._answer()
            elif command.app == "noop":
                self._complete(command)

    def _answer(self) -> None:
        if not self.is_answered:
            self.is_answered = True
            self._event(ANSWERED, {})

    def _hear(self, command: _Command) -> None:
        self._running = command
        ends = {} if command.terminators is None else {"terminators": list(command.terminators)}
        self._rows.write(
            "media", state="start", media=command.media, duration_ms=command.lasts_ms, **ends
        )
        if command.lasts_ms is not None:
            self._timer = self._timeline.after(command.lasts_ms, self._finish_running)

    def _ringing(self, command: _Command, after_ms: int | None) -> None:
        self._running = command
        ring = command.ring
        assert ring is not None  # only rings come here
        if after_ms is not None:
            self._timer = self._timeline.after(after_ms, lambda: self._rung(ring))

    def _rung(self, ring: Ring) -> None:
        if not (ring.answered and ring.talk_ms):
            self._finish_running()
            return
        self.is_answered = True
        self.tell(CallEvent(BRIDGED, self.channel_id))
        self._timer = self._timeline.after(ring.talk_ms, self._finish_running)

    def _finish_running(self) -> None:
        command = self._running
        self._end_running()
        if command is not None:
            self._complete(command)
            self._next()

    def _end_running(self) -> None:
        self._running = None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _complete(self, command: _Command) -> None:
        shown: dict[str, Any] = {}
        if command.media is not None:
            shown["media"] = command.media
        if command.ring is not None:
            shown["fields"] = command.ring.to_fields()
        self._rows.write("event", event=COMPLETE, app=command.app, **shown)
        fields = {**shown, "number": command.number, "ring": command.ring}
        self.tell(CallEvent(COMPLETE, self.channel_id, command.app, fields))
