"""What each key means, in whatever shape and spelling it comes."""

from __future__ import annotations

from typing import Any

import pytest

from reception.wire import Digits, PivotRequest, parse_pivot
from tests.unit.wire.sending import FIRST, FORM, JSON, from_form, from_json

# --- attributes -----------------------------------------------------------------------------------


def test_every_key_has_its_attribute() -> None:
    fields = FIRST | {
        "Call-Status": "in-progress",
        "User-ID": "u1",
        "Digits": {"default": "412"},
        "Custom-SIP-Headers": {"X-Room": "412"},
        "Custom-Application-Vars": {"room": "412", "vip": True, "n": [1, {"a": None}]},
        "Recording-Url": "https://rec.example/1",
        "Recording-Duration": 42,
        "Recording-ID": "rec-1",
        "Transcription-ID": "tr-1",
        "Transcription-Text": "check out",
        "Transcription-Status": "completed",
        "Transcription-Url": "https://rec.example/2",
        "DialCallStatus": "busy",
        "DialCallSid": "b@leg",
        "DialCallDuration": 0,
        "QueueSid": "q1",
        "X-Of-Mine": {"kept": 1},
    }

    assert PivotRequest(
        call_id="1f3c@192.0.2.5",
        account_id="0123456789abcdef0123456789abcdef",
        api_version="4.x",
        direction="inbound",
        from_="1001",
        from_realm="c.example",
        to="2000",
        to_realm="hotel.example",
        request="+18005551212",
        request_realm="hotel.example",
        caller_id_name="Zoë & Co",
        caller_id_number="+15551234567",
        call_status="in-progress",
        user_id=("u1",),
        language="en-us",
        digits=Digits({"default": "412"}),
        custom_application_vars={"room": "412", "vip": True, "n": [1, {"a": None}]},
        custom_sip_headers={"X-Room": "412"},
        recording_url="https://rec.example/1",
        recording_duration=42,
        recording_id="rec-1",
        transcription_id="tr-1",
        transcription_text="check out",
        transcription_status="completed",
        transcription_url="https://rec.example/2",
        dial_call_status="busy",
        dial_call_sid="b@leg",
        dial_call_duration=0,
        queue_sid="q1",
        extra={"X-Of-Mine": {"kept": 1}},
    ) == from_json(fields)


@pytest.mark.parametrize(
    ("key", "attribute", "value"),
    [
        ("CallSid", "call_id", "a@b"),
        ("AccountSid", "account_id", "a"),
        ("ApiVersion", "api_version", "2010-04-01"),
        ("FromRealm", "from_realm", "r"),
        ("ToRealm", "to_realm", "r"),
        ("CallerName", "caller_id_name", "Alice"),
        ("CallerNumber", "caller_id_number", "+15551234567"),
        ("CallStatus", "call_status", "in-progress"),
        ("RecordingUrl", "recording_url", "https://rec.example/1"),
        ("RecordingDuration", "recording_duration", 42),
        ("RecordingSid", "recording_id", "rec-1"),
        ("TranscriptionSid", "transcription_id", "tr-1"),
    ],
)
def test_other_spellings_mean_the_same(key: str, attribute: str, value: Any) -> None:
    assert value == getattr(from_json({key: value}), attribute)
    assert value == getattr(from_form({key: value}), attribute)
    assert {} == from_form({key: value}).extra


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_spellings_the_dashed_one_wins(order: int) -> None:
    pairs = [("Recording-Url", "a"), ("RecordingUrl", "b")][::order]

    assert PivotRequest(recording_url="a", extra={"RecordingUrl": "b"}) == from_json(dict(pairs))


def test_two_spellings_that_agree_leave_nothing_over() -> None:
    fields = {"Recording-Duration": 42, "RecordingDuration": "42", "CallSid": "a", "Call-ID": "a"}

    assert PivotRequest(call_id="a", recording_duration=42) == from_json(fields)


def test_another_spelling_stands_in_for_a_value_that_cannot_be_read() -> None:
    fields = {"Recording-Duration": "long", "RecordingDuration": 42, "From": None, "To": {"a": 1}}

    assert PivotRequest(
        recording_duration=42, extra={"Recording-Duration": "long", "To": {"a": 1}}
    ) == from_json(fields)


