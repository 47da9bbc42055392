"""`reception parse pivot`: what it prints, and the status it ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.parse import parse
from reception.wire import PivotRequest

JSON_BODY = '{"Call-ID":"a@b","From":"1001","Caller-ID-Name":"Zoë","Digits":{"default":"4"},"X":1}'
FORM_BODY = "Call-ID=a%40b&From=1001&Caller-ID-Name=Zo%C3%AB&&Digits[default]=4&X=1"


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(parse, ["pivot", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def printed(*arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    result = run(*arguments, stdin=stdin)
    assert (0, "") == (result.exit_code, result.stderr)
    shown: dict[str, Any] = json.loads(result.stdout_bytes)
    return shown


def test_json_and_form_are_told_apart() -> None:
    shown = printed("-", stdin=JSON_BODY.encode())

    assert ("a@b", "1001", "Zoë") == (shown["call_id"], shown["from"], shown["caller_id_name"])
    assert {"default": "4"} == shown["digits"]
    assert {"X": 1} == shown["extra"]
    assert shown == printed("-", stdin=b" \n" + JSON_BODY.encode())
    assert shown | {"extra": {"X": "1"}} == printed("-", stdin=FORM_BODY.encode())


def test_every_attribute_is_printed_under_its_name() -> None:
    names = [name.rstrip("_") for name in PivotRequest.__struct_fields__]

    shown = printed("-", stdin=b"{}")

    assert names == list(shown)
    assert shown["recording_duration"] is None
    assert [] == shown["user_id"]
    assert {} == shown["digits"] == shown["custom_sip_headers"]


def test_digits_that_came_as_text_are_shown_as_text() -> None:
    assert "0630" == printed("-", stdin=b"Digits=0630")["digits"]


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text(JSON_BODY + "\n", encoding="utf-8")

    assert "a@b" == printed(str(path))["call_id"]


def test_the_content_type_of_the_request_counts() -> None:
    assert (
        "a@b"
        == printed("-", "--content-type", "application/json", stdin=JSON_BODY.encode())["call_id"]
    )
    form = "application/x-www-form-urlencoded"
    assert {"": {"1": ""}} == printed("-", "--content-type", form, stdin=b"[1]&To=1")["extra"]
    assert "pivot.not_object" in run("-", stdin=b"[1]&To=1"[:3]).stderr


@pytest.mark.parametrize("body", ["{", "", "[]", '{"a":"\\ud800"}', "From=%FF", "x" * 70_000])
def test_a_request_that_cannot_be_read_ends_with_its_code(body: str) -> None:
    result = run("-", stdin=body.encode())

    assert (1, b"") == (result.exit_code, result.stdout_bytes)
    assert result.stderr.startswith("pivot.")


def test_the_platforms_own_bytes_are_printed_alike_in_both_encodings(shared: Path) -> None:
    for path in sorted((shared / "contract" / "wire" / "pivot_form").glob("*.body")):
        twin = printed(str(path))
        source = printed(str(path.with_suffix(".json")))
        for name in source.keys() - {"custom_application_vars"}:
            assert (path.name, source[name]) == (path.name, twin[name])


@pytest.mark.parametrize("arguments", [["absent.json"], ["."], ["\0"], [], ["-", "--nonsense"]])
def test_a_file_that_cannot_be_read_is_another_matter(arguments: list[str]) -> None:
    result = run(*arguments)

    assert (2, b"") == (result.exit_code, result.stdout_bytes)
    assert result.stderr


def test_a_number_of_any_length_is_printed() -> None:
    assert {"X": 10**4_000} == printed("-", stdin=b'{"X":1' + b"0" * 4_000 + b"}")["extra"]


def test_a_report_is_printed_with_its_times() -> None:
    body = b"Timestamp=63961000000&From=1001%40h&Billing-Seconds=88&Hangup-Cause=USER_BUSY&X=1"
    result = CliRunner().invoke(parse, ["hangup", "-"], input=body)
    shown = json.loads(result.stdout_bytes)
    assert (0, 88, "1001@h") == (result.exit_code, shown["billing_s"], shown["from"])
    assert ("2026-11-04T08:26:40+00:00", {"X": "1"}) == (shown["at"], shown["extra"])


def test_a_report_that_cannot_be_read_says_why() -> None:
    result = CliRunner().invoke(parse, ["hangup", "-"], input=b"{")
    assert (1, True) == (result.exit_code, result.stderr.startswith("report.not_json: "))
