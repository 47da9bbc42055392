"""Which webhook wants an event, and when one is switched off."""

from __future__ import annotations

from typing import Any

import pytest

from reception.simulator.quirks import QUIRKS
from reception.simulator.reports.hooks import Failures, Webhook

SIP = {"Channel-Is-Loopback": False}


def hook(**settings: Any) -> Webhook:
    return Webhook(**{"id": "h", "account_id": "a", "uri": "http://h/w", **settings})


@pytest.mark.parametrize(
    ("settings", "name", "wanted"),
    [
        ({}, "CHANNEL_DESTROY", True),
        ({}, "CHANNEL_CREATE", False),
        ({"hook": "all"}, "CHANNEL_CREATE", True),
        ({"hook": "CHANNEL_ANSWER"}, "CHANNEL_ANSWER", True),
        ({"enabled": False}, "CHANNEL_DESTROY", False),
    ],
)
def test_a_webhook_gets_the_events_of_its_name(
    settings: dict[str, Any], name: str, wanted: bool
) -> None:
    assert wanted == hook(**settings).wants(name, SIP)


def test_legs_inside_the_platform_are_left_out_on_request() -> None:
    picky = hook(include_internal_legs=False)
    assert picky.wants("CHANNEL_DESTROY", SIP)
    for event in ({}, {"Channel-Is-Loopback": True}, {**SIP, "Channel-Loopback-Leg": "A"}):
        assert not picky.wants("CHANNEL_DESTROY", event)
        assert hook().wants("CHANNEL_DESTROY", event)


@pytest.mark.parametrize(
    ("modifiers", "passes"),
    [
        ({}, True),
        ({"owner_id": "u"}, True),
        ({"owner_id": "v"}, False),
        ({"owner_id": ["u", "v"]}, True),
        ({"owner_id": ["v"]}, False),
        ({"owner_id": []}, True),
        ({"no_such_key": "v"}, True),
    ],
)
def test_modifiers_look_at_values_that_are_there(modifiers: dict[str, Any], passes: bool) -> None:
    assert passes == hook(modifiers=modifiers).passes({"owner_id": "u"})


def test_exactly_200_is_success_and_201_for_a_put() -> None:
    assert [True, False, False, False] == [hook().is_success(n) for n in (200, 201, 202, 204)]
    assert hook(http_verb="put").is_success(201)


def fail(count: int, *, every_s: float) -> tuple[Failures, Webhook]:
    failures, one = Failures(QUIRKS[4]), hook()
    for number in range(count):
        failures.note(one, 1 + number * every_s)
    return failures, one


def test_six_failures_in_a_minute_switch_a_webhook_off_at_the_next_look() -> None:
    failures, one = fail(6, every_s=1)
    seen = []
    for now_s in (14.9, 15.0):
        failures.look({"h": one}, now_s)
        seen.append((one.enabled, one.disable_message is None))
    assert [(True, True), (False, False)] == seen


def test_five_failures_or_slow_ones_do_not() -> None:
    for failures, one in (fail(5, every_s=1), fail(20, every_s=13)):
        failures.look({"h": one}, 400)
        assert one.enabled


def test_looking_late_finds_what_a_look_in_time_would_have() -> None:
    failures, one = fail(6, every_s=1)
    failures.look({"h": one}, 100_000)
    assert not one.enabled
