"""What the verdict says in the cases that a schema alone does not settle."""

from __future__ import annotations

import copy
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from unittest import mock

import pytest

from reception.callflow import CallerId, Flow, flow, validate, verdict
from reception.callflow.verdict import MAX_FINDINGS


def found(tree: Any, platform: Any = 5) -> list[tuple[str, str]]:
    return [(rejection.path, rejection.rule) for rejection in verdict(tree, platform)]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({}, [("$", "required")]),
        ({"flow": {"module": "hangup"}}, [("$", "required")]),
        ({"data": {"module": "hangup"}}, [("$.module", "required")]),
        ({"module": "hangup", "children": {"_": {}}}, [("$.children._", "required")]),
        ({"module": None}, [("$.module", "type")]),
        ({"module": ["play"]}, [("$.module", "type")]),
        ({"module": ""}, [("$.module", "minLength"), ("$.module", "unknown_module")]),
        ({"module": "x" * 65}, [("$.module", "maxLength"), ("$.module", "unknown_module")]),
        ({"module": "play", "data": None}, [("$.data", "type")]),
        ({"module": "nope", "data": []}, [("$.module", "unknown_module"), ("$.data", "type")]),
        ({"module": "hangup", "children": None}, [("$.children", "type")]),
    ],
)
def test_a_malformed_node_is_reported_where_it_is_malformed(
    tree: Any, expected: list[tuple[str, str]]
) -> None:
    assert expected == found(tree)


def test_every_fault_of_a_tree_is_reported_in_document_order() -> None:
    tree = {
        "module": "play",
        "data": {"id": 5, "loop_count": 0},
        "children": {
            "1": {"module": "tts"},
            "sip:486": {"module": "voicemail", "data": {"id": "short", "action": "eat"}},
        },
    }

    assert [
        ("$.data.id", "type"),
        ("$.data.loop_count", "minimum"),
        ('$.children["1"].data', "required"),
        ('$.children["sip:486"].data.id', "minLength"),
        ('$.children["sip:486"].data.action', "enum"),
    ] == found(tree)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_no_value_is_converted(value: object) -> None:
    tree = {"module": "collect_dtmf", "data": {"max_digits": value}}

    assert [("$.data.max_digits", "type")] == found(tree)


def test_defaults_answer_for_required_keys() -> None:
    accepted = ["response", "record_call", "set_variables", "lookupcidname", "group_pickup_feature"]

    assert [] == [name for name in accepted if found({"module": name})]


def test_a_default_inside_one_form_of_a_value_does_not_answer() -> None:
    assert [("$.data", "required")] == found({"module": "branch_variable"}, 5)
    assert [] == found({"module": "branch_variable"}, 4)


def test_a_default_that_breaks_its_own_rule_is_a_fault() -> None:
    assert [("$.data.macros", "minItems")] == found({"module": "audio_macro"})


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        ("https://app.example.com/voice?APPID=a b", []),
        ("http://10.0.0.1/", []),
        ("http://127.0.0.2/", []),
        ("http://[::1]/", []),
        ("http://localhost.example.com/", []),
        ("http://localhost/", ["client_url"]),
        ("http://LOCALHOST:8080/x", ["client_url"]),
        # The platform takes what stands before the first colon for the host.
        ("https://key:secret@127.0.0.1/x", []),
        ("https://localhost:secret@app.example.com/x", ["client_url"]),
        # It wants a colon behind a user, else its validator ends.
        ("https://key@app.example.com/x", ["client_url"]),
        ("https://key@app.example.com:443/x", []),
        ("https://key@secret:LOCALHOST/x", ["client_url"]),
        ("https://app.example.com/x@y", []),
        ("http://0.0.0.0?x=1", ["client_url"]),
        ("HTTPS://app.example.com/", ["pattern", "client_url"]),
        ("ftp://example.com/", ["pattern", "client_url"]),
        ("", ["minLength", "pattern", "client_url"]),
    ],
)
def test_the_platforms_client_is_sent_only_where_it_may_go(url: str, rules: list[str]) -> None:
    expected = [("$.data.voice_url", rule) for rule in rules]

    assert expected == found({"module": "pivot", "data": {"voice_url": url}})


def test_a_url_is_taken_apart_as_by_the_platform_where_no_pattern_helps() -> None:
    def of(uri: str) -> list[str]:
        return [rule for _, rule in found({"module": "webhook", "data": {"uri": uri}})]

    assert [] == of("http:app.example.com")
    assert [] == of("https:/app")
    assert ["client_url"] == of("Http://app.example.com")
    assert ["client_url"] == of("app.example.com/http://")


def test_a_cdr_url_may_be_local() -> None:
    data = {"voice_url": "https://a.example/", "cdr_url": "http://localhost/cdr"}

    assert [] == found({"module": "pivot", "data": data})


@pytest.mark.parametrize(
    ("module", "key"),
    [("webhook", "uri"), ("record_call", "url"), ("record_caller", "url")],
)
def test_every_url_that_the_platform_calls_is_checked(module: str, key: str) -> None:
    path = f"$.data.{key}"

    assert [(path, "client_url")] == found({"module": module, "data": {key: "http://localhost/"}})
    assert [(path, "client_url")] == found({"module": module, "data": {key: "ftp://a.example"}})


def test_a_flow_inside_a_callflow_node_is_a_flow_on_version_5_only() -> None:
    inner = {"module": "play", "children": {"_": {"module": "tones", "data": {"tones": 1}}}}
    tree = {"module": "callflow", "data": {"flow": inner}}

    assert [("$.data.flow.children._.data.tones", "type")] == found(tree, 5)
    assert [] == found(tree, 4)


