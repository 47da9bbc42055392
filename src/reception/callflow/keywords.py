"""
One check for each keyword of a schema that looks at a single value.

The rule this file keeps: the meaning of a keyword is the platform's own (see `compiled`,
which joins these), and a fault says what to write instead. A value of another type than
the keyword speaks of is none of its business: the type has its own check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from reception.callflow.client_url import client_url_fault
from reception.callflow.shown import listed, type_in_words, value_in_words


class Fault(NamedTuple):
    """One broken rule: where (a path relative to the value checked), which, what to do."""

    path: str
    rule: str
    message: str


Faults: TypeAlias = list[Fault]
Check: TypeAlias = Callable[[Any], "Faults | None"]

_EMAIL: Final = re.compile(r"^[^@]+@[^@]+$")

_PATTERNS_IN_WORDS: Final = {
    "^https?://": "start with http:// or https://, in lower case",
    "^[0-9]+$": "have digits only",
    "^[A-Za-z]{2}(-[A-Za-z]{2})?$": 'be two letters, or two and two, such as "de" or "de-DE"',
}


def wrong_type(name: str, value: Any) -> Faults:
    message = f"This must be {type_in_words(name)}, not {value_in_words(value)}."
    return [Fault("", "type", message)]


def one_of_words(allowed: Sequence[str]) -> Check:
    words = frozenset(allowed)

    def check(value: Any) -> Faults | None:
        if type(value) is not str:
            return wrong_type("string", value)
        return None if value in words else _not_listed(allowed, value)

    return check


def one_of_values(allowed: Sequence[Any]) -> Check:
    def check(value: Any) -> Faults | None:
        if any(type(value) is type(item) and value == item for item in allowed):
            return None
        return _not_listed(allowed, value)

    return check


def _not_listed(allowed: Sequence[Any], value: Any) -> Faults:
    message = f"This must be {listed(allowed)}, not {value_in_words(value)}."
    return [Fault("", "enum", message)]


def length_within(least: int, most: int | None) -> Check:
    def check(value: Any) -> Faults | None:
        if type(value) is not str:
            return None
        size = len(value)
        if size < least:
            bound = f"exactly {least}" if least == most else f"at least {least}"
            message = f"This must have {bound} characters; it has {size}."
            return [Fault("", "minLength", message)]
        if most is not None and size > most:
            bound = f"exactly {most}" if least == most else f"at most {most}"
            message = f"This must have {bound} characters; it has {size}."
            return [Fault("", "maxLength", message)]
        return None

    return check


def matching(pattern: str) -> Check:
    search = re.compile(pattern).search
    words = _PATTERNS_IN_WORDS.get(pattern, f"match the pattern {pattern}")

    def check(value: Any) -> Faults | None:
        if type(value) is not str or search(value):
            return None
        return [Fault("", "pattern", f"This must {words}; it is {value_in_words(value)}.")]

    return check


def mail_address(value: Any) -> Faults | None:
    if type(value) is not str or _EMAIL.search(value):
        return None
    return [Fault("", "format", "This must be an e-mail address, like name@example.com.")]


def callable_by_client(*, anywhere: bool) -> Check:
    def check(value: Any) -> Faults | None:
        if type(value) is not str:
            return None
        message = client_url_fault(value, anywhere=anywhere)
        return None if message is None else [Fault("", "client_url", message)]

    return check


def number_within(least: int | None, most: int | None) -> Check:
    def check(value: Any) -> Faults | None:
        if type(value) is not int:
            return None
        if least is not None and value < least:
            message = f"This must be at least {least}; it is {value_in_words(value)}."
            return [Fault("", "minimum", message)]
        if most is not None and value > most:
            message = f"This must be at most {most}; it is {value_in_words(value)}."
            return [Fault("", "maximum", message)]
        return None

    return check


def items_at_least(least: int) -> Check:
    def check(value: Any) -> Faults | None:
        if type(value) is not list or len(value) >= least:
            return None
        word = "item" if least == 1 else "items"
        return [Fault("", "minItems", f"This list must have at least {least} {word}.")]

    return check


def items_unique(value: Any) -> Faults | None:
    if type(value) is not list:
        return None
    # Only lists of texts are asked to be unique; what is no text is a fault already.
    texts = [item for item in value if type(item) is str]
    if len(set(texts)) == len(texts):
        return None
    return [Fault("", "uniqueItems", "This list must not name anything twice.")]
