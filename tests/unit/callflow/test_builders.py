"""What the builders send, field by field, and what they refuse."""

from __future__ import annotations

import inspect
from http import HTTPStatus
from typing import Any
from unittest import mock

import pytest

from reception.callflow import (
    SPECS,
    AlertRecipient,
    CallerId,
    ConferenceConfig,
    ConferenceProfile,
    Endpoint,
    ExternalCallerId,
    Flow,
    MacroPlay,
    MacroTts,
    Recipient,
    Serverless,
    Tone,
    flow,
)
from reception.errors import AppError

BOX = "b" * 32


def data(made: Flow) -> dict[str, Any]:
    sent: dict[str, Any] = made.to_dict()["data"]
    return sent


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (flow.user("u", timeout=20), {"id": "u", "timeout": 20}),
        (flow.user("u", timeout=None), {"id": "u"}),
        (flow.device("d"), {"id": "d", "timeout": 20}),
        (flow.device("d", timeout=0), {"id": "d", "timeout": 0}),
        (flow.voicemail(BOX), {"id": BOX}),
        (flow.play("http://a.example/x.wav"), {"id": "http://a.example/x.wav"}),
        (
            flow.play("x", answer=False, terminators=[]),
            {"id": "x", "answer": False, "terminators": []},
        ),
        (flow.tts("Hello"), {"text": "Hello"}),
        (flow.resources("+15551234567", timeout=60), {"to_did": "+15551234567", "timeout": 60}),
        (flow.menu("m"), {"id": "m"}),
        (flow.sleep(3), {"duration": 3, "unit": "s"}),
        (flow.response(404, message="no"), {"code": 404, "message": "no"}),
        (flow.response(HTTPStatus.NOT_FOUND), {"code": 404}),
        (flow.response(), {"code": 486}),
        (flow.language("de-de"), {"language": "de-de"}),
        (
            flow.set_cid(name="VIP", number="+1"),
            {"caller_id_name": "VIP", "caller_id_number": "+1"},
        ),
        (flow.set_variables({"room": "0101"}), {"custom_application_vars": {"room": "0101"}}),
        (flow.set({"skill": 3}, skip_module=False), {"skill": 3, "skip_module": False}),
        (flow.after_bridge("transfer", data="101"), {"action": "transfer", "data": "101"}),
        (flow.hangup(skip_module=True), {"skip_module": True}),
        (flow.record_call(), {"action": "start"}),
        (flow.webhook("https://a.example/"), {"uri": "https://a.example/", "http_verb": "post"}),
        (
            flow.pivot(url="https://a.example/voice"),
            {
                "voice_url": "https://a.example/voice",
                "method": "post",
                "req_format": "kazoo",
                "req_body_format": "json",
                "req_timeout_ms": 4000,
            },
        ),
        (
            flow.collect_dtmf(4, collection_name="pin"),
            {
                "collection_name": "pin",
                "max_digits": 4,
                "terminator": "#",
                "timeout": 5000,
                "interdigit_timeout": 2000,
            },
        ),
    ],
)
def test_a_builder_sends_what_was_said_and_what_must_not_be_forgotten(
    made: Flow, expected: dict[str, Any]
) -> None:
    assert expected == data(made)


@pytest.mark.parametrize(
    ("made", "key", "expected"),
    [
        (
            flow.ring_group(
                [Endpoint("u", "user", timeout=5), {"id": "g", "endpoint_type": "group"}]
            ),
            "endpoints",
            [
                {"id": "u", "endpoint_type": "user", "timeout": 5},
                {"id": "g", "endpoint_type": "group"},
            ],
        ),
        (
            flow.page_group((Endpoint("d", "device"),)),
            "endpoints",
            [{"id": "d", "endpoint_type": "device"}],
        ),
        (
            flow.tones([Tone([440], 100, 50)]),
            "tones",
            [{"frequencies": [440], "duration_on": 100, "duration_off": 50}],
        ),
        (
            flow.audio_macro(
                [MacroPlay("x"), MacroTts("hi", voice="male"), {"macro": "say", "text": "1"}]
            ),
            "macros",
            [
                {"macro": "play", "id": "x"},
                {"macro": "tts", "text": "hi", "voice": "male"},
                {"macro": "say", "text": "1"},
            ],
        ),
        (
            flow.notification([Recipient("email", "a@b")]),
            "recipients",
            [{"type": "email", "id": "a@b"}],
        ),
        (
            flow.missed_call_alert([AlertRecipient("email", ["a@b", "c@d"])]),
            "recipients",
            [{"type": "email", "id": ["a@b", "c@d"]}],
        ),
        (
            flow.conference(
                config=ConferenceConfig("Lobby", profile=ConferenceProfile(moh_sound="x"))
            ),
            "config",
            {"name": "Lobby", "profile": {"moh-sound": "x"}},
        ),
        (
            flow.check_cid(caller_id=ExternalCallerId(CallerId("+1"))),
            "caller_id",
            {"external": {"number": "+1"}},
        ),
        (
            flow.pivot(serverless=Serverless("<Response/>", "text/xml")),
            "serverless",
            {"flow_doc": "<Response/>", "flow_type": "text/xml"},
        ),
        (
            flow.callflow(flow=flow.answer().then(flow.hangup())),
            "flow",
            flow.answer().then(flow.hangup()).to_dict(),
        ),
    ],
)
def test_parts_and_mappings_serve_alike(made: Flow, key: str, expected: object) -> None:
    assert {
        expected_key: value for expected_key, value in data(made).items() if expected_key == key
    } == {key: expected}


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: flow.user("u", timeout="20"), r"\$\.data\.timeout: .*whole number"),  # type: ignore[arg-type]  # the mistake tried
        (lambda: flow.user(None), r"\$\.data\.id: This must be text, not null"),  # type: ignore[arg-type]  # the mistake tried
        (lambda: flow.voicemail("short"), r"\$\.data\.id: .*exactly 32"),
        (lambda: flow.collect_dtmf(0), r"\$\.data\.max_digits: .*at least 1"),
        (lambda: flow.ring_group([]), r"\$\.data\.endpoints: .*at least 1 item"),
        (flow.ring_group, r"\$\.data: "),
        (lambda: flow.pivot(url="ftp://a.example"), r"\$\.data\.voice_url"),
        (flow.pivot, r"\$\.data: "),
        (lambda: flow.language("english"), r"\$\.data\.language: .*pattern"),
        (lambda: flow.sleep(1.5), r"\$\.data\.duration: .*whole number"),  # type: ignore[arg-type]  # the mistake tried
        (lambda: flow.sleep(True), r"\$\.data\.duration: .*whole number"),
        (lambda: flow.tts("x" * 1001), r"\$\.data\.text: .*at most 1000"),
        (lambda: flow.tts("\ud800"), r"\$\.data\.text: .*surrogate"),
        (
            lambda: flow.set_variables({"a": float("inf")}),
            r"custom_application_vars\.a: .*infinity",
        ),
        (
            lambda: flow.set_variables({"a": object()}),
            r"custom_application_vars\.a: .*Python object",
        ),
        (lambda: flow.set_variables({1: 2}), r"A key must be text"),  # type: ignore[dict-item]  # the mistake tried
        (lambda: flow.set_variables({"a": 10**5000}), r"too long"),
    ],
)
def test_what_no_version_accepts_fails_where_it_is_built(build: Any, words: str) -> None:
    with pytest.raises(AppError, match=words) as caught:
        build()
    assert "flow.rejected" == caught.value.code


