"""
Reports on their way out: every webhook for every event, and cdr_url posts.

Each report is a task of its own, as on the platform, so nothing keeps them in order. A
cdr_url is posted to once, whatever comes of it. A webhook is tried again where the
connection broke, and its failures are counted. What was tried is kept, as the platform's
own log of attempts is.

Source: contract/hangup.md, delivery policy; webhooks_util.erl of kazoo 4.3.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from reception.errors import AppError
from reception.simulator.client import PlatformClient
from reception.simulator.quirks import Quirks
from reception.simulator.reading import NoReply, Reply
from reception.simulator.reports.bodies import cdr_post, flat_payload, hook_name, hook_post
from reception.simulator.reports.events import GREGORIAN_TO_UNIX_S, Event
from reception.simulator.reports.hooks import Failures, Webhook
from reception.simulator.reports.mishaps import Mishaps
from reception.simulator.request import Outgoing

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One attempt to deliver a report.

    Shape:
        hook_id: None of a cdr_url post.
        status: None where no answer came; `why` says what happened instead.
        at_s: seconds since 1970.
    """

    hook_id: str | None
    event: str
    request: Outgoing
    at_s: float
    ok: bool
    status: int | None = None
    why: str = ""


@dataclass(slots=True)
class Sender:
    """
    Sends the reports of one platform; close it when the last one is out.

    Shape:
        hooks: by id; the sender switches them off as the platform does.
        now_s: seconds since 1970, UTC.
    """

    client: PlatformClient
    quirks: Quirks
    hooks: dict[str, Webhook] = field(default_factory=dict)
    mishaps: Mishaps = field(default_factory=Mishaps)
    cluster_id: str | None = None
    now_s: Callable[[], float] = time.time
    sleep: Sleep = asyncio.sleep
    attempts: list[Attempt] = field(default_factory=list)
    _failures: Failures = field(init=False)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._failures = Failures(self.quirks, began_s=self.now_s())

    def fire(self, event: Event) -> None:
        """Send an event to every webhook that wants it."""
        name = hook_name(event)
        self.look()
        for hook in list(self.hooks.values()):
            if hook.wants(name, event) and hook.passes(flat_payload(event, self.quirks)):
                for pause_s in self.mishaps.plan():
                    self._start(self._deliver(hook, name, event, pause_s))

    def report(self, url: str, event: Event) -> None:
        """Post an event to a cdr_url."""
        try:
            request = cdr_post(url, event, self.quirks)
        except AppError:
            # The platform's own sender breaks on such an event: nothing is posted.
            return
        for pause_s in self.mishaps.plan():
            self._start(self._post_once(request, hook_name(event), pause_s))

    def look(self) -> None:
        """Switch off webhooks whose failures ask for it by now."""
        self._failures.look(self.hooks, self.now_s())

    async def settle(self) -> None:
        """Wait until everything that was fired is delivered or given up."""
        while self._under_way:
            await asyncio.gather(*self._under_way)
        self.look()

    async def aclose(self) -> None:
        """Give up what is still under way."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _post_once(self, request: Outgoing, name: str, pause_s: float) -> None:
        if pause_s:
            await self.sleep(pause_s)
        reply = await self.client.call(request)
        self._keep(None, name, request, reply, ok=not isinstance(reply, NoReply))

    async def _deliver(self, hook: Webhook, name: str, event: Event, pause_s: float) -> None:
        if pause_s:
            await self.sleep(pause_s)
        connect_ms = round(self.quirks.hook_connect_timeout_s * 1000)
        left = hook.retries
        while True:
            now_s = int(self.now_s()) + GREGORIAN_TO_UNIX_S
            try:
                request = hook_post(
                    hook, event, self.quirks, cluster_id=self.cluster_id, now_s=now_s
                )
            except AppError:
                # As with a cdr_url: the sender breaks, and nothing leaves.
                return
            reply = await self.client.call(request, connect_timeout_ms=connect_ms)
            is_lost = isinstance(reply, NoReply)
            ok = not isinstance(reply, NoReply) and hook.is_success(reply.status)
            self._keep(hook.id, name, request, reply, ok=ok)
            if not ok:
                self._failures.note(hook, self.now_s())
            # The platform counts down to 1, so a webhook with 0 retries never stops.
            if not is_lost or left == 1:
                return
            left -= 1
            await self.sleep(self.quirks.hook_retry_pause_s)

    def _keep(
        self, hook_id: str | None, name: str, request: Outgoing, reply: Reply, *, ok: bool
    ) -> None:
        status, why = (
            (None, reply.trouble.value) if isinstance(reply, NoReply) else (reply.status, "")
        )
        self.attempts.append(Attempt(hook_id, name, request, self.now_s(), ok, status, why))
