"""
A part of `make crash`, small enough for every run of the tests.

Which points and moments are tried follows from the seed that the run prints, so that many
runs try them all. Leases are short here, so that what a dead worker left is taken over in time.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reception import faults
from tests.crash import database, duplicates, workers
from tests.crash.trial import Report

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the service and we are to mean the same socket."""
    with tempfile.TemporaryDirectory(prefix="rcpt", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("hypothesis_seed"))


def _check(report: Report) -> None:
    assert [] == report.problems, report
    assert report.figures["acknowledged steps"] > 0


def test_killed_workers_lose_and_change_nothing(folder: Path, seed: int) -> None:
    plan = [(random.Random(seed).choice(sorted(faults.POINTS)), 1), ("", 2)]
    run = workers.run(
        folder, plan, seed, callers=10, lease_s=2.0, hold_s=0.5, faults_of_callers=0.5
    )

    _check(asyncio.run(run))


def test_a_killed_database_loses_nothing_and_comes_back(folder: Path, seed: int) -> None:
    _check(asyncio.run(database.run(folder, 1, seed, callers=8, lease_s=2.0, hold_s=0.5)))


def test_duplicates_hear_the_same_bytes(folder: Path, seed: int) -> None:
    _check(asyncio.run(duplicates.run(folder, 300, seed, callers=8, restarts=1)))
