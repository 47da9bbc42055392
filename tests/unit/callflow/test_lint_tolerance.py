"""Lint judges; it never fails, whatever it is given."""

from __future__ import annotations

import time
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reception.callflow.lint import lint
from reception.callflow.reading import Reading
from reception.callflow.spec import SPECS

_KEYS = sorted({key for spec in SPECS.values() for key in spec.properties(5)})
_WORDS = st.sampled_from(
    [
        "",
        "_",
        "1",
        "NO_ANSWER",
        "http://[",
        "https://a b",
        "+1",
        "+49301234567",
        "\ud800",
        "rx",
        "ms",
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(20_000).map(lambda bits: 1 << bits)  # more digits than Python writes out
    | st.floats(allow_nan=True)
    | st.text(max_size=5)
    | _WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=6,
)


def _nodes(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "module": st.sampled_from(sorted(SPECS)) | _VALUES,
            "data": st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6) | _VALUES,
            "children": st.dictionaries(_WORDS, children, max_size=3) | _VALUES,
            "remote_execution": _VALUES,
            "next": _VALUES,
        },
    )


@given(st.recursive(_VALUES, _nodes, max_leaves=12), st.sampled_from([4, 5]))
@settings(max_examples=300, deadline=None)
def test_lint_never_raises(root: Any, platform: Literal[4, 5]) -> None:
    for warning in lint(Reading(root), platform):
        assert warning.path.startswith("$")
        assert warning.path.isascii()
        assert warning.message.isascii()


@pytest.mark.parametrize("module", sorted(SPECS))
@given(data=st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=8))
@settings(max_examples=15, deadline=None)
def test_every_module_tolerates_any_data(module: str, data: dict[str, Any]) -> None:
    flow = {"module": module, "data": data, "children": {"_": {"module": module, "data": data}}}
    for platform in (4, 5):
        lint(Reading(flow), platform)


@pytest.mark.parametrize(
    "root", [None, 1, "x", [], [{"module": "play"}], {}, {"children": {"_": 1}}]
)
def test_what_is_no_flow_gets_no_warning(root: Any) -> None:
    assert () == lint(Reading(root), 5)


def test_three_thousand_levels_of_anything_are_survived() -> None:
    shallow: Any = "end"
    for _ in range(3_000):
        shallow = {"module": "callflow", "data": {"flow": shallow}}
    for root in (shallow, {"module": "tts", "data": {"text": [shallow]}}):
        lint(Reading(root), 5)


def test_lint_takes_linear_time() -> None:
    def seconds(nodes: int) -> float:
        child = {"module": "user", "data": {"id": "x", "Timeout": 1}}
        flow = {"module": "menu", "data": {"id": "m"}}
        flow["children"] = {str(number): child for number in range(nodes)}
        started = time.perf_counter()
        lint(Reading(flow), 5)
        return time.perf_counter() - started

    seconds(100)
    assert seconds(40_000) < 60 * max(seconds(2_000), 0.01)
