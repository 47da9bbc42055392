"""The cases that were worked out by hand come out to the cent."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from reception.errors import NeedsHuman
from reception.hotel.rating import differences
from tests.unit.hotel.rating.hotels import DECK, PARIS

CASE = {
    "id": "a",
    "property": "PAR",
    "dialed": "+33142961234",
    "billsec": 60,
    "answer_at": "2026-03-10T10:00:00+01:00",
    "expect": {"status": "rated", "total": "0.16"},
}
FILE = {"properties": {"PAR": PARIS | {"deck": DECK}}, "cases": [CASE]}


@pytest.mark.needs_shared
def test_the_cases_of_the_rules_come_out(shared: Path) -> None:
    text = (shared / "hotel" / "rating_cases.json").read_text()
    found = dict(differences(json.loads(text, parse_float=Decimal), ZoneInfo))
    assert 40 == len(found)
    assert {} == {case: different for case, different in found.items() if different}


def test_a_difference_names_the_case_and_the_field() -> None:
    wrong = CASE | {"id": "b", "expect": {"total": "0.17"}}
    broken = {"id": "c", "property": "nowhere"}
    found = dict(differences(FILE | {"cases": [CASE, wrong, broken]}, ZoneInfo))
    assert [] == found["a"]
    assert [("total", "0.17", "0.16")] == [(d.field, d.expected, d.got) for d in found["b"]]
    assert ["(cannot be read)"] == [each.field for each in found["c"]]


def test_a_file_without_cases_is_refused() -> None:
    with pytest.raises(NeedsHuman):
        list(differences({"cases": []}, ZoneInfo))


def test_null_expects_nothing_and_never_a_price() -> None:
    nothing = {"status": "unrated_suspense", "net": None, "total": None, "prefix": None}
    unknown = CASE | {"id": "u", "dialed": "+8821234", "expect": nothing, "allowance_left": None}
    priced = CASE | {"id": "p", "expect": {"total": None}, "override": None}
    found = dict(differences(FILE | {"cases": [unknown, priced]}, ZoneInfo))
    assert [] == found["u"]
    assert ["total"] == [each.field for each in found["p"]]


def test_a_case_that_cannot_be_rated_does_not_hide_the_others() -> None:
    bands = [{"days": "1", "start": "22:00", "end": "06:00", "rate": "1"}]
    late = CASE | {
        "id": "late",
        "answer_at": "9999-12-31T23:59:59+00:00",
        "override": {
            "band_mode": "split",
            "deck": {"33": {"cls": "national", "rate": "1", "bands": bands}},
        },
    }
    found = dict(differences(FILE | {"cases": [late, CASE]}, ZoneInfo))
    assert ["(cannot be read)"] == [each.field for each in found["late"]]
    assert [] == found["a"]
