"""A worker dies where the crash tests want it to, and never where others call."""

from __future__ import annotations

import multiprocessing
import signal

import pytest

from reception import faults
from reception.bootstrap.arming import VARIABLE, arm_fault
from reception.bootstrap.problems import ConfigError


def _pass(text: str, *points: str) -> None:
    arm_fault({VARIABLE: text}, is_loopback=True)
    for point in points:
        faults.point(point)


def _exit_status(text: str, *points: str) -> int | None:
    process = multiprocessing.get_context("forkserver").Process(target=_pass, args=(text, *points))
    process.start()
    process.join(60)
    return process.exitcode


def test_a_worker_is_killed_when_it_passes_its_point_for_the_nth_time() -> None:
    point, other = "store.after_commit", "store.before_commit"

    assert -signal.SIGKILL == _exit_status(f"{point}:kill", point)
    assert 0 == _exit_status(f"{point}:kill:3", point, other, point, other)
    assert -signal.SIGKILL == _exit_status(f"{point}:kill:3", point, other, point, point)


def test_nothing_is_armed_where_nothing_is_asked_for() -> None:
    arm_fault({}, is_loopback=False)
    arm_fault({VARIABLE: ""}, is_loopback=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store.after_comit:kill", 'did you mean "store.after_commit"'),
        ("store.after_commit", "must be like"),
        ("store.after_commit:burn", "must be like"),
        ("store.after_commit:kill:0", "must be like"),
        ("store.after_commit:kill:x", "must be like"),
    ],
)
def test_what_cannot_be_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        arm_fault({VARIABLE: text}, is_loopback=True)


def test_it_is_refused_where_others_can_reach_the_server() -> None:
    with pytest.raises(ConfigError, match="take it out"):
        arm_fault({VARIABLE: "store.after_commit:kill"}, is_loopback=False)
