"""
Sample dialogs whose recorded calls are kept in `histories`: every kind of operation.

They stand still, like the histories: a release that changes what they do breaks calls that are
under way. What is new gets a new dialog and a new file beside the old ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from reception import App, Call, CallEnded, Flow, Secret, flow, prompt

USER = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"
FALLBACK = flow.user(USER, timeout=20)
HOLD = flow.play("/system_media/hold")

PROMPTS = {
    "en": 'welcome = "Welcome, {name}."\n[menu]\nmain = "Press 1 for rooms, 2 for the desk."\n'
    'again = "That is no choice."\n',
    "de": 'welcome = "Willkommen, {name}."\n[menu]\nmain = "Zimmer die 1, Empfang die 2."\n'
    'again = "Das geht nicht."\n',
}


def app_of(name: str, handler: Any, *others: Any, **options: Any) -> App:
    """An app with these handlers."""
    app = App(name, fallback=FALLBACK, version="1", **options)
    app.answer(handler)
    for other in others:
        app.state(other)
    return app


# --- steps of the outside world -------------------------------------------------------------------


@dataclass(frozen=True)
class Stay:
    """What a hotel system says of a room."""

    guest: str
    room: str
    leaves: date
    owes: Decimal
    is_vip: bool = False


class NoSuchRoom(Exception):
    """There is nobody in that room."""


def find_stay(room: str) -> Stay:
    if room == "999":
        raise NoSuchRoom(room)
    return Stay("Ada Lovelace", room, date(2026, 1, 9), Decimal("120.50"), is_vip=True)


async def find_weather(city: str) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"city": city, "degrees": 21, "rain": False}


def verify(pin: Secret) -> bool:
    return pin.reveal() == "4711"


def slow_lookup() -> str:
    """Takes longer than a caller waits; whoever records lets it."""
    from tests.replay.record import let_it_take_long

    let_it_take_long()
    return "at last"


def clean_up(what: str) -> None:
    """Something that must be closed at the end."""


def remind(room: str, at: str) -> None:
    """A task in the background."""


# --- dialogs --------------------------------------------------------------------------------------


async def booking(call: Call) -> Flow:
    """A menu with retries and a catalogue, a step, chance, the clock, a job, a tag."""
    await call.say(prompt("welcome", name=call.caller_name or "guest"))
    choice = await call.ask(
        prompt("menu.main"), valid="12", retries=2, not_valid=prompt("menu.again")
    )
    if choice == "2" or not choice:
        return flow.user(USER, timeout=30).then(flow.hangup())
    room = await call.ask("Which room?", max_digits=4, valid=lambda keys: len(keys) >= 3)
    try:
        stay = await call.step(find_stay, room)
    except NoSuchRoom:
        await call.say("There is nobody in that room.")
        return flow.hangup()
    now = await call.now()
    number = await call.random(1000, 9999)
    share = await call.random()
    token = await call.token()
    await call.tag(room=stay.room, vip=stay.is_vip)
    await call.enqueue(remind, stay.room, f"{now:%H:%M}", after_s=60)
    await call.say(f"{stay.guest} leaves on {stay.leaves:%d.%m.} and owes {stay.owes}.")
    await call.play(flow.play("/system_media/bye"))
    if await call.ask(f"Your number is {number}. Again?", valid="1") and share < 2 and token:
        await call.sleep(2)
    return flow.tts("Goodbye").then(flow.hangup())


async def pin(call: Call) -> Flow:
    """A secret that is verified where it arrives."""
    for _ in range(2):
        typed = await call.ask("Your PIN?", max_digits=4, secret=True, retries=1)
        is_right = False
        if typed:
            is_right = await call.step(verify, typed)
        if is_right:
            return flow.tts("Welcome").then(flow.user(USER)).then(flow.hangup())
        await call.say("That was wrong.")
    return flow.hangup()


async def ring(call: Call) -> Flow:
    """A flow that comes back, by the way that it took."""
    for user in (USER, USER[::-1]):
        match await call.run(flow.ring_group([{"id": user, "endpoint_type": "user"}], timeout=10)):
            case "USER_BUSY":
                await call.say("They are on the phone.")
            case _:
                await call.say("Nobody is there.")
    key = await call.run(flow.menu(USER).on("1", flow.user(USER)), outcomes=("2", "3"))
    return flow.tts(f"You chose {key}").then(flow.hangup())


async def together(call: Call) -> Flow:
    """Several steps at once, one of which fails."""
    stay, weather = await call.gather(
        call.step(find_stay, "101"), call.step(find_weather, "London", key="weather")
    )
    await call.say(f"{stay.guest}: {weather['degrees']} degrees in {weather['city']}.")
    try:
        await call.gather(call.step(find_stay, "102"), call.step(find_stay, "999"))
    except NoSuchRoom as error:
        await call.say(f"No room {error}.")
    await call.ask("More?")
    return flow.hangup()


async def holding(call: Call) -> Flow:
    """An effect that outlasts the caller's patience."""
    found = await call.step(slow_lookup, while_=HOLD, while_max_s=60)
    await call.ask(f"It is {found}. Again?", valid="1", typeahead=True)
    return flow.hangup()


async def handing_over(call: Call) -> Flow:
    """Explicit states: another handler of the app goes on."""
    key = await call.ask("Press 1 to go on", valid="1")
    await call.say(f"You pressed {key}.")
    return flow.pivot(next=second)


async def second(call: Call) -> Flow:
    """The next handler, with a journal of its own."""
    key = await call.ask("Second: press 2", valid="2")
    if key:
        return flow.pivot(next=third)
    return flow.hangup()


def third(call: Call) -> Flow:
    """The last one, no dialog at all."""
    return flow.tts(f"Third, {call.dialled}").then(flow.hangup())


async def failing(call: Call) -> Flow:
    """A bug behind the first answer: the caller gets the fallback."""
    key = await call.ask("Press a key")
    await call.say(f"You pressed {key}.")
    return flow.tts({"1": "one"}[key]).then(flow.hangup())


async def ended(call: Call) -> Flow:
    """A caller who hangs up: what was begun is settled."""
    call.on_end(clean_up, "registered first")
    stay = await call.step(find_stay, "101")
    call.on_end(clean_up, stay.room)
    try:
        await call.ask("Shall we go on?", valid="1")
        await call.ask("Really?", valid="1")
    except CallEnded:
        await call.enqueue(remind, stay.room, "tomorrow")
        await call.step(find_weather, "Paris")
        raise
    return flow.hangup()


async def guarded(call: Call) -> Flow:
    """A change that is guarded, on the new side."""
    if call.changed("ask the name first"):
        await call.say("New.")
    else:
        await call.say("Old.")
    await call.ask("Go on?", valid="1")
    return flow.hangup()


APPS = {
    name: app_of(name, *handlers, **options)
    for name, handlers, options in (
        ("booking", (booking,), {"prompts": PROMPTS}),
        ("pin", (pin,), {}),
        ("ring", (ring,), {}),
        ("together", (together,), {}),
        ("holding", (holding,), {}),
        ("handing_over", (handing_over, second, third), {}),
        ("failing", (failing,), {}),
        ("ended", (ended,), {}),
        ("guarded", (guarded,), {}),
    )
}
