"""Showing and measuring a value, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.callflow.excerpt import excerpt, rendered_bytes, value_at
from reception.callflow.tree import json_path

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_the_size_is_that_of_compact_ascii_json(value: Any) -> None:
    assert len(json.dumps(value, separators=(",", ":"))) == rendered_bytes(value)


@given(_JSON, st.integers(min_value=8, max_value=50))
def test_an_excerpt_is_short_ascii_on_one_line(value: Any, limit: int) -> None:
    shown = excerpt(value, limit)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= limit


@given(st.lists(st.text() | st.integers(min_value=0, max_value=3), max_size=4))
def test_a_path_leads_back_to_its_value(steps: list[str | int]) -> None:
    value: Any = "found"
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [None] * step + [value]
    assert "found" == value_at(value, json_path(steps))


@pytest.mark.parametrize(
    "path", ["$.data.timeout", "$.data[0]", '$.data["x"].y', "$.data.", "$.data.é"]
)
def test_a_missing_place_shows_what_is_above_it(path: str) -> None:
    assert {"id": "a"} == value_at({"data": {"id": "a"}}, path)


def test_numbers_that_python_will_not_write_are_measured() -> None:
    assert 9_990 < rendered_bytes(10**10_000) < 10_010
    assert "999" == excerpt(10**10_000, 60)[:3]
