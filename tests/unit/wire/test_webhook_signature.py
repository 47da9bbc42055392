"""A hook of version 2 is believed when its data is signed, and for its data only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.wire.webhook_signature import is_signed, sign

KEY = b"123"
AT = 63834206532
DATA: dict[str, Any] = {"b": {"y": 1, "x": [True, None]}, "a": "Zoë"}


def envelope(**changes: Any) -> dict[str, Any]:
    sent = {"action": "event", "name": "CHANNEL_DESTROY", "data": DATA, "timestamp": AT}
    return sent | {"hmac": sign(DATA, KEY, AT)} | changes


def test_the_vector_of_the_platforms_documentation_agrees() -> None:
    assert "z481V/jZHAnFEjNCMORc2FgX03CyzxV+fLV6BWhnY6U=" == sign({"foo": "bar"}, KEY, AT)


@pytest.mark.parametrize("turn", [-1, 0, 1])
def test_the_turn_of_a_second_costs_no_hook(turn: int) -> None:
    assert is_signed(envelope(timestamp=AT + turn), KEY)
    assert is_signed(envelope(timestamp=str(AT)), KEY)
    assert not is_signed(envelope(timestamp=AT + 2), KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": DATA | {"a": "Zoe"}},
        {"data": None},
        {"hmac": None},
        {"hmac": ""},
        {"hmac": "é"},
        {"timestamp": None},
        {"timestamp": "x"},
        {"timestamp": True},
    ],
)
def test_what_was_altered_is_not_believed(changes: dict[str, Any]) -> None:
    assert not is_signed(envelope(**changes), KEY)
    assert not is_signed(envelope(), b"124")


def test_the_order_of_keys_does_not_count() -> None:
    turned = dict(reversed(list(DATA.items())))
    assert is_signed(envelope(data=turned), KEY)


@given(
    st.dictionaries(
        st.sampled_from(["data", "hmac", "timestamp"]), st.text() | st.integers() | st.none()
    )
)
def test_no_envelope_is_answered_with_an_error(some: dict[str, Any]) -> None:
    assert not is_signed(some, KEY)
