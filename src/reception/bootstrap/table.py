"""
One table of a TOML file, read key by key.

Every reader returns a usable value whatever stands there, so that reading goes on: a wrong
value becomes a problem and its default. A key that nobody asked for is a problem too.
Which keys there are, and what they mean, is `config`'s knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from reception.bootstrap.problems import Problems, did_you_mean

T = TypeVar("T", bound=str)

_KINDS = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


class Table:
    """
    A table at `place` ("" for the top of the file).

    Call `finish` last: it reports the keys that no reader has asked for.
    """

    def __init__(self, values: Mapping[str, Any], place: str, problems: Problems) -> None:
        self._values = values
        self._place = place
        self._problems = problems
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """Give the full name of a key, as problems show it; "" is the table itself."""
        return ".".join(part for part in (self._place, key) if part)

    def has(self, key: str) -> bool:
        """Is the key there, whatever it holds?"""
        return key in self._values

    def is_empty_list(self, key: str) -> bool:
        """Is the key there, with a list of nothing?"""
        return self._values.get(key) == []

    def add(self, key: str, message: str) -> None:
        """Note a problem of a key."""
        self._problems.add(self.at(key), message)

    def text(self, key: str, default: str = "") -> str:
        """Read a text that is not empty."""
        value = self._take(key, str)
        if value is None:
            return default
        if not value:
            self.add(key, "must not be empty")
            return default
        return str(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self._take(key, bool)
        return default if value is None else bool(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Read a whole number from `low` to `high`."""
        value = self._take(key, int)
        if value is None:
            return default
        if not low <= value <= high:
            self.add(key, f"must be a whole number from {low} to {high}, not {value}")
            return default
        return int(value)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Read a number from `low` to `high`; a whole one will do."""
        value = self._take(key, float)
        if value is None:
            return default
        if not low <= value <= high:  # also false for nan
            self.add(key, f"must be a number from {low:g} to {high:g}, not {value}")
            return default
        return float(value)

    def choice(self, key: str, default: T, choices: Sequence[T]) -> T:
        """Read one word out of a few."""
        value = self._take(key, str)
        if value is None:
            return default
        for choice in choices:
            if value == choice:
                return choice
        listed = ", ".join(f'"{choice}"' for choice in choices)
        self.add(key, f"must be one of {listed}{did_you_mean(value, choices)}")
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts; a single text counts as a list of one."""
        value = self._values.get(key)
        if isinstance(value, str):
            self._known.append(key)
            return (value,)
        found = self._take(key, list)
        texts: list[str] = []
        for index, item in enumerate(found or ()):
            if isinstance(item, str):
                texts.append(item)
            else:
                self.add(f"{key}[{index}]", f"must be a text in quotes, not {_in_words(item)}")
        return tuple(texts)

    def table(self, key: str) -> Table:
        """Read a table inside this one; empty where there is none."""
        return Table(self._take(key, dict) or {}, self.at(key), self._problems)

    def tables(self, key: str) -> dict[str, Table]:
        """Read a table whose keys are names and whose values are tables."""
        named = self.table(key)
        return {name: named.table(name) for name in named._values}

    def word_or_number(self, key: str) -> str | int | None:
        """Read a value that may be a text or a whole number."""
        value = self._values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            self._known.append(key)
            return value
        return None if self._take(key, str) is None else str(value)

    def finish(self) -> None:
        """Report every key that nothing has read."""
        for key in self._values:
            if key not in self._known:
                hint = did_you_mean(key, self._known)
                self.add(key, f"is no setting of Reception{hint or '; take it out'}")

    def _take(self, key: str, kind: type) -> Any:
        self._known.append(key)
        if key not in self._values:
            return None
        value = self._values[key]
        # TOML's true is Python's 1, and 2 stands for 2.0.
        fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        if kind is float and type(value) is int:
            return float(value)
        if not fits:
            self.add(key, f"must be {_KINDS[kind]}, not {_in_words(value)}")
            return None
        return value


def _in_words(value: object) -> str:
    # A text is never repeated: somebody may have put a secret into the wrong place.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _KINDS.get(type(value), "this")
