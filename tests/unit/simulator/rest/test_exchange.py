"""Calls of an account: wake-ups that ring and pivot, callers from outside, what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from reception.simulator.call import CallSetup
from reception.simulator.clock import RealClock
from reception.simulator.nexts import Outcome
from reception.simulator.request import Outgoing
from reception.simulator.rest.asked import Asked
from reception.simulator.rest.exchange import UNREGISTERED, Exchange
from reception.simulator.rest.quickcalls import Quickcall, quickcall
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld
from tests.unit.simulator.calls import BOX, Replies, Told, node
from tests.unit.simulator.rest.asking import ACCOUNT, Asking, asking

WAKE_UP: Final = {
    "module": "pivot",
    "data": {
        "voice_url": "https://app.example/voice?APPID=a",
        "method": "post",
        "req_format": "kazoo",
        "req_body_format": "json",
    },
}
ROOM: Final = "aaaabbbbccccddddeeeeffff00001111"
GUEST: Final = "11112222333344445555666677778888"


class Hotel:
    """An account with a room and a wake-up number, its exchange, and what the app was asked."""

    def __init__(self, *replies: Any, script: str = "", **settings: Any) -> None:
        self.told = Told()
        self.events: list[tuple[str, str]] = []
        self.ask: Asking = asking(**settings)
        account = self.ask.account
        account.add("devices", {"name": "room 101", "owner_id": GUEST}, ROOM)
        account.add("users", {"first_name": "Room", "last_name": "101"}, GUEST)
        account.add("callflows", {"numbers": ["7001", "+15559876543"], "flow": WAKE_UP})
        self.exchange = Exchange(
            account,
            Replies(self.told, replies or [node("play", {"id": "/morning.wav"})]),
            worlds=lambda _setup, clock: ScriptedWorld(parse_script(script), clock),
        )
        account.hears = self.hears

    def hears(self, event: Any) -> None:
        name = event["Event-Name"].removeprefix("CHANNEL_").lower()
        self.events.append((name, event["Call-Direction"]))


def play(hotel: Hotel, story: Callable[[Asking], Awaitable[None]]) -> Hotel:
    async def run() -> None:
        await hotel.ask.log_in()
        await story(hotel.ask)
        await hotel.exchange.settle()
        await hotel.ask.api.aclose()

    asyncio.run(run())
    return hotel


def wake(query: str = "auto_answer=false", **data: Any) -> Callable[[Asking], Awaitable[None]]:
    async def story(ask: Asking) -> None:
        path = f"/A/devices/{ROOM}/quickcall/7001?{query}"
        told = await ask("POST", path, data or None)
        assert 202 == told.status
        assert told.data["call_id"].endswith("-quickcall")

    return story


def test_a_wake_up_rings_the_room_and_pivots_once_the_guest_answers() -> None:
    hotel = play(Hotel(script="answer after 8"), wake("auto_answer=false&room=101"))
    (body,) = hotel.told.bodies()
    assert ("7001", "inbound", GUEST, {"room": "101"}) == (
        body["Request"],
        body["Direction"],
        body["User-ID"],
        body["Custom-Application-Vars"],
    )
    assert body["Call-ID"].endswith("-quickcall")
    assert [("create", "outbound"), ("answer", "outbound"), ("destroy", "outbound")] == hotel.events
    hotel.ask.time[0] += 60
    (record,) = hotel.ask.account.records.rows(Asked("GET", ()))
    assert ("11", "8", "3") == (
        record["duration_seconds"],
        record["ringing_seconds"],
        record["billing_seconds"],
    )


def test_a_phone_that_nobody_answers_is_a_500_with_the_cause() -> None:
    async def story(ask: Asking) -> None:
        told = await ask("POST", f"/A/devices/{ROOM}/quickcall/7001?auto_answer=false&timeout=20")
        assert (500, "quickcall initiation failed") == (told.status, told.body["message"])
        assert "NO_ANSWER" in told.data["error_message"]

    hotel = play(Hotel(script="noanswer"), story)
    assert ([], "destroy") == (hotel.told.requests, hotel.events[-1][0])


def test_a_phone_picks_up_by_itself_unless_told_not_to() -> None:
    hotel = play(Hotel(script="noanswer"), wake(""))
    assert 1 == len(hotel.told.requests)


@pytest.mark.parametrize("why", ["gone", "disturbed"])
def test_a_phone_that_is_not_there_or_not_to_be_disturbed_does_not_ring(why: str) -> None:
    async def story(ask: Asking) -> None:
        if why == "gone":
            ask.account.unregistered.add(ROOM)
        else:
            await ask("PATCH", f"/A/devices/{ROOM}", {"do_not_disturb": {"enabled": True}})
        told = await ask("POST", f"/A/devices/{ROOM}/quickcall/7001")
        assert (500, UNREGISTERED) == (told.status, told.data["error_message"])
        assert 202 == (await ask("GET", f"/A/devices/{ROOM}/quickcall/7001")).status

    hotel = play(Hotel(), story)
    assert ([], []) == (hotel.told.requests, hotel.events)


def test_a_get_says_yes_at_once_and_the_phone_rings_all_the_same() -> None:
    async def story(ask: Asking) -> None:
        told = await ask("GET", f"/A/users/{GUEST}/quickcall/7001")
        assert (202, "transfer") == (told.status, told.data["application_name"])
        await asyncio.sleep(0.05)

    assert 1 == len(play(Hotel(), story).told.requests)


def test_without_an_exchange_nobody_rings() -> None:
    async def story(ask: Asking) -> None:
        ask.account.originate = None
        assert 501 == (await ask("POST", f"/A/devices/{ROOM}/quickcall/7001")).status
        assert 404 == (await ask("POST", "/A/devices/nobody/quickcall/7001")).status

    play(Hotel(), story)


def test_a_record_appears_some_seconds_after_the_end() -> None:
    async def story(ask: Asking) -> None:
        setup = CallSetup("c-1", account_id=ACCOUNT, to_number="+15559876543")
        ending = await hotel.exchange.dial(setup)
        assert ending is not None
        assert [] == (await ask("GET", "/A/cdrs")).data
        ask.time[0] += 6
        (row,) = (await ask("GET", "/A/cdrs")).data
        assert ("c-1", "inbound", "5", "NORMAL_CLEARING") == (
            row["call_id"],
            row["direction"],
            row["billing_seconds"],
            row["hangup_cause"],
        )
        whole = (await ask("GET", f"/A/cdrs/{row['id']}")).data
        assert (5, "+15559876543") == (whole["billing_seconds"], whole["dialed_number"])
        legs = await ask("GET", f"/A/cdrs/legs/{row['interaction_id']}")
        assert [row] == legs.data == (await ask("GET", "/A/cdrs/interaction")).data
        assert [] == (await ask("GET", "/A/cdrs?filter_call_id=other")).data
        now = ask.account.now()
        assert 400 == (await ask("GET", f"/A/cdrs?created_from=1&created_to={now}")).status

    hotel = Hotel(script="lasts /morning.wav 5")
    play(hotel, story)


def test_a_call_whose_virtual_hours_are_still_to_come_is_recorded_all_the_same() -> None:
    async def story(ask: Asking) -> None:
        await hotel.exchange.dial(CallSetup("c-1", to_number="7001"))
        ask.time[0] += 6
        (row,) = (await ask("GET", "/A/cdrs")).data
        assert int(row["timestamp"]) > ask.account.now() + 1_000

    hotel = Hotel(script="lasts /morning.wav 3600")
    play(hotel, story)


def test_channels_are_listed_while_a_call_goes_on() -> None:
    seen: list[Any] = []

    class Watching(Replies):
        async def send(self, request: Outgoing, *, timeout_ms: int) -> Any:
            rows = (await hotel.ask("GET", "/A/channels")).data
            seen.extend(rows)
            assert 200 == (await hotel.ask("GET", f"/A/channels/{rows[0]['uuid']}")).status
            assert rows == (await hotel.ask("GET", f"/A/users/{GUEST}/channels")).data
            told = await hotel.ask("POST", f"/A/channels/{rows[0]['uuid']}", {"action": "break"})
            assert 501 == told.status
            told = await hotel.ask("POST", f"/A/channels/{rows[0]['uuid']}", {"action": "sing"})
            assert 400 == told.status
            return await super().send(request, timeout_ms=timeout_ms)

    hotel = Hotel()
    hotel.exchange.transport = Watching(hotel.told, [node("hangup")])

    async def story(ask: Asking) -> None:
        await wake()(ask)
        await hotel.exchange.settle()
        assert [] == (await ask("GET", "/A/channels")).data
        assert 404 == (await ask("GET", "/A/channels/nobody")).status

    play(hotel, story)
    (row,) = seen
    assert (True, "outbound", GUEST) == (row["answered"], row["direction"], row["owner_id"])


def test_a_channel_is_hung_up_by_the_api_while_it_goes_on() -> None:
    hotel = Hotel(script="lasts /morning.wav 60")
    hotel.exchange.clocks = RealClock

    async def story(ask: Asking) -> None:
        call = asyncio.ensure_future(hotel.exchange.dial(CallSetup("c-1", to_number="7001")))
        while not [row for row in (await ask("GET", "/A/channels")).data if row["answered"]]:
            ask.time[0] += 1
            await asyncio.sleep(0.01)
        assert 200 == (await ask("POST", "/A/channels/c-1", {"action": "hangup"})).status
        ending = await asyncio.wait_for(call, 5)
        assert ending is not None
        assert Outcome.CALLER_HUNG_UP is ending.outcome
        assert [] == (await ask("GET", "/A/channels")).data

    play(hotel, story)


def test_a_number_that_nobody_has_is_not_taken() -> None:
    hotel = Hotel()

    async def story(ask: Asking) -> None:
        assert await hotel.exchange.dial(CallSetup("c-1", to_number="404")) is None

    play(hotel, story)
    assert [] == hotel.events


def test_the_documents_of_the_account_are_those_of_its_calls() -> None:
    flow = node("user", {"id": GUEST, "timeout": 5}, then=node("voicemail", {"id": BOX}))
    hotel = Hotel(flow, script="voicemail leave 10")

    async def story(ask: Asking) -> None:
        await ask("PATCH", f"/A/users/{GUEST}", {"do_not_disturb": {"enabled": True}})
        ask.account.add("vmboxes", {"name": "101", "mailbox": "101"}, BOX)
        await hotel.exchange.dial(CallSetup("c-1", to_number="7001"))
        (message,) = (await ask("GET", f"/A/vmboxes/{BOX}/messages")).data
        assert (10_000, "new") == (message["length"], message["folder"])

    play(hotel, story)


def test_every_phone_of_a_user_has_a_leg_and_the_losers_say_so() -> None:
    hotel = Hotel(node("user", {"id": GUEST, "timeout": 20}), script="answer after 3 for 10")

    async def story(ask: Asking) -> None:
        for name in ("softphone", "mobile", "unplugged"):
            ask.account.add("devices", {"name": name, "owner_id": GUEST}, name)
        ask.account.unregistered.add("unplugged")
        await hotel.exchange.dial(CallSetup("c-1", to_number="7001"))
        ask.time[0] += 60
        rows = (await ask("GET", "/A/cdrs")).data
        assert 4 == len(rows)
        assert 2 == [row["hangup_cause"] for row in rows].count("LOSE_RACE")
        assert {GUEST} == {row["owner_id"] for row in rows if row["direction"] == "outbound"}

    play(hotel, story)


def test_a_quickcall_is_read_from_query_and_data() -> None:
    def read(query: dict[str, str], number: str = "7001", **data: Any) -> Quickcall:
        asked = Asked("POST", (), query, {"data": data})
        return quickcall(asked, "devices", ROOM, number, "x-quickcall")

    plain = read({})
    assert (30, True, "Device QuickCall", "7001", {}) == (
        plain.timeout_s,
        plain.auto_answer,
        plain.caller_name,
        plain.caller_number,
        plain.application_vars,
    )
    told = read(
        {"timeout": "1", "cid-name": "Wake-up", "room": "101", "auto_answer": "false"},
        "(700) 1-2",
        custom_application_vars={"appid": "acme"},
    )
    assert (3, False, "Wake-up", "70012", {"room": "101", "appid": "acme"}) == (
        told.timeout_s,
        told.auto_answer,
        told.caller_name,
        told.number,
        told.application_vars,
    )
    assert "(700)1" == read({"number_filter": "false"}, "(700)1").number