def test_a_version_4_alert_wants_a_mail_address_even_of_a_user() -> None:
    tree = {"module": "missed_call_alert", "data": {"recipients": [{"type": "user", "id": "u"}]}}

    assert [("$.data.recipients[0].id", "oneOf")] == found(tree, 4)
    assert [] == found(tree, 5)


def test_what_is_no_object_is_one_fault_also_where_data_is_a_node() -> None:
    assert [("$.data", "type")] == found({"module": "action", "data": 5})
    assert [("$.data.module", "unknown_module")] == found(
        {"module": "action", "data": {"module": "nope"}}
    )


def test_long_keys_do_not_multiply_the_text() -> None:
    wide: dict[str, Any] = {str(number): {} for number in range(900)}
    tree = {"module": "noop", "children": {"k" * 500_000: {"module": "noop", "children": wide}}}

    assert 0 < sum(len(rejection.path) for rejection in verdict(tree)) < 3_000_000


def test_a_child_without_a_name_is_not_looked_at() -> None:
    assert [] == found({"module": "play", "children": {"": 5, "\n": None}})


def test_a_deep_flow_is_judged_to_its_end() -> None:
    tree: dict[str, Any] = {"module": "nope"}
    for _ in range(5000):
        tree = {"module": "noop", "children": {"_": tree}}

    rejections = verdict(tree)

    assert ["unknown_module"] == [rejection.rule for rejection in rejections]
    assert 5000 == rejections[0].path.count("children")


def test_findings_have_an_end() -> None:
    tree = {"module": "noop", "children": {str(n): {} for n in range(5000)}}

    assert MAX_FINDINGS == len(verdict(tree))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"module": "Play"}, 'Did you mean "play"?'),
        ({"module": "cf_tts"}, 'Did you mean "tts"?'),
        ({"module": "voicemial"}, 'Did you mean "voicemail"?'),
        ({"module": "user", "data": {"timeout": "20"}}, 'a whole number, not the text "20"'),
        ({"module": "language", "data": {"language": "german"}}, 'such as "de" or "de-DE"'),
        ({"module": "sleep", "data": {"unit": "d"}}, '"ms", "s", "m" or "h"'),
        ({"module": "voicemail", "data": {"id": "x"}}, "exactly 32 characters; it has 1"),
        ({"module": "ring_group", "data": {}}, '"endpoints" or "group_id"'),
        (
            {"module": "pivot", "data": {"voice_url": "http://localhost/"}},
            "refuses to call localhost",
        ),
        ({"module": "audio_macro", "data": {"macros": [{"macro": "tts"}]}}, 'As "tts"'),
        (
            {"module": "resources", "data": {"custom_sip_headers": {"in": {"X A": "x"}}}},
            '"X A" is not allowed. (At .in["X A"].)',
        ),
        (
            {"module": "webhook", "data": {"uri": "http://key@a.example/"}},
            "user:password@host",
        ),
    ],
)
def test_a_rejection_says_what_to_write_instead(tree: Any, words: str) -> None:
    assert words in " ".join(rejection.message for rejection in verdict(tree))


def test_the_version_that_has_a_module_is_named() -> None:
    (rejection,) = verdict({"module": "tones"}, 4)

    assert 'Only version 5 of the platform has the module "tones".' == rejection.message


def test_a_long_text_is_not_repeated() -> None:
    secret = "secret " * 10
    tree = {"module": "user", "data": {"timeout": secret, "strategy": secret}}

    assert not [rejection for rejection in verdict(tree) if "secret" in rejection.message]


def test_what_json_cannot_say_is_rejected_by_its_path() -> None:
    assert [("$.data.x[1]", "json")] == found({"module": "play", "data": {"x": [1, float("nan")]}})
    assert [("$.data", "json")] == found({"module": "play", "data": {1: 2}})
    assert [("$.data.text", "json")] == found({"module": "tts", "data": {"text": "\ud800"}})
    circle: dict[str, Any] = {"module": "play"}
    circle["children"] = {"_": circle}
    assert [("$.children._", "json")] == found(circle)


@pytest.mark.parametrize("value", [mock.MagicMock(), CallerId, Flow, {1}, b"x", object()])
def test_nothing_in_python_makes_checking_raise_or_run_for_ever(value: Any) -> None:
    assert [("$.data.x", "json")] == found({"module": "play", "data": {"x": value}})
    assert [("$", "json")] == found(value) or isinstance(value, bytes)


def test_a_value_of_another_class_is_judged_like_the_plain_one() -> None:
    class Text(str):
        __slots__ = ()

    made = MappingProxyType({Text("module"): Text("user"), "data": {"timeout": HTTPStatus.OK}})

    assert [] == found(made)
    assert [("$.data.timeout", "type")] == found(
        MappingProxyType({**made, "data": {"timeout": "1"}})
    )


def test_checking_leaves_a_mapping_as_it_is() -> None:
    tree = {"module": "pivot", "data": {"voice_url": "https://a.example/"}, "children": {}}
    before = copy.deepcopy(tree)

    validate(tree)

    assert before == tree


def test_a_flow_keeps_its_verdict() -> None:
    here = flow.pivot(url="http://localhost/voice")

    assert () == verdict(flow.answer(), 4)
    assert [("$.data.voice_url", "client_url")] == found(here)
    assert [("$.module", "unknown_module")] == found(flow.tones([]), 4)


def test_validate_joins_errors_and_warnings() -> None:
    findings = validate({"module": "device", "data": {"timeout": "x"}})

    assert not findings.valid
    assert ["type"] == [error.rule for error in findings.errors]
    assert findings.warnings
