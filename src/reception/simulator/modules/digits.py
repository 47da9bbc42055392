"""
Asking for keys: `collect_dtmf`, and `flush_dtmf` which on version 4 does nothing.

A collection starts from the keys that wait in `default` (cut at the first terminator, the
rest forgotten) and empties it. `timeout` is the patience for the first further key and
the bound of the whole entry, `interdigit_timeout` the patience after each one typed. A
collection without a key stays as an empty one: its name is missing from the next request.

Source: contract/dialogs.md section 1; traces 1, 4, 7, 14 to 34, 40, 47, 172.
"""

from __future__ import annotations

from typing import Any, Final

from reception.simulator.call import DEFAULT_COLLECTION
from reception.simulator.steps import Continue, HardStop, Next, Outcome, Step
from reception.simulator.transcript import Kind, seconds
from reception.simulator.world import Doing, HungUp, Key, Situation

_FIRST_MS: Final = 5_000
_INTERDIGIT_MS: Final = 2_000
_SHORTEST_ASKED_MS: Final = 100


async def collect_dtmf(step: Step) -> Next:
    """Collect digits under a name; always goes on to `_`."""
    name = step.text("collection_name") or DEFAULT_COLLECTION
    wanted = step.number("max_digits", 1)
    if wanted < 1:
        step.say(Kind.WARNS, "collect_dtmf with max_digits below 1 crashes: on to `_`")
        return Continue()
    step.answer()
    terminators = _terminators(step.data.get("terminator"), step.data.get("terminators"))
    early = step.call.take_early_keys()
    cut = min((early.find(key) for key in terminators if key in early), default=len(early))
    digits = early[:cut][:wanted]
    timeout_ms = step.number("timeout", _FIRST_MS)
    _announce(step, name, wanted, timeout_ms, digits)
    typed: str | None = digits
    if len(digits) < wanted:
        situation = step.situation(Doing.COLLECT, timeout_ms, name, wanted - len(digits))
        interdigit_ms = step.number("interdigit_timeout", _INTERDIGIT_MS)
        typed = await _listen(step, situation, digits, wanted, interdigit_ms, terminators)
    if typed is None:
        return HardStop(Outcome.CALLER_HUNG_UP)
    step.call.keep_collection(name, typed)
    return Continue()


async def flush_dtmf(step: Step) -> Next:
    """Empty a collection (version 5), or do nothing (version 4: trace 35)."""
    name = step.text("collection_name") or DEFAULT_COLLECTION
    if step.call.platform == 4:
        step.say(Kind.WARNS, "flush_dtmf does nothing on version 4: waiting keys stay")
    elif step.call.collections is not None:
        step.call.collections.pop(name, None)
    return Continue()


def _terminators(one: Any, several: Any) -> tuple[str, ...]:
    """The singular beats the list; neither is `#`."""
    if isinstance(one, str):
        return (one,)
    if isinstance(several, list):
        return tuple(key for key in several if isinstance(key, str))
    return ("#",)


def _announce(step: Step, name: str, wanted: int, timeout_ms: int, early: str) -> None:
    if timeout_ms < _SHORTEST_ASKED_MS:
        dropped = f", had {early}" if early else ""
        step.say(Kind.SETS, f"drains waiting keys into {name}{dropped}", collection=name)
        return
    keys = "1 key" if wanted == 1 else f"up to {wanted} keys"
    had = f", already pressed: {early}" if early else ""
    step.say(
        Kind.HEARS,
        f"silence: waits for {keys} as {name}  ({seconds(timeout_ms)}{had})",
        collection=name,
        ms=timeout_ms,
    )


async def _listen(
    step: Step,
    situation: Situation,
    digits: str,
    wanted: int,
    interdigit_ms: int,
    terminators: tuple[str, ...],
) -> str | None:
    """Hear keys until enough, a terminator or silence; None when the caller hung up."""
    bound_ms = situation.began_ms + (situation.lasts_ms or 0)
    until_ms = bound_ms
    while True:
        event = await step.event(until_ms, situation)
        if event is None:
            return digits
        if isinstance(event, HungUp):
            return None
        if not isinstance(event, Key):
            continue
        step.say(Kind.PRESSES, event.digit, key=event.digit)
        if event.digit in terminators:
            return digits
        digits += event.digit
        if len(digits) >= wanted:
            return digits
        until_ms = min(bound_ms, step.clock.now_ms + interdigit_ms)
