"""Bytes are read as the platform reads them, and nothing makes reading fail."""

from __future__ import annotations

import codecs
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.callflow import Reading, Rejection, read

UNREADABLE = [
    b"",
    b"   ",
    b"\xef\xbb\xbf{}",
    b"{} x",
    b"{}{}",
    b"/* x */{}",
    b"{'a': 1}",
    b"{a: 1}",
    b"NaN",
    b"[Infinity]",
    b"-Infinity",
    b"[1,]",
    b'{"a":1,}',
    b"[,1]",
    b"[1 2]",
    b'{"a" 1}',
    b'{"a":}',
    b"01",
    b"1.",
    b".5",
    b"+1",
    b"-",
    b"1e400",
    b"True",
    b"nul",
    b'"\x01"',
    b'"\n"',
    b'"\\x41"',
    b'"\\u12"',
    b'"abc',
    b'"\\ud83d x"',
    b'"\\udc00"',
    b'"\\ud83d\\u0041"',
    b'{"\\ud800": 1}',
    b"[",
    b"]",
    b"}",
    b'{"a":[}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    "{}\u00a0".encode(),
    "[\u0661]".encode(),
]


@pytest.mark.parametrize("source", UNREADABLE, ids=lambda source: repr(source[:12]))
def test_what_the_platform_cannot_read_is_one_rejection(source: bytes) -> None:
    found = read(source)

    assert isinstance(found, Rejection)
    assert ("$", "json") == (found.path, found.rule)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b" \t\r\n{ } ", {}),
        (b"[]", []),
        (b"null", None),
        (b"-0", 0),
        (b"1e2", 100.0),
        (b"[1,2.5,-3E-1]", [1, 2.5, -0.3]),
        (b'"\\ud83d\\ude00\\u00e9\\/\\\\\\u005c"', "😀é/\\\\"),
        (b'{"a":{"b":[{}]},"c":""}', {"a": {"b": [{}]}, "c": ""}),
        (b'{"":1}', {"": 1}),
        (b'"\x7f"', "\x7f"),
    ],
)
def test_json_means_what_it_says(source: bytes, expected: object) -> None:
    assert Reading(expected) == read(source)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
        ),
    )
)
def test_reading_undoes_writing(value: object) -> None:
    assert Reading(value) == read(json.dumps(value).encode())
    assert Reading(value) == read(json.dumps(value, ensure_ascii=False, indent=1))


@given(st.binary())
def test_no_bytes_make_reading_raise(source: bytes) -> None:
    assert isinstance(read(source), Reading | Rejection)


@given(st.text(st.sampled_from('{}[]",:\\u0d8e1 tfn\ud800\x00')))
def test_no_text_makes_reading_raise(source: str) -> None:
    assert isinstance(read(source), Reading | Rejection)


def test_of_two_equal_keys_the_first_counts_and_the_second_is_noted() -> None:
    found = read(b'{"data":{"id":"a","id":"b"},"x":[{"k":1,"k":{"k":2,"k":3}}]}')

    expected = Reading(
        {"data": {"id": "a"}, "x": [{"k": 1}]},
        duplicate_paths=("$.data.id", "$.x[0].k", "$.x[0].k.k"),
    )
    assert expected == found


def test_broken_bytes_are_read_and_noted() -> None:
    found = read(b'{"data":{"text":"caf\xe9","ok":"\xc3\xa9","l":["\xff"],"\xfe":1}}')

    assert isinstance(found, Reading)
    assert ("$.data.text", "$.data.l[0]", "$.data") == found.broken_text_paths
    assert "caf\udce9" == found.root["data"]["text"]


def test_long_numbers_are_read_without_limits_being_lifted() -> None:
    digits = b"9" * 5000

    positive, negative = read(digits), read(b"-" + digits)

    assert isinstance(positive, Reading)
    assert isinstance(negative, Reading)
    assert positive.root > 10**4000
    assert negative.root < -(10**4000)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{}".encode("utf-16"), "it is UTF-16; write plain UTF-8"),
        (codecs.BOM_UTF16_BE + "{}".encode("utf-16-be"), "it is UTF-16; write plain UTF-8"),
        (b"[NaN]", "a number, true, false, null, an object or a list), line 1, column 2"),
    ],
)
def test_what_is_no_json_is_told_what_to_write(source: bytes, words: str) -> None:
    found = read(source)

    assert isinstance(found, Rejection)
    assert words in found.message


def test_the_place_of_an_error_is_told() -> None:
    found = read(b'{\n  "module": "play",\n  data: {}\n}')

    assert isinstance(found, Rejection)
    assert "line 3, column 3" in found.message


@pytest.mark.parametrize(
    "source",
    [
        b"[" * 500_000 + b"]" * 500_000,
        b"9" * 1_000_000,
        b'{"a":1,' * 100_000,
        b'"' + b"\\\\" * 500_000,
    ],
    ids=["brackets", "digits", "objects", "backslashes"],
)
def test_a_megabyte_of_malice_takes_no_more_than_linear_time(source: bytes) -> None:
    # The process' own time: what else the machine does must not decide this.
    began = time.process_time()
    read(source)

    assert time.process_time() - began < 10
