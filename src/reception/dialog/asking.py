"""
`Ask`: one question to the caller, with its retries.

The rule this file keeps: what an answer is worth is decided here and nowhere else, from the
keys and from what the developer said; every try is an operation of its own in the journal.
What the question looks like to the platform is in `replies`.

Source: contract/dialogs.md §1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from msgspec import Struct

from reception.callflow import Flow
from reception.dialog.operations import Operation
from reception.dialog.prompts import PromptLike, arguments_of, checked
from reception.dialog.secret import Secret
from reception.dialog.stage import Stage
from reception.dialog.values import digest_of
from reception.errors import AppError

KEYS: Final = "1234567890*#"
MOST_DIGITS: Final = 1_024
"""The most keys that a request was seen to carry in one collection."""

_LONGEST_MS: Final = 600_000

Valid = str | Collection[str] | Callable[[str], bool] | None
Worth = Literal["valid", "invalid", "nothing"]
A = TypeVar("A")


class Answer(Struct, array_like=True, frozen=True):
    """What a try brought: its worth, and the keys (or the `Secret`)."""

    worth: Worth
    keys: Any


class Question(Struct, frozen=True, eq=False, gc=False):
    """
    What is asked, checked; it may be asked any number of times.

    Shape:
        valid: what an answer may be; None where any may, or where a function says it.
        terminator: the one key that ends the entry early.
        interrupting: the keys that stop the prompt, in the order of a phone.
        compared, digest: what a journal compares, and the same in sixteen characters.
    """

    prompt: PromptLike | None
    nothing_heard: PromptLike | None
    not_valid: PromptLike | None
    max_digits: int
    valid: str | frozenset[str] | None
    terminator: str
    interrupting: str
    timeout_s: float
    interdigit_s: float
    typeahead: bool
    retries: int
    secret: bool
    compared: tuple[Any, ...]
    digest: str


class Ask(Operation[A]):
    """
    A question that is asked.

    Attributes:
        question: what is asked.
        attempt: which try this is, from 0.
        after: what the previous try brought; "valid" before the first.
    """

    __slots__ = ("_judge", "after", "attempt", "question")
    kind = "ask"

    def __init__(self, stage: Stage, question: Question, valid: Valid) -> None:
        self.question: Final = question
        self.after: Worth = "valid"
        self._judge: Final = valid if callable(valid) else None
        Operation.__init__(self, stage)

    def arguments(self) -> Any:
        return self.question.compared

    def digest(self) -> str:
        return self.question.digest

    def judge(self, keys: str) -> Worth:
        """Tell what an entry is worth; "" is silence (or a lone terminator)."""
        if not keys:
            return "nothing"
        valid = self.question.valid
        if self._judge is not None:
            good = self._is_good(self._judge, keys)
        elif valid is None:
            good = True
        elif isinstance(valid, str):
            good = not set(keys) - set(valid)
        else:
            good = keys in valid
        return "valid" if good else "invalid"

    def _is_good(self, judge: Callable[[str], bool], keys: str) -> bool:
        try:
            return bool(judge(keys))
        except ValueError:
            # As of `int("1*")`: a function that cannot read an entry does not take it.
            return False
        except Exception as error:  # noqa: BLE001  whatever it raises is told, and by its class alone
            # Its text may quote what was typed.
            cause = None if self.question.secret else error
            raise AppError(
                "dialog.valid",
                f"{self.place}: the function given as `valid` raised {type(error).__name__}: it must"
                " take any entry of 0-9, * and #, and return whether that is good",
            ) from cause

    def asked(self) -> Generator[Operation[Any], Any, A]:
        self.taken()
        self.attempt = 0
        self.label = ""
        answer: Answer = yield self
        while answer.worth != "valid":
            self.after = answer.worth
            if self.attempt == self.question.retries:
                nothing: Any = Secret(None, answered=False) if self.question.secret else ""
                return nothing  # type: ignore[no-any-return]  # a Secret or text, as `secret` says
            self.stage.check_open()
            self.attempt += 1
            self.label = f"try {self.attempt + 1}"
            answer = yield self
        keys: A = answer.keys
        return keys

    if not TYPE_CHECKING:
        __await__ = asked


# --- questions ------------------------------------------------------------------------------------

# A dialog asks its questions again at every replay, and its calls ask the same ones.
_MOST_KNOWN: Final = 4_000
_known: Final[dict[tuple[Any, ...], Question]] = {}
# All functions are alike here, and none is kept.
_FUNCTION: Final = object()


def question_of(
    prompt: PromptLike | None,
    max_digits: int,
    valid: Valid,
    terminator: str | None,
    timeout_s: float,
    interdigit_s: float,
    typeahead: bool,
    retries: int,
    nothing_heard: PromptLike | None,
    not_valid: PromptLike | None,
    secret: bool,
) -> Question:
    """
    Check what is asked.

    Errors:
        AppError: keys that cannot be typed, no key left to end the entry, a prompt that is
        none, bad numbers.
    """
    given: Any = valid
    if valid is not None and type(valid) is not str:
        given = _function(valid) if callable(valid) else _whole(valid)
    name: tuple[Any, ...] = (
        prompt if type(prompt) is str else _name_of(prompt),
        max_digits,
        given,
        terminator,
        timeout_s,
        interdigit_s,
        typeahead,
        retries,
        nothing_heard if nothing_heard is None else _name_of(nothing_heard),
        not_valid if not_valid is None else _name_of(not_valid),
        secret,
    )
    try:
        known = _known.get(name)
    except TypeError:
        known = None
    if (
        known is not None
        # True is equal to 1 and to 1.0, and none of them stands for another.
        and known.max_digits is max_digits
        and known.retries is retries
        and known.secret is secret
        and timeout_s is not True
        and interdigit_s is not True
    ):
        return known
    question = _made(
        prompt,
        max_digits,
        given,
        terminator,
        timeout_s,
        interdigit_s,
        typeahead,
        retries,
        nothing_heard,
        not_valid,
        secret,
    )
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[name] = question
    return question


def _name_of(prompt: PromptLike | None) -> object:
    """What a prompt is known by: what is equal here is sent and compared alike."""
    if type(prompt) is Flow:
        return prompt.render()
    return prompt if prompt is None or type(prompt) is str else object()


def _made(
    prompt: PromptLike | None,
    max_digits: int,
    valid: Any,
    terminator: str | None,
    timeout_s: float,
    interdigit_s: float,
    typeahead: bool,
    retries: int,
    nothing_heard: PromptLike | None,
    not_valid: PromptLike | None,
    secret: bool,
) -> Question:
    for each in (prompt, nothing_heard, not_valid):
        if each is not None:
            checked(each, "call.ask")
    _check_number("max_digits", max_digits, 1, MOST_DIGITS)
    _check_number("retries", retries, 0, 20)
    is_function = valid is _FUNCTION
    valid = None if is_function else valid
    keys = _keys_in(valid, max_digits)
    ends = _terminator(keys, terminator)
    good = KEYS if keys is None else keys
    # How long somebody is waited for changes no answer that is in the journal.
    compared = (
        arguments_of(prompt),
        max_digits,
        "(function)" if is_function else sorted(valid) if isinstance(valid, frozenset) else valid,
        ends,
        secret,
        retries,
    )
    return Question(
        prompt,
        nothing_heard,
        not_valid,
        max_digits,
        valid,
        ends,
        "".join(key for key in KEYS if key != ends and key in good),
        _check_time("timeout_s", timeout_s),
        _check_time("interdigit_s", interdigit_s),
        typeahead,
        retries,
        secret,
        compared,
        digest_of(compared),
    )


def _function(valid: Callable[[str], bool]) -> object:
    if iscoroutinefunction(valid):
        raise AppError(
            "dialog.valid",
            "call.ask: valid must be a plain function, not an `async def`: take any entry, and look"
            " it up with call.step",
        )
    return _FUNCTION


def _whole(valid: Collection[str]) -> frozenset[str] | str:
    if isinstance(valid, str):
        return str.__str__(valid)
    if not isinstance(valid, Collection) or not all(isinstance(each, str) for each in valid):
        raise AppError(
            "dialog.valid",
            f'call.ask: valid={valid!r} must be keys, as in "123", texts, as in {{"101", "102"}}, or'
            " a function",
        )
    whole = frozenset(valid)
    for answer in whole:
        if not answer or set(answer) - set(KEYS):
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
                f"call.ask: valid has {longest!r}, and max_digits is {max_digits}: say"
                f" max_digits={len(longest)}"
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
