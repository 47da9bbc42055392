"""
A deck of prices as a table: CSV, one prefix a line.

The rule this file keeps: a wrong line is named by its number in the file, and all of them at
once; a deck with one wrong line is no deck.

Columns, in any order, with their names in the first line: ``prefix``, ``class``, ``rate`` (for
a minute), and perhaps ``connect``, ``initial``, ``sub``, ``bands``, ``name``. Bands are written
``12345 08:00-20:00 0.25; 1234567 00:00-24:00 0.10``: days, time, rate; the first that matches
applies.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

from reception.hotel.rating.deck import Band, Deck, Rate
from reception.hotel.rating.fields import Problems, amount_of
from reception.hotel.rating.reading import CLASS, MOST_SECONDS, PREFIX, band_of

COLUMNS: Final = ("prefix", "class", "rate", "connect", "initial", "sub", "bands", "name")
_NEEDED: Final = COLUMNS[:3]
_MOST_TOLD: Final = 100
_MOST_NAME: Final = 200
_BAND: Final = re.compile(r"\s*([0-9]+)\s+([0-9:]+)\s*-\s*([0-9:]+)\s+(\S+)\s*", re.ASCII)
_COMMA: Final = re.compile(r"[0-9]+,[0-9]+", re.ASCII)


def read_deck(lines: Iterable[str], *, version: str = "") -> Deck:
    """
    Read a deck from the lines of a CSV file; fields are divided by commas, semicolons or tabs.

    Errors:
        NeedsHuman("rating.deck"): everything that is wrong, each with its line.
    """
    problems = Problems()
    rows = _rows(lines, problems)
    header = next(rows, None)
    rates: dict[str, Rate] = {}
    if header is None:
        problems.add("line 1", f"the file is empty: its first line must name {', '.join(_NEEDED)}")
    elif _check_header(header[1], problems):
        reader = _Reader([name.strip().lower() for name in header[1]], problems)
        seen: dict[str, int] = {}
        for number, row in rows:
            rate = reader.rate(number, row)
            if rate is None:
                continue
            if rate.prefix in seen:
                problems.add(
                    f"line {number}", f"{rate.prefix} is in line {seen[rate.prefix]} already"
                )
            seen.setdefault(rate.prefix, number)
            rates[rate.prefix] = rate
        if not rates and not problems.found:
            problems.add("line 2", "the deck has no prices")
    more = len(problems.found) - _MOST_TOLD
    if more > 0:
        del problems.found[_MOST_TOLD:]
        problems.found.append(f"and {more} more")
    problems.raise_any("rating.deck")
    return Deck(rates, version=version)


def _rows(lines: Iterable[str], problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their line; empty ones are left out."""
    source = iter(lines)
    first = next(source, "").removeprefix("\ufeff")
    delimiter = max(",;\t", key=first.count)

    def every() -> Iterator[str]:
        yield first
        yield from source

    reader = csv.reader(every(), delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(f"line {reader.line_num}", f"is no CSV: {error}")
            return
        if any(row) and any(map(str.strip, row)):
            yield reader.line_num, row


def _check_header(header: list[str], problems: Problems) -> bool:
    names = [name.strip().lower() for name in header]
    missing = [name for name in _NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing:
        problems.add(
            "line 1", f"the first line must name the columns; missing: {', '.join(missing)}"
        )
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown)
        problems.add("line 1", f"unknown columns {shown}; there are {', '.join(COLUMNS)}")
    if twice:
        problems.add("line 1", f"a column is there twice: {', '.join(twice)}")
    return not (missing or unknown or twice)


class _Wrong(str):
    """What is wrong with a field, in words."""

    __slots__ = ()


class _Memo(dict[str, Any]):
    """What texts were read as: prices repeat in a deck."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._read: Final = read

    def __missing__(self, text: str) -> Any:
        value = self[text] = self._read(text)
        return value


class _Reader:
    """Makes rates of rows."""

    def __init__(self, names: list[str], problems: Problems) -> None:
        self._width: Final = len(names)
        # A column that is not there is read as an empty field behind the last one.
        where = [names.index(name) if name in names else len(names) for name in COLUMNS]
        self._in_order: Final = itemgetter(*where)
        self._problems: Final = problems
        amounts = _Memo(_amount)
        self._read: Final = (
            _Memo(_class),
            amounts,
            _Memo(lambda text: amounts[text] if text else Decimal(0)),
            _Memo(lambda text: _seconds(text, 0) if text else 1),
            _Memo(lambda text: _seconds(text, 1) if text else 1),
            _Memo(lambda text: _bands(text, amounts)),
        )

    def rate(self, number: int, row: list[str]) -> Rate | None:
        """Give the rate of a row, or note what is wrong with it."""
        if len(row) != self._width:
            self._problems.add(
                f"line {number}", f"has {len(row)} fields, and the first line {self._width}"
            )
            return None
        prefix, *texts, name = self._in_order([*map(str.strip, row), ""])
        prefix = prefix.removeprefix("+")
        values = [memo[text] for memo, text in zip(self._read, texts, strict=True)]
        is_prefix = PREFIX.fullmatch(prefix) is not None
        if not is_prefix:
            words = f"prefix: {prefix[:40]!r} must be 1 to 15 digits of an E.164 number"
            self._problems.add(f"line {number}", words)
        wrong = [at for at, value in enumerate(values, 1) if type(value) is _Wrong]
        for at in wrong:
            self._problems.add(f"line {number}", f"{COLUMNS[at]}: {values[at - 1]}")
        if wrong or not is_prefix:
            return None
        cls, price, connect, initial, sub, bands = values
        return Rate(prefix, cls, price, connect, initial, sub, bands, name[:_MOST_NAME])


def _class(text: str) -> str | _Wrong:
    return text if CLASS.fullmatch(text) else _Wrong(f"{text[:40]!r} must be a word, like national")


def _amount(text: str) -> Decimal | _Wrong:
    if _COMMA.fullmatch(text):
        return _Wrong(f"{text[:40]!r}: write the decimal point, {text[:40].replace(',', '.')}")
    found = amount_of(text)
    return _Wrong(found) if isinstance(found, str) else found


def _seconds(text: str, least: int) -> int | _Wrong:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        return _Wrong(f"{text[:40]!r} must be whole seconds")
    seconds = int(text)
    if not least <= seconds <= MOST_SECONDS:
        return _Wrong(f"{seconds} must be {least} to {MOST_SECONDS} seconds")
    return seconds


def _bands(text: str, amounts: Mapping[str, Any]) -> tuple[Band, ...] | _Wrong:
    found = []
    for part in text.split(";"):
        if not part.strip():
            continue
        match = _BAND.fullmatch(part)
        if match is None:
            return _Wrong(f"{part.strip()[:60]!r} must be like 12345 08:00-20:00 0.25")
        price = amounts[match[4]]
        band = price if type(price) is _Wrong else band_of(match[1], match[2], match[3], price)
        if isinstance(band, str):
            return _Wrong(band)
        found.append(band)
    return tuple(found)
