"""A scenario says everything that is wrong with it, and holds what it says."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.errors import NeedsHuman
from reception.simulator.scenario import read_scenario

WHOLE: dict[str, Any] = {
    "platform": 4,
    "account_id": "f" * 32,
    "api_key": "key",
    "realm": "hotel.example",
    "cdr_delay_s": 2,
    "real_time": True,
    "people": "press 1\nanswer after 3 for 10",
    "unregistered": ["d1"],
    "quirks": {"idle_s": 4.5},
    "mishaps": {"loses": 0.1, "seed": 7},
    "numbers": {"+15551230000": "http://127.0.0.1:8080/voice?APPID=a"},
    "devices": [{"id": "d1", "name": "room 101"}],
    "webhooks": [{"hook": "channel_destroy", "uri": "https://x.example/"}],
}


def test_a_scenario_is_read() -> None:
    scenario = read_scenario(WHOLE)
    assert (4, 4.5) == (scenario.quirks.version, scenario.quirks.idle_s)
    assert (2.0, True, "hotel.example") == (
        scenario.cdr_delay_s,
        scenario.real_time,
        scenario.realm,
    )
    assert 1 == len(scenario.people.actions)
    assert (0.1, 7) == (scenario.mishaps.loses, scenario.mishaps.seed)
    assert [("devices", "d1", {"name": "room 101"})] == [
        each for each in scenario.documents if each[0] == "devices"
    ]
    assert ("webhooks", None) == scenario.documents[-1][:2]


def test_nothing_is_a_scenario_too() -> None:
    assert 5 == read_scenario({}).quirks.version


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = {
        "platform": 6,
        "account_id": "x",
        "api_key": "",
        "cdr_delay_s": "5",
        "people": "dance",
        "unregistered": "d1",
        "quirks": {"no_such": 1},
        "mishaps": {"loses": 2, "wins": 1},
        "numbers": {"abc": "ftp://x", "100": 5},
        "devices": {},
        "menus": [1, {"id": 5}],
        "devises": [],
    }
    with pytest.raises(NeedsHuman) as caught:
        read_scenario(wrong)
    places = {line.partition(":")[0] for line in caught.value.message.splitlines()}
    assert places >= {
        "platform",
        "account_id",
        "api_key",
        "cdr_delay_s",
        "people",
        "unregistered",
        "quirks",
        "mishaps",
        "mishaps.wins",
        "numbers.abc",
        "numbers.100",
        "devices",
        "menus[0]",
        "menus[1].id",
        "devises",
    }


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*WHOLE, "x"]), values))
def test_no_file_is_answered_with_another_error(data: dict[str, Any]) -> None:
    with suppress(NeedsHuman):
        read_scenario(data)
