"""
`menu`: the platform's own menu document.

It asks the app nothing: keys choose a child by their exact text, silence tries `timeout`,
a wrong entry is told so and starts the next round. After the last round a prompt is heard
and `max_retries` tried, then another prompt, then `_`. Keys typed here never reach
Digits. With `hunt` an entry that is no child may be an extension of the account. The
document lives on the platform, so without a script its settings are the platform's
defaults, said as an assumption.

Source: contract/modules.md; traces 140, 142, 143, 145. Hunting and the prompt after a
wrong entry were read in the module, not recorded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reception.simulator.lookup import look_up
from reception.simulator.modules.digits import collect
from reception.simulator.steps import (
    Branch,
    Continue,
    Gone,
    Next,
    Outcome,
    Replace,
    Step,
    Stop,
    is_true,
    whole_number,
)
from reception.simulator.transcript import Kind, seconds
from reception.simulator.world import Doing

_RETRIES: Final = 3
_FIRST_MS: Final = 10_000
_INTERDIGIT_MS: Final = 2_000
_LONGEST: Final = 4
_NO_PROMPT: Final = "menu-no_prompt"
_PAUSE: Final = "silence_stream://50"
_MOST_ROUNDS: Final = 100


@dataclass(frozen=True, slots=True)
class _Menu:
    """
    A menu's document as the platform reads it.

    Shape:
        greeting: a recording's id; None: the platform's prompt.
        media: by occasion (exit, transfer, invalid): True for the platform's prompt,
            False for none, an id.
    """

    retries: int
    first_ms: int
    interdigit_ms: int
    longest: int
    greeting: str | None
    media: Mapping[str, object]
    hunts: bool
    hunt_allow: str
    hunt_deny: str
    branches: bool


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
    for _ in range(min(_MOST_ROUNDS, settings.retries)):
        entry = await _round(step, settings)
        if entry is None:
            return Stop(Outcome.CALLER_HUNG_UP)
        chosen = await _chosen(step, settings, entry)
        if chosen is not None:
            return chosen
        step.say(Kind.WARNS, f"no child {entry or 'timeout'!r}: the menu starts another round")
    return await _used_up(step, settings)


def _read(document: Mapping[str, Any], interdigit_ms: int) -> _Menu:
    def number(key: str, default: int) -> int:
        return max(0, whole_number(document.get(key), default))

    def text(key: str) -> str:
        value = document.get(key)
        return value if isinstance(value, str) else ""

    media = document.get("media")
    media = media if isinstance(media, Mapping) else {}
    greeting = media.get("greeting")
    return _Menu(
        retries=number("retries", _RETRIES),
        first_ms=number("timeout", _FIRST_MS),
        # The document's own value beats the node's.
        interdigit_ms=number("interdigit_timeout", interdigit_ms),
        longest=max(1, number("max_extension_length", _LONGEST)),
        greeting=greeting if isinstance(greeting, str) else None,
        media={
            "menu-exit": media.get("exit_media", True),
            "menu-transferring_call": media.get("transfer_media", True),
            "menu-invalid_entry": media.get("invalid_media", True),
        },
        hunts=is_true(document.get("hunt")),
        hunt_allow=text("hunt_allow"),
        hunt_deny=text("hunt_deny"),
        branches=is_true(document.get("branch_extension")),
    )


async def _round(step: Step, settings: _Menu) -> str | None:
    """Play the greeting and hear one entry; None when the caller hung up."""
    named = settings.greeting
    media = step.prompt_media(_NO_PROMPT) if named is None else step.media_path(named)
    lasts_ms = step.play(media, heard_as=f"the menu's greeting: {named or _NO_PROMPT}")
    number = step.switch.noop()
    whole_ms = (lasts_ms or 0) + settings.first_ms
    step.situate(Doing.MENU, whole_ms, "the menu", settings.longest)
    return await collect(
        step, settings.longest, settings.first_ms, settings.interdigit_ms, number=number
    )


async def _chosen(step: Step, settings: _Menu, entry: str) -> Next | None:
    """Find what an entry chooses; None where it chooses nothing."""
    wanted = entry or "timeout"
    if step.attempt(wanted):
        return Gone()
    hunted = await _hunt(step, settings, wanted)
    if hunted is not None:
        return hunted
    if not entry:
        # Silence is tried a second time: seen in every recorded menu.
        return Gone() if step.attempt(wanted) else None
    await _tell(step, settings, "menu-invalid_entry")
    return None


async def _hunt(step: Step, settings: _Menu, entry: str) -> Next | None:
    """Look for an extension of the account."""
    if not settings.hunts:
        return None
    if settings.hunt_allow and not _matches(settings.hunt_allow, entry):
        return None
    if settings.hunt_deny and _matches(settings.hunt_deny, entry):
        return None
    found = look_up(step.world, entry)
    if found is None or found.is_no_match:
        return None
    _pause(step)
    await _tell(step, settings, "menu-transferring_call")
    step.write_back()
    branches = step.settings.hunt_branches or settings.branches
    return Branch(found.flow) if branches else Replace(found.flow)


def _matches(pattern: str, entry: str) -> bool:
    try:
        return re.search(pattern, entry) is not None
    except re.error:
        return False


async def _used_up(step: Step, settings: _Menu) -> Next:
    _pause(step)
    await _tell(step, settings, "menu-exit")
    if step.attempt("max_retries"):
        return Gone()
    if step.has_child("_"):
        await _tell(step, settings, "menu-transferring_call")
    else:
        await step.prompt("vm-goodbye")
    return Continue()


def _pause(step: Step) -> None:
    """Clear what was typed: a moment of silence that any key ends."""
    step.play(_PAUSE, heard_as="a moment of silence")
    step.switch.noop()


async def _tell(step: Step, settings: _Menu, occasion: str) -> None:
    """Play what the document wants to be heard; a caller who is gone is noticed later."""
    media = settings.media[occasion]
    if media is False:
        return
    if isinstance(media, str) and media:
        step.play(step.media_path(media), heard_as=f"plays {media}")
        number = step.switch.noop()
        step.situate(Doing.SLEEP, None, media)
        await step.wait_for_noop(number)
        return
    await step.prompt(occasion)
