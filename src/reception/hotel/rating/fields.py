"""
The fields of one object of a file, read one by one, with everything that is wrong noted.

The rule this file keeps: a problem never stops the reading, a field that nobody asked for is a
problem too, and no number is ever a float.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar, get_args

from reception.errors import NeedsHuman

Zone = Callable[[str], tzinfo | None]
"""Gives the time zone of a name ("Europe/Paris"), or None where it is not known."""

MOST_AMOUNT: Final = Decimal(1_000_000_000)
_MOST_DECIMALS: Final = 10
_MOST_TEXT: Final = 200

T = TypeVar("T")


class Problems:
    """What is wrong with one file: place and words, in order."""

    def __init__(self) -> None:
        self.found: Final[list[str]] = []

    def add(self, place: str, words: str) -> None:
        """Note one."""
        self.found.append(f"{place}: {words}")

    def raise_any(self, code: str) -> None:
        """
        Raise all of them as one error, if there are any.

        Errors:
            NeedsHuman(code): one line for each.
        """
        if self.found:
            raise NeedsHuman(code, "\n".join(self.found))


def amount_of(value: Any) -> Decimal | str:
    """Read an amount or a percentage, exactly, or say what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return 'must be a decimal number, in quotes: "0.15"'
    # Decimal would take 1_5 for fifteen, and the digits of other scripts.
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        return f'{value[:40]!r} must be a decimal number, like "0.15"'
    try:
        number = Decimal(value)
    except InvalidOperation:
        return f'{str(value)[:40]!r} must be a decimal number, like "0.15"'
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= number <= MOST_AMOUNT:
        return f"{str(value)[:40]} must be 0 to {MOST_AMOUNT:,}"
    if exponent < -_MOST_DECIMALS:
        return f"has more than {_MOST_DECIMALS} decimals"
    # 1000 and not 1E+3: a person checks it.
    return number if exponent <= 0 else number.quantize(Decimal(1))


class Fields:
    """The fields of one object, read one by one."""

    def __init__(self, data: Mapping[str, Any], place: str, problems: Problems) -> None:
        self._data: Final = data
        self._place: Final = place
        self._problems: Final = problems
        self._read: Final[set[str]] = set()

    def wrong(self, name: str, words: str) -> None:
        """Note a problem with a field."""
        self._problems.add(f"{self._place}{name}", words)

    def get(self, name: str) -> Any:
        """Give a field as it is, None where it is absent."""
        self._read.add(name)
        return self._data.get(name)

    def no_more(self, *allowed: str) -> None:
        """Note every field that nobody has read: a misspelt one must not be silent."""
        for name in self._data:
            if name not in self._read and name not in allowed:
                self.wrong(str(name)[:_MOST_TEXT], "is not known here")

    def text(
        self, name: str, shape: re.Pattern[str], words: str, default: str | None = None
    ) -> str:
        """Read a text of a shape; `words` say which."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not shape.fullmatch(value):
            self.wrong(name, f"must be {words}")
            return ""
        return value

    def texts(self, name: str, shape: re.Pattern[str], words: str) -> tuple[str, ...]:
        """Read a list of such texts; none where it is absent."""
        values = self.get(name)
        if values is None:
            return ()
        if not isinstance(values, Sequence) or isinstance(values, str):
            self.wrong(name, "must be a list")
            return ()
        for value in values:
            if not isinstance(value, str) or not shape.fullmatch(value):
                self.wrong(name, f"{str(value)[:40]!r} must be {words}")
        return tuple(value for value in values if isinstance(value, str))

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """Read a whole number between bounds."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        if type(value) is not int or not least <= value <= most:
            self.wrong(name, f"must be a whole number, {least} to {most}")
            return least
        return value

    def amount(self, name: str, default: Decimal | None = None) -> Decimal:
        """Read an amount (see `amount_of`)."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        number = amount_of(value)
        if isinstance(number, str):
            self.wrong(name, number)
            return Decimal(0)
        return number

    def amount_or_none(self, name: str) -> Decimal | None:
        """Read an amount that may be absent."""
        return None if self.get(name) is None else self.amount(name)

    def one_of(self, name: str, kind: Any, default: T) -> T:
        """Read one of the names of a Literal type."""
        value = self.get(name)
        if value is None:
            return default
        names = get_args(kind)
        if value not in names:
            self.wrong(name, f"must be one of {', '.join(names)}")
            return default
        chosen: T = value
        return chosen

    def zone(self, name: str, zone: Zone) -> tzinfo | None:
        """Read a time zone."""
        value = self.get(name)
        found = zone(value) if isinstance(value, str) else None
        if found is None:
            self.wrong(name, "must be the name of a time zone, like Europe/Paris")
        return found

    def objects(self, name: str) -> list[Fields]:
        """Read a list of objects, each with its own fields."""
        values = self.get(name)
        if values is None:
            return []
        if not isinstance(values, Sequence) or isinstance(values, str):
            self.wrong(name, "must be a list")
            return []
        found = []
        for number, value in enumerate(values):
            if isinstance(value, Mapping):
                found.append(Fields(value, f"{self._place}{name}[{number}].", self._problems))
            else:
                self.wrong(f"{name}[{number}]", "must be an object")
        return found
