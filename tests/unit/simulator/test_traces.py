"""
Our walk against the platform's own executor, recording by recording.

Compared are the nodes and their order, the digits that each node found, every request
body, the time of each node (within the recordings' own jitter), and who ended the call.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pytest

from reception.simulator.defaults import with_defaults
from reception.simulator.modules import MODULES
from reception.simulator.steps import Outcome
from tests.conftest import SHARED
from tests.unit.simulator.traces import Trace, load, replay

pytestmark = pytest.mark.needs_shared

FOLDER: Final = SHARED / "contract" / "traces"
PATHS: Final = sorted(path for path in FOLDER.glob("*.json") if path.stem != "INDEX")
JITTER_MS: Final = 150

# Said in a bad reply or a stored flow on purpose: the walk must cope with it.
NO_MODULE: Final = "no_such_module"


def why_skipped(trace: Trace) -> str | None:
    """Say what a recording needs that the phone does not simulate yet."""
    later = trace.modules() - set(MODULES) - {NO_MODULE}
    if later:
        return f"modules that come later: {', '.join(sorted(later))}"
    acts = {key for act in trace.recorded["script"] for key in act}
    if acts - {"on", "ms", "dtmf", "hangup"}:
        return "transfers, renamed calls and injected events come later"
    return None


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def trace(request: pytest.FixtureRequest) -> Trace:
    path: Path = request.param
    loaded = load(path)
    reason = why_skipped(loaded)
    if reason is not None:
        pytest.skip(reason)
    return loaded


def test_recorded_call_runs_the_same_way(trace: Trace) -> None:
    recorder, ending = asyncio.run(replay(trace))
    nodes = trace.rows("node")
    if trace.name.startswith("161_resources_cancel_child_pivot"):
        # The recording enters a pivot after the hang-up, which never sends its request.
        nodes = nodes[:1]

    assert [row["module"] for row in nodes] == recorder.modules_run()

    found = [
        {name: keys for name, keys in entry.detail["collections"].items() if keys}
        for entry in recorder.entries
        if entry.kind.value == "node" and not entry.detail.get("skipped")
    ]
    expected = [{name: keys for name, keys in row["collections"].items() if keys} for row in nodes]
    assert expected == found

    requests = [row["body"] for row in trace.rows("http_request")]
    assert requests == recorder.bodies
    assert [list(body) for body in requests] == [list(body) for body in recorder.bodies]

    for row, at_ms in zip(nodes, recorder.node_times, strict=True):
        assert at_ms == pytest.approx(row["ms"], abs=JITTER_MS), row["module"]

    ended = trace.recorded["summary"]["call_ended"]
    by_caller = ended is not None and ended["by"] == "caller"
    assert by_caller == (ending.outcome in {Outcome.CALLER_HUNG_UP, Outcome.SILENCE})
    if ended is not None and ended["by"] == "platform":
        assert ending.at_ms == pytest.approx(ended["ms"], abs=JITTER_MS)


def test_most_recordings_are_replayed() -> None:
    replayed = [path for path in PATHS if why_skipped(load(path)) is None]
    assert len(replayed) >= 160


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_defaults_are_written_in_as_recorded(path: Path) -> None:
    trace = load(path)
    accepted = [row for row in trace.rows("pivot_verdict") if "flow_after_validation" in row]
    written = [
        reply["flow"]
        for reply in trace.recorded["http_replies"]
        if reply.get("status") == 200 and "flow" in reply
    ]
    # A recording whose reply was not written down has one more verdict than replies.
    for row, flow in zip(accepted, written, strict=False):
        assert row["flow_after_validation"] == with_defaults(flow, trace.platform)
