"""
What the caller hears: `play`, `tts`, `audio_macro`, `tones`.

They answer the call, they can be cut short by a key, and `play` and `tts` keep every key
pressed meanwhile in the `default` collection, where the next `collect_dtmf` finds it. One
key interrupts one prompt: the prompt after it plays in full. A prompt writes its copy of
the call's record back when it ends: a transfer that falls into it is forgotten.

Source: contract/dialogs.md section 1; traces 2, 5, 10, 41, 103, 104, 151, 173.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reception.simulator.events import DTMF, CallEvent
from reception.simulator.steps import (
    EVERY_KEY,
    Continue,
    HardStop,
    Next,
    Outcome,
    Step,
    Stop,
    is_true,
    whole_number,
)
from reception.simulator.transcript import Kind
from reception.simulator.world import Doing

_VOICE: Final = "male"
_ENGINE: Final = "flite"
_TONE_MS: Final = 500
_MOST_TONES: Final = 100


async def play(step: Step) -> Next:
    """Play a recording, by its id or its URL."""
    media = step.text("id")
    if not media:
        step.say(Kind.WARNS, "play without an id: nothing is heard, the flow goes on to `_`")
        return Continue()
    if step.data.get("answer") not in (False, "false"):
        step.answer()
        await _answer_pause(step)
    lasts_ms = step.play(
        step.media_path(media),
        terminators=_terminators(step.data),
        loops=step.number("loop_count", 1) if "loop_count" in step.data else None,
        is_endless=is_true(step.data.get("endless_playback")),
        heard_as=f"plays {media}",
    )
    ended = await _hear_out(step, f"plays {media}", lasts_ms)
    if ended is not None and ended.ends_call:
        return HardStop(Outcome.CALLER_HUNG_UP)
    return Continue()


async def tts(step: Step) -> Next:
    """Speak a text; an error stops the flow, unlike one of `play`."""
    text = step.text("text")
    step.answer()
    terminators = _terminators(step.data)
    is_endless = is_true(step.data.get("endless_playback")) and step.settings.media_repeats
    lasts_ms = None if is_endless else step.media_ms(text, spoken=True)
    step.hears(f'says "{text}"', lasts_ms, media=text, assumed=step.world.media_ms(text) is None)
    data = {
        "Text": text,
        "Terminators": list(terminators),
        "Voice": step.text("voice", _VOICE),
        "Language": step.text("language", step.call.language),
        "Engine": step.text("engine", _ENGINE),
    }
    step.switch.hear("tts", data, media=text, lasts_ms=lasts_ms, terminators=terminators)
    ended = await _hear_out(step, f'says "{text}"', lasts_ms)
    if ended is None:
        return Continue()
    return Stop(Outcome.CALLER_HUNG_UP if ended.ends_call else Outcome.FLOW_ENDED)


async def audio_macro(step: Step) -> Next:
    """Play a list of recordings, prompts, texts and tones; any key that ends one, ends one."""
    step.answer()
    terminators = _terminators(step.data)
    macros = step.data.get("macros")
    lasts_ms = 0
    for macro in macros if isinstance(macros, list) else ():
        if isinstance(macro, Mapping):
            lasts_ms += _macro(step, macro, terminators)
    number = step.switch.noop()
    step.situate(Doing.PROMPT, lasts_ms, "a list of prompts")
    while True:
        event = await step.receive()
        if event is None or event.ends_call:
            return Stop(Outcome.CALLER_HUNG_UP)
        if event.completes("noop", number) or event.fails("noop"):
            return Continue()
        step.lose(event, "during a list of prompts")


async def tones(step: Step) -> Next:
    """Play tones."""
    listed = step.data.get("tones")
    count = min(_MOST_TONES, len(listed)) if isinstance(listed, list) else 0
    lasts_ms = step.world.media_ms("tones") or count * _TONE_MS
    step.hears("tones", lasts_ms, media="tones", assumed=True)
    data = {"Tones": listed if isinstance(listed, list) else []}
    step.switch.hear("tones", data, media="tones", lasts_ms=lasts_ms, terminators=())
    number = step.switch.noop()
    step.situate(Doing.SLEEP, lasts_ms, "tones")
    if not await step.wait_for_noop(number):
        return Stop(Outcome.CALLER_HUNG_UP)
    return Continue()


async def _answer_pause(step: Step) -> None:
    """Wait a moment after answering; a key pressed meanwhile waits too, and interrupts nothing."""
    pause_ms = step.settings.answer_pause_ms
    step.situate(Doing.SLEEP, pause_ms, "the pause after answering")
    await step.process.pause(pause_ms)


async def _hear_out(step: Step, what: str, lasts_ms: int | None) -> CallEvent | None:
    """Wait for the prompt's end, keeping keys; gives what else ended it, None for its end."""
    number = step.switch.noop()
    step.situate(Doing.PROMPT, lasts_ms, what)
    while True:
        event = await step.receive()
        if event is None or event.completes("noop", number):
            step.write_back()
            return None
        if event.ends_call or event.fails("noop"):
            return event
        if event.name == DTMF:
            _keep(step, event)


def _keep(step: Step, event: CallEvent) -> None:
    digit = event.fields["DTMF-Digit"]
    becomes = "interrupts the prompt" if event.fields.get("cuts") else "waits for a question"
    step.call.early_key(digit)
    step.write_back()
    step.say(Kind.PRESSES, f"{digit}  ({becomes})", key=digit)


def _terminators(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that interrupt: those given, in the platform's order, or every key."""
    given = data.get("terminators")
    if not isinstance(given, list | tuple):
        return EVERY_KEY
    return tuple(sorted({key for key in given if isinstance(key, str)}))


def _macro(step: Step, macro: Mapping[str, Any], terminators: Sequence[str]) -> int:
    """Queue one entry; gives how long it lasts."""
    kind = macro.get("macro")
    if kind == "tts":
        text = str(macro.get("text", ""))
        lasts_ms = step.media_ms(text, spoken=True)
        data = {"Text": text, "Terminators": list(terminators)}
        step.switch.hear("tts", data, media=text, lasts_ms=lasts_ms, terminators=terminators)
        step.hears(f'says "{text}"', lasts_ms, media=text, assumed=True)
        return lasts_ms
    if kind == "tone":
        lasts_ms = whole_number(macro.get("duration_on"), _TONE_MS)
        step.switch.hear("tones", {}, media="tones", lasts_ms=max(0, lasts_ms), terminators=())
        step.hears("tones", lasts_ms, media="tones", assumed=True)
        return max(0, lasts_ms)
    name = str(macro.get("id", "") or macro.get("text", ""))
    media = step.prompt_media(name) if kind == "prompt" else step.media_path(name)
    return step.play(media, terminators=terminators, heard_as=f"plays {name}") or 0
