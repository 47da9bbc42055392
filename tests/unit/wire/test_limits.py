"""The bounds of a request: each is met exactly, and refused one beyond."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from reception.errors import PeerError
from reception.wire.limits import (
    MAX_DEPTH,
    MAX_DIGITS_KEYS,
    MAX_KEYS,
    MAX_VALUE_BYTES,
    Reason,
    check_bounds,
    unreadable,
)


def nested(depth: int) -> dict[str, Any]:
    value: Any = "v"
    for _ in range(depth - 1):
        value = [value]
    return {"a": value}


def many(count: int) -> dict[str, str]:
    return {str(number): "v" for number in range(count)}


@pytest.mark.parametrize(
    "fields",
    [
        nested(MAX_DEPTH),
        many(MAX_KEYS),
        {"a": many(MAX_KEYS)},
        {"Digits": many(MAX_DIGITS_KEYS)},
        {"a": "v" * MAX_VALUE_BYTES},
        {"a": "é" * (MAX_VALUE_BYTES // 2)},
        {"a": [None, True, 1, 1.5, ["v"] * 5_000]},
        {"Digits": ["1"]},
        {},
    ],
)
def test_a_request_within_the_bounds_is_let_through(fields: dict[str, Any]) -> None:
    check_bounds(fields)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (nested(MAX_DEPTH + 1), "pivot.too_deep"),
        (many(MAX_KEYS + 1), "pivot.too_many_keys"),
        ({"a": {"b": [many(MAX_KEYS + 1)]}}, "pivot.too_many_keys"),
        ({"Digits": many(MAX_DIGITS_KEYS + 1)}, "pivot.too_many_keys"),
        ({"Digits": {"a": many(MAX_KEYS + 1)}}, "pivot.too_many_keys"),
        ({"a": {"Digits": many(MAX_KEYS + 1)}}, "pivot.too_many_keys"),
        ({"a": "v" * (MAX_VALUE_BYTES + 1)}, "pivot.value_too_long"),
        ({"a": "é" * (MAX_VALUE_BYTES // 2 + 1)}, "pivot.value_too_long"),
        ({"a": ["v" * (MAX_VALUE_BYTES + 1)]}, "pivot.value_too_long"),
        ({"a" * (MAX_VALUE_BYTES + 1): "v"}, "pivot.value_too_long"),
        ({"a": "\ud83d"}, "pivot.not_utf8"),
        ({"\udfff": "v"}, "pivot.not_utf8"),
        ({"a": [{"b": "\ud83d"}]}, "pivot.not_utf8"),
    ],
)
def test_a_request_beyond_a_bound_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(PeerError) as caught:
        check_bounds(fields)

    assert code == caught.value.code


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_refusal_has_a_code_a_status_and_a_sentence(reason: Reason) -> None:
    error = unreadable(reason)

    assert f"pivot.{reason}" == error.code
    assert error.status in {400, 413, 415}
    assert error.message.endswith(".")
