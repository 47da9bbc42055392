"""The end of a call means the same in every dialect it is told in, and nothing of it is lost."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.errors import PeerError
from reception.wire import LegReport, parse_report, parse_report_query, render_form

WEBHOOK: dict[str, Any] = {
    "account_id": "0123456789abcdef0123456789abcdef",
    "call_id": "a@192.0.2.5",
    "other_leg_call_id": "b",
    "call_direction": "outbound",
    "call_forwarded": False,
    "is_internal_leg": True,
    "caller_id_name": "Zoë",
    "from": "1001@hotel.example",
    "custom_application_vars": {"room": "101"},
    "timestamp": 63961000000,
    "hook_event": "channel_destroy",
    "hangup_cause": "NORMAL_CLEARING",
    "hangup_code": "sip:200",
    "duration_seconds": 95,
    "ringing_seconds": 4,
    "billing_seconds": 88,
    "cluster_id": "c1",
}
AT = datetime(2026, 11, 4, 8, 26, 40, tzinfo=UTC)


def as_json(fields: Any) -> LegReport:
    return parse_report(json.dumps(fields).encode(), "application/json")


def refusal(body: bytes, content_type: str | None = None) -> str:
    with pytest.raises(PeerError) as caught:
        parse_report(body, content_type)
    return caught.value.code


def test_a_webhook_is_read() -> None:
    report = as_json(WEBHOOK)
    assert ("webhook", "destroy", "a@192.0.2.5", "b") == (
        report.sender,
        report.event,
        report.call_id,
        report.other_leg_call_id,
    )
    assert (95, 4, 88, AT) == (report.duration_s, report.ringing_s, report.billing_s, report.at)
    assert (False, True) == (report.call_forwarded, report.is_internal_leg)
    assert ({"room": "101"}, {"cluster_id": "c1"}) == (report.custom_application_vars, report.extra)


def test_form_and_json_say_the_same() -> None:
    assert as_json(WEBHOOK) == parse_report(render_form(WEBHOOK))


def test_a_hook_of_version_2_says_what_its_data_says() -> None:
    data = {key: value for key, value in WEBHOOK.items() if key != "hook_event"}
    envelope = {
        "action": "event",
        "name": "CHANNEL_DESTROY",
        "data": data | {"timestamp": None},
        "timestamp": 63961000000,
        "hmac": "x",
        "billing_seconds": 9999,
    }
    report = as_json(envelope)
    assert ("webhook_v2", "destroy", 88, AT) == (
        report.sender,
        report.event,
        report.billing_s,
        report.at,
    )


def test_what_stands_beside_the_data_is_kept_and_replaces_nothing() -> None:
    envelope = {"action": "event", "name": "CHANNEL_DESTROY", "data": WEBHOOK, "appid": "acme"}
    assert {"appid": "acme", "cluster_id": "c1", "hook_event": "channel_destroy"} == as_json(
        envelope
    ).extra


def test_a_cdr_url_is_read_without_a_call_id() -> None:
    report = parse_report(
        b"Timestamp=63961000000&Event-Timestamp=1793780800123456&"
        b"Channel-Created-Time=1793780705123456&From-Uri=x&Other-Leg[Call-ID]=b&"
        b"Call-Interaction[Id]=63961000000-0a&Billing-Seconds=88&Billing-Milli-Seconds=88120&"
        b"Hangup-Cause=NORMAL_CLEARING&Custom-Application-Vars[room]=101&&From=1001@h"
    )
    assert ("cdr_url", "destroy", None, "b") == (
        report.sender,
        report.event,
        report.call_id,
        report.other_leg_call_id,
    )
    assert (88, 88120, "63961000000-0a") == (
        report.billing_s,
        report.billing_ms,
        report.interaction_id,
    )
    assert AT.replace(microsecond=123456) == report.at
    assert datetime(2026, 11, 4, 8, 25, 5, 123456, tzinfo=UTC) == report.created_at
    assert "x" == report.extra["From-Uri"]


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        ("channel_create", "create"),
        ("channel_answer", "answer"),
        ("channel_bridge", "bridge"),
        ("CHANNEL_DESTROY", "destroy"),
        ("cdr", "cdr"),
        ("parking", "parking"),
    ],
)
def test_every_event_has_its_word(sent: str, event: str) -> None:
    assert event == as_json(WEBHOOK | {"hook_event": sent}).event


@pytest.mark.parametrize("value", ["-1", "x", [1], 1.5, True, "1" * 19])
def test_a_duration_that_is_none_is_kept_and_not_guessed(value: Any) -> None:
    report = as_json(WEBHOOK | {"billing_seconds": value})
    assert (None, value) == (report.billing_s, report.extra["billing_seconds"])


@pytest.mark.parametrize("value", ["88", 88.0, "88.0"])
def test_a_duration_may_be_written_in_other_ways(value: Any) -> None:
    assert 88 == as_json(WEBHOOK | {"billing_seconds": value}).billing_s


def test_the_first_of_two_spellings_counts_and_the_other_is_kept() -> None:
    report = as_json({"Call-ID": "a", "call_id": "b", "Hangup-Cause": "X"})
    assert ("a", {"call_id": "b"}) == (report.call_id, report.extra)


def test_a_long_description_of_media_costs_no_report() -> None:
    body = render_form({"Remote-SDP": "v=0\r\n" * 4000, "Billing-Seconds": 5})
    assert 5 == parse_report(body).billing_s


def test_a_get_begins_behind_the_second_question_mark() -> None:
    query = b"APPID=acme&key=s?" + render_form(WEBHOOK)
    assert as_json(WEBHOOK) == parse_report_query(query)
    plain = b"APPID=acme&" + render_form(WEBHOOK)
    assert as_json(WEBHOOK) == parse_report_query(plain, exclude=frozenset({"APPID"}))


def test_a_loopback_leg_is_known() -> None:
    assert as_json(WEBHOOK).is_loopback
    assert as_json({"Channel-Name": "loopback/1001-a", "Hangup-Cause": "X"}).is_loopback
    assert not as_json({"Channel-Name": "sofia/x", "Hangup-Cause": "X"}).is_loopback


def test_what_is_no_report_is_refused_in_words_of_reports() -> None:
    assert "report.empty" == refusal(b"")
    assert "report.not_form" == refusal(b"hello")
    assert "report.not_json" == refusal(b"{")
    assert "report.not_object" == refusal(b"[1]")
    assert "report.not_json" == refusal(b"hello", "application/json")
    assert "report.too_large" == refusal(b"a=" + b"x" * 70_000)
    assert "report.value_too_long" == refusal(b"a=" + b"x" * 5_000)
    assert "report.too_deep" == refusal(b'{"a":' * 100 + b"1" + b"}" * 100)
    with pytest.raises(PeerError):
        parse_report_query(b"APPID=x?")


@given(st.binary(max_size=300), st.sampled_from([None, "application/json", "x"]))
def test_no_bytes_are_answered_with_another_error(body: bytes, content_type: str | None) -> None:
    with suppress(PeerError):
        parse_report(body, content_type)
    with suppress(PeerError):
        parse_report_query(body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*WEBHOOK, "data", "name", "action", "Call-ID"]), values))
def test_no_object_is_answered_with_another_error(fields: dict[str, Any]) -> None:
    report = as_json(fields | {"hook_event": "channel_destroy"})
    assert report.event in ("destroy", "unknown", str(fields.get("name")).lower()) or report.event


@pytest.mark.needs_shared
def test_recorded_reports_are_read(shared: Path) -> None:
    contract = shared / "contract"
    bodies = [*contract.glob("wire/cdr/*.body"), *contract.glob("wire/webhook_form/*.body")]
    read = 0
    for path in bodies:
        if not (body := path.read_bytes()):
            continue  # a post of an event of which nothing was left
        report = parse_report(body, "application/x-www-form-urlencoded")
        read += 1
        assert (path.parent.name == "cdr") == (report.sender == "cdr_url"), path.name
        if report.event == "destroy" and path.name != "25.body":
            assert report.hangup_cause, path.name
    assert read >= 25
    samples = {
        path.name: parse_report(path.read_bytes())
        for path in (contract / "hangup_samples").iterdir()
    }
    assert {88, 61, 0, None} == {report.billing_s for report in samples.values()}
    assert samples["webhook_v1_A.form"] == samples["webhook_v1_A_duplicate.form"]
    first, second = samples["webhook_v1_A.form"], samples["webhook_v1_A.json"]
    assert first == second
