"""A table of prices is read whole or not at all, and wrong lines are named."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.errors import NeedsHuman
from reception.hotel.rating import Band, Deck, Rate, read_deck

TABLE = """\
prefix,class,rate,connect,initial,sub,bands,name
44,international,0.20,0.25,60,6,,United Kingdom
+49,international,0.25,,,,12345 08:00-20:00 0.25; 1234567 20:00-08:00 0.10,"Germany, all"
"""


def read(text: str) -> Deck:
    return read_deck(text.splitlines(keepends=True), version="v")


def problems(text: str) -> list[str]:
    with pytest.raises(NeedsHuman) as caught:
        read(text)
    return caught.value.message.splitlines()


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_table_is_read(delimiter: str) -> None:
    rows = [
        line.replace(",", delimiter) if "Germany" not in line else line
        for line in TABLE.splitlines(True)
    ]
    deck = read(TABLE if delimiter == "," else "".join(rows[:2]))
    assert Rate(
        "44", "international", Decimal("0.20"), Decimal("0.25"), 60, 6, (), "United Kingdom"
    ) == deck.get("44")


def test_bands_and_empty_fields_are_read() -> None:
    found = read(TABLE).get("49")
    assert found is not None
    assert (Decimal(0), 1, 1, "Germany, all") == (
        found.connect,
        found.initial,
        found.sub,
        found.name,
    )
    assert (
        Band(frozenset({1, 2, 3, 4, 5}), 480, 1200, Decimal("0.25")),
        Band(frozenset(range(1, 8)), 1200, 480, Decimal("0.10")),
    ) == found.bands


def test_a_spreadsheets_export_is_read() -> None:
    deck = read("\ufeffprefix;Class;RATE\r\n44;international;0.2\r\n;;\r\n\r\n")
    assert 1 == len(deck)


def test_every_wrong_line_is_named() -> None:
    found = problems(
        "prefix,class,rate\n44,a,0.1\n44,b,0.2\nx,a,0.1\n45,a b,0.1\n46,a,free\n47,a\n48,a,1.5\n"
    )
    assert [3, 4, 5, 6, 7] == [int(line.split(":")[0].split()[1]) for line in found]
    assert "line 3: 44 is in line 2 already" == found[0]


def test_a_decimal_comma_is_not_guessed_at() -> None:
    assert ["line 2: rate: '0,2': write the decimal point, 0.2"] == problems(
        "prefix;class;rate\n44;a;0,2\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("prefix,class\n", "missing: rate"),
        ("prefix,class,rate,price\n", "unknown columns 'price'"),
        ("prefix,class,rate,rate\n", "there twice: rate"),
        ("prefix,class,rate\n", "the deck has no prices"),
        ('prefix,class,rate\n44,a,"0.1\n', "is no CSV"),
        ("prefix,class,rate,bands\n44,a,1,always 0.1\n", "must be like"),
        ("prefix,class,rate,sub\n44,a,1,0\n", "sub: 0 must be 1 to"),
    ],
)
def test_a_table_that_is_none_says_why(text: str, words: str) -> None:
    assert words in problems(text)[0]


def test_a_thousand_wrong_lines_are_not_all_printed() -> None:
    found = problems("prefix,class,rate\n" + "x,a,1\n" * 1000)
    assert (101, "and 900 more") == (len(found), found[-1])


@given(st.text(max_size=200))
def test_no_text_is_answered_with_another_error(text: str) -> None:
    for table in (text, "prefix,class,rate,bands\n" + text):
        with contextlib.suppress(NeedsHuman):
            read(table)
