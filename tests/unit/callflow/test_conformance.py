"""Every node says what the platform's schema says, and nothing else, for both versions."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from reception.callflow import SPECS
from tests.unit.callflow.oracle import modules, schema

pytestmark = pytest.mark.needs_shared

PLATFORMS: tuple[Literal[4, 5], ...] = (4, 5)
HELPERS = {"action", "audio_macro.prompt", "audio_macro.say", "audio_macro.tone"}
"""Schemas that are parts of others; no module has these names."""

WORDS_ONLY = {"description", "$schema", "_id", "support_level"}
"""Keywords that judge nothing."""

CASES = [(p, name) for p in PLATFORMS for name in SPECS if p in SPECS[name].versions]


def comparable(platform: int, rules: Any, *, names: bool = False) -> Any:
    """A schema with its references put in, without words, and with sets in one order."""
    if isinstance(rules, list):
        return [comparable(platform, part) for part in rules]
    if not isinstance(rules, dict):
        return rules
    if not names and rules.get("$ref", "callflows.action") != "callflows.action":
        whole = dict(schema(platform, rules["$ref"]))
        beside = {key: value for key, value in rules.items() if key != "$ref"}
        whole["properties"] = whole.get("properties", {}) | beside.pop("properties", {})
        return comparable(platform, whole | beside)
    made = {
        key: comparable(
            platform, part, names=key in ("properties", "patternProperties") and not names
        )
        for key, part in rules.items()
        if names or key not in WORDS_ONLY
    }
    if not names:
        for key in made.keys() & {"enum", "required", "oneOf", "anyOf"}:
            made[key] = sorted(made[key], key=lambda part: json.dumps(part, sort_keys=True))
    if made.get("properties") == {}:
        del made["properties"]
    return made


def test_there_is_a_node_for_every_module_of_the_platform() -> None:
    expected = {name for p in PLATFORMS for name in modules(p)} - HELPERS

    assert expected == set(SPECS)
    assert len(SPECS) == 82


@pytest.mark.parametrize("name", SPECS)
def test_a_module_is_marked_with_the_versions_that_have_it(name: str) -> None:
    assert {p for p in PLATFORMS if name in modules(p)} == SPECS[name].versions


@pytest.mark.parametrize(("platform", "name"), CASES)
def test_a_node_says_what_the_schema_says(platform: Literal[4, 5], name: str) -> None:
    expected = comparable(platform, schema(platform, f"callflows.{name}"))

    assert expected == comparable(platform, SPECS[name].schema(platform))


@pytest.mark.parametrize(("platform", "name"), CASES)
def test_a_spec_lists_the_keys_and_defaults_of_the_schema(
    platform: Literal[4, 5], name: str
) -> None:
    properties = schema(platform, f"callflows.{name}")["properties"]

    assert {*properties, "skip_module"} == SPECS[name].properties(platform)
    expected = {key: part["default"] for key, part in properties.items() if "default" in part}
    assert expected == SPECS[name].defaults(platform)