@pytest.mark.parametrize(
    ("value", "owners"),
    [("u1", ("u1",)), (["u1", "u2"], ("u1", "u2")), ([], ()), ("", ()), ([""], ()), (7, ("7",))],
)
def test_user_id_is_always_a_tuple(value: Any, owners: tuple[str, ...]) -> None:
    assert owners == from_json({"User-ID": value, "To": "1"}).user_id
    assert owners == from_form({"User-ID": value, "To": "1"}).user_id
    assert () == from_json({"To": "1"}).user_id


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        ({"default": "412", "wake[up]": "0630"}, Digits({"default": "412", "wake[up]": "0630"})),
        ({}, Digits()),
        ("0630", Digits({"default": "0630"}, "0630")),
        ("timeout", Digits({}, "timeout")),
        ("", Digits({}, "")),
        (412, Digits({"default": "412"}, "412")),
        ({"default": 412, "": "9"}, Digits({"default": "412", "": "9"})),
        ({"": "9"}, Digits({"": "9"})),
    ],
)
def test_digits_are_read_in_every_shape(value: Any, digits: Digits) -> None:
    assert digits == from_json({"Digits": value, "To": "1"}).digits
    assert digits == from_form({"Digits": value, "To": "1"}).digits
    assert Digits() == from_json({"To": "1"}).digits


def test_a_collection_that_is_no_text_is_kept_aside() -> None:
    fields = {"Digits": {"a": {"b": "1"}, "c": "2", "d": None}}

    assert PivotRequest(
        digits=Digits({"c": "2"}), extra={"Digits": {"a": {"b": "1"}}}
    ) == from_json(fields)


def test_over_a_thousand_collections_are_kept() -> None:
    digits = {f"e{number}": "1" for number in range(1_000)}

    assert digits == from_json({"Digits": digits}).digits.collections
    assert digits == from_form({"Digits": digits}).digits.collections


# --- harmless drift -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(1001, "1001"), (1.5, "1.5"), (True, "true"), (1e22, "1.0e+22"), (10**30, "1" + "0" * 30)],
)
def test_a_number_where_text_stood_is_its_text(value: Any, text: str) -> None:
    assert text == from_json(FIRST | {"From": value}).from_
    assert text == from_form(FIRST | {"From": value}).from_


def test_null_is_absent() -> None:
    nulls = dict.fromkeys([*FIRST, "User-ID", "Digits", "Recording-Duration", "Unknown"])

    assert PivotRequest() == from_json(nulls)


@pytest.mark.parametrize("value", [{"a": "b"}, ["a"], [], {}])
def test_an_object_where_text_stood_is_kept_aside(value: Any) -> None:
    request = from_json(FIRST | {"Caller-ID-Name": value})

    assert request.caller_id_name is None
    assert {"Caller-ID-Name": value} == request.extra
    assert "1f3c@192.0.2.5" == request.call_id


@pytest.mark.parametrize(
    ("value", "seconds"), [(42, 42), ("42", 42), (42.0, 42), ("0", 0), ("42.0", 42)]
)
def test_a_duration_is_a_whole_number(value: Any, seconds: int) -> None:
    for request in (
        from_json({"Recording-Duration": value}),
        from_form({"Recording-Duration": value}),
    ):
        assert PivotRequest(recording_duration=seconds) == request


@pytest.mark.parametrize(
    "value", ["soon", "", "-1", -1, "\uff14\uff12", "\u00b2", 1.5, True, [42], "9" * 19, 10**40]
)
def test_a_duration_that_is_none_is_kept_aside(value: Any) -> None:
    assert PivotRequest(extra={"DialCallDuration": value}) == from_json({"DialCallDuration": value})


@pytest.mark.parametrize("value", ["text", 5, True])
def test_a_mapping_that_is_none_is_kept_aside(value: Any) -> None:
    assert PivotRequest(extra={"Custom-SIP-Headers": value}) == from_json(
        {"Custom-SIP-Headers": value}
    )


def test_a_request_without_identity_is_still_a_request() -> None:
    assert PivotRequest() == parse_pivot(b"{}", JSON)
    assert PivotRequest(to="1") == parse_pivot(b"To=1", FORM)
