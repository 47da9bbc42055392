"""
Flows for tests, drawn along the platform's schemas: often right, and wrong in every way.

The rule this file keeps: it reads the schema files, not our nodes, so that a key or a bound
that we forgot is drawn all the same.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.callflow.oracle import modules, schema

TEXTS = [
    "",
    "x",
    "de",
    "de-DE",
    "de-DE\n",
    "english",
    "a@b",
    "a@b@c",
    "@",
    "0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdeé",
    "x" * 128,
    "x" * 129,
    "ä" * 1000,
    "ä" * 1001,
    "12",
    "1a",
    "#",
    "http://",
    "https://app.example.com/voice?APPID=x",
    "HTTPS://app.example.com/",
    "ftp://example.com/a",
    "http://localhost:8080/",
    "http://LocalHost/",
    "https://u:p@127.0.0.1/x",
    "https://u@127.0.0.1/x",
    "https://u@p:127.0.0.1/x",
    "http:localhost",
    "http://0.0.0.0?x=1",
    "http://127.0.0.2/",
    "http://10.0.0.1/",
    "http://localhost.example.com/",
    "http://[::1]:80/",
    "  http://localhost/",
]
NUMBERS: list[Any] = [-1, 0, 1, 4, 5, 10, 100, 101, 486, 5000, 5001, 10800, 10801, 86400001, 2**70]
JUNK = st.recursive(
    st.sampled_from([None, True, False, 1.0, 1.5, *NUMBERS, *TEXTS]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "a", "macro", "module"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def values(draw: st.DrawFn, platform: int, rules: dict[str, Any], depth: int) -> Any:
    """A value that a schema describes, or one that it nearly does."""
    if draw(st.integers(0, 19)) == 0:
        return draw(JUNK)
    if rules.get("$ref") == "callflows.action":
        return draw(nodes(platform, depth + 1))
    if "$ref" in rules:
        merged = dict(schema(platform, rules["$ref"]))
        merged["properties"] = merged.get("properties", {}) | rules.get("properties", {})
        return draw(values(platform, merged, depth))
    arms = rules.get("oneOf", []) + rules.get("anyOf", [])
    if arms and all("type" in arm or "$ref" in arm for arm in arms) and draw(st.booleans()):
        return draw(values(platform, draw(st.sampled_from(arms)), depth))
    if "enum" in rules:
        return draw(st.sampled_from([*rules["enum"], *rules["enum"], "nope"]))
    kind = rules.get("type", "object" if "properties" in rules else None)
    if kind == "string":
        return draw(st.sampled_from(TEXTS))
    if kind == "integer":
        edges = [
            rules[edge] + by
            for edge in ("minimum", "maximum")
            if edge in rules
            for by in (-1, 0, 1)
        ]
        return draw(st.sampled_from([*edges, *NUMBERS]))
    if kind == "boolean":
        return draw(st.booleans())
    if kind == "array":
        return draw(st.lists(values(platform, rules.get("items", {}), depth), max_size=3))
    if kind == "object":
        return draw(objects(platform, rules, depth))
    return draw(JUNK)


@st.composite
def objects(draw: st.DrawFn, platform: int, rules: dict[str, Any], depth: int) -> dict[str, Any]:
    """An object with some of the keys that its schema names, and sometimes with others."""
    properties = rules.get("properties", {})
    required = [key for key in rules.get("required", []) if draw(st.integers(0, 5))]
    optional = draw(st.lists(st.sampled_from(sorted(properties)), max_size=4)) if properties else []
    made = {}
    for key in [*required, *optional]:
        made[key] = draw(values(platform, properties[key], depth))
    if draw(st.integers(0, 3)) == 0:
        key = draw(st.sampled_from(["X-Prop", "x-a", "y", "in", "out", "X Y", "macro", "foo"]))
        made[key] = draw(JUNK)
    return made


@st.composite
def nodes(draw: st.DrawFn, platform: int, depth: int = 0) -> Any:
    """A node with its data and, down to a few levels, its children."""
    if draw(st.integers(0, 29)) == 0:
        return draw(JUNK)
    name = draw(st.sampled_from(modules(platform)))
    node: dict[str, Any] = {"module": name}
    if draw(st.integers(0, 9)):
        node["data"] = draw(values(platform, schema(platform, f"callflows.{name}"), depth))
    if draw(st.integers(0, 19)) == 0:
        node["module"] = draw(st.sampled_from(["", "Play", "tones", "x" * 65, None, 1]))
    if draw(st.integers(0, 29)) == 0:
        del node["module"]
    if depth < 2:
        keys = st.sampled_from(["_", "1", "sip:486", "USER_BUSY", "", "\n", "ä"])
        children = st.dictionaries(keys, nodes(platform, depth + 1), max_size=2)
        node["children"] = draw(children)
    return node
