"""
`Ask`: one question to the caller, with its retries.

The rule this file keeps: what an answer is worth is decided here and nowhere else, from the
keys and from what the developer said; every try is an operation of its own in the journal.
What the question looks like to the platform is in `replies`.

Source: contract/dialogs.md §1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct, field

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


class Manner(Struct, frozen=True, eq=False):
    """
    How a question is asked: all of it but its prompts, checked.

    Shape:
        valid: what an answer may be; None where any may, or where a function says it.
        keys: those that an answer may hold; None where any may.
        interrupting: the keys that stop the prompt, in the order of a phone.
        digests: of questions asked in this manner, by their prompt: they are asked again, at
            every replay.
    """

    max_digits: int
    valid: str | frozenset[str] | None
    keys: frozenset[str] | None
    terminator: str
    interrupting: str
    timeout_s: float
    interdigit_s: float
    typeahead: bool
    retries: int
    secret: bool
    digests: dict[str | bytes, str] = field(default_factory=dict)


class Ask(Operation[A]):
    """
    A question.

    Attributes:
        manner: how it is asked.
        attempt: which try this is, from 0.
        after: what the previous try brought; "valid" before the first.
    """

    __slots__ = (
        "_digest",
        "_judge",
        "after",
        "attempt",
        "manner",
        "not_valid",
        "nothing_heard",
        "prompt",
    )
    kind = "ask"

    def __init__(
        self,
        stage: Stage,
        manner: Manner,
        prompt: PromptLike | None,
        valid: Valid = None,
        nothing_heard: PromptLike | None = None,
        not_valid: PromptLike | None = None,
    ) -> None:
        # A prompt that has a digest was checked before it got it.
        digest = None
        if type(prompt) is str:
            digest = manner.digests.get(prompt)
        elif type(prompt) is Flow:
            digest = manner.digests.get(prompt.render())
        if digest is None and prompt is not None:
            checked(prompt, "call.ask")
        if nothing_heard is not None:
            checked(nothing_heard, "call.ask")
        if not_valid is not None:
            checked(not_valid, "call.ask")
        self.manner: Final = manner
        self.prompt: Final = prompt
        self.nothing_heard: Final = nothing_heard
        self.not_valid: Final = not_valid
        self.attempt = 0
        self.after: Worth = "valid"
        self._judge: Final = valid if callable(valid) else None
        self._digest: str | None = digest
        Operation.__init__(self, stage)

    @property
    def label(self) -> str:
        return f"try {self.attempt + 1}" if self.attempt else ""

    def arguments(self) -> Any:
        # How long somebody is waited for changes no answer that is in the journal.
        manner = self.manner
        valid = manner.valid if self._judge is None else "(function)"
        return (
            arguments_of(self.prompt),
            manner.max_digits,
            sorted(valid) if isinstance(valid, frozenset) else valid,
            manner.terminator,
            manner.secret,
            manner.retries,
        )

    def digest(self) -> str:
        digest = self._digest
        if digest is None:
            digest = self._digest = digest_of(self.arguments())
            _learn(self.manner, self.prompt, digest)
        return digest

    def judge(self, keys: str) -> Worth:
        """Tell what an entry is worth; "" is silence (or a lone terminator)."""
        if not keys:
            return "nothing"
        valid = self.manner.valid
        if self._judge is not None:
            good = bool(self._judge(keys))
        elif valid is None:
            good = True
        elif isinstance(valid, str):
            good = not set(keys) - set(valid)
        else:
            good = keys in valid
        return "valid" if good else "invalid"

    def __await__(self) -> Generator[Operation[Any], Any, A]:
        self.taken()
        self.attempt = 0
        answer: Answer = yield self
        while answer.worth != "valid":
            self.after = answer.worth
            if self.attempt == self.manner.retries:
                nothing: Any = Secret(None, answered=False) if self.manner.secret else ""
                return nothing  # type: ignore[no-any-return]  # a Secret or text, as `secret` says
            self._stage.check_open()
            self.attempt += 1
            answer = yield self
        keys: A = answer.keys
        return keys


# --- what is asked again and again ----------------------------------------------------------------

# A dialog is replayed at every step, and asks the same questions; an application has few.
_MOST_KNOWN: Final = 1_000
_manners: Final[dict[tuple[Any, ...], Manner]] = {}
# All functions are alike here, and none is kept.
_FUNCTION: Final = object()


def manner_of(
    max_digits: int,
    valid: Valid,
    terminator: str | None,
    timeout_s: float,
    interdigit_s: float,
    typeahead: bool,
    retries: int,
    secret: bool,
) -> Manner:
    """
    Check how a question is asked.

    Errors:
        AppError: keys that cannot be typed, no key left to end the entry, bad numbers.
    """
    given: Any = valid
    if valid is not None and type(valid) is not str:
        given = _FUNCTION if callable(valid) else _whole(valid)
    asked = (given, max_digits, terminator, timeout_s, interdigit_s, typeahead, retries, secret)
    try:
        manner = _manners.get(asked)
    except TypeError:
        manner = None
    if (
        manner is None
        # True is equal to 1 and to 1.0, and none of them stands for another.
        or manner.max_digits is not max_digits
        or manner.retries is not retries
        or manner.secret is not secret
        or timeout_s is True
        or interdigit_s is True
    ):
        manner = _made(*asked)
        if len(_manners) >= _MOST_KNOWN:
            _manners.clear()
        _manners[asked] = manner
    return manner


def _made(
    valid: Any,
    max_digits: int,
    terminator: str | None,
    timeout_s: float,
    interdigit_s: float,
    typeahead: bool,
    retries: int,
    secret: bool,
) -> Manner:
    _check_number("max_digits", max_digits, 1, MOST_DIGITS)
    _check_number("retries", retries, 0, 20)
    valid = None if valid is _FUNCTION else valid
    keys = _keys_in(valid, max_digits)
    ends = _terminator(keys, terminator)
    good = KEYS if keys is None else keys
    return Manner(
        max_digits,
        valid,
        keys,
        ends,
        "".join(key for key in KEYS if key != ends and key in good),
        _check_time("timeout_s", timeout_s),
        _check_time("interdigit_s", interdigit_s),
        typeahead,
        retries,
        secret,
    )


def _learn(manner: Manner, prompt: PromptLike | None, digest: str) -> None:
    name = prompt.render() if type(prompt) is Flow else prompt
    if type(name) is str or type(name) is bytes:
        if len(manner.digests) >= _MOST_KNOWN:
            manner.digests.clear()
        manner.digests[name] = digest


def _whole(valid: Collection[str]) -> frozenset[str] | str:
    if isinstance(valid, str):
        return str.__str__(valid)
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
