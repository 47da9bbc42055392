"""
Stable pseudonyms: what replaces names, numbers and texts of guests in an export.

The rule this file keeps: the same word becomes the same other word of the same shape,
everywhere in one export, so that what was equal stays equal and what was a number of ten
digits still is one. The key is drawn for each export and thrown away: numbers are few, and
without it everybody could try them all.

Kept as they are: texts that stand in the application's own code (they cannot be a guest's),
single characters, whole numbers below 10,000, true, false and null, days within 400 of the
call, a number's ``+`` and the two digits behind it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

_WORD: Final = re.compile(r"\+\d{2}|[^\W_]+")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_HEX: Final = re.compile(r"(?=[0-9a-f-]*[a-f])[0-9a-f]{8}(-?[0-9a-f]{2,})+")
_SMALL: Final = 10_000
_NEAR_DAYS: Final = 400
_LARGEST: Final = 1.7e308
# What the platform itself says of a caller who does not show a number.
WITHHELD: Final = frozenset({"anonymous", "unknown", "private", "restricted", "unavailable"})


class Pseudonyms:
    """
    The words of one export.

    Args:
        key: by chance, at least 16 bytes.
        known: the texts of the application's code; names: the names in it, for keys of
            mappings.
        day: of the call.
    """

    def __init__(
        self, key: bytes, *, known: Collection[str], names: Collection[str], day: date
    ) -> None:
        self._key: Final = key
        self._known: Final = known
        self._names: Final = names
        self._day: Final = day
        self.replaced: Final[set[str]] = set()
        """Whole texts and numbers that were replaced, to see that none is left."""

    def value(self, value: Any) -> Any:
        """Replace in a value of JSON."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return value if abs(value) < _SMALL else self._number(value)
        if isinstance(value, float):
            return value if abs(value) < _SMALL else self._fraction(value)
        if isinstance(value, Mapping):
            return {self._name(name): self.value(each) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        return value

    def text(self, text: str) -> str:
        """Replace in a text, word by word."""
        if len(text) < 2 or text in self._known or text in WITHHELD:
            return text
        if _DAY.match(text):
            day = self._date(text)
            if day is not None:
                return day
        self.replaced.add(text)
        if _HEX.fullmatch(text):
            return self._shaped(text, "0123456789abcdef")
        return _WORD.sub(lambda match: self.word(match.group()), text)

    def word(self, word: str) -> str:
        """Replace one word."""
        if len(word) < 2 or word.startswith("+") or word in WITHHELD:
            return word
        return self._shaped(word, "")

    def _name(self, name: str) -> str:
        return name if name in self._names else self.text(name)

    def _number(self, number: int) -> int:
        shaped = int(self._shaped(str(abs(number)), ""))
        return shaped if number > 0 else -shaped

    def _fraction(self, number: float) -> float:
        """Another number of the same size."""
        digits, _, power = f"{number:.8e}".partition("e")
        shaped = self._number(int(digits.replace(".", "")))
        # Digits above those of the largest number would make it endless.
        return max(-_LARGEST, min(_LARGEST, float(f"{shaped}e{int(power) - 8}")))

    def _date(self, text: str) -> str | None:
        try:
            day = datetime.fromisoformat(text).date()
        except ValueError:
            return None
        if abs((day - self._day).days) <= _NEAR_DAYS:
            return text
        return "2000-01-01" + text[10:]

    def _shaped(self, word: str, alphabet: str) -> str:
        if word.isdecimal():
            self.replaced.add(word)
        chance = self._drawn(word)
        return "".join(
            _like(character, next(chance), alphabet, is_first=place == 0)
            for place, character in enumerate(word)
        )

    def _drawn(self, word: str) -> Iterator[int]:
        """Bytes that depend on the word and the key alone."""
        block = 0
        while True:
            named = f"{block}:{word}".encode("utf-8", "surrogatepass")
            yield from hashlib.blake2b(named, key=self._key[:64], digest_size=64).digest()
            block += 1


def _like(character: str, drawn: int, alphabet: str, *, is_first: bool) -> str:
    if alphabet:
        return character if character == "-" else alphabet[drawn % len(alphabet)]
    if character.isdecimal():
        # A leading zero, or its absence, is what numbers are told apart by.
        if is_first:
            return "0" if character == "0" else str(1 + drawn % 9)
        return str(drawn % 10)
    if character.isupper():
        return chr(ord("A") + drawn % 26)
    return chr(ord("a") + drawn % 26)
