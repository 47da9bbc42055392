"""
`menu`: the platform's own menu document.

It asks the app nothing: keys choose a child by their exact text, silence tries `timeout`,
a wrong entry only starts the next round. After the last round two farewell prompts are
heard, with `max_retries` tried between them and `_` after them. Keys typed here never
reach Digits. The document lives on the platform, so without a script its settings are
the platform's defaults, said as an assumption.

Source: contract/modules.md; traces 140, 142, 143, 145. How a wrong entry sounds was not
recorded. A menu that lets callers dial an extension (`hunt`) is not simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reception.simulator.steps import (
    Continue,
    Enter,
    HardStop,
    Next,
    Outcome,
    Step,
    whole_number,
)
from reception.simulator.transcript import Kind, seconds
from reception.simulator.world import Doing, HungUp, Key, Situation

_RETRIES: Final = 3
_FIRST_MS: Final = 10_000
_INTERDIGIT_MS: Final = 2_000
_LONGEST: Final = 4
_TERMINATOR: Final = "#"
_PAUSE: Final = "silence_stream://50"
_PAUSE_MS: Final = 50


@dataclass(frozen=True, slots=True)
class _Menu:
    retries: int
    first_ms: int
    interdigit_ms: int
    longest: int
    greeting: str


async def menu(step: Step) -> Next:
    """Offer a menu until a key matches a child or the rounds are used up."""
    document = step.world.menu(step.text("id"))
    settings = _read(document or {}, step.number("interdigit_timeout", _INTERDIGIT_MS))
    if document is None:
        step.say(
            Kind.ASSUMES,
            f"the menu document {step.text('id')!r} is not known here: {settings.retries} rounds,"
            f" {seconds(settings.first_ms)} for the first key, up to {settings.longest} keys",
        )
    step.answer()
    for _ in range(settings.retries):
        digits = await _round(step, settings)
        if digits is None:
            return HardStop(Outcome.CALLER_HUNG_UP)
        child = step.attempt(digits or "timeout")
        if child is not None:
            return Enter(child)
        step.say(Kind.WARNS, f"no child {digits or 'timeout'!r}: the menu starts another round")
    return await _used_up(step)


def _read(document: Mapping[str, Any], interdigit_ms: int) -> _Menu:
    def number(key: str, default: int) -> int:
        return whole_number(document.get(key), default)

    media = document.get("media")
    greeting = media.get("greeting") if isinstance(media, Mapping) else None
    return _Menu(
        retries=number("retries", _RETRIES),
        first_ms=number("timeout", _FIRST_MS),
        # The document's own value beats the node's.
        interdigit_ms=number("interdigit_timeout", interdigit_ms),
        longest=number("max_extension_length", _LONGEST),
        greeting=greeting if isinstance(greeting, str) else "menu-no_prompt",
    )


async def _round(step: Step, settings: _Menu) -> str | None:
    """Play the greeting and hear one entry; None when the caller hung up."""
    lasts_ms = step.media_ms(settings.greeting)
    step.hears(
        f"the menu's greeting: {settings.greeting}",
        lasts_ms,
        media=settings.greeting,
        assumed=step.world.media_ms(settings.greeting) is None,
    )
    situation = step.situation(
        Doing.MENU, lasts_ms + settings.first_ms, "the menu", settings.longest
    )
    first_until_ms = step.clock.now_ms + lasts_ms + settings.first_ms
    return await _entry(step, situation, settings, first_until_ms)


async def _entry(step: Step, situation: Situation, settings: _Menu, until_ms: int) -> str | None:
    digits = ""
    while len(digits) < settings.longest:
        event = await step.event(until_ms, situation)
        if event is None:
            break
        if isinstance(event, HungUp):
            return None
        if not isinstance(event, Key):
            continue
        step.say(Kind.PRESSES, event.digit, key=event.digit)
        if event.digit == _TERMINATOR:
            break
        digits += event.digit
        until_ms = step.clock.now_ms + settings.interdigit_ms
    return digits


async def _used_up(step: Step) -> Next:
    if not await step.wait(Doing.SLEEP, step.world.media_ms(_PAUSE) or _PAUSE_MS):
        return HardStop(Outcome.CALLER_HUNG_UP)
    if not await _farewell(step, "menu-exit"):
        return HardStop(Outcome.CALLER_HUNG_UP)
    child = step.attempt("max_retries")
    if child is not None:
        return Enter(child)
    if not await _farewell(step, "menu-transferring_call"):
        return HardStop(Outcome.CALLER_HUNG_UP)
    return Continue()


async def _farewell(step: Step, prompt: str) -> bool:
    """Play a prompt that any key cuts short; False when the caller hung up."""
    lasts_ms = step.media_ms(prompt)
    step.hears(f"the platform's prompt {prompt}", lasts_ms, media=prompt, assumed=True)
    situation = step.situation(Doing.SLEEP, lasts_ms, prompt)
    event = await step.event(step.clock.now_ms + lasts_ms, situation)
    return not isinstance(event, HungUp)
