"""
Recorded calls, and a world that replays what people and phones did in them.

A trace says when something happened relative to a node, a prompt or a request; the world
here follows the walk's own entries to find those moments. A finished run is reduced to
what can be compared with the recording: nodes, digits at each node, requests, media, end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reception.simulator.call import CallSetup, CallState, Platform
from reception.simulator.clock import VirtualClock
from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.request import Outgoing
from reception.simulator.transcript import Entry, Kind
from reception.simulator.walk import Ending, Walk
from reception.simulator.world import Event, HungUp, Key, Mailbox, Ring, Ringing, Situation

ACCOUNT = "0123456789abcdef0123456789abcdef"

# What the recorder's server answered where a scenario wrote no reply.
UNWRITTEN_REPLY: Mapping[str, Any] = {"status": 200, "flow": {"module": "hangup", "data": {}}}


@dataclass
class Trace:
    """One recording."""

    name: str
    recorded: Mapping[str, Any]

    @property
    def platform(self) -> Platform:
        return 4 if self.recorded["platform"] == "4" else 5

    def rows(self, event: str) -> list[Mapping[str, Any]]:
        return [row for row in self.recorded["result"] if row["ev"] == event]

    def modules(self) -> set[str]:
        """Every module in its flows."""
        found: set[str] = set()
        flows = [
            self.recorded["flow"],
            *(reply.get("flow") for reply in self.recorded["http_replies"]),
            *(stored.get("flow") for stored in self.recorded["stored_callflows"].values()),
        ]
        while flows:
            node = flows.pop()
            if isinstance(node, dict):
                found.add(node.get("module", ""))
                flows += list((node.get("children") or {}).values())
        return found


def load(path: Path) -> Trace:
    return Trace(path.stem, json.loads(path.read_bytes()))


@dataclass
class Recorder:
    """World, transport and notebook of one replayed trace."""

    trace: Trace
    clock: VirtualClock = field(default_factory=VirtualClock)
    entries: list[Entry] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    node_times: list[int] = field(default_factory=list)
    _acts: list[tuple[int, Event]] = field(default_factory=list)
    _seen: Counter[str] = field(default_factory=Counter)
    _bridges: int = 0
    _carriers: int = 0

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)
        match entry.kind:
            case Kind.NODE if not entry.detail.get("skipped"):
                self.node_times.append(entry.at_ms)
                module = entry.detail["module"]
                self._seen[f"node:{module}"] += 1
                self._schedule(f"node:{module}:{self._seen[f'node:{module}']}", entry.at_ms)
            case Kind.POST:
                self._schedule(f"http:{entry.detail['n']}", entry.at_ms)
            case Kind.HEARS if "media" in entry.detail:
                media = str(entry.detail["media"])
                self._schedule(f"start:{media}", entry.at_ms)
            case _:
                pass

    def _schedule(self, moment: str, at_ms: int) -> None:
        for act in self.trace.recorded["script"]:
            if act["on"] == moment:
                event: Event = Key(act["dtmf"]) if "dtmf" in act else HungUp()
                self._acts.append((at_ms + act["ms"], event))
        self._acts.sort(key=lambda act: act[0])

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        if self._acts and (until_ms is None or self._acts[0][0] <= until_ms):
            at_ms, event = self._acts.pop(0)
            await self.clock.until(at_ms)
            return event
        if until_ms is None:
            return HungUp("the recording ends")
        await self.clock.until(until_ms)
        return None

    async def ring(self, ringing: Ringing) -> Ring:
        if "missing" in ringing.id:
            return Ring(missing=True)
        if ringing.kind == "carrier":
            reply = self.trace.recorded["offnet_replies"][self._carriers]
            self._carriers += 1
            return Ring(
                reply["after_ms"],
                answered=reply["message"] == "SUCCESS",
                talk_ms=0,
                application_response=reply["message"],
                code=reply["code"],
            )
        replies = self.trace.recorded["bridge_replies"]
        if self._bridges >= len(replies):
            return Ring(after_ms=None)
        fields = replies[self._bridges]["fields"]
        self._bridges += 1
        return Ring(
            replies[self._bridges - 1]["after_ms"],
            answered=fields.get("Application-Response") == "SUCCESS",
            talk_ms=0,
            application_response=fields.get("Application-Response"),
            cause=fields.get("Hangup-Cause"),
            code=fields.get("Hangup-Code"),
        )

    def media_ms(self, media: str) -> int | None:
        return int(
            self.trace.recorded["media_durations_ms"].get(
                media, self.trace.recorded["media_default_ms"]
            )
        )

    def menu(self, menu_id: str) -> Mapping[str, Any] | None:
        return self._stored(menu_id)

    def stored_flow(self, flow_id: str) -> Mapping[str, Any] | None:
        stored = self._stored(flow_id)
        return None if stored is None else stored.get("flow")

    def _stored(self, document_id: str) -> Mapping[str, Any] | None:
        document: Mapping[str, Any] | None = self.trace.recorded["stored_callflows"].get(
            document_id
        )
        return document

    async def mailbox(self, box_id: str) -> Mailbox:
        return Mailbox(0, goes_on=True)

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        self.bodies.append(json.loads(request.body))
        replies = [*self.trace.recorded["http_replies"], UNWRITTEN_REPLY]
        reply = replies[min(len(self.bodies), len(replies)) - 1]
        delay_ms = reply.get("delay_ms", 0)
        if "action" in reply:
            return NoReply(Trouble.CLOSED, delay_ms)
        if delay_ms > timeout_ms:
            return NoReply(Trouble.TIMED_OUT, timeout_ms)
        body = reply["raw_body"] if "raw_body" in reply else json.dumps(reply["flow"])
        headers = (("content-type", "application/json"),)
        return Response(reply["status"], headers, body.encode(), delay_ms)

    def modules_run(self) -> list[str]:
        return [
            entry.detail["module"]
            for entry in self.entries
            if entry.kind is Kind.NODE and not entry.detail.get("skipped")
        ]


async def replay(trace: Trace) -> tuple[Recorder, Ending]:
    """Run a trace's stored flow through our walk."""
    recorder = Recorder(trace)
    setup = CallSetup(
        call_id=trace.recorded["call_id"],
        account_id=ACCOUNT,
        from_number="1001",
        from_realm="hotel.example",
        to_number="2000",
        to_realm="hotel.example",
        caller_name="Alice",
    )
    walk = Walk(
        CallState.begin(setup, trace.platform),
        clock=recorder.clock,
        world=recorder,
        transport=recorder,
        note=recorder.note,
    )
    return recorder, await walk.run(trace.recorded["flow"])
