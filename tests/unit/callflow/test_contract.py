"""The platform's own verdicts, as they were recorded, file by file."""

from __future__ import annotations

import csv
import json
from typing import Any, Literal

import pytest

from reception.callflow import flow, validate, verdict
from tests.conftest import SHARED

pytestmark = pytest.mark.needs_shared

CONTRACT = SHARED / "contract"
PLATFORMS: tuple[Literal[4, 5], ...] = (4, 5)


def recorded() -> list[tuple[str, Literal[4, 5], bool]]:
    """Every recorded file and version, and whether the platform accepted it there."""
    cases: list[tuple[str, Literal[4, 5], bool]] = []
    for folder in ("wire/validate", "flows"):
        results = CONTRACT / folder / "RESULTS.json"
        if results.is_file():
            for name, result in json.loads(results.read_text(encoding="utf-8")).items():
                cases += [
                    (f"{folder}/{name}", p, result[f"platform{p}"] == "VALID") for p in PLATFORMS
                ]
    return cases


def rows() -> list[tuple[str, str, str]]:
    """The files that the platform rejects, and the place and rule to report."""
    table = CONTRACT / "flows" / "invalid.tsv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return [
            # The table explains itself in two rows ("schema type / crash").
            (row["file"], row["json_path"], "type" if "schema type" in row["rule"] else row["rule"])
            for row in csv.DictReader(file, delimiter="\t")
            if not row["rule"].startswith("lint:") and row["rule"] != "utf8"
        ]


RECORDED = recorded()


def test_the_recorded_verdicts_are_read() -> None:
    assert len(RECORDED) > 400
    assert len(rows()) > 40


@pytest.mark.parametrize(("file", "platform", "accepted"), RECORDED)
def test_the_verdict_is_the_platforms_own(
    file: str, platform: Literal[4, 5], *, accepted: bool
) -> None:
    found = verdict((CONTRACT / file).read_bytes(), platform)

    assert accepted == (not found), found


@pytest.mark.parametrize(("file", "path", "rule"), rows())
def test_a_rejection_names_place_and_rule(file: str, path: str, rule: str) -> None:
    findings = validate((CONTRACT / "flows" / file).read_bytes())

    assert (path, rule) in {(error.path, error.rule) for error in findings.errors}


@pytest.mark.parametrize(("file", "platform", "accepted"), RECORDED)
def test_what_the_platform_accepts_can_be_held_as_a_flow(
    file: str, platform: Literal[4, 5], *, accepted: bool
) -> None:
    if not accepted or file.endswith(("invalid_utf8.json", "raw_latin1.json")):
        return
    source: dict[str, Any] = json.loads((CONTRACT / file).read_bytes())
    made = flow.raw(source)

    assert platform in made.platforms
    assert verdict(made.render(), platform) == ()
    assert with_everything(source) == made.to_dict()


def with_everything(node: dict[str, Any]) -> dict[str, Any]:
    """A node as we write it: data and children are always there."""
    children = {key: with_everything(child) for key, child in node.get("children", {}).items()}
    return {"data": {}} | node | {"children": children}
