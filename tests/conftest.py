"""
What all tests share: the facts about the platform, and chance that can be repeated.

Every run draws one seed for the generated examples and prints it in its first lines; a failing
example is printed with the line that brings it back. `make test ARGS="--hypothesis-seed=N"`
repeats a run, `ARGS="--hypothesis-profile=deep"` looks for longer. Warnings are errors
(pyproject.toml). Fixtures of one package belong into the conftest.py of its own folder.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.database import dsn, owner_dsn, server

__all__ = ["dsn", "owner_dsn", "server"]

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"
ABSENT = "the platform's facts (../shared, beside this repository) are not on this machine"

# No deadline: a busy machine would fail examples that nothing is wrong with. Time is measured
# where it is promised, in tests of its own.
settings.register_profile(
    "reception",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", settings.get_profile("reception"), max_examples=5_000)
settings.load_profile("reception")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed here, before Hypothesis draws one for each test and tells nobody."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(secrets.randbelow(2**32))


def pytest_report_header(config: pytest.Config) -> str:
    seed = config.option.hypothesis_seed
    return f'seed {seed}; the same run again: make test ARGS="--hypothesis-seed={seed}"'


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_shared") and not SHARED.is_dir():
        pytest.skip(ABSENT)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the platform's facts; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(ABSENT)
    return SHARED
