"""
Rules about asking the caller something: prompts, keys and how they are collected.

Measured facts behind them: one key interrupts one prompt node only and then already counts
as an answer; ``terminator`` is always filled in and beats ``terminators``; a collection of
one millisecond is the way to drop waiting keys, and must not be mistaken for an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reception.callflow.excerpt import excerpt
from reception.callflow.rules.rule import Found, Subject, answered_before, skipped
from reception.callflow.rules.timing import is_drain, is_instant
from reception.callflow.tree import Place

KEYS: Final = frozenset("1234567890*#")
PROMPT_MODULES: Final = frozenset({"play", "tts"})
TERMINATED_MODULES: Final = PROMPT_MODULES | {"audio_macro"}

_SHORTEST_MS: Final = 100
_LONGEST_SLEEP_MS: Final = 3_600_000


def dead_terminators(place: Place, subject: Subject) -> Iterator[Found]:
    """Report ``terminators`` of a `collect_dtmf` without ``terminator``."""
    if "terminators" in place.data and "terminator" not in place.data:
        yield (
            place.path("data", "terminators"),
            'The platform fills in "terminator": "#", and that beats this list, which is never '
            "used. Write exactly one key as terminator.",
        )


def one_key_only(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a question without ``max_digits``, which takes a single key."""
    if "max_digits" not in place.data and not is_drain(place):
        yield (
            place.path("data"),
            "Without max_digits the collection ends after the first key. Write it out, also "
            "when 1 is meant.",
        )


def suspicious_wait(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a wait for keys that looks like seconds written for milliseconds."""
    first, most = place.number("timeout"), place.number("max_digits")
    # timeout 1 with one key at most is how waiting keys are dropped and a name is erased.
    deliberate = first == 1 and most in {None, 1}
    for key in ("timeout", "interdigit_timeout"):
        wait = place.number(key)
        if wait is not None and 0 < wait < _SHORTEST_MS and not deliberate:
            yield (
                place.path("data", key),
                f"{key} is in milliseconds: {wait} ms is over before anybody can press a key. "
                f"Did you mean {wait * 1_000}?",
            )


def prompts_in_a_row(place: Place, subject: Subject) -> Iterator[Found]:
    """Report the second interruptible prompt before one `collect_dtmf`."""
    if is_drain(place) or skipped(place):
        return
    prompts = []
    child = place
    for above in place.ancestors():
        if child.key != "_":
            break
        if _is_interruptible(above):
            prompts.append(above)
        elif above.module in PROMPT_MODULES or not is_instant(above) or is_drain(above):
            break
        child = above
    if len(prompts) > 1:
        second = prompts[-2]
        yield (
            second.path(),
            f"{len(prompts)} prompts in a row stand before one collect_dtmf. A key interrupts only "
            "the prompt that is playing: the next one starts all the same, and a second key then "
            "already counts as an answer. Merge the texts into one node, or give all but the "
            'last one "terminators": [].',
        )


def _is_interruptible(place: Place) -> bool:
    if place.module not in PROMPT_MODULES or skipped(place):
        return False
    return place.data.get("terminators") != []


def no_such_key(place: Place, subject: Subject) -> Iterator[Found]:
    """Report an entry of ``terminators`` that no phone can send."""
    terminators = place.data.get("terminators")
    if not isinstance(terminators, list):
        return
    for position, key in enumerate(terminators):
        if isinstance(key, str) and key not in KEYS:
            yield (
                place.path("data", "terminators", position),
                f"{excerpt(key, 20)} is no key of a phone; the prompt cannot be ended by it. "
                "Use 0 to 9, * and #, one to an entry.",
            )


def flush_does_nothing(place: Place, subject: Subject) -> Iterator[Found]:
    """Report `flush_dtmf` on version 4."""
    if subject.platform == 4:
        yield (
            place.path("module"),
            "flush_dtmf does nothing on version 4: keys pressed earlier still answer the next "
            "question. Use a collect_dtmf with another collection_name, max_digits 1 and "
            "timeout 1 instead.",
        )


def macro_list(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a list of `audio_macro`, whose schema contradicts itself."""
    if isinstance(place.data.get("macros"), list) and place.data["macros"]:
        yield (
            place.path("data", "macros"),
            "The schema of this list contradicts itself, so that whether the platform accepts a "
            "given list is not known, and a refused one loses the call. Use play and tts nodes "
            "one after another.",
        )


def late_response(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a `response` after something that answered the call."""
    if answered_before(place) and not skipped(place):
        yield (
            place.path(),
            "A node before this one has answered the call, and a SIP response has a meaning only "
            'before that. Put it first, give the play "answer": false, or use hangup.',
        )


def sleep_length(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a `sleep` of no time, or of more than an hour."""
    duration, unit = place.number("duration"), place.text("unit") or "s"
    if duration is None:
        if "duration" not in place.data:
            yield (
                place.path("data"),
                "sleep without duration sleeps 0 s: it costs its tokens and does nothing. "
                "Give a duration.",
            )
        return
    per_unit = {"ms": 1, "m": 60_000, "h": 3_600_000}.get(unit, 1_000)
    if duration == 0:
        yield (
            place.path("data", "duration"),
            "A sleep of 0 costs its tokens and does nothing. Give a duration, or remove it.",
        )
    elif duration * per_unit > _LONGEST_SLEEP_MS or (per_unit == 1_000 and duration >= 1_000):
        mend = "Give a shorter time." if unit == "ms" else 'For milliseconds write "unit": "ms".'
        yield (
            place.path("data", "duration"),
            f"The caller would wait in silence for {excerpt(duration * per_unit // 60_000, 20)} "
            f"minutes (the unit is {excerpt(unit, 10)}; without one it is seconds). {mend}",
        )
