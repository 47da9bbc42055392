"""
What to try at a question: each valid key, silence, something that is not valid.

The rule this file keeps: whether an entry is valid is the question's own judgement, never
guessed here; what may be typed is read off its arguments, which a journal compares and which
therefore never change their form. Where there are too many good entries, those stand for the rest that the code
itself names, and one made-up one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from reception.dialog import Ask
from reception.dialog.asking import KEYS

SILENCE: Final = "silence"
_MOST: Final = 24


class Try(NamedTuple):
    """
    One thing to try.

    Shape:
        label: in a graph; keys: what is typed, "" for nothing.
    """

    label: str
    keys: str


class Tries(NamedTuple):
    """
    All of them.

    Shape:
        left_out: how many whole answers were not tried because there are too many.
        is_guess: nothing was found that the question takes.
    """

    tries: tuple[Try, ...]
    left_out: int = 0
    is_guess: bool = False


def tries_of(ask: Ask[Any], known: Collection[str]) -> Tries:
    """
    Give what to try, in a fixed order: valid entries, something not valid, silence.

    Args:
        known: texts of the application's code.
    """
    form = _Form(*ask.arguments())
    good = list(_candidates(ask, form, known))
    valid = [keys for keys in dict.fromkeys(good) if ask.judge(keys) == "valid"]
    tries = [Try("(secret)" if form.secret else keys, keys) for keys in valid[:_MOST]]
    wrong = next((keys for keys in _wrong(form) if ask.judge(keys) == "invalid"), "")
    if wrong:
        tries.append(Try(f"{wrong} (not valid)", wrong))
    tries.append(Try(SILENCE, ""))
    return Tries(tuple(tries), max(0, len(valid) - _MOST), not valid)


class _Form(NamedTuple):
    """The arguments of a question, as `Ask.arguments` gives them."""

    prompt: Any
    max_digits: int
    valid: list[str] | str | None
    terminator: str
    secret: bool
    retries: int

    @property
    def keys(self) -> list[str]:
        return [key for key in KEYS if key != self.terminator]


def _candidates(ask: Ask[Any], form: _Form, known: Collection[str]) -> Iterator[str]:
    most, valid, keys = form.max_digits, form.valid, form.keys
    if isinstance(valid, list):
        yield from sorted(valid, key=lambda answer: (len(answer), answer))
        return
    if most == 1:
        yield from keys
        return
    yield from sorted(text for text in known if 0 < len(text) <= most and not set(text) - set(keys))
    digits = "1234567890" if valid is None or set(valid) - set(KEYS) else valid
    for length in (most, *range(min(most - 1, 20), 0, -1)):
        made = (digits * (length // len(digits) + 1))[:length]
        yield made
        if ask.judge(made) == "valid":
            return


def _wrong(form: _Form) -> Iterator[str]:
    for length in (1, form.max_digits):
        for key in form.keys:
            yield key * length
