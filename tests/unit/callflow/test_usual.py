"""The quick reader reads what the slow one reads, or nothing."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.callflow.reading import _Reader
from reception.callflow.usual import Unusual, read_usual

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=2), each),
    max_leaves=8,
)
BRACKETS = ["{", "}", "[", "]", ",", ":", '"a":1', '{"a":1,"a":2}', " ", "\n", "\t", "\x0b"]
STRINGS = ['"', '"a"', '"é"', "\\n", "\\/", "\\u00e9", "\x7f", "\x01", "\ufeff", "\udc80"]
NUMBERS = ["0", "-0", "1", "01", "1.5", "1e400", "-", ".", "e5", "E+2", "\u0661"]
WORDS = ["true", "null", "NaN", "Infinity", "/"]
PIECES = st.sampled_from([*BRACKETS, *STRINGS, *NUMBERS, *WORDS])
TEXTS = st.lists(PIECES, max_size=8).map("".join) | st.builds(
    json.dumps, VALUES, ensure_ascii=st.booleans(), indent=st.none() | st.just(1)
)


@given(TEXTS)
def test_both_readers_agree_on_what_is_usual(text: str) -> None:
    with contextlib.suppress(Unusual):
        root = read_usual(text)
        slow = _Reader(text).read()
        # Written again they also show the order of keys, and which number is no whole one.
        assert json.dumps(slow.root) == json.dumps(root)
        assert ((), ()) == (slow.duplicate_paths, slow.broken_text_paths)


@pytest.mark.parametrize(
    "text",
    ["{}", '{"module":"play","data":{"id":"grüße.wav"}}', '[1, -0, 1.5e3, true, null, "\\n\\/"]'],
)
def test_a_plain_text_is_usual(text: str) -> None:
    assert json.loads(text) == read_usual(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '"\\u00e9"',
        '"\udc80"',
        "NaN",
        "-Infinity",
        "1e400",
        "9" * 5_000,
        "[" * 100_000,
        "\ufeff{}",
        "{} x",
        "",
    ],
)
def test_anything_else_is_left_to_the_slow_reader(text: str) -> None:
    with pytest.raises(Unusual):
        read_usual(text)


def test_a_quick_reading_shares_nothing_with_the_next_one() -> None:
    first: dict[str, Any] = read_usual('{"a":{}}')
    first["a"]["b"] = 1
    assert read_usual('{"a":{}}') == {"a": {}}
