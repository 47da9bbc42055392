"""`reception simulate --trace`: what it prints, and the status it ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.simulate import simulate
from tests.conftest import SHARED

FLOW = {"module": "play", "data": {"id": "/m/p"}, "children": {"_": {"module": "hangup"}}}


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(simulate, ["--trace", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def given(**fields: Any) -> bytes:
    return json.dumps({"call_id": "c", "platform": "4", "flow": FLOW, **fields}).encode()


def printed(**fields: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(run("-", stdin=given(**fields)).stdout_bytes)
    return shown


def test_a_file_without_a_result_is_run_and_printed_in_its_shape() -> None:
    result = run("-", stdin=given(title="Zoë"))
    shown = json.loads(result.stdout_bytes)
    assert (0, "") == (result.exit_code, result.stderr)
    assert (FLOW, "Zoë") == (shown["flow"], shown["title"])
    assert ["play", "hangup"] == shown["summary"]["nodes_run"]
    assert "executor ended: normal" == shown["summary"]["outcome"]
    assert {"ms": 0, "ev": "command", "app": "answer", "data": {}, "call_id": "c"} in shown[
        "result"
    ]


def test_what_it_prints_agrees_with_itself(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(printed()), encoding="utf-8")
    assert 0 == run(str(path)).exit_code


def test_the_first_difference_is_told() -> None:
    recorded = printed()["result"]
    recorded[0]["module"] = "tts"
    result = run("-", stdin=given(result=recorded))
    assert 1 == result.exit_code
    assert "at 0 ms, is in the nodes, number 1: other module" in result.stderr
    assert '"tts"' in result.stderr
    assert json.loads(result.stdout_bytes)["result"][0]["module"] == "play"


def test_times_may_be_a_little_apart() -> None:
    recorded = printed()["result"]
    for row in recorded:
        row["ms"] += 200
    assert 1 == run("-", stdin=given(result=recorded)).exit_code
    assert 0 == run("-", "--jitter", "200", stdin=given(result=recorded)).exit_code


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"call_id": "c"}'])
def test_a_file_that_is_no_recording_ends_with_2(text: bytes) -> None:
    result = run("-", stdin=text)
    assert (2, b"") == (result.exit_code, result.stdout_bytes)
    assert result.stderr.startswith("reception simulate: ")


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    assert 2 == run(str(tmp_path / "none.json")).exit_code
    assert 2 == run("a\0b").exit_code


@pytest.mark.needs_shared
@pytest.mark.parametrize(
    "number", ["07_earlier_prompt_many_keys_drain", "133_resources_no_child_k5"]
)
def test_recorded_calls_agree(number: str) -> None:
    result = run(str(SHARED / "contract" / "traces" / f"{number}.json"))
    assert (0, "") == (result.exit_code, result.stderr)
