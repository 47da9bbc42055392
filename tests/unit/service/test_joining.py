"""One record out of many reports: the first word counts, others are listed, nothing is guessed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.face.ended import Difference
from reception.service.joining import joined, legs_of, still_up
from reception.wire import LegReport

AT = datetime(2026, 11, 4, 8, 26, 40, tzinfo=UTC)


def report(call_id: str, event: str = "destroy", **values: Any) -> LegReport:
    return LegReport("webhook", event, call_id=call_id, **({"at": AT} | values))


A = report("a", duration_s=95, billing_s=88, hangup_cause="NORMAL_CLEARING", other_leg_call_id="b")
B = report("b", duration_s=70, billing_s=61, call_direction="outbound", authorizing_type="resource")
LOST = report("c", duration_s=12, billing_s=0, hangup_cause="LOSE_RACE")


def test_the_calling_leg_says_when_and_the_others_how_long_was_talked() -> None:
    call = joined("a", "account", [LOST, B, A])
    assert ("a", "account", 88, 61, "NORMAL_CLEARING") == (
        call.call_id,
        call.account_id,
        call.seconds,
        call.talk_seconds,
        call.cause,
    )
    assert (AT - timedelta(seconds=95), AT - timedelta(seconds=88), AT) == (
        call.began,
        call.answered,
        call.ended,
    )
    assert "a" == call.legs[0].call_id
    assert () == call.differences


def test_nobody_reached_is_nothing_talked_and_an_end_that_is_missing_is_not_guessed() -> None:
    assert 0 == joined("a", "", [A]).talk_seconds
    assert 0 == joined("a", "", [A, LOST]).talk_seconds
    assert None is joined("a", "", [A, report("b", "answer")]).talk_seconds
    assert 61 == joined("a", "", [A, B, report("d", "answer")]).talk_seconds
    nothing = joined("a", "", [])
    assert (None, None, "", ()) == (nothing.ended, nothing.seconds, nothing.cause, nothing.legs)


def test_a_leg_from_the_switch_to_itself_was_talked_on_by_nobody() -> None:
    assert 0 == joined("a", "", [A, report("l", billing_s=500, is_internal_leg=True)]).talk_seconds


def test_what_a_cdr_url_says_is_of_the_calling_leg_and_nobody_else_talked() -> None:
    unnamed = LegReport("cdr_url", "destroy", billing_s=500, at=AT)
    assert 0 == joined("a", "", [A, unnamed]).talk_seconds
    assert 61 == joined("a", "", [A, B, unnamed]).talk_seconds


def test_the_first_word_counts_and_a_different_one_is_listed_once() -> None:
    other = report("a", billing_s=89, duration_s=95)
    legs, differences = legs_of([A, other, other, A])
    assert 88 == legs[0].billing_s
    assert (Difference("a", "billing_s", 88, 89),) == differences


def test_what_one_report_leaves_out_another_says() -> None:
    legs, differences = legs_of(
        [
            report("a", "create", at=AT - timedelta(seconds=95), extra={"x": 1}),
            report("a", "answer", caller_id_number="1001"),
            report("a", billing_s=88, extra={"x": 2, "y": 3}),
        ]
    )
    (leg,) = legs
    assert ("destroy", "1001", 88, AT, {"x": 1, "y": 3}) == (
        leg.event,
        leg.caller_id_number,
        leg.billing_s,
        leg.at,
        leg.extra,
    )
    assert () == differences


def test_a_leg_is_up_until_its_end_is_reported() -> None:
    assert ["b"] == still_up([A, report("b", "answer")])
    assert [] == still_up([A, report("b", "answer"), B])
    assert [] == still_up([A, report("b", "cdr")])
    assert [] == still_up([report("l", "create", is_internal_leg=True)])


@given(st.permutations([A, B, LOST, A, B]))
def test_the_order_of_copies_changes_nothing(reports: list[LegReport]) -> None:
    call = joined("a", "x", reports)
    assert (88, 61, 3, ()) == (
        call.seconds,
        call.talk_seconds,
        len(call.legs),
        call.differences,
    )


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_variables_of_all_legs_are_together_and_the_calling_legs_come_first(
    order: tuple[int, ...],
) -> None:
    legs = [
        report("a", custom_application_vars={"room": "101"}),
        report("b", custom_application_vars={"room": "102", "vip": "1"}),
        report("c"),
    ]
    call = joined("a", "", [legs[number] for number in order])
    assert {"room": "101", "vip": "1"} == call.variables
