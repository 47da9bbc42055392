"""
One rehearsed call, from the dialled number to the end.

Builds the stored callflow that a number pointing at a Pivot URL has on the platform (a
single pivot node without a way out), runs it, and gives back how it ended. Everything on
the way goes to `note`. Reading scripts, printing and exit codes are the command's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from reception.callflow import verdict as rejections_of
from reception.callflow.client_url import is_local_url
from reception.simulator.call import CallSetup, CallState, Platform
from reception.simulator.client import PlatformClient
from reception.simulator.clock import Clock
from reception.simulator.modules.pivot import TIMEOUT_MS
from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.steps import Transport
from reception.simulator.transcript import Entry, Kind, Note, printable
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
    """

    voice_url: str
    body_format: BodyFormat = "json"
    timeout_ms: int = TIMEOUT_MS

    def to_flow(self) -> dict[str, Any]:
        """Give the stored callflow: one pivot node, no children."""
        return {
            "module": "pivot",
            "data": {
                "voice_url": self.voice_url,
                "method": "get" if self.body_format == "get" else "post",
                "req_format": "kazoo",
                "req_body_format": "form" if self.body_format == "form" else "json",
                "req_timeout_ms": self.timeout_ms,
            },
        }


async def place_call(
    dialled: Dialled,
    setup: CallSetup,
    *,
    platform: Platform,
    clock: Clock,
    world: World,
    note: Note,
    quirks: Quirks | None = None,
) -> Ending:
    """
    Place one call over HTTP and follow it to its end.

    Shape:
        quirks: of the platform; if left out those of its version, but that a request is not
            sent again after a 503: nobody is there to see it when the call is over.

    Errors:
        none for anything a server does: that is what the transcript is for.
    """
    quirks = quirks or QUIRKS[platform].but(retry_after_posts=1)
    client = PlatformClient(quirks)
    try:
        return await carry_call(
            dialled,
            setup,
            platform=platform,
            clock=clock,
            world=world,
            note=note,
            transport=client,
            quirks=quirks,
        )
    finally:
        await client.aclose()


async def carry_call(
    dialled: Dialled,
    setup: CallSetup,
    *,
    platform: Platform,
    clock: Clock,
    world: World,
    note: Note,
    transport: Transport,
    quirks: Quirks | None = None,
) -> Ending:
    """The same with requests that go where `transport` takes them."""
    on_loopback = is_local_url(dialled.voice_url)
    call = CallState.begin(setup, platform, quirks)
    caller = setup.caller_number or "anonymous"
    text = f"{caller} calls {setup.to_number} (platform {platform}, Call-ID {setup.call_id})"
    note(Entry(clock.now_ms, Kind.CALL, printable(text), {"call_id": setup.call_id}))
    if on_loopback:
        note(Entry(clock.now_ms, Kind.WARNS, _LOOPBACK_BAN, {"rule": "client_url"}))
    else:
        for rejection in rejections_of(dialled.to_flow(), platform):
            unstored = f"the platform would not store this step: {rejection.message}"
            note(Entry(clock.now_ms, Kind.WARNS, printable(unstored), {"rule": rejection.rule}))
    walk = Walk(
        call,
        clock=clock,
        world=world,
        transport=transport,
        note=note,
        local_urls_ok=on_loopback,
    )
    ending = await walk.run(dialled.to_flow())
    words = ending.outcome.value
    words = words if ending.outcome.ok else f"the platform would lose this call: {words}"
    detail = {"outcome": ending.outcome.name.lower(), "ok": ending.outcome.ok, "posts": walk.posts}
    note(Entry(ending.at_ms, Kind.END, words, detail))
    return ending