def test_every_finding_is_in_the_text() -> None:
    with pytest.raises(AppError) as caught:
        flow.user(5, timeout="x", strategy="fork")  # type: ignore[arg-type]  # the mistakes tried  # the mistakes tried
    assert ["$.data.id:", "$.data.timeout:", "$.data.strategy:"] == [
        line.split()[0] for line in str(caught.value).splitlines()[1:]
    ]


def test_unknown_and_missing_arguments_fail_as_in_any_function() -> None:
    with pytest.raises(TypeError, match="Missing required argument 'id'"):
        flow.user()  # type: ignore[call-arg]  # the mistake tried
    with pytest.raises(TypeError, match="Unexpected keyword argument 'timeuot'"):
        flow.user("u", timeuot=3)  # type: ignore[call-arg]  # the mistake tried


@pytest.mark.parametrize("name", SPECS)
def test_a_builder_shows_its_signature_and_its_documentation(name: str) -> None:
    builder = getattr(flow, name)
    documentation = inspect.getdoc(builder) or ""

    assert "skip_module" in inspect.signature(builder).parameters
    assert "Source:" in documentation
    assert ("Version 5 only." in documentation) == (SPECS[name].versions == {5})
    assert "hildren" in documentation or "as in `" in documentation or "as there" in documentation


@pytest.mark.parametrize(
    ("module", "taken", "refused"),
    [
        ("play", ["_"], ["1", "timeout"]),
        ("menu", ["_", "1", "42", "*9", "timeout", "max_retries"], ["nomatch", ""]),
        ("user", ["_", "USER_BUSY", "sip:486", "NOT_FOUND"], ["1", "sip:9", "user_busy"]),
        ("resources", ["NO_ANSWER", "sip:503"], ["_", "1"]),
        ("hangup", [], ["_", "1"]),
        ("check_cid", ["match", "nomatch", "+15551234567", "_"], []),
        ("cidlistmatch", ["match", "nomatch", "_"], ["1"]),
        ("fax_detect", ["ON_FAX", "ON_VOICE", "_"], ["on_fax"]),
        ("temporal_route", ["rule_set", "0123456789abcdef", "_"], []),
    ],
)
def test_a_module_takes_its_keys(module: str, taken: list[str], refused: list[str]) -> None:
    assert [] == [key for key in taken if not SPECS[module].takes(key)]
    assert [] == [key for key in refused if SPECS[module].takes(key)]


def test_what_answers_and_what_ends_is_known() -> None:
    assert {"answer", "play", "tts", "collect_dtmf", "menu", "group", "voicemail"} <= {
        name for name, spec in SPECS.items() if spec.answers
    }
    assert not SPECS["user"].answers
    assert "on success" == SPECS["user"].ends
    assert "always" == SPECS["hangup"].ends
    assert "never" == SPECS["play"].ends
    assert all(not spec.takes("_") for spec in SPECS.values() if spec.ends == "always")


@pytest.mark.parametrize(
    ("module", "given", "path", "words"),
    [
        ("play", {"id": "x", "terminators": {"1"}}, "$.data.terminators:", "a Python set"),
        ("play", {"id": "x", "terminators": ["1", b"2"]}, "$.data.terminators[1]:", "bytes"),
        ("pivot", {"serverless": {"X-A": {1}}}, '$.data.serverless["X-A"]:', "a Python set"),
        ("set_cid", {"name": mock.MagicMock()}, "$.data.caller_id_name:", "MagicMock"),
        ("check_cid", {"caller_id": CallerId}, "$.data.caller_id:", "the Python class CallerId"),
        ("set", {"values": "skill"}, "$.data:", "a mapping of keys to values"),
    ],
)
def test_a_value_that_cannot_be_sent_is_named_by_its_place(
    module: str, given: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(AppError) as caught:
        getattr(flow, module)(**given)

    assert f"  {path}" in str(caught.value)
    assert words in str(caught.value)
