"""Which stored callflow a number leads to."""

from __future__ import annotations

import json

import pytest

from reception.simulator.clock import VirtualClock
from reception.simulator.lookup import look_up
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld

CALLFLOWS = {
    "plain": {"numbers": ["100", "*97"], "flow": {"module": "answer"}},
    "pattern": {"patterns": [r"^\*5(\d+)$", "("], "flow": {"module": "park"}},
    "prefix": {"patterns": [r"^\*6"], "flow": {"module": "sleep"}},
    "longer": {"patterns": [r"\*6(\d)(\d\d)?$"], "flow": {"module": "page_group"}},
    "rest": {"numbers": ["no_match"], "flow": {"module": "resources"}},
    "broken": {"numbers": ["200"], "flow": 1},
}


@pytest.mark.parametrize(
    ("number", "module", "caught"),
    [
        ("100", "answer", None),
        ("*97", "answer", None),
        ("*5701", "park", "701"),
        ("*6", "sleep", "*6"),
        ("*61", "sleep", "*6"),
        ("*6x", "sleep", "*6"),
        ("*6123", "sleep", "*6"),
        ("*5x*67", "page_group", "7"),
        ("+15551234567", "resources", None),
        ("200", "resources", None),
    ],
)
def test_a_number_leads_to_its_callflow(number: str, module: str, caught: str | None) -> None:
    found = look_up(world(), number)
    assert found is not None
    assert (module, caught) == (found.flow["module"], found.capture_group)
    assert (module == "resources") == found.is_no_match


@pytest.mark.parametrize("number", ["*5x", "no_match1", ""])
def test_only_digits_fall_to_the_callflow_for_all_others(number: str) -> None:
    assert look_up(world(), number) is None


def world() -> ScriptedWorld:
    lines = [f"document {name} {json.dumps(each)}" for name, each in CALLFLOWS.items()]
    return ScriptedWorld(parse_script("\n".join(lines)), VirtualClock())
