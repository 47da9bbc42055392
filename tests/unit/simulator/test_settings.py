"""The executor's settings: by name, with each version's values, and all documented."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reception.errors import NeedsHuman
from reception.simulator import quirks
from reception.simulator.settings import NAMES, Settings, parse_settings

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "simulator.md"


def test_a_setting_is_changed_by_name_and_the_rest_is_the_versions() -> None:
    changes = {"max_branches": "3", "inline_flows": "no", "missing_user_key": "GONE"}
    expected = replace(Settings.of(5), max_branches=3, inline_flows=False, missing_user_key="GONE")
    assert expected == parse_settings(5, changes)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no_such", "1"),
        ("max_branches", "-1"),
        ("max_branches", "1e3"),
        ("inline_flows", "perhaps"),
    ],
)
def test_what_is_no_setting_or_no_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(NeedsHuman) as caught:
        parse_settings(4, {name: text})
    assert caught.value.code == "simulator.setting"


def test_a_name_means_one_setting() -> None:
    assert not NAMES & quirks.NAMES


def test_every_setting_is_on_its_page_with_both_versions_values() -> None:
    rows = {
        cells[0]: cells[1:3]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
        for cells in [[cell.strip("` ") for cell in line.strip("|").split("|")]]
    }
    for name in NAMES:
        shown = [_shown(getattr(Settings.of(version), name)) for version in (4, 5)]
        assert shown == rows[name], name


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
