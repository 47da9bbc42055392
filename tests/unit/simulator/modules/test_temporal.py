"""Which time rule holds, and which child it leads to."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest

from reception.simulator.modules.temporal import holds_at
from tests.unit.simulator.modules.branches import taken

# A Wednesday, the fourth and last one of its month.
NOW = datetime.fromisoformat("2026-11-25T09:30")
GREGORIAN = 62_167_219_200


def seconds(day: str) -> int:
    since_1970 = date.fromisoformat(day) - date(1970, 1, 1)
    return since_1970.days * 86_400 + GREGORIAN


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"cycle": "daily"}, True),
        ({"cycle": "daily", "time_window_start": 9 * 3600, "time_window_stop": 10 * 3600}, True),
        ({"cycle": "daily", "time_window_start": 10 * 3600}, False),
        ({"cycle": "daily", "time_window_stop": 9 * 3600}, False),
        ({"cycle": "daily", "interval": 2, "start_date": seconds("2026-11-24")}, False),
        ({"cycle": "daily", "interval": 2, "start_date": seconds("2026-11-23")}, True),
        ({"cycle": "daily", "start_date": seconds("2026-11-26")}, False),
        ({"cycle": "daily", "end_date": seconds("2026-11-24")}, False),
        ({"cycle": "daily", "exclude": ["20261125"]}, False),
        ({"cycle": "date", "start_date": seconds("2026-11-25")}, True),
        ({"cycle": "date", "start_date": seconds("2026-11-24")}, False),
        ({"cycle": "weekly", "wdays": ["wednesday", "friday"]}, True),
        ({"cycle": "weekly", "wdays": ["wensday"]}, True),
        ({"cycle": "weekly", "wdays": ["monday"]}, False),
        (
            {
                "cycle": "weekly",
                "wdays": ["wednesday"],
                "interval": 2,
                "start_date": seconds("2026-11-18"),
            },
            False,
        ),
        ({"cycle": "monthly", "days": [24, 25]}, True),
        ({"cycle": "monthly", "days": [24]}, False),
        ({"cycle": "monthly", "ordinal": "last", "wdays": ["wednesday"]}, True),
        ({"cycle": "monthly", "ordinal": "fourth", "wdays": ["wednesday"]}, True),
        ({"cycle": "monthly", "ordinal": "first", "wdays": ["wednesday"]}, False),
        ({"cycle": "monthly", "ordinal": "every", "wdays": ["wednesday"]}, True),
        ({"cycle": "monthly", "ordinal": "every", "wdays": ["tuesday"]}, False),
        ({"cycle": "yearly", "month": 11, "days": [25]}, True),
        ({"cycle": "yearly", "month": 12, "days": [25]}, False),
        ({"cycle": "never"}, False),
        ({"cycle": "date", "enabled": True}, True),
        ({"cycle": "daily", "enabled": False}, False),
        ({"cycle": "daily", "start_date": 10**30}, True),
        ({"cycle": "daily", "start_date": "x"}, True),
    ],
)
def test_rule_holds(rule: dict[str, Any], holds: bool) -> None:
    assert holds == holds_at(rule, NOW)


DAILY = json.dumps({"cycle": "daily"})
NEVER = json.dumps({"cycle": "daily", "enabled": False})
SCRIPT = f"time {NOW.isoformat()}\ndocument day {DAILY}\ndocument off {NEVER}\n"


@pytest.mark.parametrize(
    ("data", "keys", "script", "runs"),
    [
        ({}, ["off", "day", "_"], SCRIPT, ["day"]),
        ({"rules": ["day"]}, ["day", "_"], SCRIPT, ["day"]),
        ({}, ["off", "_"], SCRIPT, ["_"]),
        ({}, ["day", "_"], f"document day {DAILY}", ["_"]),
        (
            {"rule_set": "s"},
            ["rule_set", "_"],
            SCRIPT + 'document s {"temporal_rules": ["off", "day"]}',
            ["rule_set"],
        ),
        ({}, ["s", "_"], SCRIPT + 'document s {"temporal_rules": ["day"]}', ["s"]),
        ({}, ["day", "off", "_"], SCRIPT + "outcome temporal_route off", ["off"]),
    ],
)
def test_the_rule_that_holds_names_the_child(
    data: dict[str, Any], keys: list[str], script: str, runs: list[str]
) -> None:
    assert runs == taken("temporal_route", data, keys, script=script)
