"""Each rule: what it finds, at which path, and what it leaves alone."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from reception.callflow.facts import PLATFORMS
from reception.callflow.findings import key_step
from reception.callflow.lint import lint
from reception.callflow.reading import Reading
from reception.callflow.spec import SPECS
from reception.callflow.verdict import judge

ID = "0123456789abcdef0123456789abcdef"
HANGUP: dict[str, Any] = {"module": "hangup", "data": {}}
USER: dict[str, Any] = {"module": "user", "data": {"id": ID, "timeout": 20}}


def never_taken(key: str) -> tuple[str, str]:
    return ("RC120", f"$.children{key_step(key)}")


def node(module: str, data: dict[str, Any], **children: Any) -> dict[str, Any]:
    return {"module": module, "data": data, "children": children}


def pivot(**data: Any) -> dict[str, Any]:
    posted = {
        "voice_url": "https://app.example.net/voice?APPID=north&step=2",
        "method": "post",
        "req_format": "kazoo",
        "req_body_format": "json",
    }
    return node("pivot", posted | data, _=USER)


def question(_: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    asked = {"collection_name": "e1", "max_digits": 4, "terminator": "#", "timeout": 5000}
    return node("collect_dtmf", asked | data, _=_ or pivot())


def tts(text: str, next_: dict[str, Any], **data: Any) -> dict[str, Any]:
    return node("tts", {"text": text} | data, _=next_)


def found(root: Any, platform: Literal[4, 5] = 5) -> list[tuple[str, str]]:
    return [(warning.code, warning.path) for warning in lint(Reading(root), platform)]


def message(root: Any, code: str, platform: Literal[4, 5] = 5) -> str:
    return next(w.message for w in lint(Reading(root), platform) if w.code == code)


@pytest.mark.parametrize("platform", [4, 5])
def test_a_well_made_question_gives_no_warning(platform: Literal[4, 5]) -> None:
    drain = {"collection_name": "rx", "max_digits": 1, "terminator": "#", "timeout": 1}
    ask = tts("Room number, please.", question(), terminators=["1", "2"])
    flow = node(
        "set_variables",
        {"custom_application_vars": {"rx_e": "abc"}, "export": True},
        _=node("collect_dtmf", drain, _=ask),
    )
    assert [] == found(flow, platform)


def test_a_greeting_before_a_drained_question_is_no_second_prompt() -> None:
    drain = {"collection_name": "rx", "max_digits": 1, "terminator": "#", "timeout": 1}
    ask = tts("Room number, please.", question())
    assert [] == found(tts("Welcome.", node("collect_dtmf", drain, _=ask)))


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (node("hangup", {}) | {"next": USER}, ("RC112", "$.next")),
        (node("hangup", {}) | {"remote_execution": True}, ("RC109", "$.remote_execution")),
        (node("user", {"id": ID, "skip_module": True}), ("RC108", "$.data.skip_module")),
        (node("user", {"id": ""}), ("RC113", "$.data.id")),
        (node("voicemail", {"action": "compose"}), ("RC113", "$.data")),
        (node("eavesdrop", {"user_id": ID}), ("RC113", "$.data")),
        (node("acdc_member", {"id": ID}), ("RC115", "$.module")),
        (node("audio_macro.say", {"text": "1"}), ("RC116", "$.module")),
        (node("action", HANGUP), ("RC116", "$.module")),
        (node("hotdesk", {}), ("RC113", "$.data")),
        (node("tones", {"tones": []}), ("RC113", "$.data.tones")),
        (node("menu", {"id": ID}, x=HANGUP), ("RC120", "$.children.x")),
        (node("nomorobo", {"username": "u", "password": "p"}, **{"11": HANGUP}), never_taken("11")),
        (node("check_cid", {"regex": "^1"}, _=USER, Match=HANGUP), never_taken("Match")),
        (node("route_to_cid", {"timeout": 20}, busy=HANGUP), never_taken("busy")),
        (
            node("user", {"id": ID}, **{"sip:\u0664\u0668\u0666": HANGUP}),
            never_taken("sip:\u0664\u0668\u0666"),
        ),
        (node("user", {"id": ID}, no_answer=HANGUP), ("RC120", "$.children.no_answer")),
        (
            node("user", {"id": ID}, ORIGINATOR_CANCEL=HANGUP),
            ("RC120", "$.children.ORIGINATOR_CANCEL"),
        ),
        (node("check_cid", {}, _=USER, nomatch=HANGUP), ("RC120", "$.children.nomatch")),
        (node("play", {"id": ID, "endless_playback": True}, _=HANGUP), ("RC120", "$.children._")),
        (node("hangup", {}, _=USER), ("RC121", "$.children._")),
        (node("resources", {"to_did": "+493012345678"}, _=USER), ("RC122", "$.children._")),
        (node("offnet", {"to_did": "+493012345678"}, _=USER), ("RC122", "$.children._")),
        (node("resources", {"to_did": "+493012345678"}), ("RC123", "$")),
        (node("set_cid", {"caller_id_name": "Desk"}), ("RC124", "$")),
        (pivot(method="get"), ("RC130", "$.data.method")),
        (pivot(req_body_format="form"), ("RC130", "$.data.req_body_format")),
        (pivot(req_format="twiml"), ("RC130", "$.data.req_format")),
        (pivot() | {"children": {}}, ("RC131", "$")),
        (pivot(voice_url="https://app.example.net/voice?APPID=north"), ("RC132", "$")),
        (pivot(req_timeout_ms=-1), ("RC133", "$.data.req_timeout_ms")),
        (pivot(debug=True), ("RC134", "$.data.debug")),
        (pivot(cdr_url="https://app.example.net/c"), ("RC135", "$.data.cdr_url")),
        (pivot(voice_url="https://app.example.net/é?s=1"), ("RC136", "$.data.voice_url")),
        (
            tts("Welcome.", tts("Your room?", question())),
            ("RC141", "$.children._"),
        ),
        (tts("Hi.", HANGUP, terminators=["1", "12"]), ("RC142", "$.data.terminators[1]")),
        (question(interdigit_timeout=2), ("RC143", "$.data.interdigit_timeout")),
        (question(timeout=1), ("RC143", "$.data.timeout")),
        (node("sleep", {"duration": 0}, _=USER), ("RC147", "$.data.duration")),
        (node("sleep", {"duration": 2, "unit": "h"}, _=USER), ("RC147", "$.data.duration")),
        (node("answer", {}, _=node("response", {"code": 486})), ("RC148", "$.children._")),
        (node("user", {"id": ID, "timeout": 0}), ("RC152", "$.data.timeout")),
        (node("route_to_cid", {}), ("RC152", "$.data")),
        (node("group", {"id": ID, "timeout": 20}), ("RC154", "$")),
        (
            node(
                "set_cid",
                {"caller_id_number": "+1"},
                _=node("language", {"language": "de"}, _=node("set_cid", {}, _=USER)),
            ),
            ("RC156", "$.children._.children._.data"),
        ),
        (node("disa", {"pin": ""}), ("RC155", "$.data.pin")),
        (
            node("set_variables", {"custom_application_vars": {"x-y": None}}, _=USER),
            ("RC160", '$.data.custom_application_vars["x-y"]'),
        ),
        (node("set_variable", {"value": "1"}, _=USER), ("RC161", "$.data")),
        (
            node("webhook", {"uri": "https://a.example.net/", "retries": 0}),
            ("RC163", "$.data.retries"),
        ),
        (node("play", {"id": "http://127.0.0.9/a.wav"}), ("RC170", "$.data.id")),
        (pivot(voice_url="https://localhost./voice?s=1"), ("RC170", "$.data.voice_url")),
        (pivot(voice_url="https://k:s@localhost/voice?s=1"), ("RC170", "$.data.voice_url")),
        (pivot(voice_url="https://[2001:db8::1]/voice?s=1"), ("RC170", "$.data.voice_url")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_found_at_its_place(flow: dict[str, Any], expected: tuple[str, str]) -> None:
    assert [expected] == found(flow)


@pytest.mark.parametrize(
    "flow",
    [
        node("play", {"id": ID}),
        node("voicemail", {"action": "check"}),
        node("menu", {"id": ID}, **{"1": USER, "12#": USER, "timeout": USER, "max_retries": USER}),
        node("user", {"id": ID}, **{"NO_ANSWER": HANGUP, "sip:486": HANGUP, "_": HANGUP}),
        node("check_cid", {"regex": "^\\+49"}, match=USER, nomatch=HANGUP),
        node("resources", {"to_did": "+15551234567"}, **{"sip:486": HANGUP}),
        node("record_call", {"action": "stop"}),
        node("set", {"skills": ["german"]}, _=USER),
        node("callflow", {"flow": node("language", {"language": "de"})}, _=USER),
        node("play", {"id": "https://media.example.net/" + "a" * 200}),
        node("play", {"id": "http://192.168.1.9/a.wav"}),
        node("pivot", {"serverless": {"flow_doc": "<Response/>", "flow_type": "text/xml"}}, _=USER),
        pivot(voice_url="http://localhost/voice?s=1"),
        tts("Welcome.", pivot(voice_url="https://app.example.net/voice?APPID=north")),
        tts("Welcome.", tts("Your room?", question()), terminators=[]),
        tts("Welcome.", node("sleep", {"duration": 2}, _=tts("Your room?", question()))),
        question(max_digits=1, timeout=1),
        node("response", {"code": 486}),
        node("hotdesk", {"action": "bridge", "id": ID}, _=node("response", {"code": 486})),
        node("check_cid", {"use_absolute_mode": True}, _=USER, **{"+15551234567": HANGUP}),
        node(
            "set_cid", {"caller_id_name": "A"}, _=node("set_cid", {"caller_id_name": "B"}, _=USER)
        ),
        node("play", {"id": ID, "answer": False}, _=node("response", {"code": 486})),
        tts("Ringing.", node("group", {"id": ID, "timeout": 20})),
        node("set_variables", {"custom_application_vars": {"n": 0, "b": False}}, _=USER),
        node("branch_variable", {"variable": "call_direction"}, inbound=USER, _=HANGUP),
        node("resources", {"to_did": "0301234", "do_not_normalize": True}, USER_BUSY=HANGUP),
    ],
)
def test_a_sound_flow_is_left_alone(flow: dict[str, Any]) -> None:
    assert [] == found(flow)


@pytest.mark.parametrize(
    ("module", "key", "meant"),
    [
        ("user", "Timeout", "timeout"),
        ("play", "loops", "loop_count"),
        ("play", "terminator", "terminators"),
        ("pivot", "voiceUrl", "voice_url"),
        ("pivot", "url", "voice_url"),
        ("tts", "txt", "text"),
        ("voicemail", "mailbox_id", "id"),
    ],
)
def test_a_misspelt_key_is_named(module: str, key: str, meant: str) -> None:
    flow = node(module, {key: 1})
    assert ("RC110", f"$.data.{key}") in found(flow)
    assert message(flow, "RC110").endswith(f"Did you mean {meant}?")


def test_a_key_of_the_other_version_has_its_own_words() -> None:
    flow = node("webhook", {"uri": "https://a.example.net/", "custom_request_headers": {}})
    assert [] == found(flow, 5)
    assert [("RC111", "$.data.custom_request_headers")] == found(flow, 4)
    assert "Only version 5" in message(flow, "RC111", 4)


def test_missing_pivot_keys_are_one_finding() -> None:
    flow = node("pivot", {"voice_url": "https://app.example.net/voice?s=1"}, _=USER)
    assert [("RC130", "$.data")] == found(flow)
    assert "method and req_body_format" in message(flow, "RC130")


@pytest.mark.parametrize("key", ["ORIGINATOR_CANCEL", "sip:487", "NORMAL_CLEARING"])
def test_version_4_takes_the_keys_at_which_version_5_stops(key: str) -> None:
    flow = node("resources", {"to_did": "+15551234567"}, **{key: HANGUP})
    assert [] == found(flow, 4)
    assert {("RC120", node_path(key)), ("RC123", "$")} == set(found(flow, 5))


def node_path(key: str) -> str:
    return f'$.children["{key}"]' if ":" in key else f"$.children.{key}"


def test_a_long_sleep_in_milliseconds_is_not_told_to_use_them() -> None:
    flow = node("sleep", {"duration": 4_000_000, "unit": "ms"}, _=USER)
    assert [("RC147", "$.data.duration")] == found(flow)
    assert message(flow, "RC147").endswith("Give a shorter time.")


@pytest.mark.parametrize("name", SPECS)
def test_what_a_builder_demands_is_missed_in_a_hand_made_node(name: str) -> None:
    node_class = SPECS[name].node
    defaults = node_class.__struct_defaults__
    demanded = node_class.__struct_fields__[: -len(defaults)]
    flow = node(name, {}, _=HANGUP)
    errors, warnings = judge(flow, 5), lint(Reading(flow), 5)
    about = {"RC107", "RC113", "RC147", "RC151", "RC155", "RC161"}
    assert not demanded or errors or about & {warning.code for warning in warnings}


def test_every_required_key_with_a_default_is_told_when_it_is_absent() -> None:
    filled = {
        name
        for name, spec in SPECS.items()
        for platform in PLATFORMS
        if set(spec.schema(platform).get("required", ())) & set(spec.defaults(platform))
    }
    told = {name for name in SPECS if "RC107" in {c for c, _ in found(node(name, {}), 4)}}
    assert filled == told


def test_what_hangs_on_the_default_of_a_call_out_is_named_with_the_keys_to_use() -> None:
    box = node("voicemail", {"id": ID})
    words = message(node("resources", {"to_did": "+15551234567"}, _=box), "RC122")
    assert '"voicemail" is not reached' in words
    assert "NO_ANSWER, USER_BUSY" in words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("4711", "looks like an extension"),
        ("0049 30 1234567", "is not in E.164"),
        ("tel:+49301234567", "is not in E.164"),
        ("+49", "length"),
        ("+1555123", "length"),
        ("+" + "1" * 400, "length"),
        ("+999301234567", "length"),
    ],
)
def test_a_number_that_is_not_e164_is_explained(number: str, words: str) -> None:
    flow = node("resources", {"to_did": number}, USER_BUSY=HANGUP)
    assert [("RC150", "$.data.to_did")] == found(flow)
    assert words in message(flow, "RC150")


def test_only_the_second_of_three_prompts_is_reported() -> None:
    flow = tts("One.", tts("Two.", tts("Three.", question())))
    assert [("RC141", "$.children._")] == found(flow)
    assert message(flow, "RC141").startswith("3 prompts")


def test_nodes_of_a_flow_inside_data_are_checked() -> None:
    inner = node("user", {"id": ID, "Timeout": 3})
    assert [("RC110", "$.data.flow.data.Timeout")] == found(node("callflow", {"flow": inner}))


def test_what_reading_noticed_is_reported_where_it_stands() -> None:
    reading = Reading(tts("Hi.", HANGUP), ("$.data.text",), ("$.children._",))
    noticed = [(warning.code, warning.path) for warning in lint(reading, 5)]
    assert [("RC101", "$.data.text"), ("RC102", "$.children._")] == noticed
