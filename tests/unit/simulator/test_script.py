"""The script language: what each line means, and that nothing unclear is guessed."""

from __future__ import annotations

import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.errors import NeedsHuman
from reception.simulator.script import HangUp, Press, Wait, When, parse_script
from reception.simulator.world import Mailbox, Ring


def test_actions_keep_their_order() -> None:
    script = parse_script("press 12#  # a room\n\n# a comment\nwait 1.5\npress 1 now\nhangup\n")
    assert [
        Press("12#"),
        Wait(1_500),
        Press("1", When.NOW),
        HangUp(),
    ] == script.actions


def test_a_hash_is_a_key_next_to_other_keys() -> None:
    assert [Press("1#")] == parse_script("press 1#").actions
    assert [Press("#1")] == parse_script("press #1").actions
    assert [Press("#")] == parse_script("press #").actions
    assert [Press("#", When.EARLY)] == parse_script("Press  # early  # ends the entry").actions
    assert [Press("1")] == parse_script("press 1 # 2 would be wrong").actions
    assert [Press("1", When.EARLY)] == parse_script("press 1 early").actions


def test_phones_have_lines_of_their_own() -> None:
    script = parse_script("answer A after 5 for 60\nanswer\nnothing B\nmissing C\nbusy A")
    assert [Ring(5_000, answered=True, talk_ms=60_000)] == script.rings["A"][:1]
    assert script.rings["A"][1].application_response == "USER_BUSY"
    assert script.rings[""][0].answered
    assert script.rings["B"][0].after_ms is None
    assert script.rings["C"][0].missing


def test_a_failure_is_named_as_the_carrier_names_it() -> None:
    ring = parse_script("fail +15551234567 NO_RESOURCES sip:503").rings["+15551234567"][0]
    assert ("NO_RESOURCES", "sip:503") == (ring.application_response, ring.code)


def test_mailboxes_media_and_menus() -> None:
    script = parse_script(
        "voicemail leave 10\nvoicemail hangup\nlasts a.wav 2\nmenu M retries 2 timeout 5 digits 3"
    )
    assert [Mailbox(10_000, goes_on=True), Mailbox(0, goes_on=False)] == script.mailboxes
    assert {"a.wav": 2_000} == script.media_ms
    assert {"retries": 2, "timeout": 5_000, "max_extension_length": 3} == script.menus["M"]


def test_documents_are_json_and_keep_their_spaces() -> None:
    script = parse_script('document F {"numbers": ["100"],  "name": "a b"}  # the front desk')
    assert {"F": {"numbers": ["100"], "name": "a b"}} == script.documents


def test_an_outcome_is_for_one_document_or_for_any() -> None:
    script = parse_script("outcome fax_detect ON_FAX\noutcome directory D empty")
    assert {("fax_detect", ""): "ON_FAX", ("directory", "D"): "empty"} == script.outcomes


def test_the_local_time_is_a_day_and_an_hour() -> None:
    for line in ("time 2026-11-25T09:30", "time 2026-11-25 09:30"):
        assert datetime.fromisoformat("2026-11-25T09:30") == parse_script(line).began_at


@pytest.mark.parametrize(
    "line",
    [
        "document",
        "document F",
        "document F {",
        "document F []",
        "outcome",
        "outcome park",
        "outcome park 7 full now",
        "time",
        "time soon",
        "time 2026-11-25T09:30Z",
        "dial 1",
        "press",
        "press a",
        "press 1 later",
        "wait",
        "wait soon",
        "wait -1",
        "hangup now",
        "answer A after",
        "answer A at 5",
        "busy A B",
        "fail A",
        "fail A nonsense",
        "voicemail",
        "voicemail leave",
        "lasts a.wav",
        "menu",
        "menu M retries",
        "menu M colour 3",
    ],
)
def test_an_unclear_line_is_an_error_with_its_number(line: str) -> None:
    with pytest.raises(NeedsHuman, match="line 2: ") as caught:
        parse_script(f"wait 1\n{line}\n")
    assert caught.value.code == "phone.script"


def test_all_errors_are_told_at_once() -> None:
    with pytest.raises(NeedsHuman) as caught:
        parse_script("x\nwait 1\ny")
    assert ["line 1", "line 3"] == [line[:6] for line in caught.value.message.splitlines()]


WORDS = st.lists(
    st.sampled_from(
        [
            "press",
            "wait",
            "menu",
            "fail",
            "busy",
            "answer",
            "voicemail",
            "document",
            "outcome",
            "time",
            "{}",
            "#",
            "1",
            "12#",
            "sip:486",
            "A",
            "after",
        ]
    )
    | st.just("\n")
).map(" ".join)


@given(WORDS | st.text())
def test_any_text_is_a_script_or_an_error(text: str) -> None:
    with contextlib.suppress(NeedsHuman):
        parse_script(text)
