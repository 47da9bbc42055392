"""Depth, size and the token bucket: exact at the border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reception.callflow.lint import lint
from reception.callflow.reading import Reading

NOOP: tuple[str, dict[str, Any]] = ("noop", {})
PROMPT: tuple[str, dict[str, Any]] = ("play", {"id": "0123456789abcdef0123456789abcdef"})


def chain(nodes: Sequence[tuple[str, dict[str, Any]]], key: str = "_") -> dict[str, Any]:
    flow: dict[str, Any] = {"module": "hangup", "data": {}}
    for module, data in reversed(nodes[:-1]):
        flow = {"module": module, "data": data, "children": {key: flow}}
    return flow


def paths(root: Any, code: str) -> list[str]:
    return [warning.path for warning in lint(Reading(root), 5) if warning.code == code]


def level(depth: int, key: str = "_") -> str:
    return "$" + f".children.{key}" * (depth - 1)


def test_twenty_nodes_run_in_a_burst() -> None:
    assert [] == paths(chain([NOOP] * 20), "RC105")


def test_the_twenty_first_node_of_a_burst_gets_no_token() -> None:
    assert [level(21)] == paths(chain([NOOP] * 40), "RC105")


def test_branches_count_like_the_default() -> None:
    matching = ("check_cid", {"regex": "^1"})
    assert [level(21, "match")] == paths(chain([matching] * 22, "match"), "RC105")


def test_tokens_come_back_at_each_full_second() -> None:
    # Trace 74: 18 nodes, a sleep of 1.1 s, then three more nodes and no fourth.
    slept = [NOOP] * 18 + [("sleep", {"duration": 1100, "unit": "ms"})]
    assert [] == paths(chain([*slept, *[NOOP] * 3]), "RC105")
    assert [level(23)] == paths(chain([*slept, *[NOOP] * 10]), "RC105")


def test_part_of_a_second_gives_nothing_back() -> None:
    short = ("sleep", {"duration": 999, "unit": "ms"})
    assert [level(21)] == paths(chain([*[NOOP] * 5, short, *[NOOP] * 30]), "RC105")


def test_a_full_bucket_does_not_overflow() -> None:
    waited = [("sleep", {"duration": 1, "unit": "h"}), *[NOOP] * 40]
    assert [level(22)] == paths(chain(waited), "RC105")


def test_skipped_nodes_cost_tokens_and_take_no_time() -> None:
    skipped = ("sleep", {"duration": 60, "skip_module": True})
    assert [level(21)] == paths(chain([skipped] * 25), "RC105")


@pytest.mark.parametrize(
    "slow",
    [
        PROMPT,
        ("tts", {"text": "Please hold the line."}),
        ("collect_dtmf", {"max_digits": 1}),
        ("user", {"id": "0123456789abcdef0123456789abcdef"}),
    ],
)
def test_nodes_that_take_their_time_are_no_burst(slow: tuple[str, dict[str, Any]]) -> None:
    assert [] == paths(chain([slow] * 40), "RC105")


def test_calls_that_fail_at_once_take_no_time() -> None:
    busy = ("user", {"id": "0123456789abcdef0123456789abcdef"})
    assert [level(21, "USER_BUSY")] == paths(chain([busy] * 25, "USER_BUSY"), "RC105")


def test_each_path_has_its_own_bucket() -> None:
    wide = {"module": "menu", "data": {"id": "m"}, "children": {}}
    wide["children"] = {str(key): chain([NOOP] * 15) for key in range(10)}
    assert [] == paths(wide, "RC105")


def test_sixty_four_levels_are_allowed() -> None:
    assert [] == paths(chain([PROMPT] * 64), "RC103")


@pytest.mark.parametrize("levels", [65, 400, 3000, 30_000])
def test_the_first_node_beyond_is_named(levels: int) -> None:
    assert [level(65)] == paths(chain([PROMPT] * levels), "RC103")


@pytest.mark.parametrize(("extra", "expected"), [(0, []), (1, ["$"])])
def test_the_size_counts_as_rendered(extra: int, expected: list[str]) -> None:
    overhead = len('{"module":"tts","data":{"text":""}}')
    flow = {"module": "tts", "data": {"text": "x" * (64 * 1024 - overhead + extra)}}
    assert expected == paths(flow, "RC104")


def test_characters_outside_ascii_count_as_their_escapes() -> None:
    assert ["$"] == paths({"module": "tts", "data": {"text": "ü" * 11_000}}, "RC104")


def test_the_list_is_cut_off_and_says_so() -> None:
    flow = {"module": "hangup", "data": {f"zz{key}": 1 for key in range(2_000)}}
    warnings = lint(Reading(flow), 5)
    assert 501 == len(warnings)
    assert ("RC100", "$") == (warnings[-1].code, warnings[-1].path)


def test_long_keys_do_not_multiply_the_text() -> None:
    inner = {str(number): {"module": "hangup"} for number in range(500)}
    flow = {
        "module": "x",
        "data": {},
        "children": {"k" * 500_000: {"module": "y", "children": inner}},
    }
    assert 3_000_000 > sum(len(warning.path) for warning in lint(Reading(flow), 5))
