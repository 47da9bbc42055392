"""
What the caller hears: `play` and `tts`.

Both answer the call, both can be cut short by a key, and both keep every key pressed
meanwhile in the `default` collection, where the next `collect_dtmf` finds it. One key
interrupts one prompt: the prompt after it plays in full.

Source: contract/dialogs.md section 1; traces 2, 5, 10, 41, 103, 104.
"""

from __future__ import annotations

from typing import Final

from reception.simulator.steps import ANSWER_PAUSE_MS, Continue, HardStop, Next, Outcome, Step
from reception.simulator.transcript import Kind
from reception.simulator.world import Doing, HungUp, Key

EVERY_KEY: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")


async def play(step: Step) -> Next:
    """Play a recording, by its id or its URL."""
    media = step.text("id")
    if not media:
        step.say(Kind.WARNS, "play without an id: nothing is heard, the flow goes on to `_`")
        return Continue()
    if step.data.get("answer") is not False:
        step.answer()
        if not await _answer_pause(step):
            return HardStop(Outcome.CALLER_HUNG_UP)
    times = max(1, step.number("loop_count", 1))
    return await _prompt(step, f"plays {media}", media, times=times, spoken=False)


async def tts(step: Step) -> Next:
    """Speak a text."""
    text = step.text("text")
    step.answer()
    return await _prompt(step, f'says "{text}"', text, times=1, spoken=True)


async def _answer_pause(step: Step) -> bool:
    """Wait a moment after answering; a key pressed meanwhile waits too, and interrupts nothing."""
    situation = step.situation(Doing.SLEEP, ANSWER_PAUSE_MS, "the pause after answering")
    until_ms = step.clock.now_ms + ANSWER_PAUSE_MS
    while True:
        event = await step.event(until_ms, situation)
        if event is None:
            return True
        if isinstance(event, HungUp):
            return False
        if isinstance(event, Key):
            _keep(step, event.digit, cuts=False)


def _keep(step: Step, digit: str, *, cuts: bool) -> None:
    step.call.early_key(digit)
    becomes = "interrupts the prompt" if cuts else "waits for a question"
    step.say(Kind.PRESSES, f"{digit}  ({becomes})", key=digit)


async def _prompt(step: Step, line: str, media: str, *, times: int, spoken: bool) -> Next:
    endless = step.data.get("endless_playback") is True
    once_ms = step.media_ms(media, spoken=spoken)
    assumed = step.world.media_ms(media) is None
    lasts_ms = None if endless else once_ms * times
    step.hears(line, lasts_ms, media=media, assumed=assumed)
    given = step.data.get("terminators")
    among = given if isinstance(given, list | tuple) else EVERY_KEY
    terminators = frozenset(key for key in among if isinstance(key, str))
    situation = step.situation(Doing.PROMPT, lasts_ms, line)
    until_ms = None if lasts_ms is None else step.clock.now_ms + lasts_ms
    while True:
        event = await step.event(until_ms, situation)
        if event is None:
            return Continue()
        if isinstance(event, HungUp):
            return HardStop(Outcome.CALLER_HUNG_UP)
        if isinstance(event, Key):
            cuts = event.digit in terminators
            _keep(step, event.digit, cuts=cuts)
            if cuts:
                return Continue()
