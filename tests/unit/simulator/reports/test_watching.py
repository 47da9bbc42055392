"""The legs of whole calls: which events come, with which durations, and who gets a cdr."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.call import CallSetup, Platform
from reception.simulator.clock import VirtualClock
from reception.simulator.phone import Dialled, carry_call
from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.reading import NoReply, Response, Trouble
from reception.simulator.reports.events import Event
from reception.simulator.reports.watching import Watch
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.transcript import Entry, Kind
from tests.unit.simulator.calls import USER, Replies, Told, node, pivot

BEGAN_US: Final = 1_785_000_000_000_000
CDR: Final = "https://app.example/cdr"
JSON: Final = (("content-type", "application/json"),)


@dataclass
class Reported:
    """What a call was reported with."""

    events: list[Event] = field(default_factory=list)
    cdrs: list[tuple[str, Event]] = field(default_factory=list)
    watch: Watch | None = None

    def names(self) -> list[tuple[str, str]]:
        return [
            (event["Event-Name"].removeprefix("CHANNEL_").lower(), event["Call-ID"])
            for event in self.events
        ]

    def end_of(self, call_id: str) -> Event:
        return next(
            event
            for event in self.events
            if event["Call-ID"] == call_id and event["Event-Name"] == "CHANNEL_DESTROY"
        )


def place(
    *replies: Any,
    script: str = "",
    platform: Platform = 4,
    quirks: Quirks | None = None,
    cdr_url: str | None = None,
    **setup: Any,
) -> Reported:
    reported = Reported()
    numbers = iter(range(1, 100))
    whole = CallSetup(**{"call_id": "A", **setup})
    watch = reported.watch = Watch(
        whole,
        quirks or QUIRKS[platform],
        BEGAN_US,
        reported.events.append,
        lambda url, event: reported.cdrs.append((url, event)),
        new_id=lambda: f"B{next(numbers)}",
    )
    clock = VirtualClock()
    asyncio.run(
        carry_call(
            Dialled("https://app.example/voice", cdr_url=cdr_url),
            whole,
            platform=platform,
            clock=clock,
            world=ScriptedWorld(parse_script(script), clock),
            note=watch.note,
            transport=Replies(Told(), replies),
            quirks=quirks,
        )
    )
    return reported


def test_an_ivr_is_one_leg_whose_billing_begins_with_the_first_prompt() -> None:
    sleep = node("sleep", {"duration": 3, "unit": "s"}, then=node("play", {"id": "/w.wav"}))
    reported = place(sleep, script="lasts /w.wav 5")
    assert [("create", "A"), ("answer", "A"), ("destroy", "A")] == reported.names()
    end = reported.end_of("A")
    assert (8, 5, 0) == (end["Duration-Seconds"], end["Billing-Seconds"], end["Ringing-Seconds"])
    assert ("NORMAL_CLEARING", "sip:200", "inbound") == (
        end["Hangup-Cause"],
        end["Hangup-Code"],
        end["Call-Direction"],
    )


def test_a_connected_call_has_two_legs_and_only_the_talk_is_billed_on_the_second() -> None:
    prompt = node("play", {"id": "/w.wav"}, then=node("resources", {"to_did": "+15551230000"}))
    reported = place(prompt, script="lasts /w.wav 5\nanswer after 4 for 60")
    assert [
        ("create", "A"),
        ("answer", "A"),
        ("create", "B1"),
        ("answer", "B1"),
        ("bridge", "A"),
        ("destroy", "B1"),
        ("destroy", "A"),
    ] == reported.names()
    caller, carrier = reported.end_of("A"), reported.end_of("B1")
    assert (69, 69) == (caller["Duration-Seconds"], caller["Billing-Seconds"])
    assert (64, 4, 60) == (
        carrier["Duration-Seconds"],
        carrier["Ringing-Seconds"],
        carrier["Billing-Seconds"],
    )
    assert "resource" == carrier["Custom-Channel-Vars"]["Authorizing-Type"]
    assert ("B1", "A") == (caller["Other-Leg-Call-ID"], carrier["Other-Leg-Call-ID"])
    assert "+15551230000" == caller["Callee-ID-Number"]


def test_a_ringing_that_the_caller_gives_up_bills_nobody() -> None:
    reported = place(node("user", {"id": USER}), script="noanswer\nwait 7\nhangup")
    for leg in ("A", "B1"):
        end = reported.end_of(leg)
        assert ("ORIGINATOR_CANCEL", "sip:487", 0, 7) == (
            end["Hangup-Cause"],
            end["Hangup-Code"],
            end["Billing-Seconds"],
            end["Ringing-Seconds"],
        )


def test_a_busy_phone_ends_its_leg_with_the_reason() -> None:
    reported = place(node("user", {"id": USER}), script="busy")
    assert "USER_BUSY" in reported.end_of("B1")["Hangup-Cause"]
    assert 0 == reported.end_of("B1")["Billing-Seconds"]


def test_of_phones_that_ring_together_the_losers_say_so() -> None:
    phones = [{"id": name, "endpoint_type": "device"} for name in "xyz"]
    group = node("ring_group", {"endpoints": phones})
    reported = place(group, script="answer after 2 for 10")
    causes = Counter(event["Hangup-Cause"] for event in reported.events if "Hangup-Cause" in event)
    assert {"LOSE_RACE": 2, "NORMAL_CLEARING": 2} == causes
    assert 1 == sum(name == "bridge" for name, _ in reported.names())


def test_variables_come_along_in_the_end() -> None:
    flow = node("set_variables", {"custom_application_vars": {"appid": "acme"}})
    reported = place(flow, application_vars={"room": "101"})
    assert {"room": "101", "appid": "acme"} == reported.end_of("A")["Custom-Application-Vars"]


def test_an_extensions_call_carries_its_owner() -> None:
    reported = place(node("hangup"), user_ids=(USER,))
    variables = reported.end_of("A")["Custom-Channel-Vars"]
    assert ("device", USER) == (variables["Authorizing-Type"], variables["Owner-ID"])


CASES: Final[list[tuple[str, Any, str, bool]]] = [
    ("a flow", node("hangup"), "", False),
    ("an invalid flow", {"module": "nope"}, "", False),
    ("404", Response(404, (), b""), "", False),
    ("201", Response(201, JSON, b"{}"), "", False),
    ("an empty 200", Response(200, JSON, b""), "", True),
    ("an unreadable 200", Response(200, JSON, b"{oops"), "", True),
    ("a late answer", NoReply(Trouble.TIMED_OUT, 5_000), "", True),
    ("a hang-up during the request", Response(200, JSON, b"{}", 3_000), "wait 1\nhangup", True),
]


@pytest.mark.parametrize("platform", [4, 5])
@pytest.mark.parametrize(("name", "reply", "script", "posted"), CASES, ids=str)
def test_a_cdr_url_is_posted_to_only_where_the_pivot_process_lives(
    platform: Platform, name: str, reply: Any, script: str, posted: bool
) -> None:
    reported = place(reply, script=script, platform=platform, cdr_url=CDR)
    assert posted == ([url for url, _ in reported.cdrs] == [CDR])
    assert posted == bool(reported.cdrs)


def test_without_a_cdr_url_nothing_is_posted() -> None:
    assert [] == place(Response(200, JSON, b"")).cdrs


def test_the_published_promise_posts_of_every_call() -> None:
    quirks = QUIRKS[4].but(keeps_cdr_promise=True)
    assert [CDR] == [url for url, _ in place(node("hangup"), quirks=quirks, cdr_url=CDR).cdrs]


def test_only_the_process_of_the_last_request_lives() -> None:
    reported = place(pivot(), Response(200, JSON, b""), cdr_url=CDR)
    assert [] == reported.cdrs


def test_a_call_of_which_nothing_was_said_reports_nothing() -> None:
    told: list[Event] = []
    watch = Watch(CallSetup(call_id="A"), QUIRKS[4], 0, told.append, lambda url, event: None)
    assert [] == watch.legs
    assert [] == told


HAPPENED: Final = st.one_of(
    st.sampled_from(
        [
            (Kind.RINGS, {"endpoint": "user", "id": "u", "timeout_ms": 1}),
            (Kind.RINGS, {"endpoint": "group", "id": "x + y", "timeout_ms": 1}),
            (Kind.RINGS, {"endpoint": "carrier", "id": "+1555", "timeout_ms": None}),
            (Kind.RINGS, {"answered": True}),
            (Kind.RINGS, {"response": "USER_BUSY", "cause": None, "code": "sip:486"}),
            (Kind.RINGS, {"missing": True}),
            (Kind.RINGS, {}),
            (Kind.SETS, {"answered": True}),
            (Kind.SETS, {"variables": {"a": 1}}),
            (Kind.SETS, {"call_id": "A2"}),
            (Kind.PRESSES, {"hangup": True}),
            (Kind.NODE, {"module": "pivot", "data": {"cdr_url": CDR}}),
            (Kind.POST, {"n": 1}),
            (Kind.REPLY, {"verdict": "late", "lives_on": True}),
            (Kind.WARNS, {}),
        ]
    )
)


@given(st.lists(HAPPENED, max_size=25))
def test_whatever_happens_every_leg_ends_once_and_bills_no_more_than_it_lasted(
    happened: list[tuple[Kind, dict[str, Any]]],
) -> None:
    events: list[Event] = []
    watch = Watch(CallSetup("A"), QUIRKS[4], BEGAN_US, events.append, lambda url, event: None)
    watch.note(Entry(0, Kind.CALL, ""))
    for number, (kind, detail) in enumerate(happened, 1):
        watch.note(Entry(number * 700, kind, "", detail))
    watch.note(Entry(100_000, Kind.END, ""))
    ends = [event for event in events if event["Event-Name"] == "CHANNEL_DESTROY"]
    assert len(watch.legs) == len(ends) == len({id(leg) for leg in watch.legs})
    assert all(leg.ended_us is not None and leg.cause for leg in watch.legs)
    assert all(0 <= end["Billing-Seconds"] <= end["Duration-Seconds"] for end in ends)
