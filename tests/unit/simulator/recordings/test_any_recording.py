"""Whatever is recorded: every run comes to an end, in order, and the same way twice."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.modules import MODULES
from reception.simulator.recordings.comparing import first_difference
from reception.simulator.recordings.recording import Recording
from reception.simulator.recordings.replaying import Replay

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3_000) | st.sampled_from(["", "1", "#", "d", "x"]),
    lambda each: st.lists(each, max_size=2) | st.dictionaries(st.sampled_from("abi"), each),
    max_leaves=3,
)
KEYS = ("id", "timeout", "duration", "max_digits", "terminators", "retries", "endpoints", "action")
DATA = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4)
FLOWS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.fixed_dictionaries({"module": st.sampled_from(sorted(MODULES)), "data": DATA}),
    lambda children: st.fixed_dictionaries(
        {
            "module": st.sampled_from(["play", "collect_dtmf", "pivot", "menu", "user", "sleep"]),
            "data": DATA,
            "children": st.dictionaries(st.sampled_from(["_", "1", "timeout"]), children),
        }
    ),
    max_leaves=6,
)
MOMENTS = st.sampled_from(["call", "http:1", "node:play:1", "node:collect_dtmf:1", "start:d"])
ACTS = st.sampled_from(
    [
        {"dtmf": "1"},
        {"dtmf": "#"},
        {"hangup": "NORMAL_CLEARING"},
        {"replaced_by": "new"},
        {"event": "CHANNEL_TRANSFEREE"},
        {"event": "CHANNEL_DESTROY"},
        {"event": "usurp_control", "fields": {"Fetch-ID": "other"}},
    ]
)
SCRIPTS = st.lists(
    st.builds(
        lambda on, ms, act: {"on": on, "ms": ms, **act}, MOMENTS, st.integers(0, 3_000), ACTS
    ),
    max_size=4,
)
REPLIES = st.lists(
    st.builds(lambda flow, delay_ms: {"flow": flow, "delay_ms": delay_ms}, FLOWS, st.integers(0, 9))
    | st.sampled_from([{"status": 500, "raw_body": "x"}, {"raw_body": ""}, {"action": "close"}]),
    max_size=3,
)


@given(FLOWS, SCRIPTS, REPLIES, st.sampled_from(["4", "5"]))
def test_any_recording_runs_to_an_end_the_same_way_twice(
    flow: dict[str, Any], script: list[Any], replies: list[Any], platform: str
) -> None:
    given_ = {"call_id": "c", "flow": flow, "platform": platform, "stored_callflows": {"d": flow}}
    recording = Recording({**given_, "script": script, "http_replies": replies})
    first, second = Replay(recording), Replay(recording)
    asyncio.run(first.run())
    asyncio.run(second.run())
    times = [row["ms"] for row in first.rows]
    assert sorted(times) == times
    assert {"executor_exit", "observation_end"} & {row["ev"] for row in first.rows}
    assert first_difference(first.rows, second.rows, jitter_ms=0) is None
