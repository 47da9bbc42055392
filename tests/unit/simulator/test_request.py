"""The body of a call: keys, order, omissions, forms."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from reception.simulator.call import CallSetup, CallState
from reception.simulator.request import e164, pivot_fields, pivot_request
from tests.conftest import SHARED

FOLDER: Final = SHARED / "contract" / "wire" / "pivot_json"
POST: Final = {"voice_url": "https://h/v?APPID=a#top", "method": "POST", "req_body_format": "json"}


def call(**setup: Any) -> CallState:
    return CallState.begin(CallSetup(**{"call_id": "c-1", **setup}), 4)


RECORDED: Final[dict[str, dict[str, Any]]] = {
    "01": {},
    "03": {
        "from_number": "15551234567",
        "from_realm": "c.example",
        "caller_number": "15551234567",
        "to_number": "5559876543",
    },
    "09": {"caller_name": None, "caller_number": ""},
    "11": {"user_ids": tuple(f"9999888877776666555544443333222{n}" for n in (2, 3, 4))},
    "31": {"to_number": "*97"},
}


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", RECORDED)
def test_body_is_byte_for_byte_the_recorded_one(number: str) -> None:
    setup = {
        "call_id": "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0",
        "from_number": "1001",
        "from_realm": "hotel.example",
        "to_number": "2000",
        "to_realm": "hotel.example",
        "caller_name": "Alice",
        **RECORDED[number],
    }
    request = pivot_request(POST, call(**setup))
    assert (FOLDER / f"{number}.json").read_bytes() == request.body


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
    request = pivot_request({"voice_url": "https://h/v?APPID=a"}, call())
    assert ("GET", b"", None) == (request.method, request.body, request.content_type)
    assert request.url.startswith("https://h/v?APPID=a&To-Realm=account.example&To=%2B1555")
    assert "&&" in request.url
    assert request.unsendable is None


def test_a_get_with_digits_never_leaves_the_platform() -> None:
    state = call()
    state.keep_collection("q", "1")
    request = pivot_request({"voice_url": "https://h/v", "method": "get"}, state)
    assert request.unsendable is not None


def test_form_is_the_default_body_of_a_post() -> None:
    request = pivot_request({"voice_url": "https://h/v", "method": "post"}, call())
    assert request.content_type == "application/x-www-form-urlencoded"
    assert request.body.startswith(b"To-Realm=account.example&")


def test_custom_headers_are_sent_on_5_only_and_cannot_break_the_head() -> None:
    data = {**POST, "custom_request_headers": {"X-Key": "1", "X-Bad": "a\r\nb", "no name": "x"}}
    assert {} == pivot_request(data, call()).headers
    state = CallState.begin(CallSetup(call_id="c"), 5)
    assert {"X-Key": "1"} == pivot_request(data, state).headers


@pytest.mark.parametrize(
    ("dialled", "sent"),
    [("5559876543", "+15559876543"), ("15559876543", "+15559876543"), ("100", "100"), ("", "")],
)
def test_only_north_american_numbers_are_normalised(dialled: str, sent: str) -> None:
    assert sent == e164(dialled)


def test_body_is_json_without_blanks() -> None:
    body = pivot_request(POST, call(caller_name="Zoë")).body
    assert json.loads(body)["Caller-ID-Name"] == "Zoë"
    assert b'"Caller-ID-Name":"Zo\xc3\xab"' in body
