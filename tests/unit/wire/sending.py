"""Sending a request through either encoding, for the tests that compare the two."""

from __future__ import annotations

from typing import Any

import pytest

from reception.errors import PeerError
from reception.wire import PivotRequest, parse_pivot, render_form, render_pivot_json

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

# What a caller from outside looks like, in the order of keys that the platform uses.
FIRST: dict[str, Any] = {
    "To-Realm": "hotel.example",
    "To": "2000",
    "Request-Realm": "hotel.example",
    "Request": "+18005551212",
    "Language": "en-us",
    "From-Realm": "c.example",
    "From": "1001",
    "Direction": "inbound",
    "Custom-SIP-Headers": {},
    "Custom-Application-Vars": {},
    "Caller-ID-Number": "+15551234567",
    "Caller-ID-Name": "Zoë & Co",
    "Call-ID": "1f3c@192.0.2.5",
    "Api-Version": "4.x",
    "Account-ID": "0123456789abcdef0123456789abcdef",
}


def from_json(fields: dict[str, Any]) -> PivotRequest:
    return parse_pivot(render_pivot_json(fields), JSON)


def from_form(fields: dict[str, Any]) -> PivotRequest:
    return parse_pivot(render_form(fields), FORM)


def refusal(body: bytes, content_type: str | None = JSON) -> PeerError:
    with pytest.raises(PeerError) as caught:
        parse_pivot(body, content_type)
    assert caught.value.code.startswith("pivot.")
    assert 400 <= caught.value.status <= 499
    return caught.value
