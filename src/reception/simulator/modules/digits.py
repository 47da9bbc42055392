"""
Asking for keys: `collect_dtmf`, and `flush_dtmf` which on version 4 does nothing.

A collection starts from the keys that wait in `default` (cut at the first terminator, the
rest forgotten) and empties it. `timeout` is the patience for the first further key,
`interdigit_timeout` that after each one typed. A collection without a key stays as an
empty one: its name is missing from the next request.

Source: contract/dialogs.md section 1; traces 1, 4, 7, 14 to 34, 40, 47, 86, 158, 172.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from reception.simulator.call import DEFAULT_COLLECTION
from reception.simulator.events import DTMF, CallEvent
from reception.simulator.process import Crash
from reception.simulator.steps import EVERY_KEY, Continue, Next, Outcome, Step
from reception.simulator.transcript import Kind, seconds
from reception.simulator.world import Doing

_FIRST_MS: Final = 5_000
_INTERDIGIT_MS: Final = 2_000
_SHORTEST_ASKED_MS: Final = 100
_TERMINATOR: Final = "#"


async def collect_dtmf(step: Step) -> Next:
    """Collect digits under a name; always goes on to `_`."""
    name = step.text("collection_name") or DEFAULT_COLLECTION
    step.answer()
    terminators = _terminators(step.data.get("terminator"), step.data.get("terminators"))
    early = step.call.take_early_keys()
    cut = min((early.find(key) for key in terminators if key in early), default=len(early))
    wanted = _positive(step, "max_digits", 1)
    digits = early[:cut][:wanted]
    if len(digits) < wanted:
        timeout_ms = _positive(step, "timeout", _FIRST_MS)
        _announce(step, name, wanted, timeout_ms, digits)
        interdigit_ms = _positive(step, "interdigit_timeout", _INTERDIGIT_MS)
        left = wanted - len(digits)
        step.situate(Doing.COLLECT, timeout_ms, name, left)
        typed = await collect(
            step, left, timeout_ms, interdigit_ms, terminators=terminators, number=None
        )
        if typed is None:
            return Continue(otherwise=Outcome.CALLER_HUNG_UP)
        digits += typed
    step.call.keep_collection(name, digits)
    step.write_back()
    return Continue()


async def flush_dtmf(step: Step) -> Next:
    """Empty a collection (version 5), or do nothing (version 4: trace 35)."""
    name = step.text("collection_name") or DEFAULT_COLLECTION
    if step.settings.flush_dtmf_works:
        step.call.drop_collection(name)
        step.write_back()
    else:
        step.say(Kind.WARNS, "flush_dtmf does nothing on version 4: waiting keys stay")
    return Continue()


async def collect(
    step: Step,
    wanted: int,
    timeout_ms: int,
    interdigit_ms: int,
    *,
    terminators: Collection[str] = (_TERMINATOR,),
    number: int | None,
) -> str | None:
    """
    Hear keys until enough, a terminator or silence; None when the caller hung up.

    Shape:
        number: of the noop behind a prompt: the patience begins when it is complete.
    """
    digits = ""
    until_ms = None if number is not None else step.now_ms + timeout_ms
    patience_ms = timeout_ms
    while True:
        event = await step.receive(until_ms)
        if event is None:
            return digits
        if event.ends_call or event.fails("noop"):
            return None
        if event.completes("noop", number):
            until_ms = step.now_ms + patience_ms
        elif event.name == DTMF:
            digit = _heard(step, event)
            if not digits:
                step.flush()
            if digit in terminators:
                return digits
            digits += digit
            if len(digits) >= wanted:
                return digits
            patience_ms = interdigit_ms
            until_ms = step.now_ms + interdigit_ms


def _heard(step: Step, event: CallEvent) -> str:
    digit = str(event.fields["DTMF-Digit"])
    step.say(Kind.PRESSES, digit, key=digit)
    return digit


def _positive(step: Step, key: str, default: int) -> int:
    """Read a number above zero; the platform's module dies of any other."""
    number = step.number(key, default)
    if number < 1:
        raise Crash(f"{{case_clause,{number}}}")
    return number


def _terminators(one: Any, several: Any) -> tuple[str, ...]:
    """The singular beats the list; neither is `#`. A key that is none kills the module."""
    if isinstance(one, str):
        return _checked((one,))
    if isinstance(several, list) and several:
        return _checked(tuple(several))
    return (_TERMINATOR,)


def _checked(keys: tuple[Any, ...]) -> tuple[str, ...]:
    if any(key not in EVERY_KEY for key in keys):
        raise Crash("{badmatch,false}")
    return keys


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
