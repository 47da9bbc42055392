"""The platform's form text: written byte for byte as it does, read back as it was meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.errors import AppError, PeerError
from reception.wire.form import form_text, form_view, read_form, render_form
from reception.wire.json_text import render_pivot_json
from reception.wire.limits import MAX_DEPTH
from tests.unit.wire.shapes import requests

# --- writing --------------------------------------------------------------------------------------


def test_every_recorded_form_is_written_byte_for_byte(
    twins: list[tuple[str, bytes, bytes]],
) -> None:
    for name, source, body in twins:
        assert (name, body) == (name, render_form(json.loads(source)))


def test_every_recorded_report_is_written_byte_for_byte(wire: Path) -> None:
    # The same encoder of the platform; it leaves out some keys before it encodes.
    dropped = {"Event-Category", "Event-Name", "App-Name", "App-Version", "Msg-ID", "Node"}
    dropped |= {"Call-ID", "Account-ID", "Server-ID", "Custom-Channel-Vars"}
    compared = 0
    for path in sorted((wire / "cdr").glob("[0-9]*.json")):
        fields = json.loads(path.read_bytes())
        body = path.with_suffix(".body").read_bytes()
        if not dropped & {part.partition("=")[0] for part in body.decode().split("&")}:
            sent = {key: value for key, value in fields.items() if key not in dropped}
            assert (path.name, body) == (path.name, render_form(sent))
            compared += 1
    assert compared > 10


def test_the_query_of_a_get_is_the_same_text(wire: Path) -> None:
    target = (wire / "http" / "pivot_get.raw").read_bytes().split(b" ")[1]
    source = (wire / "pivot_json" / "01.json").read_bytes()

    assert target.partition(b"APPID=acme-crm&")[2] == render_form(json.loads(source))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"a": "x y+z/é~-._"}, "a=x+y%2Bz%2F%C3%A9~-._"),
        ({"a b": {"é": {"w[u]": "v"}}}, "a b[é][w[u]]=v"),
        ({"a": {}, "b": "", "c": []}, "&b=&"),
        ({"a": {"b": {}, "c": "1"}}, "&a[c]=1"),
        ({"k": ["x", "y"]}, "k[]=x&k[]=y"),
        (
            {"k": [{"a": 1, "b": []}, True, None]},
            "k[]=%7B%22a%22%3A1%2C%22b%22%3A%5B%5D%7D&k[]=true&k[]=null",
        ),
        ({"k": [["a", "b"], ["c"]]}, "k[]=ab&k[]=c"),
        ({"": "v", "x": {"": "w"}}, "=v&x[]=w"),
        ({}, ""),
    ],
)
def test_nesting_and_emptiness_are_written_as_the_platform_does(
    fields: dict[str, Any], text: str
) -> None:
    assert text.encode() == render_form(fields)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (3, "3"),
        (-5, "-5"),
        (1180591620717411303424, "1180591620717411303424"),
        (1.5, "1.5"),
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (100000.0, "100000.0"),
        (1000000.0, "1.0e+6"),
        (1234567890.0, "1234567890.0"),
        (86389999.5, "86389999.5"),
        (0.00001, "0.00001"),
        (1e-6, "0.000001"),
        (1e-7, "1.0e-7"),
        (-1.25e-9, "-1.25e-9"),
        (1e22, "1.0e+22"),
        (4503599627370496.0, "4503599627370496.0"),
        (5e-324, "5.0e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_numbers_are_written_as_the_platform_does(number: float, text: str) -> None:
    assert text == form_text(number)
    assert float(text) == number


@pytest.mark.parametrize(
    "fields",
    [
        {"a": None},
        {"a": {"b": None}},
        {"a": [[1, 2]]},
        {"a": [[{"b": "c"}]]},
        {"a": "\ud800"},
        {"\ud800": "a"},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": b"bytes"},
    ],
)
def test_what_the_platform_cannot_send_is_not_written(fields: dict[str, Any]) -> None:
    with pytest.raises(AppError) as caught:
        render_form(fields)

    assert "wire.unsendable" == caught.value.code


@pytest.mark.parametrize("kind", ["objects", "lists"])
def test_what_nests_too_deep_is_not_written(kind: str) -> None:
    deep: Any = "end"
    for _ in range(5_000):
        deep = {"a": deep} if kind == "objects" else [deep]

    for render in (render_form, render_pivot_json):
        with pytest.raises(AppError) as caught:
            render({"a": deep})
        assert "wire.unsendable" == caught.value.code


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a=1&&b=2", {"a": "1", "b": "2"}),
        ("&&a=1&&&", {"a": "1"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("=v", {"": "v"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=x+y%20z%2B", {"a": "x y z+"}),
        ("a b+c=1", {"a b+c": "1"}),
        ("é=%C3%A9é", {"é": "éé"}),
        ("50%25=1", {"50%25": "1"}),
        ("a=%00", {"a": "\0"}),
        (
            "a=%&b=%2&c=%zz&d=%u0041&e=100%",
            {"a": "%", "b": "%2", "c": "%zz", "d": "%u0041", "e": "100%"},
        ),
        ("a[b][c]=v&a[d]=w", {"a": {"b": {"c": "v"}, "d": "w"}}),
        ("a[wake[up]]=1&a[X[0]]=2", {"a": {"wake[up]": "1", "X[0]": "2"}}),
        ("a[x[y][z]=1&a[[]=2", {"a": {"x[y": {"z": "1"}, "[": "2"}}),
        ("k[]=x&k[]=y", {"k": ["x", "y"]}),
        ("k[l][]=x", {"k": {"l": ["x"]}}),
        ("k[]=%7B%22a%22%3A1%7D", {"k": ['{"a":1}']}),
        ("k[]=x&k[b]=y", {"k": {"b": "y", "": "x"}}),
        ("k[]=x&k[b]=y&k[]=z", {"k": {"b": "y", "": ["x", "z"]}}),
        ("k[b=1&c]=2&[=3", {"k[b": "1", "c]": "2", "[": "3"}),
    ],
)
def test_form_text_is_read_as_it_was_meant(text: str, fields: dict[str, Any]) -> None:
    assert fields == read_form(text)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a=1&a=2", {"a": "1"}),
        ("a=1&a[b]=2", {"a": "1"}),
        ("a[b]=2&a=1", {"a": {"b": "2"}}),
        ("a[b]=1&a[b][c]=2", {"a": {"b": "1"}}),
        ("a[b][c]=2&a[b]=1", {"a": {"b": {"c": "2"}}}),
    ],
)
def test_of_two_values_for_one_key_the_first_counts(text: str, fields: dict[str, Any]) -> None:
    assert fields == read_form(text)


def test_brackets_that_a_library_or_proxy_encoded_are_brackets() -> None:
    assert {"Digits": {"pin code": "1"}} == read_form("Digits%5Bpin+code%5d=1")
    assert {"a%5D": "1"} == read_form("a%5D=1")


def test_excluded_keys_are_left_out() -> None:
    assert {"b": "2"} == read_form("APPID=x&b=2&APPID=y", frozenset({"APPID"}))


@pytest.mark.parametrize("text", ["a=%FF", "a=%C3", "a=%ED%A0%80", "a=x&b%5B%FF%5D=1"])
def test_escapes_that_are_no_utf8_are_refused(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        read_form(text)

    assert "pivot.not_utf8" == caught.value.code


def test_brackets_nest_as_deep_as_json_may_and_no_deeper() -> None:
    def nested(depth: int) -> str:
        return "a" + "[b]" * (depth - 1) + "=1"

    assert "a" in read_form(nested(MAX_DEPTH))
    with pytest.raises(PeerError) as caught:
        read_form(nested(MAX_DEPTH + 1))
    assert "pivot.too_deep" == caught.value.code


# --- both -----------------------------------------------------------------------------------------


@given(requests())
def test_what_is_written_is_read_back_as_the_form_left_it(fields: dict[str, Any]) -> None:
    assert form_view(fields) == read_form(render_form(fields).decode())


@given(st.text(max_size=60) | st.text("a[]=&%5BDd+ ", max_size=60))
def test_reading_never_fails_otherwise_than_by_a_refusal(text: str) -> None:
    try:
        read = read_form(text)
    except PeerError:
        return
    assert isinstance(read, dict)
