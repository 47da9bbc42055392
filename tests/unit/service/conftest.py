"""Dialogs on a real store, asked as the platform asks: request in, reply out, in process."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from reception import App
from reception.bootstrap.determinism import watched
from reception.service.dialogs import Dialogs
from reception.service.effects import EffectRunner
from reception.service.endings import Endings
from reception.service.reports import ReportTaker
from reception.service.signing import SigningKeys
from reception.service.unstored import Unstored
from reception.store.database import Database
from reception.store.keys import PostgresKeys
from reception.store.leg_reports import PostgresReports
from reception.store.steps import PostgresSteps
from reception.web.conversing import Conversing
from reception.web.lifecycle import Lifecycle
from reception.web.settings import WebSettings
from reception.web.site import Site
from reception.web.tenant import Tenant, Tenants
from tests.unit.web.asgi import ACCOUNT, SECRET, Answer, request

VOICE = f"/voice?APPID=acme&key={SECRET}"
PUBLIC = "https://voice.example.com"


@dataclass
class Node:
    """One process of ours: its site, and the parts that tests look at."""

    site: Site
    steps: PostgresSteps
    dialogs: Dialogs
    effects: EffectRunner
    endings: Endings
    reports: PostgresReports
    database: Database
    keys: SigningKeys
    clock: Clock
    apps: dict[str, App]

    @property
    def unstored(self) -> Unstored:
        return self.dialogs.unstored

    def forget(self) -> None:
        """Have the next step read what came before it."""
        self.dialogs.recent._pasts.clear()

    async def post(self, target: str = VOICE, body: bytes | None = None, **values: Any) -> Answer:
        """Send one pivot; `values` go into its body."""
        return await request(self.site, target, body if body is not None else body_of(**values))


class Clock:
    """The time of a node; stands still unless a test moves it."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)
        self.is_still = False

    def __call__(self) -> datetime:
        return self.at if self.is_still else datetime.now(UTC) + self.ahead

    ahead = timedelta()


@asynccontextmanager
async def node(
    address: str, *apps: App, runs: Any = "dialog", **settings: Any
) -> AsyncIterator[Node]:
    """A node that serves these apps to one account, over a store of its own connections."""
    database = Database(address)
    steps = PostgresSteps(database)
    steps.start()
    clock = Clock()
    numbers = iter(range(10**9))
    effects = EffectRunner(steps, now=clock, new_owner=lambda: f"{os.getpid()}-{next(numbers)}")
    parts: dict[str, Any] = {"now": clock, "entropy": os.urandom, "sandbox": watched}
    web = WebSettings(public_url=PUBLIC, **settings)
    keys = SigningKeys(PostgresKeys(database), now=clock, entropy=os.urandom)
    lifecycle = Lifecycle()
    lifecycle.started = True
    tenants = [
        Tenant(
            app.name,
            app.handler,
            runs,
            app.fallback,
            app=app,
            secrets=(SECRET.encode(),),
        )
        for app in apps
    ]
    dialogs = Dialogs(steps, effects, **parts)
    conversing = Conversing(dialogs, keys, web)
    reports = PostgresReports(database)
    reports.start()
    taker = ReportTaker(reports, now=clock)
    site = Site(Tenants(tenants), web, lifecycle, conversing, taker)
    try:
        yield Node(
            site,
            steps,
            dialogs,
            effects,
            Endings(steps, effects, **parts),
            reports,
            database,
            keys,
            clock,
            {app.name: app for app in apps},
        )
    finally:
        await effects.stop(within_s=0.1)
        await dialogs.stop(within_s=0.1)
        await reports.stop()
        await steps.stop()
        await database.close()


def body_of(**values: Any) -> bytes:
    """A request's body."""
    return json.dumps({"Call-ID": "c1", "Account-ID": ACCOUNT, "Request": "2000"} | values).encode()


@dataclass
class Caller:
    """Walks a call from reply to reply, along the default branch."""

    node: Node
    call_id: str = "c1"
    replies: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    last: tuple[str, bytes] = ("", b"")

    async def dial(self, target: str = VOICE) -> dict[str, Any]:
        """Begin the call."""
        return await self.send(target)

    async def press(self, keys: str, branch: str = "_") -> dict[str, Any]:
        """Answer the question that was asked; "" is silence."""
        digits = {self.collection: keys} if keys else {}
        return await self.send(self.url(branch), Digits=digits)

    async def send(self, target: str, **values: Any) -> dict[str, Any]:
        """Send one pivot and take its reply for the next."""
        body = body_of(
            **{"Call-ID": self.call_id, "Custom-Application-Vars": self.variables} | values
        )
        self.last = (target, body)
        answer = await self.node.post(target, body)
        assert answer.status == 200, answer
        reply: dict[str, Any] = json.loads(answer.body)
        self.replies.append(reply)
        for each in nodes(reply):
            if each["module"] == "set_variables":
                self.variables |= each["data"]["custom_application_vars"]
        return reply

    def url(self, branch: str = "_") -> str:
        """The way back of the last reply, as a target."""
        pivots = [each for each in nodes(self.replies[-1]) if each["module"] == "pivot"]
        assert pivots, "the reply does not come back"
        url: str = pivots[0]["data"]["voice_url"]
        if branch != "_":
            url = self.replies[-1]["children"][branch]["data"]["voice_url"]
        assert url.startswith(PUBLIC)
        return url.removeprefix(PUBLIC)

    @property
    def collection(self) -> str:
        """Where the answer to the last question is collected."""
        names = [
            each["data"]["collection_name"]
            for each in nodes(self.replies[-1])
            if each["module"] == "collect_dtmf"
        ]
        return str(names[-1])

    @property
    def modules(self) -> list[str]:
        """What the last reply runs, along the default branch."""
        return [each["module"] for each in nodes(self.replies[-1])]


def nodes(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes along the default branch."""
    found = []
    at: dict[str, Any] | None = reply
    while at:
        found.append(at)
        at = at["children"].get("_")
    return found
