"""One rehearsed call: what is said of the address before anything is sent."""

from __future__ import annotations

import asyncio

import pytest

from reception.simulator.call import CallSetup
from reception.simulator.clock import VirtualClock
from reception.simulator.phone import Dialled, place_call
from reception.simulator.script import Script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.transcript import Entry, Kind


def warnings_about(url: str) -> list[str]:
    entries = list[Entry]()
    clock = VirtualClock()
    world = ScriptedWorld(Script(), clock)
    setup = CallSetup(call_id="c")
    asyncio.run(
        place_call(Dialled(url), setup, platform=4, clock=clock, world=world, note=entries.append)
    )
    return [entry.text for entry in entries if entry.kind is Kind.WARNS]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("HTTP://127.0.0.1:1/", "would not store this step"),
        ("http://127.0.0.1:1/", "refuses URLs on localhost"),
    ],
)
def test_an_address_that_the_platform_would_not_store_is_warned_of(url: str, words: str) -> None:
    assert any(words in text for text in warnings_about(url))


def test_an_address_that_the_platform_would_store_is_called_without_a_word() -> None:
    assert [] == warnings_about("http://nowhere.invalid/voice?APPID=a")
