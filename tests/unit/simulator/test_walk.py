"""The executor's rules, each by itself and without the recordings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.call import Platform
from reception.simulator.reading import NoReply, Response, Trouble
from reception.simulator.steps import Outcome
from reception.simulator.transcript import Kind
from tests.unit.simulator.calls import BOX, USER, node, pivot, ring_up


def status(code: int, body: bytes = b"x") -> Response:
    return Response(code, (("content-type", "text/plain"),), body, 3)


def lines(count: int) -> Any:
    flow = node("hangup")
    for _ in range(count - 1):
        flow = node("language", {"language": "en-US"}, then=flow)
    return flow


def test_a_missing_key_means_wildcard_and_a_missing_wildcard_hangs_up() -> None:
    told = ring_up(node("user", {"id": USER}, then=node("tts", {"text": "Sorry"})), script="busy")
    assert ["pivot", "user", "tts"] == told.nodes()
    assert Outcome.FLOW_ENDED is told.outcome


@pytest.mark.parametrize(
    ("platform", "keys", "taken"),
    [
        (4, ["USER_BUSY", "sip:486"], "USER_BUSY"),
        (4, ["sip:486"], "sip:486"),
        (5, ["sip:486", "UNSPECIFIED"], "sip:486"),
        (5, ["_"], "_"),
    ],
)
def test_a_failed_bridge_takes_the_first_of_its_keys(
    platform: Platform, keys: list[str], taken: str
) -> None:
    children = {key: node("tts", {"text": key}) for key in keys}
    flow = {"module": "user", "data": {"id": USER}, "children": children}
    told = ring_up(flow, script="busy", platform=platform)
    assert any(f'"{taken}"' in text for text in told.texts(Kind.HEARS))


def test_an_answered_bridge_ends_the_flow() -> None:
    told = ring_up(node("user", {"id": USER}, then=node("hangup")), script="answer after 5 for 30")
    assert Outcome.BRIDGED is told.outcome
    assert told.at_ms == pytest.approx(35_000, abs=10)


def test_a_phone_that_answers_too_late_does_not_answer() -> None:
    told = ring_up(node("user", {"id": USER, "timeout": 10}), script="answer after 20")
    assert Outcome.FLOW_ENDED is told.outcome
    assert told.at_ms == pytest.approx(10_000, abs=10)


def test_ring_group_rings_together_or_in_turn() -> None:
    endpoints = [{"id": name, "endpoint_type": "user", "timeout": 5} for name in ("a", "b")]
    together = ring_up(node("ring_group", {"endpoints": endpoints}), script="noanswer")
    in_turn = ring_up(
        node("ring_group", {"endpoints": endpoints, "strategy": "single"}), script="noanswer"
    )
    assert (5_000, 10_000) == (round(together.at_ms, -2), round(in_turn.at_ms, -2))


def test_the_soonest_answer_of_a_ring_group_wins() -> None:
    endpoints = [{"id": name, "endpoint_type": "user"} for name in ("a", "b", "c")]
    script = "busy a\nanswer b after 9 for 1\nanswer c after 4 for 1"
    told = ring_up(node("ring_group", {"endpoints": endpoints}), script=script)
    assert Outcome.BRIDGED is told.outcome
    assert told.at_ms == pytest.approx(5_000, abs=10)


@pytest.mark.parametrize(("platform", "key"), [(4, "_"), (5, "NO_ENDPOINTS")])
def test_a_ring_group_without_anybody_says_so(platform: Platform, key: str) -> None:
    endpoints = [{"id": "a", "endpoint_type": "user"}]
    flow = node("ring_group", {"endpoints": endpoints}, **{key: node("tts", {"text": "Nobody"})})
    told = ring_up(flow, script="missing a", platform=platform)
    assert ["pivot", "ring_group", "tts"] == told.nodes()


@pytest.mark.parametrize(
    ("platform", "outcome"), [(4, Outcome.NOT_REACHED), (5, Outcome.NO_WAY_ON)]
)
def test_resources_never_takes_the_wildcard(platform: Platform, outcome: Outcome) -> None:
    flow = node("resources", {"to_did": "+15557654321"}, then=node("voicemail", {"id": BOX}))
    told = ring_up(flow, script="busy", platform=platform)
    assert outcome is told.outcome
    assert "voicemail" not in told.nodes()
    assert any("never takes" in text for text in told.texts(Kind.WARNS))


def test_resources_takes_the_key_of_its_failure() -> None:
    flow = node("resources", {"to_did": "+15557654321"}, USER_BUSY=node("voicemail", {"id": BOX}))
    told = ring_up(flow, script="busy\nvoicemail leave 10")
    assert ["pivot", "resources", "voicemail"] == told.nodes()
    assert Outcome.FLOW_ENDED is told.outcome


def test_without_a_script_every_assumption_is_said() -> None:
    told = ring_up(node("resources", {"to_did": "+15557654321"}))
    assert len(told.texts(Kind.ASSUMES)) == 1
    told = ring_up(node("voicemail", {"id": BOX}))
    assert len(told.texts(Kind.ASSUMES)) == 1
    told = ring_up(node("menu", {"id": "m"}))
    assert len(told.texts(Kind.ASSUMES)) == 1


def test_digits_travel_into_the_next_request() -> None:
    ask = node("collect_dtmf", {"collection_name": "q", "max_digits": 3}, then=pivot())
    told = ring_up(ask, node("hangup"), script="press 12#")
    assert ["Digits" in body for body in told.bodies()] == [False, True]
    assert {"q": "12"} == told.bodies()[1]["Digits"]


def test_nothing_pressed_leaves_an_empty_object() -> None:
    told = ring_up(node("collect_dtmf", {"collection_name": "q"}, then=pivot()), node("hangup"))
    assert {} == told.bodies()[1]["Digits"]


def test_an_early_key_answers_the_next_question() -> None:
    ask = node("collect_dtmf", {"collection_name": "q"}, then=pivot())
    told = ring_up(node("play", {"id": "/a.wav"}, then=ask), node("hangup"), script="press 7 early")
    assert {"q": "7"} == told.bodies()[1]["Digits"]


def test_one_key_interrupts_one_prompt() -> None:
    ask = node("play", {"id": "/a.wav"}, then=node("play", {"id": "/b.wav"}, then=pivot()))
    told = ring_up(ask, node("hangup"), script="press 1 early")
    # The first was cut after half a second, the second played its 3 s; each answers for 100 ms.
    assert told.at_ms == pytest.approx(3_700, abs=20)
    assert {"default": "1"} == told.bodies()[1]["Digits"]


def test_a_key_during_the_request_is_lost() -> None:
    told = ring_up(
        node("collect_dtmf", {"collection_name": "q"}, then=pivot()),
        node("hangup"),
        script="press 1 now",
    )
    assert {} == told.bodies()[1]["Digits"]
    assert "lost" in told.texts(Kind.PRESSES)[0]


def test_variables_and_language_reach_the_next_request_and_caller_id_does_not() -> None:
    flow = node(
        "set_variables",
        {"custom_application_vars": {"room": "12", "gone": ""}},
        then=node(
            "language",
            {"language": "fr-FR"},
            then=node("set_cid", {"caller_id_number": "+15550001111"}, then=pivot()),
        ),
    )
    first, second = ring_up(flow, node("hangup")).bodies()
    assert {"room": "12"} == second["Custom-Application-Vars"]
    assert second["Language"] == "fr-FR"
    assert first["Caller-ID-Number"] == second["Caller-ID-Number"]


def test_a_failed_step_takes_its_own_wildcard() -> None:
    told = ring_up(pivot(node("tts", {"text": "Sorry"})), status(500))
    assert ["pivot", "pivot", "tts"] == told.nodes()
    assert Outcome.FLOW_ENDED is told.outcome


def test_success_throws_the_wildcard_away() -> None:
    told = ring_up(pivot(node("tts", {"text": "Sorry"})), node("answer"))
    assert ["pivot", "pivot", "answer"] == told.nodes()


@pytest.mark.parametrize(("platform", "waited"), [(4, 10_000), (5, 4_000)])
def test_a_reply_that_never_comes_costs_each_version_its_time(
    platform: Platform, waited: int
) -> None:
    told = ring_up(NoReply(Trouble.TIMED_OUT, 4_000), platform=platform)
    assert Outcome.STEP_FAILED is told.outcome
    assert waited == told.at_ms


def test_keys_make_version_4_wait_longer() -> None:
    told = ring_up(NoReply(Trouble.CLOSED, 0), script="wait 8\npress 1 now")
    assert told.at_ms == 18_000


@pytest.mark.parametrize("reply", [{}, [], None, node("no_such_module"), node("tts")])
def test_an_invalid_200_is_silence_until_the_caller_gives_up(reply: Any) -> None:
    told = ring_up(reply)
    assert Outcome.SILENCE is told.outcome
    assert not told.outcome.ok


def test_an_empty_200_hangs_up() -> None:
    assert Outcome.BAD_REPLY is ring_up(status(200, b"")).outcome


def test_twenty_nodes_run_and_the_next_is_hung_up() -> None:
    assert Outcome.HANGUP is ring_up(lines(19)).outcome
    told = ring_up(lines(20))
    assert Outcome.RAN_DRY is told.outcome
    assert len(told.nodes()) == 20


def test_an_endless_pivot_loop_runs_dry() -> None:
    told = ring_up(pivot())
    assert Outcome.RAN_DRY is told.outcome


def test_tokens_come_back_with_time() -> None:
    flow = node("sleep", {"duration": 1}, then=lines(20))
    assert Outcome.HANGUP is ring_up(flow).outcome


def test_a_stacked_flow_runs_after_a_branch_stops_but_not_after_a_hangup() -> None:
    def branched(inner: Any) -> list[str]:
        flow = node("callflow", {"flow": inner}, then=node("answer"))
        return ring_up(flow, platform=5).nodes()

    assert ["pivot", "callflow", "response", "answer"] == branched(node("response", {"code": 486}))
    assert ["pivot", "callflow", "hangup"] == branched(node("hangup"))


def test_skipped_nodes_cost_tokens_and_go_on() -> None:
    told = ring_up(node("play", {"id": "x", "skip_module": True}, then=node("hangup")))
    assert Outcome.HANGUP is told.outcome
    assert not told.texts(Kind.HEARS)


@pytest.mark.parametrize("module", ["callflow", "function"])
def test_what_is_not_known_here_is_said(module: str) -> None:
    told = ring_up(node(module, {"id": "x"}))
    assert Outcome.FLOW_ENDED is told.outcome
    assert any("not simulated here" in text for text in told.texts(Kind.UNKNOWN))


def test_defaults_are_those_that_validation_writes_in() -> None:
    told = ring_up({"module": "pivot", "data": {"voice_url": "https://h/v"}}, node("hangup"))
    assert ["POST", "GET"] == [request.method for request in told.requests]
    told = ring_up(node("device", {"id": "d"}), script="noanswer")
    assert any("device without a timeout" in text for text in told.texts(Kind.WARNS))


def test_a_wrong_menu_entry_starts_another_round() -> None:
    flow = node("menu", {"id": "m"}, **{"1": node("tts", {"text": "one"})})
    told = ring_up(flow, script="press 9\npress 1\nmenu m retries 3 timeout 4 digits 1")
    assert ["pivot", "menu", "tts"] == told.nodes()


def test_secrets_of_the_url_stay_out_of_the_transcript() -> None:
    told = ring_up(pivot(url="https://u:pw@h/v?key=sesame&x=1"), node("hangup"))
    shown = json.dumps([entry.to_dict() for entry in told.entries if entry.kind is Kind.POST])
    assert "pw@" not in shown
    assert "sesame" not in shown


def test_secrets_of_a_reply_stay_out_of_the_transcript() -> None:
    back = pivot(url="https://u:pw@h/v?key=sesame&k=sesame")
    for reply in (back, node("nope", then=back)):
        told = ring_up(reply, node("hangup"))
        shown = json.dumps([entry.to_dict() for entry in told.entries])
        assert "sesame" not in shown
        assert "pw@" not in shown


@pytest.mark.parametrize(
    ("module", "key"),
    [
        ("play", "loop_count"),
        ("user", "timeout"),
        ("device", "timeout"),
        ("resources", "timeout"),
        ("ring_group", "timeout"),
        ("ring_group", "delay"),
        ("collect_dtmf", "timeout"),
        ("collect_dtmf", "max_digits"),
        ("menu", "interdigit_timeout"),
        ("voicemail", "max_message_length"),
        ("response", "code"),
    ],
)
@pytest.mark.parametrize(
    "number", [10**400, 10**4_299, -(10**400)], ids=["large", "longest", "negative"]
)
def test_a_number_beyond_all_bounds_ends_in_an_outcome(module: str, key: str, number: int) -> None:
    endpoint = {"id": USER, "endpoint_type": "user", key: number}
    data = {"id": BOX, key: number, "endpoints": [endpoint]}
    told = ring_up(stored=node(module, data), script="press 12")
    assert isinstance(told.outcome, Outcome)
    assert json.dumps([entry.to_dict() for entry in told.entries])


@pytest.mark.parametrize("form", ["json", "form"])
@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_variables_too_deep_to_be_sent_fail_the_step(form: str, opening: str) -> None:
    closing = "}" if opening.startswith("{") else "]"
    deep = opening * 3_000 + "1" + closing * 3_000
    again = pivot()
    again["data"]["req_body_format"] = form
    flow = node("set_variables", {"custom_application_vars": {"v": "DEEP"}}, then=again)
    body = json.dumps(flow).replace('"DEEP"', deep).encode()
    told = ring_up(Response(200, (("content-type", "application/json"),), body))
    assert Outcome.STEP_FAILED is told.outcome
    assert any("cannot be sent" in text for text in told.texts(Kind.WARNS))


@pytest.mark.parametrize("platform", [4, 5])
def test_a_phone_from_which_nothing_comes_back_names_no_failure(platform: Platform) -> None:
    flow = node("user", {"id": USER, "timeout": 5}, UNSPECIFIED=node("answer"), then=node("edr"))
    told = ring_up(flow, script="nothing", platform=platform)
    assert ["pivot", "user", "edr"] == told.nodes()
    assert told.at_ms == 5 + 25_000


def test_what_is_sent_behind_a_bridge_that_never_ends_is_never_heard() -> None:
    told = ring_up(node("user", {"id": USER}, then=node("tts", {"text": "x"})), script="nothing")
    assert Outcome.CALLER_HUNG_UP is told.outcome
    assert ["pivot", "user", "tts"] == told.nodes()


def test_a_key_pressed_just_after_answering_waits_like_any_other_of_a_prompt() -> None:
    ask = node("collect_dtmf", {"collection_name": "q"}, then=pivot())
    told = ring_up(
        node("play", {"id": "/a"}, then=ask), node("hangup"), script="wait 0.05\npress 7 now"
    )
    assert {"q": "7"} == told.bodies()[1]["Digits"]
    assert told.at_ms > 3_000  # the prompt was heard to its end


MODULES = st.sampled_from(
    [
        "play",
        "tts",
        "collect_dtmf",
        "menu",
        "user",
        "device",
        "ring_group",
        "resources",
        "pivot",
        "voicemail",
        "response",
        "sleep",
        "language",
        "set_variables",
        "callflow",
        "park",
        "nope",
    ]
)
KEYS = st.sampled_from(
    [
        "id",
        "timeout",
        "max_digits",
        "endpoints",
        "text",
        "terminators",
        "voice_url",
        "duration",
        "unit",
        "action",
        "custom_application_vars",
        "flow",
        "loop_count",
        "endless_playback",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
FLOWS = st.recursive(
    VALUES,
    lambda inner: st.fixed_dictionaries(
        {"module": MODULES, "data": st.dictionaries(KEYS, VALUES, max_size=4)},
        optional={"children": st.dictionaries(st.sampled_from(["_", "1", "x"]), inner)},
    ),
    max_leaves=6,
)


@given(FLOWS, st.sampled_from([4, 5]))
def test_any_answer_ends_in_an_outcome(reply: Any, platform: Platform) -> None:
    assert isinstance(ring_up(reply, platform=platform).outcome, Outcome)


@given(FLOWS, st.sampled_from([4, 5]))
def test_any_stored_flow_ends_in_an_outcome(flow: Any, platform: Platform) -> None:
    stored = flow if isinstance(flow, dict) else {}
    assert isinstance(ring_up(stored=stored, platform=platform).outcome, Outcome)


def test_a_caller_is_not_kept_for_ever_by_a_loop() -> None:
    told = ring_up(node("sleep", {"duration": 60}, then=pivot()))
    assert Outcome.CALLER_HUNG_UP is told.outcome
    assert told.at_ms == 30 * 60_000


def test_data_that_cannot_be_sent_fails_the_step() -> None:
    flow = node("set_variables", {"custom_application_vars": {"a": "\udcff"}}, then=pivot())
    assert Outcome.STEP_FAILED is ring_up(stored=flow).outcome


def test_a_flow_kept_on_the_platform_runs_on_version_5() -> None:
    inner = node("answer", then=node("hangup"))
    for document, script in ((inner, ""), ("f", f'document f {{"flow": {json.dumps(inner)}}}')):
        serverless = {"serverless": {"flow_doc": document, "flow_type": "application/json"}}
        told = ring_up(stored=node("pivot", serverless), script=script, platform=5)
        assert ["pivot", "answer", "hangup"] == told.nodes()
        assert told.requests == []
