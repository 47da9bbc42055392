"""Pseudonyms: stable, of the same shape, and never of what must stay."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.rehearsal.pseudonyms import Pseudonyms

DAY = date(2026, 1, 2)


def words(key: bytes = b"k" * 32, *known: str) -> Pseudonyms:
    return Pseudonyms(key, known=known, names=("room",), day=DAY)


@given(st.text(max_size=40))
def test_a_text_keeps_its_length_and_its_marks(text: str) -> None:
    one, other = words().text(text), words().text(text)
    assert one == other
    assert len(text) == len(one)
    for before, after in zip(text, one, strict=True):
        if not before.isalnum():
            assert before == after or text[:4].isdecimal(), "a mark was changed"
        assert not before.isdecimal() or after.isdecimal()


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_stays_a_number_of_its_kind(number: float) -> None:
    made = words().value(number)
    assert type(made) is type(number)
    assert (made < 0) == (number < 0) or abs(number) < 1


@pytest.mark.parametrize(
    "value",
    [True, False, None, 0, 9999, -12, 0.5, "", "x", "7", "anonymous", "2026-01-09", "vip",
     "2025-12-31T23:59:00+01:00", [], {}, {"room": 12}],
)  # fmt: skip
def test_what_tells_of_nobody_stays(value: Any) -> None:
    assert value == words(b"k" * 32, "vip").value(value)


def test_words_are_replaced_one_by_one_so_that_parts_stay_parts() -> None:
    made = words().text("Grace Hopper")
    assert made == f"{words().text('Grace')} {words().text('Hopper')}"
    assert words().text("+15551234567") in words().text("+15551234567@sip.example")


def test_a_number_keeps_plus_and_two_digits_and_its_first_digit_is_none_that_cannot_be() -> None:
    assert words().text("+4930901820").startswith("+49")
    assert words().text("0301234567")[0] == "0"
    assert words().text("8301234567")[0] != "0"


def test_forms_that_programs_read_can_still_be_read() -> None:
    UUID(words().text("a8098c1a-f86e-11da-bd1a-00112444be1e"))
    born = words().text("1906-12-09")
    assert date(2000, 1, 1) == date.fromisoformat(born)
    at = words().text("1990-05-06T07:08:09Z")
    assert datetime.fromisoformat(at).year == 2000


def test_keys_of_mappings_are_kept_where_the_code_knows_them() -> None:
    made = words().value({"room": "Grace", "Grace": "room 12345"})
    assert "room" in made
    assert "Grace" not in made
    assert made["room"] in made


def test_another_key_gives_other_words() -> None:
    assert words().text("Grace Hopper") != words(b"o" * 32).text("Grace Hopper")
