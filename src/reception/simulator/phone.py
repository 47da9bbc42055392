"""
One rehearsed call, from the dialled number to the end.

Builds the stored callflow that a number pointing at a Pivot URL has on the platform (a
single pivot node without a way out), runs it, and gives back how it ended. Everything on
the way goes to `note`. Reading scripts, printing and exit codes are the command's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from reception.callflow import verdict as rejections_of
from reception.callflow.client_url import is_local_url
from reception.simulator.call import CallSetup, CallState, Platform
from reception.simulator.client import PlatformClient
from reception.simulator.clock import Clock
from reception.simulator.modules.pivot import TIMEOUT_MS
from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.reports.hooks import Webhook
from reception.simulator.reports.mishaps import Mishaps
from reception.simulator.reports.sending import Attempt, Sender
from reception.simulator.reports.watching import Watch
from reception.simulator.settings import Settings
from reception.simulator.steps import Transport
from reception.simulator.transcript import Entry, Kind, Note, printable, without_secrets
from reception.simulator.walk import Ending, Walk
from reception.simulator.world import World

BodyFormat: TypeAlias = Literal["json", "form", "get"]

_LOOPBACK_BAN: Final = (
    "the platform refuses URLs on localhost, 127.0.0.1 and 0.0.0.0, at this place and in"
    " replies. This phone goes on, because it rehearses on this machine"
)


@dataclass(frozen=True, slots=True)
class Dialled:
    """
    What the number points at, as stored on the platform.

    Shape:
        voice_url: absolute http or https URL.
        body_format: ``json`` and ``form`` are POSTs.
        timeout_ms: 1 to 5000.
        cdr_url: where the end of the call is reported to, as far as the platform does so.
        headers: `custom_request_headers`.
    """

    voice_url: str
    body_format: BodyFormat = "json"
    timeout_ms: int = TIMEOUT_MS
    cdr_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_flow(self) -> dict[str, Any]:
        """Give the stored callflow: one pivot node, no children."""
        data: dict[str, Any] = {
            "voice_url": self.voice_url,
            "method": "get" if self.body_format == "get" else "post",
            "req_format": "kazoo",
            "req_body_format": "form" if self.body_format == "form" else "json",
            "req_timeout_ms": self.timeout_ms,
        }
        if self.cdr_url is not None:
            data["cdr_url"] = self.cdr_url
        if self.headers:
            data["custom_request_headers"] = dict(self.headers)
        return {"module": "pivot", "data": data}


async def place_call(
    dialled: Dialled,
    setup: CallSetup,
    *,
    platform: Platform,
    clock: Clock,
    world: World,
    note: Note,
    quirks: Quirks | None = None,
    settings: Settings | None = None,
    webhooks: Sequence[Webhook] = (),
    mishaps: Mishaps | None = None,
) -> Ending:
    """
    Place one call over HTTP, follow it to its end, and report it.

    Shape:
        quirks: of the platform; if left out those of its version, but that a request is not
            sent again after a 503: nobody is there to see it when the call is over.
        settings: of the platform's executor, where they are not those of its version.
        webhooks: of the account; what was delivered is noted after the end.
        mishaps: what goes wrong with reports; nothing, if left out.

    Errors:
        none for anything a server does: that is what the transcript is for.
    """
    quirks = quirks or QUIRKS[platform].but(retry_after_posts=1)
    client = PlatformClient(quirks)
    hooks = {hook.id: hook for hook in webhooks}
    sender = Sender(client, quirks, hooks, mishaps or Mishaps())
    watch = Watch(setup, quirks, time.time_ns() // 1_000, sender.fire, sender.report)

    def watched(entry: Entry) -> None:
        note(entry)
        watch.note(entry)

    try:
        ending = await carry_call(
            dialled,
            setup,
            platform=platform,
            clock=clock,
            world=world,
            note=watched,
            transport=client,
            quirks=quirks,
            settings=settings,
        )
        await sender.settle()
        for attempt in sender.attempts:
            note(_reported(attempt, ending.at_ms))
        return ending
    finally:
        await sender.aclose()
        await client.aclose()


def _reported(attempt: Attempt, at_ms: int) -> Entry:
    request = attempt.request
    answer = attempt.why if attempt.status is None else str(attempt.status)
    fault = "" if attempt.ok else ": a failure to the platform, which counts only 200"
    text = f"{attempt.event} {request.method} {request.url}: {answer}{fault}"
    detail = {
        "event": attempt.event,
        "url": without_secrets(request.url),
        "body": request.body.decode("utf-8", errors="replace"),
        "status": attempt.status,
    }
    return Entry(at_ms, Kind.REPORT, printable(text), detail)


async def carry_call(
    dialled: Dialled,
    setup: CallSetup,
    *,
    platform: Platform,
    clock: Clock,
    world: World,
    note: Note | None,
    transport: Transport,
    quirks: Quirks | None = None,
    settings: Settings | None = None,
) -> Ending:
    """
    The same with requests that go where `transport` takes them.

    Shape:
        note: None where nobody reads a transcript: then none is written, which takes half the time.
    """
    on_loopback = is_local_url(dialled.voice_url)
    call = CallState.begin(setup, platform, quirks)
    if note is not None:
        _announce(dialled, setup, platform, clock.now_ms, note, on_loopback=on_loopback)
    walk = Walk(
        call,
        clock=clock,
        world=world,
        transport=transport,
        note=note,
        local_urls_ok=on_loopback,
        settings=settings,
    )
    ending = await walk.run(dialled.to_flow())
    if note is not None:
        _conclude(ending, walk.posts, note)
    return ending


def _announce(
    dialled: Dialled,
    setup: CallSetup,
    platform: Platform,
    now_ms: int,
    note: Note,
    *,
    on_loopback: bool,
) -> None:
    caller = setup.caller_number or "anonymous"
    text = f"{caller} calls {setup.to_number} (platform {platform}, Call-ID {setup.call_id})"
    note(Entry(now_ms, Kind.CALL, printable(text), {"call_id": setup.call_id}))
    if on_loopback:
        note(Entry(now_ms, Kind.WARNS, _LOOPBACK_BAN, {"rule": "client_url"}))
    else:
        for rejection in rejections_of(dialled.to_flow(), platform):
            unstored = f"the platform would not store this step: {rejection.message}"
            note(Entry(now_ms, Kind.WARNS, printable(unstored), {"rule": rejection.rule}))


def _conclude(ending: Ending, posts: int, note: Note) -> None:
    words = ending.outcome.value
    words = words if ending.outcome.ok else f"the platform would lose this call: {words}"
    detail = {"outcome": ending.outcome.name.lower(), "ok": ending.outcome.ok, "posts": posts}
    note(Entry(ending.at_ms, Kind.END, words, detail))
