"""Every flow that the platform accepts, and every published example, runs to an end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from reception.callflow.spec import SPECS
from reception.simulator.call import Platform
from tests.conftest import SHARED
from tests.unit.simulator.calls import node, ring_up

pytestmark = pytest.mark.needs_shared

FOLDERS: Final = ("flows/valid", "wire/seed_examples")
PATHS: Final = sorted(
    path for folder in FOLDERS for path in (SHARED / "contract" / folder).glob("*.json")
)

VERDICTS: Final[dict[str, dict[str, Any]]] = (
    json.loads((SHARED / "contract" / "flows" / "RESULTS.json").read_bytes()) if PATHS else {}
)


@pytest.mark.parametrize("platform", [4, 5])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_flow_runs_to_an_end(path: Path, platform: Platform) -> None:
    flow: dict[str, Any] = json.loads(path.read_bytes())
    module = flow["module"]
    if platform not in SPECS[module].versions:
        pytest.skip("a module that this version does not have")
    if _is_accepted(path, platform):
        # As a reply, so that it has the platform's defaults; the app hangs up in the end.
        told = ring_up(flow, node("hangup"), platform=platform)
        ran = told.nodes()[1:]
    else:
        told = ring_up(stored=flow, platform=platform)
        ran = told.nodes()
    assert module == ran[0]
    assert not [entry for entry in told.entries if entry.detail.get("skipped")]
    assert told.outcome.ok or _is_serverless(flow)


def _is_accepted(path: Path, platform: Platform) -> bool:
    """What the platform's own validation said of a flow of ours; the examples are all valid."""
    verdict = VERDICTS.get(f"valid/{path.name}", {})
    return bool(verdict.get(f"platform{platform}", "VALID") == "VALID")


def _is_serverless(flow: dict[str, Any]) -> bool:
    """Its document is on the platform, where nobody described it: the step fails."""
    return "serverless" in flow["data"]


def test_all_of_them_are_there() -> None:
    assert len(PATHS) == 89
