"""Which numbers the platform makes E.164, and which it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.numbers import e164


@pytest.mark.parametrize(
    ("dialled", "sent"),
    [
        ("5559876543", "+15559876543"),
        ("15559876543", "+15559876543"),
        ("+15559876543", "+15559876543"),
        ("+5559876543", "+5559876543"),
        ("442079460000", "+442079460000"),
        ("011442079460000", "+442079460000"),
        ("00442079460000", "+442079460000"),
        ("0044", "0044"),
        ("02079460000", "02079460000"),
        ("5551234567", "+5551234567"),
        ("15551234567", "15551234567"),
        ("2345678", "2345678"),
        ("2000", "2000"),
        ("*97", "*97"),
        ("room%20412", "room%20412"),
        ("", ""),
        ("٥٥٥٩٨٧٦٥٤٣", "٥٥٥٩٨٧٦٥٤٣"),
    ],
)
def test_a_number_is_normalised_by_the_platforms_patterns(dialled: str, sent: str) -> None:
    assert sent == e164(dialled)


@given(st.text(alphabet="0123456789+*#", max_size=16))
def test_a_normalised_number_is_not_normalised_again(number: str) -> None:
    assert e164(number) == e164(e164(number))
