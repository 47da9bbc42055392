"""
A service without a database: it keeps what a store would keep, and commits as ADR 0015 says.

It drives the engine for one call at a time, with a clock and chance that the test owns, and
is a transport for the simulator, so that a dialog can be called.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from reception import App, Flow, flow
from reception.bootstrap.determinism import hidden_loop
from reception.callflow import validate
from reception.dialog import (
    Arrival,
    Effect,
    Effects,
    Entries,
    Entry,
    Facts,
    Job,
    Journal,
    Outcome,
    Returned,
    Settled,
    Suspended,
)
from reception.face.conversation import Conversation
from reception.simulator.reading import Reply, Response
from reception.simulator.request import Outgoing
from reception.wire import PivotRequest, parse_pivot

FALLBACK = flow.play("/m/fallback").then(flow.hangup())
EPISODE = "tokenoftheepisode"
BASE = "https://app.example/voice"


@dataclass
class Stored:
    """One committed step."""

    reply: bytes
    entries: bytes
    bucket: bytes
    jobs: tuple[Job, ...]
    outcome: Outcome


@dataclass
class Rig:
    """An app, and everything that is remembered of one call."""

    app: App
    steps: list[Stored] = field(default_factory=list)
    claimed: dict[str, bytes] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    language: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    sandbox: Callable[[], AbstractContextManager[object]] = hidden_loop
    slow: set[str] = field(default_factory=set)
    patience_s: float = 0.0
    most_steps: int = 200
    parked: list[Exception | None] = field(default_factory=list)
    drifts: list[Exception] = field(default_factory=list)
    fallback: Flow = FALLBACK
    requests: list[PivotRequest] = field(default_factory=list)

    # --- the engine's world -----------------------------------------------------------------------

    def url(self, step_no: int, outcome: str) -> str:
        query = {"c": EPISODE, "s": str(step_no)} | ({"o": outcome} if outcome else {})
        return f"{BASE}?{urlencode(query)}"

    def pivot_url(self, params: Mapping[str, str]) -> str:
        # As the real ones: they expire, and so are never twice the same.
        return f"{BASE}?APPID=demo&{urlencode(params)}&a=x&x={int(self.now.timestamp())}&k=mac"

    def facts(self) -> Facts:
        return Facts(
            episode=EPISODE,
            url=self.url,
            fallback=self.fallback,
            now=lambda: self.now,
            entropy=self.chance.randbytes,
            language=self.language,
            patience_s=lambda: self.patience_s,
            bucket=self.steps[-1].bucket if self.steps else None,
            tags=self.tags,
            catalogue=self.app.catalogue,
            app_version=self.app.version,
            sandbox=self.sandbox,
            most_steps=self.most_steps,
        )

    def history(self) -> Journal:
        return Journal.load(
            [step.entries for step in self.steps],
            before_effects=self.claimed.values(),
            results=self.results,
        )

    def conversation(self, arrival: Arrival, request: PivotRequest | None = None) -> Conversation:
        return Conversation(
            self.app,
            request or PivotRequest(call_id="c-1", caller_id_number="+15551234567"),
            history=self.history(),
            arrival=arrival,
            facts=self.facts(),
            pivot_url=self.pivot_url,
        )

    # --- what a service does ----------------------------------------------------------------------

    def arrive(
        self,
        digits: Mapping[str, str] | None = None,
        outcome: str = "",
        *,
        request: PivotRequest | None = None,
    ) -> Stored:
        """Answer the next step, and commit it."""
        arrival = Arrival(len(self.steps), digits or {}, outcome)
        conversation = self.conversation(arrival, request)
        out = self._settle(conversation, self._begin(conversation))
        assert isinstance(out, (Suspended, Returned))
        self.parked.append(conversation.park())
        if conversation.drift:
            self.drifts.append(conversation.drift)
        assert validate(out.reply.to_dict()).valid
        stored = Stored(
            out.reply.render(),
            Entries.decode(out.entries.encode()).encode(),
            out.bucket,
            out.jobs,
            out,
        )
        self.steps.append(stored)
        self.now += timedelta(seconds=5)
        return stored

    def answer(self, keys: str, outcome: str = "") -> Stored:
        """The caller types: the keys arrive in the collection that the last reply named."""
        name = collection_in(self.steps[-1].reply)
        return self.arrive({name: keys} if keys else {}, outcome)

    def end(self, cause: str = "hangup") -> Settled:
        """The call is over: settle it."""
        conversation = self.conversation(Arrival(len(self.steps), {}, "", cause))
        out = self._settle(conversation, conversation.advance())
        assert isinstance(out, Settled)
        conversation.park()
        return out

    def _begin(self, conversation: Conversation) -> Outcome:
        if conversation.runs == "thread":
            return conversation.finish(conversation.call())
        if conversation.runs == "loop":
            return asyncio.run(conversation.open())
        return conversation.advance()

    def _settle(self, conversation: Conversation, out: Outcome) -> Outcome:
        while isinstance(out, Effects):
            if not out.effects:
                raise AssertionError("nothing to wait for")
            for effect in out.effects:
                self.claimed.setdefault(effect.op, effect.before)
                if effect.op not in self.results and effect.op not in self.slow:
                    self.results[effect.op] = self.run(effect)
            ready = [e for e in out.effects if e.op in self.results]
            if not ready:
                return conversation.overdue()
            for effect in ready:
                out = conversation.resume(effect.op, self.results[effect.op])
        return out

    def run(self, effect: Effect) -> bytes:
        """Run one effect, as a service's worker does."""
        self.ran.append(effect.op)
        context = contextvars.copy_context()
        try:
            value = context.run(effect.start)
            if inspect.isawaitable(value):

                async def awaited() -> Any:
                    return await value

                value = context.run(asyncio.run, awaited())
        except Exception as error:  # noqa: BLE001  whatever a step raises is recorded
            return effect.failed(error)
        return effect.succeeded(value)

    def entries(self, step: int) -> tuple[Entry, ...]:
        return Entries.decode(self.steps[step].entries).entries

    # --- as a transport of the simulator ----------------------------------------------------------

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        parsed = parse_pivot(request.body, "application/json")
        self.requests.append(parsed)
        query = parse_qs(urlsplit(request.url).query)
        expected = int(query.get("s", ["0"])[0])
        assert expected == len(self.steps), "the platform came back to another step"
        loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            stored = self.arrive(parsed.digits.collections, query.get("o", [""])[0], request=parsed)
        finally:
            asyncio._set_running_loop(loop)
        return Response(200, (("content-type", "application/json"),), stored.reply, 5)


