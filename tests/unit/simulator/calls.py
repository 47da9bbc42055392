"""A call without a network: flows are given as the replies of an app, one per request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.call import CallSetup, CallState, Platform
from reception.simulator.clock import VirtualClock
from reception.simulator.phone import Dialled
from reception.simulator.reading import NoReply, Reply, Response
from reception.simulator.request import Outgoing
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.steps import Outcome
from reception.simulator.transcript import Entry, Kind
from reception.simulator.walk import Walk
from reception.simulator.world import World

USER: Final = "11112222333344445555666677778888"
BOX: Final = "0123456789abcdef0123456789abcdef"


def node(module: str, data: Mapping[str, Any] | None = None, **children: Any) -> dict[str, Any]:
    """Write a node; `then` is the `_` child, other keys stand as they are."""
    written: dict[str, Any] = {"module": module, "data": dict(data or {})}
    if children:
        written["children"] = {
            "_" if key == "then" else key: child for key, child in children.items()
        }
    return written


def pivot(then: Any = None, url: str = "https://app.example/voice?s=2") -> dict[str, Any]:
    data = {
        "voice_url": url,
        "method": "post",
        "req_format": "kazoo",
        "req_body_format": "json",
    }
    return node("pivot", data, **({} if then is None else {"then": then}))


@dataclass
class Told:
    """What a call left behind."""

    entries: list[Entry] = field(default_factory=list)
    requests: list[Outgoing] = field(default_factory=list)
    outcome: Outcome = Outcome.FLOW_ENDED
    at_ms: int = 0

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.requests]

    def texts(self, kind: Kind) -> list[str]:
        return [entry.text for entry in self.entries if entry.kind is kind]

    def nodes(self) -> list[str]:
        return [entry.detail["module"] for entry in self.entries if entry.kind is Kind.NODE]


class Replies:
    """A transport that gives its replies in order, the last one for good."""

    def __init__(self, told: Told, replies: Sequence[Any]) -> None:
        self._told = told
        self._replies = replies

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        reply = self._replies[min(len(self._told.requests), len(self._replies) - 1)]
        self._told.requests.append(request)
        if isinstance(reply, Response | NoReply):
            return reply
        body = json.dumps(reply).encode()
        return Response(200, (("content-type", "application/json"),), body, 5)


def ring_up(
    *replies: Any,
    script: str = "",
    platform: Platform = 4,
    world: World | None = None,
    stored: Mapping[str, Any] | None = None,
    setup: CallSetup | None = None,
) -> Told:
    """Call an app that answers with these replies, or run a stored flow."""
    told = Told()
    clock = VirtualClock()
    walk = Walk(
        CallState.begin(setup or CallSetup(call_id="c-1"), platform),
        clock=clock,
        world=world or ScriptedWorld(parse_script(script), clock),
        transport=Replies(told, replies or [node("hangup")]),
        note=told.entries.append,
    )
    flow = Dialled("https://app.example/voice?APPID=a").to_flow() if stored is None else stored
    ending = asyncio.run(walk.run(flow))
    told.outcome, told.at_ms = ending.outcome, ending.at_ms
    return told
