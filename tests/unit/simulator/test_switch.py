"""The media side of a call: what plays, what waits for it, and what is told."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.clock import VirtualClock
from reception.simulator.events import BRIDGED, COMPLETE, DESTROYED, DTMF, CallEvent
from reception.simulator.rows import Rows
from reception.simulator.switch import Switch
from reception.simulator.timeline import Timeline
from reception.simulator.world import Ring

HANG_UP_MS = 20


class Rig:
    """One channel, with what it told and what was heard on it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.timeline = Timeline(self.clock)
        self.rows: list[dict[str, Any]] = []
        self.told: list[CallEvent] = []
        rows = Rows(lambda: self.clock.now_ms, self.rows.append)
        self.switch = Switch("c", self.timeline, rows, hang_up_ms=HANG_UP_MS)
        self.switch.tell = self.told.append

    def pass_to(self, at_ms: int) -> None:
        async def pass_time() -> None:
            await self.timeline.settle()
            while (due_ms := self.timeline.next_ms) is not None and due_ms <= at_ms:
                await self.clock.until(due_ms)
                await self.timeline.settle()
            await self.clock.until(at_ms)

        asyncio.run(pass_time())

    def play(self, media: str, lasts_ms: int | None = 1_000, ends: str = "1") -> None:
        self.switch.hear(
            "play", {"Media-Name": media}, media=media, lasts_ms=lasts_ms, terminators=ends
        )

    def heard(self) -> list[tuple[int, str]]:
        return [(row["ms"], row["media"]) for row in self.rows if row["ev"] == "media"]

    def completed(self) -> list[tuple[int, str]]:
        rows = [row for row in self.rows if row.get("event") == COMPLETE]
        return [(row["ms"], row["app"]) for row in rows]


def test_a_prompt_waits_for_the_one_before_it() -> None:
    rig = Rig()
    rig.play("a")
    rig.play("b")
    rig.pass_to(2_000)
    assert [(0, "a"), (1_000, "b")] == rig.heard()
    assert [(1_000, "play"), (2_000, "play")] == rig.completed()


def test_a_noop_completes_when_the_queue_has_come_to_it() -> None:
    rig = Rig()
    rig.play("a", 700)
    number = rig.switch.noop()
    rig.pass_to(700)
    assert [(700, "play"), (700, "noop")] == rig.completed()
    assert rig.told[-1].completes("noop", number)
    assert not rig.told[-1].completes("noop", number + 1)


def test_a_key_is_told_before_the_prompt_that_it_ends() -> None:
    rig = Rig()
    rig.play("a")
    rig.pass_to(300)
    rig.switch.key("1")
    assert [DTMF, COMPLETE] == [event.name for event in rig.told]
    assert [(300, "play")] == rig.completed()


def test_a_key_ends_one_prompt_and_only_where_it_may() -> None:
    rig = Rig()
    rig.play("a")
    rig.play("b", ends="2")
    rig.pass_to(300)
    for key in "211":
        rig.switch.key(key)
    rig.pass_to(2_000)
    assert [(0, "a"), (300, "b")] == rig.heard()
    assert [(300, "play"), (1_300, "play")] == rig.completed()


def test_a_flush_stops_and_forgets_all_and_completes_itself_only() -> None:
    rig = Rig()
    rig.play("a")
    rig.play("b")
    rig.switch.noop()
    rig.pass_to(300)
    rig.switch.flush("c")
    rig.pass_to(5_000)
    assert [(0, "a")] == rig.heard()
    assert [(300, "noop")] == rig.completed()


def test_what_has_no_end_plays_until_the_channel_is_gone() -> None:
    rig = Rig()
    rig.play("a", None)
    rig.pass_to(10**9)
    rig.switch.end("NORMAL_CLEARING", by="caller")
    assert [] == rig.completed()
    assert [DESTROYED] == [event.name for event in rig.told]


def test_a_bridge_holds_up_what_is_sent_behind_it() -> None:
    rig = Rig()
    ring = Ring(2_000, answered=True, talk_ms=3_000)
    rig.switch.bridge({}, ring, "c")
    rig.play("a")
    rig.pass_to(6_000)
    assert [(5_000, "a")] == rig.heard()
    assert [BRIDGED, COMPLETE, COMPLETE] == [event.name for event in rig.told]
    assert rig.switch.is_answered


def test_a_phone_that_never_tells_anything_blocks_the_queue() -> None:
    rig = Rig()
    rig.switch.bridge({}, Ring(None), "c")
    rig.play("a")
    rig.pass_to(10**6)
    assert ([], []) == (rig.heard(), rig.told)


def test_who_rings_may_be_decided_while_it_rings() -> None:
    rig = Rig()
    rig.switch.bridge({}, Ring(None), "c")
    rig.pass_to(4_000)
    rig.switch.decide(Ring(application_response="USER_BUSY"))
    rig.pass_to(4_000)
    assert [(4_000, "bridge")] == rig.completed()


def test_a_hang_up_takes_a_moment_and_the_channel_ends_once() -> None:
    rig = Rig()
    rig.switch.hang_up({}, "c")
    rig.switch.hang_up({}, "c")
    assert not rig.switch.is_gone
    rig.pass_to(100)
    ends = [row for row in rig.rows if row.get("event") == DESTROYED]
    assert [(HANG_UP_MS, "platform")] == [(row["ms"], row["by"]) for row in ends]


def test_after_a_transfer_events_have_the_new_id() -> None:
    rig = Rig()
    rig.play("a", 500)
    rig.pass_to(100)
    rig.switch.rename("new")
    rig.pass_to(500)
    assert ["c", "new"] == [event.call_id for event in rig.told]


ORDERS = st.lists(st.sampled_from(["play", "noop", "flush", "key", "pass", "answer"]), max_size=12)


@given(ORDERS)
def test_every_noop_is_complete_once_or_was_flushed(orders: list[str]) -> None:
    rig, open_noops = Rig(), set[int]()
    for order in orders:
        if order == "play":
            rig.play("a", 100)
        elif order == "noop":
            open_noops.add(rig.switch.noop())
        elif order == "flush":
            flushed = {number for number in open_noops if not _is_told(rig, number)}
            open_noops -= flushed
            rig.switch.flush("c")
        elif order == "key":
            rig.switch.key("1")
        elif order == "answer":
            rig.switch.answer("c")
        else:
            rig.pass_to(rig.clock.now_ms + 60)
    rig.pass_to(rig.clock.now_ms + 10_000)
    assert all(_is_told(rig, number) for number in open_noops)
    numbers = [event.fields["number"] for event in rig.told if event.completes("noop")]
    assert sorted(set(numbers)) == sorted(numbers)


def _is_told(rig: Rig, number: int) -> bool:
    return any(event.completes("noop", number) for event in rig.told)
