"""A run in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from reception.simulator.recordings.summing import summary

DESTROYED = {"ms": 9, "ev": "event", "event": "CHANNEL_DESTROY"}


def test_the_call_ends_when_its_channel_does() -> None:
    rows = [{**DESTROYED, "hangup_cause": "NORMAL_CLEARING", "by": "caller"}]
    ended = {"ms": 9, "by": "caller", "cause": "NORMAL_CLEARING"}
    assert ended == summary(rows)["call_ended"]


def test_an_end_that_the_script_only_tells_of_is_none() -> None:
    assert summary([DESTROYED])["call_ended"] is None


@pytest.mark.parametrize(
    ("last", "state"),
    [
        ({"ev": "node", "module": "play"}, "a module is still running"),
        ({"ev": "pivot_verdict", "verdict": "processing"}, "NO module running (silence)"),
        ({"ev": "executor_exit", "reason": "normal"}, "executor ended: normal"),
    ],
)
def test_the_outcome_says_what_is_left(last: dict[str, Any], state: str) -> None:
    assert str(summary([{"ev": "node", "module": "pivot"}, last])["outcome"]).endswith(state)


def test_a_body_that_is_no_object_is_an_empty_request() -> None:
    posts = summary([{"ev": "http_request", "n": 1, "path": "/", "body": "a=b"}])["posts"]
    nothing = {"Call-ID": None, "Digits": None, "Custom-Application-Vars": None}
    assert [{"n": 1, "path": "/", **nothing}] == posts
