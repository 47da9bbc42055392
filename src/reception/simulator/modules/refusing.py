"""
Answering a call with a SIP response, with something to hear before it.

Shared by `response`, and by calls out of which nothing came. The fake media side of the
recordings lets such a call live on, and so does this one: what ends it is said after it.

Source: traces 100, 133.
"""

from __future__ import annotations

from typing import Any

from reception.simulator.steps import Step
from reception.simulator.world import Doing


async def respond(step: Step, code: str, message: str, media: str, *, heard_as: str) -> None:
    """
    Send the response, and wait until it is out or the caller is gone.

    Shape:
        code, message: of SIP; without a code nothing but `media` is sent.
        media: as the media side knows it; empty for none.
    """
    lasts_ms = 0
    if media:
        step.switch.queue("progress", {})
        lasts_ms = step.media_ms(media)
        assumed = step.world.media_ms(media) is None
        step.hears(heard_as, lasts_ms, media=media, assumed=assumed)
        data: dict[str, Any] = {"Media-Name": media}
        step.switch.hear("play", data, media=media, lasts_ms=lasts_ms, terminators=None)
    if code:
        said = {"Response-Code": code, **({"Response-Message": message} if message else {})}
        step.switch.queue("respond", said)
    number = step.switch.noop()
    step.situate(Doing.SLEEP, lasts_ms, heard_as)
    await step.wait_for_noop(number)
