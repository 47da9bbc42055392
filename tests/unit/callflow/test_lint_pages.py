"""Each code has its page, each page its code, and the examples do what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest

from reception.callflow import validate
from reception.callflow.rules import RULES
from reception.callflow.rules.rule import Rule

# Their examples would be bytes, or hundreds of nodes.
WITHOUT_EXAMPLE = {"RC100", "RC102", "RC103", "RC104", "RC105"}


@pytest.fixture(scope="module")
def pages(repository: Path) -> Path:
    return repository / "docs" / "lint"


def test_codes_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in RULES]
    assert sorted(set(codes)) == codes
    assert all(re.fullmatch(r"RC1\d\d", code) for code in codes)


def test_each_rule_looks_at_nodes_or_at_the_whole() -> None:
    for rule in RULES:
        assert (rule.code != "RC100") == ((rule.each is None) != (rule.whole is None)), rule.code


def test_every_code_has_a_page_and_every_page_a_code(pages: Path) -> None:
    assert {rule.code for rule in RULES} == {page.stem for page in pages.glob("RC1*.md")}


def test_the_index_lists_every_rule_as_the_table_has_it(pages: Path) -> None:
    listed = re.findall(
        r"^\| \[(RC1\d+)\]\((RC1\d+)\.md\) \| (.+?) \| (.+) \|$",
        (pages / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert [(rule.code, rule.code, rule.name, rule.summary) for rule in RULES] == listed


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_page_says_what_why_and_how_to_mend(rule: Rule, pages: Path) -> None:
    text = (pages / f"{rule.code}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {rule.code}: {rule.name}\n\n{rule.summary}\n")
    for heading in ("## What", "## Why", "## How to mend"):
        assert f"\n{heading}\n" in text


@pytest.mark.parametrize("code", [rule.code for rule in RULES if rule.code not in WITHOUT_EXAMPLE])
def test_the_example_has_the_warning_before_and_none_after(code: str, pages: Path) -> None:
    text = (pages / f"{code}.md").read_text(encoding="utf-8")
    platform: Literal[4, 5] = 4 if "`--platform 4`)" in text else 5
    before, after = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    found = validate(before, platform=platform)
    assert ({code}, ()) == ({warning.code for warning in found.warnings}, found.errors)
    mended = validate(after, platform=platform)
    assert ((), ()) == (mended.warnings, mended.errors)
