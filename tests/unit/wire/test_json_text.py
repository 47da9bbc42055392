"""The platform's JSON: written byte for byte as it does, read strictly and in bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from reception.errors import AppError, PeerError
from reception.wire.json_text import read_json, render_json_text, render_pivot_json
from tests.unit.wire.shapes import any_json


def test_every_recorded_body_is_written_byte_for_byte(wire: Path) -> None:
    bodies = [path.read_bytes() for path in sorted((wire / "pivot_json").glob("[0-9]*.json"))]
    bodies += [
        path.read_bytes().partition(b"\r\n\r\n")[2]
        for path in sorted((wire / "http").glob("pivot_post_json*.raw"))
    ]

    assert len(bodies) > 20
    for body in bodies:
        assert body == render_pivot_json(json.loads(body))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\\b\x01\x7f\0z", '"a\\\\b\\u0001\x7f\\u0000z"'),
        ('"/\b\f\n\r\t\x1f', '"\\"/\\b\\f\\n\\r\\t\\u001F"'),
        ("é🏨\u2028", '"é🏨\u2028"'),
        ({"b": {}, "a": [], "c": [None, True, False]}, '{"b":{},"a":[],"c":[null,true,false]}'),
        (10**30, "1" + "0" * 30),
        (1.5, "1.5"),
        (-0.0, "0.0"),
        (1000000.0, "1000000.0"),
        (123.456, "123.456"),
        (1e20, "100000000000000000000.0"),
        (1e21, "1e+21"),
        (1.25e22, "1.25e+22"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (-1.5e-10, "-1.5e-10"),
    ],
)
def test_values_are_written_as_the_platform_does(value: Any, text: str) -> None:
    assert text == render_json_text(value)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {"a": b"x"}, {"a": {1, 2}}, "\ud800", {"\udfff": 1}]
)
def test_what_is_no_json_is_not_written(value: Any) -> None:
    with pytest.raises(AppError) as caught:
        render_pivot_json({"value": value})

    assert "wire.unsendable" == caught.value.code


@given(any_json)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert value == read_json(render_json_text(value))


def test_a_repeated_key_counts_as_it_stood_first() -> None:
    assert {"a": 1, "b": {"c": 3}} == read_json('{"a":1,"b":{"c":3,"c":4},"a":2}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}x",
        "{'a':1}",
        '{"a":1,}',
        '{"a":NaN}',
        "[Infinity]",
        "[-Infinity]",
        "[1e999]",
        "[-1e999]",
        "[01]",
        '["\n"]',
        '["\\x"]',
        '["\\u12"]',
        "[1]]",
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        read_json(text)

    assert "pivot.not_json" == caught.value.code


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a":' * 10_000, "[" * 50_000 + "]" * 50_000])
def test_no_nesting_exhausts_the_reader(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        read_json(text)

    assert "pivot.too_deep" == caught.value.code


@pytest.mark.parametrize("number", ["9" * 5_000, "-" + "9" * 60_000, "0." + "1" * 5_000])
def test_a_number_without_end_is_not_computed(number: str) -> None:
    with pytest.raises(PeerError) as caught:
        read_json(number)

    assert "pivot.value_too_long" == caught.value.code
