"""Fault points: silent unless armed, and every name is known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reception import faults

SOURCE = Path(faults.__file__).parent


def test_a_point_does_nothing_until_a_hook_is_armed() -> None:
    passed: list[str] = []
    faults.point("store.after_commit")
    faults.arm(passed.append)
    try:
        faults.point("store.after_commit")
    finally:
        faults.disarm()
    faults.point("store.after_commit")

    assert ["store.after_commit"] == passed


def test_what_a_hook_raises_is_raised_at_the_point() -> None:
    def fail(name: str) -> None:
        raise ConnectionAbortedError(name)

    faults.arm(fail)
    try:
        with pytest.raises(ConnectionAbortedError):
            faults.point("store.before_end")
    finally:
        faults.disarm()


def test_every_point_of_the_source_is_listed_and_every_listed_one_is_there() -> None:
    passed = {
        name
        for path in SOURCE.rglob("*.py")
        if path.name != "faults.py"
        for name in re.findall(r'faults\.point\("([^"]+)"\)', path.read_text("utf-8"))
    }

    assert set(faults.POINTS) == passed
