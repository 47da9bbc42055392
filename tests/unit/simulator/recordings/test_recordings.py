"""
Our executor against the platform's own, recording by recording: every row of every one.

Compared are the nodes with their data and digits, what the executor did, every command and
event, every request body and verdict, who ended the call, and all times.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest

from reception.simulator.recordings.comparing import first_difference
from reception.simulator.recordings.recording import read_recording
from reception.simulator.recordings.replaying import Replay
from reception.simulator.recordings.summing import summary
from tests.conftest import SHARED

pytestmark = pytest.mark.needs_shared

FOLDER: Final = SHARED / "contract" / "traces"
PATHS: Final = sorted(path for path in FOLDER.glob("*.json") if path.stem != "INDEX")
# Times of a summary jitter as those of rows do, which are compared with that in mind.
WITH_TIMES: Final = {"call_ended", "token_check_failed_ms"}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_recorded_call_runs_the_same_way(path: Path) -> None:
    recording = read_recording(path.read_bytes())
    replay = Replay(recording)
    asyncio.run(replay.run())
    assert first_difference(recording.result, replay.rows) is None
    expected, found = recording.given["summary"], summary(replay.rows)
    assert _without_times(expected) == _without_times(found)
    bodies = [list(row["body"]) for row in recording.result if row["ev"] == "http_request"]
    assert bodies == [list(body) for body in replay.bodies]


def test_all_recordings_are_there() -> None:
    assert len(PATHS) == 213


def _without_times(summed: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in summed.items() if key not in WITH_TIMES}
