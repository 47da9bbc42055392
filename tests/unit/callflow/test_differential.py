"""Our verdict against an independent reading of the platform's schemas."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reception.callflow import flow, verdict
from reception.errors import AppError
from tests.unit.callflow.generated import nodes, objects, values
from tests.unit.callflow.oracle import modules, rejections, schema

pytestmark = pytest.mark.needs_shared

PLATFORMS: tuple[Literal[4, 5], ...] = (4, 5)


def ours(tree: Any, platform: Literal[4, 5]) -> set[tuple[str, str]]:
    """What we say, with the envelope of the API told like any node without a module."""
    found = verdict(json.dumps(tree), platform)
    envelope = ".module"
    return {
        (f.path.removesuffix(envelope) if f.rule == "required" else f.path, f.rule) for f in found
    }


@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
def test_whole_trees_are_judged_as_the_schemas_say(
    platform: Literal[4, 5], data: st.DataObject
) -> None:
    tree = data.draw(nodes(platform))

    assert rejections(platform, tree) == ours(tree, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
def test_every_property_is_judged_as_the_schemas_say(
    platform: Literal[4, 5], data: st.DataObject
) -> None:
    for module in data.draw(st.lists(st.sampled_from(modules(platform)), min_size=5, max_size=5)):
        rules = schema(platform, f"callflows.{module}")
        tree = {"module": module, "data": data.draw(objects(platform, rules, 2))}

        assert rejections(platform, tree) == ours(tree, platform)


@given(data=st.data())
def test_audio_macros_are_judged_as_the_schemas_say(data: st.DataObject) -> None:
    rules = schema(5, "callflows.audio_macro")["properties"]["macros"]["items"]["oneOf"]
    arm = data.draw(st.sampled_from(rules))
    item = data.draw(values(5, arm, 2))
    tree = {"module": "audio_macro", "data": {"macros": [item]}}

    assert rejections(5, tree) == ours(tree, 5)


@given(data=st.data())
def test_what_is_built_is_what_the_platform_accepts(data: st.DataObject) -> None:
    platform = data.draw(st.sampled_from(PLATFORMS))
    tree = data.draw(nodes(platform).filter(lambda tree: isinstance(tree, dict)))
    # A flow holds flows only; what hangs where the platform does not look must be one too.
    assume(not has_loose_child(tree))
    # Addresses of this very machine may be built, for trials; nothing else that is rejected.
    text = json.dumps(tree).lower()
    for host in ("localhost", "127.0.0.1", "0.0.0.0"):
        text = text.replace(host, "example.org")
    elsewhere = json.loads(text) if text.isascii() else tree
    try:
        made = flow.raw(elsewhere)
    except AppError:
        assert all(rejections(p, elsewhere) for p in PLATFORMS)
        return
    assert {p for p in PLATFORMS if not rejections(p, elsewhere)} == made.platforms
    assert json.loads(made.render()) == made.to_dict()
    assert rejections(min(made.platforms), json.loads(made.render())) == set()


def has_loose_child(tree: Any) -> bool:
    """Whether a child hangs under a key that the platform does not look at."""
    children = tree.get("children", {}) if isinstance(tree, dict) else {}
    if not isinstance(children, dict):
        return False
    return any(not key.strip("\n") or has_loose_child(child) for key, child in children.items())
