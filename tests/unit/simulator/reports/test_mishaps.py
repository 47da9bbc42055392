"""Reports that go astray do so by a seed."""

from __future__ import annotations

from typing import Any

import pytest

from reception.errors import NeedsHuman
from reception.simulator.reports.mishaps import Mishaps


def test_nothing_goes_wrong_by_itself() -> None:
    assert [[0.0]] * 20 == [Mishaps().plan() for _ in range(20)]


def test_the_same_seed_goes_wrong_the_same_way() -> None:
    one, other = (Mishaps(0.3, 0.3, 2.0, seed=7) for _ in range(2))
    plans = [one.plan() for _ in range(200)]
    assert plans == [other.plan() for _ in range(200)]
    assert {0, 1, 2} == {len(plan) for plan in plans}
    assert all(0 <= pause < 2 for plan in plans for pause in plan)


def test_all_can_be_lost_and_all_doubled() -> None:
    assert [] == Mishaps(loses=1.0).plan()
    assert 2 == len(Mishaps(doubles=1.0).plan())


@pytest.mark.parametrize("settings", [{"loses": 1.1}, {"doubles": -1}, {"delays_s": -1}])
def test_shares_are_shares(settings: dict[str, Any]) -> None:
    with pytest.raises(NeedsHuman):
        Mishaps(**settings)