def nodes(reply: bytes | Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The nodes of a reply on the default branch, as far as the first pivot."""
    node = json.loads(reply) if isinstance(reply, bytes) else reply
    found = []
    while node is not None:
        found.append((node["module"], node["data"]))
        node = node["children"].get("_") if node["module"] != "pivot" else None
    return found


def modules(reply: bytes) -> list[str]:
    return [module for module, _ in nodes(reply)]


def collection_in(reply: bytes) -> str:
    names = [d["collection_name"] for m, d in nodes(reply) if m == "collect_dtmf"]
    return str(names[-1]) if names else ""


def pivots(reply: bytes) -> dict[str, str]:
    """By the way through the tree, the outcome of every pivot."""
    found: dict[str, str] = {}
    waiting: list[tuple[Any, tuple[str, ...]]] = [(json.loads(reply), ())]
    while waiting:
        node, way = waiting.pop()
        if node["module"] == "pivot":
            query = parse_qs(urlsplit(node["data"]["voice_url"]).query)
            found["/".join(way)] = query.get("o", [""])[0]
            continue
        waiting += [(child, (*way, key)) for key, child in node["children"].items()]
    return found


def app_of(handler: Any, **options: Any) -> App:
    app = App("demo", fallback=FALLBACK, **options)
    app.answer(handler)
    return app
