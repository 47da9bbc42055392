"""`reception check`: what it prints, and the status it ends with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.check import check

GOOD = '{"module":"hangup","data":{}}'
WARNED = '{"module":"user","data":{"id":"u","Timeout":3}}'
REJECTED = '{"module":"playback","data":{}}'


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("good", GOOD), ("warned", WARNED), ("rejected", REJECTED)):
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: str, stdin: bytes | None = None, color: bool = False) -> Result:
    result = CliRunner().invoke(check, arguments, input=stdin, color=color)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("flows")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["good.json"], 0),
        (["good.json", "warned.json"], 0),
        (["rejected.json"], 1),
        (["good.json", "rejected.json", "warned.json"], 1),
        (["absent.json"], 2),
        (["rejected.json", "absent.json"], 2),
        ([], 2),
        (["--platform", "6", "good.json"], 2),
        (["--nonsense", "good.json"], 2),
    ],
)
def test_the_status_tells_the_worst(arguments: list[str], status: int) -> None:
    assert status == run(*arguments).exit_code
    if arguments:
        assert status == run("--json", *arguments).exit_code


@pytest.mark.usefixtures("flows")
def test_json_has_exactly_the_promised_keys() -> None:
    good, warned, rejected = lines(run("--json", "good.json", "warned.json", "rejected.json"))
    assert {"file": "good.json", "valid": True, "errors": [], "warnings": []} == good
    assert ["file", "valid", "errors", "warnings"] == list(warned)
    assert [("$.data.Timeout", "RC110")] == [(w["path"], w["code"]) for w in warned["warnings"]]
    assert {"path", "code", "message"} == set(warned["warnings"][0])
    assert (False, "$.module") == (rejected["valid"], rejected["errors"][0]["path"])
    assert {"path", "rule", "message"} == set(rejected["errors"][0])


@pytest.mark.usefixtures("flows")
def test_people_see_file_place_excerpt_words_and_page() -> None:
    output = run("warned.json", "rejected.json").stdout
    assert "warned.json: valid (1 warning)" in output
    assert "  warning $.data.Timeout (RC110 unknown data key)\n      3\n" in output
    assert "Did you mean timeout?" in output
    assert "docs/lint/RC110.md" in output
    assert "rejected.json: invalid (1 error" in output
    assert '  error $.module (unknown_module)\n      "playback"\n' in output
    assert "2 files: 1 valid, 1 invalid; 1 error, 1 warning" == output.splitlines()[-1]


@pytest.mark.usefixtures("flows")
def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in run("rejected.json").stdout
    assert "\x1b[31m" in run("rejected.json", color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("rejected.json", color=True).stdout


@pytest.mark.parametrize("stdin", [GOOD.encode(), b"\xef\xbb\xbf{}", b"", b"\xff\xfe", b"nonsense"])
def test_a_dash_reads_standard_input(stdin: bytes) -> None:
    result = run("--json", "-", stdin=stdin)
    assert [("-", stdin == GOOD.encode())] == [(x["file"], x["valid"]) for x in lines(result)]
    assert (0 if stdin == GOOD.encode() else 1) == result.exit_code


def test_what_cannot_be_read_is_said_and_the_rest_is_reported(flows: Path) -> None:
    (flows / "folder").mkdir()
    (flows / "huge.json").touch()
    os.truncate(flows / "huge.json", 17 * 1024 * 1024)
    names = ["folder", "absent.json", "huge.json", "\0", "x" * 5_000]
    result = run("--json", *names, "good.json")
    assert 2 == result.exit_code
    assert ["good.json"] == [report["file"] for report in lines(result)]
    assert len(names) == len(result.stderr.splitlines())
    assert "cannot read folder: Is a directory" in result.stderr
    assert "huge.json is larger than 16 MiB" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_without_permission_is_said(flows: Path) -> None:
    (flows / "good.json").chmod(0)
    result = run("good.json")
    assert (2, "Permission denied" in result.stderr) == (result.exit_code, True)


def test_three_thousand_levels_are_no_accident(flows: Path) -> None:
    deep = '{"module":"noop","data":{},"children":{"_":' * 3_000 + GOOD + "}}" * 3_000
    (flows / "deep.json").write_text(deep, encoding="utf-8")
    assert "RC103" in run("deep.json").stdout
    (flows / "brackets.json").write_text("[" * 100_000, encoding="utf-8")
    assert 1 == run("brackets.json").exit_code


def test_control_characters_never_reach_the_terminal(flows: Path) -> None:
    key = "\x1b[2J\u202e\ud800"
    flow = {"module": key, "data": {}, "children": {key: {"module": "play", "data": {key: key}}}}
    (flows / "evil.json").write_text(json.dumps(flow), encoding="utf-8")
    (flows / "evil2.json").write_text(json.dumps(flow).replace("\\ud800", ""), encoding="utf-8")
    for output in (run("evil.json").output, run("evil2.json").output):
        assert output.isascii()
        assert "\x1b" not in output


@pytest.mark.usefixtures("flows")
def test_the_version_decides_what_counts() -> None:
    Path("v5.json").write_text('{"module":"tones","data":{"tones":[]}}', encoding="utf-8")
    assert (0, 1) == (
        run("v5.json").exit_code,
        run("--platform", "4", "v5.json").exit_code,
    )
