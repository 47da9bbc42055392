"""The request as a value."""

from __future__ import annotations

import pytest

from reception.wire import Digits, PivotRequest


def test_what_a_request_does_not_carry_is_none_or_empty() -> None:
    request = PivotRequest()

    assert request.call_id is None
    assert request.recording_duration is None
    assert () == request.user_id
    assert {} == request.custom_application_vars == request.custom_sip_headers == request.extra
    assert Digits() == request.digits


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        PivotRequest().call_id = "other"  # type: ignore[misc]  # that is the point


def test_two_requests_share_no_mapping() -> None:
    assert PivotRequest().extra is not PivotRequest().extra


def test_digits_are_found_by_the_name_of_their_collection() -> None:
    digits = Digits({"default": "412", "room": "0809"})

    assert "412" == digits.default
    assert "0809" == digits.get("room")
    assert digits.get("pin") is None
    assert digits


def test_no_digits_are_false() -> None:
    assert not Digits()
    assert Digits().default is None
    assert not Digits({}, "timeout")
