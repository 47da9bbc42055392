"""
A recording, run again: the world and the app as the file gives them.

The script says when something happens relative to a prompt, a node or a request; those
moments are found in the rows as they are written. The app answers request n with reply n.

Source: contract/traces, `how_to_read` and `fake_media_rules` of its index.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from reception.simulator.call import CallState
from reception.simulator.clock import VirtualClock
from reception.simulator.modules.ringing import succeeded
from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.recordings.recording import Recording
from reception.simulator.request import Outgoing
from reception.simulator.settings import Settings
from reception.simulator.transcript import Entry
from reception.simulator.walk import Ending, Walk
from reception.simulator.world import (
    Event,
    HungUp,
    Key,
    Mailbox,
    Renamed,
    Ring,
    Ringing,
    Signal,
    Situation,
)

# What the recorder's app answered where the file has no reply. Its row leaves the empty data
# out, and the platform was seen to run the node with it.
_UNWRITTEN: Final[Mapping[str, Any]] = {
    "status": 200,
    "flow": {"module": "hangup"},
    "raw_body": '{"module": "hangup", "data": {}}',
}

_JSON: Final = (("content-type", "application/json"),)
_NO_REPLY: Final = "connection closed without reply"
_UNKNOWN: Final = "missing"


class Replay:
    """
    One recording run again.

    Attributes:
        rows: what our executor did, in the file's shape.
        entries: the same for people.
        bodies: what the app was asked, decoded.
    """

    def __init__(self, recording: Recording, *, settings: Settings | None = None) -> None:
        self.rows: Final[list[dict[str, Any]]] = []
        self.entries: Final[list[Entry]] = []
        self.bodies: Final[list[Any]] = []
        self._recording: Final = recording
        self._clock: Final = VirtualClock()
        self._acts: Final[list[tuple[int, Event]]] = []
        self._seen: Final[Counter[str]] = Counter()
        self._bridges = 0
        self._carriers = 0
        self._walk: Final = Walk(
            CallState.begin(recording.setup, recording.platform),
            clock=self._clock,
            world=self,
            transport=self,
            note=self.entries.append,
            settings=replace(settings or Settings.of(recording.platform), media_repeats=False),
            rows=self._take,
        )

    async def run(self) -> Ending:
        """Run the call for as long as the recorder looked on."""
        self._moment("call", 0)
        return await self._walk.run(self._recording.flow, watch_ms=self._recording.watch_ms)

    # --- moments ----------------------------------------------------------------------------------

    def _take(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        match row["ev"]:
            case "node":
                module = row["module"]
                self._seen[module] += 1
                self._moment(f"node:{module}:{self._seen[module]}", row["ms"])
            case "media":
                self._moment(f"start:{row['media']}", row["ms"])
            case "http_request":
                self._moment(f"http:{row['n']}", row["ms"])
            case _:
                pass

    def _moment(self, name: str, at_ms: int) -> None:
        """Something has begun: what the script says of it will happen."""
        for act in self._recording.listed("script"):
            if act.get("on") == name:
                event = _event_of(act)
                if event is not None:
                    self._acts.append((at_ms + int(act.get("ms", 0)), event))
        self._acts.sort(key=lambda act: act[0])

    # --- the world --------------------------------------------------------------------------------

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Give the script's next act before `until_ms`."""
        if self._acts and (until_ms is None or self._acts[0][0] <= until_ms):
            at_ms, event = self._acts.pop(0)
            await self._clock.until(at_ms)
            return event
        if until_ms is None:
            return HungUp("the recording ends")
        await self._clock.until(until_ms)
        return None

    async def ring(self, ringing: Ringing) -> Ring:
        """Take the next of the recorded bridges, or of the carriers' answers."""
        if _UNKNOWN in ringing.id:
            return Ring(missing=True)
        if ringing.kind == "carrier":
            self._carriers += 1
            return _of_carrier(self._recording.listed("offnet_replies"), self._carriers)
        self._bridges += 1
        return _of_bridge(self._recording.listed("bridge_replies"), self._bridges)

    def media_ms(self, media: str) -> int | None:
        """Tell how long something plays."""
        return self._recording.media_ms(media)

    def menu(self, menu_id: str) -> Mapping[str, Any] | None:
        """Give a menu's document."""
        return self._recording.document(menu_id)

    def stored_flow(self, flow_id: str) -> Mapping[str, Any] | None:
        """Give a stored callflow."""
        flow = (self._recording.document(flow_id) or {}).get("flow")
        return flow if isinstance(flow, Mapping) else None

    def callflows(self) -> Sequence[Mapping[str, Any]]:
        """Give the stored callflows."""
        stored = self._recording.given.get("stored_callflows", {})
        return [each for each in stored.values() if isinstance(each, Mapping) and "flow" in each]

    def document(self, document_id: str) -> Mapping[str, Any] | None:
        """Give any other document."""
        return self._recording.document(document_id)

    def outcome(self, module: str, document_id: str = "") -> str | None:
        """Let nothing come of a transfer: the recorder's network did what its script says."""
        return "nothing" if module == "transfer" else None

    def local_time(self) -> datetime | None:
        """Know no time: a recording does not say when it was made."""
        return None

    async def mailbox(self, box_id: str) -> Mailbox:
        """Leave no message."""
        return Mailbox(0, goes_on=True)

    # --- the app ----------------------------------------------------------------------------------

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """Answer a request as the file says."""
        number = len(self.bodies) + 1
        body = _decoded(request.body)
        self.bodies.append(body)
        parts = urlsplit(request.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._row("http_request", n=number, path=path, body=body)
        replies = [*self._recording.listed("http_replies"), _UNWRITTEN]
        reply = replies[min(number, len(replies)) - 1]
        delay_ms = int(reply.get("delay_ms", 0))
        if "action" in reply:
            self._later(delay_ms, "http_response", n=number, action=_NO_REPLY)
            return NoReply(Trouble.CLOSED, delay_ms)
        status = int(reply.get("status", 200))
        said = "flow" if "flow" in reply else "raw_body"
        shown = {"status": status, "delay_ms": delay_ms, said: reply.get(said)}
        self._later(delay_ms, "http_response", n=number, **shown)
        if delay_ms > timeout_ms:
            return NoReply(Trouble.TIMED_OUT, timeout_ms)
        text = reply["raw_body"] if "raw_body" in reply else json.dumps(reply.get("flow"))
        return Response(status, _headers(reply), str(text).encode(), delay_ms)

    def _later(self, after_ms: int, ev: str, **fields: Any) -> None:
        self._walk.timeline.after(after_ms, lambda: self._row(ev, **fields))

    def _row(self, ev: str, **fields: Any) -> None:
        self._take({"ms": self._clock.now_ms, "ev": ev, **fields})


def _event_of(act: Mapping[str, Any]) -> Event | None:
    if "dtmf" in act:
        return Key(str(act["dtmf"]))
    if "hangup" in act:
        return HungUp(cause=str(act["hangup"]))
    if "replaced_by" in act:
        return Renamed(str(act["replaced_by"]))
    if "event" in act:
        return Signal(str(act["event"]), act.get("fields") or {})
    return None


def _of_carrier(replies: Sequence[Mapping[str, Any]], turn: int) -> Ring:
    if turn > len(replies):
        return Ring(after_ms=None)
    reply = replies[turn - 1]
    message = reply.get("message")
    return Ring(
        reply.get("after_ms", 0),
        answered=message == "SUCCESS",
        talk_ms=0,
        application_response=message,
        code=reply.get("code"),
    )


def _of_bridge(replies: Sequence[Mapping[str, Any]], turn: int) -> Ring:
    if turn > len(replies):
        return Ring(after_ms=None)
    reply = replies[turn - 1]
    fields = reply.get("fields") or {}
    ring = Ring(
        reply.get("after_ms", 0),
        talk_ms=0,
        application_response=fields.get("Application-Response"),
        cause=fields.get("Hangup-Cause"),
        code=fields.get("Hangup-Code"),
        disposition=fields.get("Disposition"),
    )
    return ring if not succeeded(ring) else _answered(ring)


def _answered(ring: Ring) -> Ring:
    return Ring(
        ring.after_ms,
        answered=True,
        talk_ms=0,
        application_response=ring.application_response,
        cause=ring.cause,
        code=ring.code,
        disposition=ring.disposition,
    )


def _headers(reply: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    given = reply.get("headers")
    if not isinstance(given, Mapping):
        return _JSON
    return tuple((str(name).lower(), str(text)) for name, text in given.items())


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", errors="replace")
