"""
`Ask`: one question to the caller, with its retries.

The rule this file keeps: what an answer is worth is decided here and nowhere else, from the
keys and from what the developer said; every try is an operation of its own in the journal.
What the question looks like to the platform is in `replies`.

Source: contract/dialogs.md §1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from typing import Any, Final, Literal, NamedTuple, TypeVar

from reception.dialog.operations import Operation
from reception.dialog.prompts import PromptLike, arguments_of, checked
from reception.dialog.secret import Secret
from reception.dialog.stage import Stage
from reception.errors import AppError

KEYS: Final = "1234567890*#"
MOST_DIGITS: Final = 1_024
"""The most keys that a request was seen to carry in one collection."""

_LONGEST_MS: Final = 600_000

Valid = str | Collection[str] | Callable[[str], bool] | None
Worth = Literal["valid", "invalid", "nothing"]
A = TypeVar("A")


class Answer(NamedTuple):
    """What a try brought: its worth, and the keys (or the `Secret`)."""

    worth: Worth
    keys: Any


class Ask(Operation[A]):
    """
    A question.

    Attributes:
        terminator: the one key that ends the entry early.
        attempt: which try this is, from 0.
        after: what the previous try brought; "valid" before the first.
    """

    __slots__ = (
        "_keys",
        "after",
        "attempt",
        "interdigit_s",
        "max_digits",
        "not_valid",
        "nothing_heard",
        "prompt",
        "retries",
        "secret",
        "terminator",
        "timeout_s",
        "typeahead",
        "valid",
    )
    kind = "ask"

    def __init__(
        self,
        stage: Stage,
        prompt: PromptLike | None,
        *,
        max_digits: int,
        valid: Valid,
        terminator: str | None,
        timeout_s: float,
        interdigit_s: float,
        typeahead: bool,
        retries: int,
        secret: bool,
        nothing_heard: PromptLike | None,
        not_valid: PromptLike | None,
    ) -> None:
        for each in (prompt, nothing_heard, not_valid):
            if each is not None:
                checked(each, "call.ask")
        _check_number("max_digits", max_digits, 1, MOST_DIGITS)
        _check_number("retries", retries, 0, 20)
        self.prompt: Final = prompt
        self.max_digits: Final = max_digits
        self.valid: Final = valid if isinstance(valid, str) or callable(valid) else _whole(valid)
        self._keys: Final = _keys_in(self.valid, max_digits)
        self.terminator: Final = _terminator(self._keys, terminator)
        self.timeout_s: Final = _check_time("timeout_s", timeout_s)
        self.interdigit_s: Final = _check_time("interdigit_s", interdigit_s)
        self.typeahead: Final = typeahead
        self.retries: Final = retries
        self.secret: Final = secret
        self.nothing_heard: Final = nothing_heard
        self.not_valid: Final = not_valid
        self.attempt = 0
        self.after: Worth = "valid"
        super().__init__(stage)

    @property
    def label(self) -> str:
        return f"try {self.attempt + 1}" if self.attempt else ""

    @property
    def interrupting(self) -> str:
        """The keys that stop the prompt, in the order of a phone."""
        good = KEYS if self._keys is None else self._keys
        return "".join(key for key in KEYS if key != self.terminator and key in good)

    def arguments(self) -> Any:
        # How long somebody is waited for changes no answer that is in the journal.
        valid = "(function)" if callable(self.valid) else self.valid
        return (
            arguments_of(self.prompt),
            self.max_digits,
            sorted(valid) if isinstance(valid, frozenset) else valid,
            self.terminator,
            self.secret,
            self.retries,
        )

    def judge(self, keys: str) -> Worth:
        """Tell what an entry is worth; "" is silence (or a lone terminator)."""
        if not keys:
            return "nothing"
        valid = self.valid
        if valid is None:
            good = True
        elif isinstance(valid, str):
            good = not set(keys) - set(valid)
        elif isinstance(valid, frozenset):
            good = keys in valid
        else:
            good = bool(valid(keys))
        return "valid" if good else "invalid"

    def __await__(self) -> Generator[Operation[Any], Any, A]:
        self.taken()
        for attempt in range(self.retries + 1):
            if attempt:
                self._stage.check_open()
            self.attempt = attempt
            answer: Answer = yield self
            if answer.worth == "valid":
                keys: A = answer.keys
                return keys
            self.after = answer.worth
        nothing: Any = Secret(None, answered=False) if self.secret else ""
        return nothing  # type: ignore[no-any-return]  # a Secret or text, as `secret` says


def _whole(valid: Collection[str] | None) -> frozenset[str] | None:
    if valid is None:
        return None
    whole = frozenset(valid)
    for answer in whole:
        if not isinstance(answer, str) or not answer or set(answer) - set(KEYS):
            raise AppError(
                "dialog.valid", f"call.ask: valid={answer!r} cannot be typed: use 0-9, * and #"
            )
    return whole


def _keys_in(valid: Any, max_digits: int) -> frozenset[str] | None:
    """The keys that an answer may hold; None where any may."""
    if isinstance(valid, str):
        odd = set(valid) - set(KEYS)
        if odd or not valid:
            raise AppError(
                "dialog.valid",
                f"call.ask: valid={valid!r} must name keys out of 0-9, * and #"
                + (f", not {min(odd)!r}" if odd else ""),
            )
        return frozenset(valid)
    if isinstance(valid, frozenset):
        if not valid or max(map(len, valid)) > max_digits:
            longest = max(valid, key=len, default="")
            raise AppError(
                "dialog.valid",
                f"call.ask: valid has {longest!r}, and max_digits is {max_digits}"
                if valid
                else "call.ask: valid is empty, so that nothing could be answered",
            )
        return frozenset("".join(valid))
    return None


def _terminator(keys: frozenset[str] | None, asked: str | None) -> str:
    """Choose the one key that ends an entry: it can never be part of an answer."""
    if asked is not None:
        if asked not in KEYS or len(asked) != 1:
            raise AppError("dialog.terminator", f"call.ask: terminator={asked!r} must be one key")
        if keys is not None and asked in keys:
            raise AppError(
                "dialog.terminator",
                f"call.ask: {asked!r} is in valid, and so cannot be the terminator; leave"
                " terminator out to have another key chosen",
            )
        return asked
    free = [key for key in "#*0987654321" if keys is None or key not in keys]
    if not free:
        raise AppError(
            "dialog.terminator",
            "call.ask: valid names all twelve keys, and one must be left to end the entry: the"
            " platform always has a terminator",
        )
    return free[0]


def _check_number(name: str, value: Any, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise AppError(
            "dialog.ask", f"call.ask: {name}={value!r} must be a whole number, {least} to {most}"
        )


def _check_time(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise AppError("dialog.ask", f"call.ask: {name}={value!r} must be a number of seconds")
    if not 0.001 <= value <= _LONGEST_MS / 1000:
        raise AppError("dialog.ask", f"call.ask: {name}={value!r} must be 0.001 to 600 seconds")
    return float(value)
