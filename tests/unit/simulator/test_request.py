"""The body of a call: keys, order, omissions, forms."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from reception.simulator.call import CallSetup, CallState
from reception.simulator.heads import render_head
from reception.simulator.quirks import QUIRKS
from reception.simulator.request import pivot_fields, pivot_request
from tests.conftest import SHARED

FOLDER: Final = SHARED / "contract" / "wire" / "pivot_json"
POST: Final = {
    "voice_url": "https://h/v?APPID=a#top",
    "method": "POST",
    "req_format": "kazoo",
    "req_body_format": "json",
}


def call(**setup: Any) -> CallState:
    return CallState.begin(CallSetup(**{"call_id": "c-1", **setup}), 4)


def recorded_setup(source: dict[str, Any]) -> dict[str, Any]:
    """Find the call that a recorded body came from; what is left over are user variables."""
    left = dict(source)
    users = left.pop("User-ID", ())
    setup = {
        "call_id": left.pop("Call-ID"),
        "account_id": left.pop("Account-ID", ""),
        "from_number": left.pop("From"),
        "from_realm": left.pop("From-Realm"),
        "to_number": left.pop("To"),
        "to_realm": left.pop("To-Realm"),
        "caller_name": left.pop("Caller-ID-Name"),
        "caller_number": left.pop("Caller-ID-Number"),
        "language": left.pop("Language"),
        "sip_headers": left.pop("Custom-SIP-Headers"),
        "application_vars": left.pop("Custom-Application-Vars"),
        "user_ids": (users,) if isinstance(users, str) else tuple(users),
    }
    # What stands for a caller without a number is filled in by the platform.
    if setup["caller_number"] == "anonymous":
        setup |= {"caller_name": None, "caller_number": ""}
    for key in ("Request", "Request-Realm", "Direction", "Api-Version"):
        del left[key]
    return {**setup, "user_vars": left}


def recorded() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("[0-9]*.json"))


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", recorded())
@pytest.mark.parametrize("body_format", ["json", "form"])
def test_body_is_byte_for_byte_the_recorded_one(number: str, body_format: str) -> None:
    source = json.loads((FOLDER / f"{number}.json").read_bytes())
    collections = source.pop("Digits") if isinstance(source.get("Digits"), dict) else None
    state = call(**recorded_setup(source))
    state.collections = collections
    request = pivot_request({**POST, "req_body_format": body_format}, state)
    folder, name = (
        (FOLDER, "json") if body_format == "json" else (FOLDER.parent / "pivot_form", "body")
    )
    assert (folder / f"{number}.{name}").read_bytes() == request.body


@pytest.mark.needs_shared
def test_a_get_is_byte_for_byte_the_recorded_one() -> None:
    raw = (FOLDER.parent / "http" / "pivot_get.raw").read_bytes()
    source = json.loads((FOLDER / "01.json").read_bytes())
    url = "http://127.0.0.1:18080/p/01-get?APPID=acme-crm"
    request = pivot_request(
        {"voice_url": url, "req_format": "kazoo"}, call(**recorded_setup(source))
    )
    assert raw == render_head(request, urlsplit(request.url))


@pytest.mark.needs_shared
def test_a_node_without_a_format_sends_the_other_one_byte_for_byte() -> None:
    raw = (FOLDER.parent / "http" / "pivot_post_twiml_form.raw").read_bytes()
    source = json.loads((FOLDER / "01.json").read_bytes())
    node = {"voice_url": "http://h/p/42-form?APPID=acme-crm", "method": "post"}
    state = call(**recorded_setup(source))
    for data in (node, {**node, "req_format": "twiml"}):
        assert raw.split(b"\r\n\r\n", 1)[1] == pivot_request(data, state).body
    assert b"Call-ID=" in pivot_request({**node, "req_format": "kazoo"}, state).body


@pytest.mark.needs_shared
def test_a_recording_of_twiml_comes_in_both_spellings() -> None:
    raw = (FOLDER.parent / "http" / "pivot_post_json_recording.raw").read_bytes()
    body = raw.split(b"\r\n\r\n", 1)[1]
    request = pivot_request(POST, call(**recorded_setup(json.loads(body))))
    assert body == request.body


def test_custom_objects_are_always_there_and_digits_only_once_asked() -> None:
    state = call()
    assert {} == pivot_fields(state)["Custom-SIP-Headers"]
    assert {} == pivot_fields(state)["Custom-Application-Vars"]
    assert "Digits" not in pivot_fields(state)
    state.keep_collection("q", "")
    assert {} == pivot_fields(state)["Digits"]
    state.keep_collection("q", "12")
    assert {"q": "12"} == pivot_fields(state)["Digits"]


def test_keys_come_in_reversed_alphabetical_order() -> None:
    keys = list(pivot_fields(call(user_ids=("u",))))
    assert sorted(keys, reverse=True) == keys


def test_one_owner_is_a_text_and_several_are_a_list() -> None:
    assert pivot_fields(call(user_ids=("u",)))["User-ID"] == "u"
    assert ["u", "v"] == pivot_fields(call(user_ids=("u", "v")))["User-ID"]


def test_an_empty_variable_is_an_erased_one() -> None:
    state = call(application_vars={"a": "", "b": None, "c": 0, "d": False})
    assert {"c": 0, "d": False} == pivot_fields(state)["Custom-Application-Vars"]


def test_fragment_is_dropped_and_query_kept() -> None:
    assert pivot_request(POST, call()).url == "https://h/v?APPID=a"


def test_a_node_without_method_is_a_get_with_everything_in_the_query() -> None:
    request = pivot_request({"voice_url": "https://h/v?APPID=a", "req_format": "kazoo"}, call())
    assert ("GET", b"", None) == (request.method, request.body, request.content_type)
    assert request.url.startswith("https://h/v?APPID=a&To-Realm=account.example&To=%2B1555")
    assert "&&" in request.url
    assert request.unsendable is None


def test_a_get_with_digits_never_leaves_the_platform() -> None:
    state = call()
    state.keep_collection("q", "1")
    request = pivot_request({**POST, "method": "get"}, state)
    assert request.unsendable is not None


def test_form_is_the_default_body_of_a_post() -> None:
    node = {"voice_url": "https://h/v", "method": "post", "req_format": "kazoo"}
    request = pivot_request(node, call())
    assert request.content_type == "application/x-www-form-urlencoded"
    assert request.body.startswith(b"To-Realm=account.example&")


def test_custom_headers_are_sent_on_5_only_and_cannot_break_the_head() -> None:
    data = {**POST, "custom_request_headers": {"X-Key": "1", "X-Bad": "a\r\nb", "no name": "x"}}
    assert {} == pivot_request(data, call()).headers
    state = CallState.begin(CallSetup(call_id="c"), 5)
    assert {"X-Key": "1"} == pivot_request(data, state).headers


def test_what_is_missing_in_an_address_is_named_so() -> None:
    fields = pivot_fields(call(from_number="", from_realm="", to_number="", to_realm=""))
    assert ("nouser", "norealm") == (fields["From"], fields["From-Realm"])
    assert ("nouser", "nouser", "norealm") == (
        fields["To"],
        fields["Request"],
        fields["Request-Realm"],
    )


def test_a_user_variable_is_a_key_of_its_own_unless_the_platform_has_one() -> None:
    state = call(user_vars={"mood": "good", "From": "me", "Digits": "9", "none": ""})
    fields = pivot_fields(state)
    assert ("good", "+15551234567", "9") == (fields["mood"], fields["From"], fields["Digits"])
    assert "none" not in fields
    state.keep_collection("q", "1")
    assert {"q": "1"} == pivot_fields(state)["Digits"]


def test_a_changed_platform_sends_its_own_constants() -> None:
    quirks = QUIRKS[4].but(
        direction="outbound", privacy_number="0000000000", normalises_request=False
    )
    setup = CallSetup(call_id="c", caller_number=None, to_number="5559876543")
    fields = pivot_fields(CallState.begin(setup, 4, quirks))
    assert ("outbound", "0000000000", "5559876543") == (
        fields["Direction"],
        fields["Caller-ID-Number"],
        fields["Request"],
    )


@pytest.mark.parametrize(
    ("url", "begins"),
    [
        ("https://h/v", "https://h/v?To-Realm="),
        ("https://h/v?", "https://h/v?To-Realm="),
        ("https://h/v?a=1", "https://h/v?a=1&To-Realm="),
        ("https://u:p@h/v?a=b@c:d", "https://up@h/v?a=b@c:d&To-Realm="),
    ],
)
def test_a_get_appends_to_the_query_and_loses_the_colon_of_userinfo(url: str, begins: str) -> None:
    assert pivot_request({"voice_url": url, "req_format": "kazoo"}, call()).url.startswith(begins)


def test_body_is_json_without_blanks() -> None:
    body = pivot_request(POST, call(caller_name="Zoë")).body
    assert json.loads(body)["Caller-ID-Name"] == "Zoë"
    assert b'"Caller-ID-Name":"Zo\xc3\xab"' in body
