"""The platform's settings: by name, with each version's values, and all documented."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from reception.errors import NeedsHuman
from reception.simulator.quirks import NAMES, QUIRKS, Quirks, parse_quirks

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "simulator.md"


def test_a_setting_is_changed_by_name_and_the_rest_is_the_versions() -> None:
    quirks = parse_quirks(5, {"idle_s": "4.5", "resends_lost_post": "yes", "privacy_name": "x"})
    assert quirks == QUIRKS[5].but(idle_s=4.5, resends_lost_post=True, privacy_name="x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such", "1"),
        ("version", "5"),
        ("idle_s", "soon"),
        ("idle_s", "-1"),
        ("idle_s", "nan"),
        ("idle_s", "inf"),
        ("timeout_ms", "1.5"),
        ("timeout_ms", True),
        ("resends_lost_post", "perhaps"),
    ],
)
def test_what_is_no_setting_or_no_value_is_refused(name: str, value: object) -> None:
    with pytest.raises(NeedsHuman) as caught:
        parse_quirks(4, {name: value})
    assert caught.value.code == "simulator.quirk"


def test_every_setting_is_on_its_page_with_both_versions_values() -> None:
    rows = {
        cells[0].strip("` "): cells[1:3]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
        for cells in [[cell.strip("` ") for cell in line.strip("|").split("|")]]
    }
    assert NAMES <= rows.keys()
    for field in fields(Quirks):
        if field.name in NAMES:
            shown = [_shown(getattr(QUIRKS[version], field.name)) for version in (4, 5)]
            assert shown == rows[field.name], field.name


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
