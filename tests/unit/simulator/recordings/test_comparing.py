"""The first difference of two runs."""

from __future__ import annotations

from typing import Any

import pytest

from reception.simulator.recordings.comparing import JITTER_MS, first_difference


def node(ms: int, module: str, **fields: Any) -> dict[str, Any]:
    return {"ms": ms, "ev": "node", "module": module, **fields}


def exe(ms: int, op: str) -> dict[str, Any]:
    return {"ms": ms, "ev": "exe", "op": op}


def test_the_media_sides_rows_may_stand_in_either_order_to_others() -> None:
    one = [{"ms": 5, "ev": "event", "event": "DTMF"}, exe(5, "continue")]
    assert first_difference(one, list(reversed(one))) is None


def test_nodes_keys_requests_and_the_end_have_one_order() -> None:
    one = [node(5, "play"), {"ms": 5, "ev": "media"}, exe(5, "continue")]
    difference = first_difference(one, [one[2], *one[:2]])
    assert difference is not None
    assert ("in another order", 1, one[0]) == (
        difference.why,
        difference.number,
        difference.expected,
    )


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([node(5, "play")], "it is missing"),
        ([node(5, "play"), node(9, "tts"), node(9, "tts")], "it is not in the recording"),
        ([node(5, "tts"), node(9, "tts")], "other module"),
        ([node(5, "play", data={}), node(9, "tts")], "other data"),
        ([node(5, "play"), node(10 + JITTER_MS, "tts")], "151 ms too late"),
        ([node(5, "play"), node(9 - JITTER_MS - 1, "tts")], "151 ms too early"),
    ],
)
def test_difference_says_what_it_is(found: list[dict[str, Any]], why: str) -> None:
    difference = first_difference([node(5, "play"), node(9, "tts")], found)
    assert difference is not None
    assert why == difference.why


def test_jitter_is_no_difference() -> None:
    assert first_difference([node(200, "play")], [node(200 + JITTER_MS, "play")]) is None


def test_the_earliest_difference_is_the_first_one() -> None:
    expected = [node(5, "play"), exe(3, "continue")]
    difference = first_difference(expected, [node(5, "tts"), exe(3, "stop")])
    assert difference is not None
    assert (difference.stream, difference.number, difference.at_ms) == ("the executor", 1, 3)


def test_true_is_not_one() -> None:
    difference = first_difference([node(1, "play", data=[True])], [node(1, "play", data=[1])])
    assert difference is not None


def test_a_kind_that_nobody_knows_is_compared_all_the_same() -> None:
    difference = first_difference([], [{"ms": 1, "ev": "strange"}])
    assert difference is not None
    assert difference.stream == "strange"
