"""What the platform's own facts say a linter must tell, and where."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Literal

import pytest

from reception.callflow.lint import lint
from reception.callflow.reading import Reading, read
from tests.conftest import SHARED

pytestmark = pytest.mark.needs_shared

FLOWS = SHARED / "contract" / "flows"
EXAMPLES = SHARED / "contract" / "wire" / "seed_examples"

CODES = {
    "child_missing_data.json": "RC106",
    "device_no_id.json": "RC113",
    "play_bad_terminator.json": "RC142",
    "play_id_missing.json": "RC113",
    "raw_latin1.json": "RC102",
    "record_call_missing_action.json": "RC107",
    "response_missing_code.json": "RC107",
    "set_variable_unknown.json": "RC161",
    "set_variables_missing.json": "RC107",
    "too_deep_400.json": "RC103",
    "unknown_data_key.json": "RC110",
    "unreachable_key.json": "RC120",
    "user_id_long.json": "RC114",
    "user_missing_id.json": "RC113",
    "webhook_no_uri.json": "RC113",
    "webhook_retries_9.json": "RC163",
    "wrong_case_key.json": "RC110",
}


def rows() -> list[tuple[str, str]]:
    """The flows that the platform accepts, or cannot read, and the path to report."""
    table = FLOWS / "invalid.tsv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return [
            (row["file"], row["json_path"])
            for row in csv.DictReader(file, delimiter="\t")
            if row["rule"].startswith("lint:") or row["rule"] == "utf8"
        ]


def warnings_of(path: Path, platform: Literal[4, 5]) -> list[tuple[str, str]]:
    reading = read(path.read_bytes())
    assert isinstance(reading, Reading)
    return [(warning.code, warning.path) for warning in lint(reading, platform)]


@pytest.mark.parametrize("platform", [4, 5])
@pytest.mark.parametrize(("name", "path"), rows())
def test_the_warning_stands_at_the_path_of_the_table(
    name: str, path: str, platform: Literal[4, 5]
) -> None:
    file = FLOWS / name
    if "..." in path:  # too_deep_400: the table shortens it
        path = "$" + ".children._" * 64
    assert (CODES[file.name], path) in warnings_of(file, platform)


def test_every_row_of_the_table_is_tried() -> None:
    assert set(CODES) == {Path(name).name for name, _ in rows()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("seed1_pivot", [("RC131", "$"), ("RC132", "$")]),
        ("seed2_set_cid", []),
        ("seed3_voicemail", []),
        ("seed4_play", []),
        # Without a failure key, version 5 leaves the caller in silence.
        ("seed5_resources", [("RC123", "$")]),
        ("seed6_menu", []),
        ("seed7_play", [("RC131", "$.children._")]),
    ],
)
def test_the_published_examples_get_only_the_warnings_they_deserve(
    name: str, expected: list[tuple[str, str]]
) -> None:
    assert expected == warnings_of(EXAMPLES / f"{name}.json", 5)


@pytest.mark.parametrize("platform", [4, 5])
def test_every_module_at_its_barest_is_survived(platform: Literal[4, 5]) -> None:
    files = sorted((FLOWS / "valid").glob("*.json"))
    assert files
    for file in files:
        warnings_of(file, platform)


@pytest.mark.parametrize(
    "trace",
    sorted((SHARED / "contract" / "traces").glob("*_tokens_*.json")),
    ids=lambda trace: trace.stem,
)
def test_a_burst_is_foretold_exactly_where_the_platform_ran_dry(trace: Path) -> None:
    recording = json.loads(trace.read_bytes())
    if recording["summary"]["posts"]:
        pytest.skip("the bucket ran dry in a second flow, which this one cannot know")
    dry = bool(recording["summary"]["token_check_failed_ms"])
    foretold = [w for w in lint(Reading(recording["flow"]), 5) if w.code == "RC105"]
    assert dry == bool(foretold)
    ran = recording["summary"]["nodes_run_count"]  # 0 where all were skipped: those are not seen
    if dry and ran:  # one level deeper than the last node that ran
        assert ran == foretold[0].path.count("children")
