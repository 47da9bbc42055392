"""Running a recording again: the script's moments, and what the app answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reception.simulator.nexts import Outcome
from reception.simulator.recordings.recording import Recording
from reception.simulator.recordings.replaying import Replay
from reception.simulator.recordings.summing import summary
from reception.simulator.settings import Settings
from tests.unit.simulator.calls import node, pivot


def replay(flow: Any, *, settings: Settings | None = None, **given: Any) -> tuple[Replay, Outcome]:
    made = Replay(Recording({"call_id": "c", "flow": flow, **given}), settings=settings)
    return made, asyncio.run(made.run()).outcome


def rows(made: Replay, ev: str) -> list[dict[str, Any]]:
    return [row for row in made.rows if row["ev"] == ev]


def test_a_hang_up_can_fall_into_any_instant() -> None:
    for at_ms in (0, 50, 100, 101, 700, 1_099):
        script = [{"on": "call", "ms": at_ms, "hangup": "NORMAL_CLEARING"}]
        made, outcome = replay(node("play", {"id": "/m/p"}, then=pivot()), script=script)
        assert Outcome.CALLER_HUNG_UP is outcome
        ended = next(row for row in made.rows if row.get("event") == "CHANNEL_DESTROY")
        assert (ended["ms"], ended["by"]) == (at_ms, "caller")
        assert made.bodies == []


def test_a_hang_up_during_a_request_drops_the_reply() -> None:
    made, outcome = replay(
        pivot(),
        http_replies=[{"status": 200, "delay_ms": 2_000, "flow": node("play", {"id": "/m/p"})}],
        script=[{"on": "http:1", "ms": 700, "hangup": "NORMAL_CLEARING"}],
    )
    assert Outcome.CALLER_HUNG_UP is outcome
    assert [row["ms"] for row in rows(made, "executor_exit")] == [700]
    assert [row["ms"] for row in rows(made, "http_response")] == [2_000]
    assert rows(made, "pivot_verdict") == []


@pytest.mark.parametrize(("at", "call_id"), [("sleep", "new"), ("play", "c")])
def test_a_transfer_is_forgotten_by_a_prompt_only(at: str, call_id: str) -> None:
    data = {"duration": 1} if at == "sleep" else {"id": "/m/p"}
    script = [{"on": f"node:{at}:1", "ms": 300, "replaced_by": "new"}]
    made, _ = replay(node(at, data, then=pivot()), script=script)
    assert [body["Call-ID"] for body in made.bodies] == [call_id]


def test_a_transfer_while_a_phone_rings_reaches_the_next_request() -> None:
    made, _ = replay(
        node("user", {"id": "u", "timeout": 5}, then=pivot()),
        script=[{"on": "node:user:1", "ms": 300, "replaced_by": "new"}],
        bridge_replies=[{"after_ms": 900, "fields": {"Application-Response": "NO_ANSWER"}}],
    )
    assert [body["Call-ID"] for body in made.bodies] == ["new"]


@pytest.mark.parametrize(
    ("platform", "reason"), [("4", "normal"), ("5", "normal")], ids=["version 4", "version 5"]
)
def test_a_caller_who_transfers_the_call_ends_it_on_version_5(platform: str, reason: str) -> None:
    script = [{"on": "start:/m/p", "ms": 300, "event": "CHANNEL_TRANSFEROR"}]
    flow = node("play", {"id": "/m/p"}, then=node("sleep", {"duration": 1}))
    made, _ = replay(flow, platform=platform, script=script)
    ended_ms = 400 if platform == "5" else 2_100
    assert [(row["reason"], row["ms"]) for row in rows(made, "executor_exit")] == [
        (reason, ended_ms)
    ]


def test_an_error_stops_a_text_and_not_a_recording() -> None:
    fields = {"Event-Category": "error", "Request": {"Application-Name": "noop"}}
    for module, data in (("play", {"id": "/m/p"}), ("tts", {"text": "/m/p"})):
        script = [{"on": "start:/m/p", "ms": 300, "event": "dialplan", "fields": fields}]
        made, _ = replay(node(module, data, then=node("answer")), script=script)
        nodes = ["play", "answer"] if module == "play" else ["tts"]
        assert nodes == summary(made.rows)["nodes_run"]


def test_a_setting_changes_what_a_version_does() -> None:
    flow = node("play", {"id": "/m/p", "terminators": []}, then=node("flush_dtmf", then=pivot()))
    script = [{"on": "start:/m/p", "ms": 300, "dtmf": "1"}]
    digits = []
    for works in (False, True):
        made, _ = replay(flow, script=script, settings=Settings(flush_dtmf_works=works))
        digits.append(made.bodies[0]["Digits"])
    assert digits == [{"default": "1"}, {}]


def test_a_reply_that_is_not_written_down_hangs_up() -> None:
    made, outcome = replay(pivot())
    assert Outcome.HANGUP is outcome
    assert rows(made, "http_response")[0]["flow"] == {"module": "hangup"}


def test_the_observation_ends_when_the_recorder_stops() -> None:
    made, _ = replay(node("dead_air"), observe_ms=3_000)
    assert made.rows[-1] == {"ms": 3_000, "ev": "observation_end"}
    assert "a module is still running" in summary(made.rows)["outcome"]


def _exe(made: Replay) -> list[tuple[str, Any]]:
    return [(row["op"], row.get("key")) for row in rows(made, "exe")]


@pytest.mark.parametrize(
    ("platform", "fields", "expected"),
    [
        ("4", {}, ["UNSPECIFIED", "sip:600"]),
        ("5", {}, ["UNSPECIFIED", "UNSPECIFIED", "sip:600"]),
        ("4", {"Hangup-Cause": "NORMAL_CLEARING"}, ["NORMAL_CLEARING", "sip:600"]),
        ("5", {"Hangup-Cause": "NORMAL_CLEARING"}, ["UNSPECIFIED", "sip:600"]),
        (
            "5",
            {"Application-Response": "USER_BUSY", "Hangup-Code": "sip:487"},
            ["USER_BUSY", "UNSPECIFIED"],
        ),
    ],
)
def test_a_failed_bridge_looks_for_children_in_the_platforms_order(
    platform: str, fields: dict[str, str], expected: list[str]
) -> None:
    replies = [{"after_ms": 100, "fields": fields}]
    made, _ = replay(node("user", {"id": "u"}), platform=platform, bridge_replies=replies)
    assert expected == [key for op, key in _exe(made) if op == "attempt"]


def test_the_media_side_hears_only_of_variables_that_are_new() -> None:
    again = node("set_variables", {"custom_application_vars": {"a": "1", "b": None}}, then=pivot())
    first = node("set_variables", {"custom_application_vars": {"a": "1", "b": "2"}}, then=again)
    made, _ = replay(first)
    sent = [
        row["data"]["Custom-Application-Vars"]
        for row in rows(made, "command")
        if row["app"] == "set"
    ]
    assert sent == [{"a": "1", "b": "2"}, {"b": None}]
    assert made.bodies[0]["Custom-Application-Vars"] == {"a": "1"}


def test_a_key_in_the_pause_after_answering_waits_for_the_prompt() -> None:
    script = [{"on": "node:play:1", "ms": 50, "dtmf": "7"}]
    made, _ = replay(node("play", {"id": "/m/p"}, then=pivot()), script=script)
    assert made.bodies[0]["Digits"] == {"default": "7"}
    assert [row["ms"] for row in rows(made, "media")] == [100]
    assert [row["ms"] for row in rows(made, "http_request")] == [1_100]


def test_a_refusal_is_heard_before_it_is_sent() -> None:
    made, _ = replay(node("response", {"code": 603, "message": "No", "media": "m"}))
    sent = [(row["app"], row["data"]) for row in rows(made, "command")]
    assert sent[:4] == [
        ("progress", {}),
        ("play", {"Media-Name": "/0123456789abcdef0123456789abcdef/m"}),
        ("respond", {"Response-Code": "603", "Response-Message": "No"}),
        ("noop", {}),
    ]


def test_a_dearer_node_costs_more() -> None:
    flow = {"module": "answer", "pvt_bucket_cost": 60, "children": {"_": node("answer")}}
    dear = {"module": "answer", "pvt_bucket_cost": 60, "children": {"_": flow}}
    made, outcome = replay(dear)
    assert Outcome.RAN_DRY is outcome
    assert summary(made.rows)["nodes_run"] == ["answer"]
