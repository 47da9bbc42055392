"""
The platform's verdict once more, from its schema files, by another way.

The rule this file keeps: it shares nothing with `reception.callflow`. It reads the schemas
as they stand and interprets them on every call, slowly and recursively, so that an error of
ours has nothing here to agree with.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from tests.conftest import SHARED

SCHEMAS = SHARED / "contract" / "schemas"
BLACKLIST = {"localhost", "127.0.0.1", "0.0.0.0"}
URL_KEYS = {
    "pivot": "voice_url",
    "webhook": "uri",
    "record_call": "url",
    "record_caller": "url",
}
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}

Found = list[tuple[str, str]]


@cache
def schema(platform: int, name: str) -> Any:
    """One schema file, None where the platform has none of that name."""
    path = Path(SCHEMAS, f"v{platform}", f"{name}.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


@cache
def modules(platform: int) -> tuple[str, ...]:
    """Every module for which the platform has a schema."""
    names = (path.stem for path in Path(SCHEMAS, f"v{platform}").glob("callflows.*.json"))
    return tuple(sorted(name.removeprefix("callflows.") for name in names))


def rejections(platform: int, flow: Any) -> set[tuple[str, str]]:
    """Every place and rule for which the platform rejects a flow; empty when it accepts."""
    return set(_node(platform, copy.deepcopy(flow), "$"))


def _node(platform: int, node: Any, path: str) -> Found:
    if type(node) is not dict:
        return [(path, "type")]
    found: Found = []
    node.setdefault("data", {})
    data, children = node["data"], node.get("children", {})
    name = node.get("module")
    known = schema(platform, f"callflows.{name}") if name in modules(platform) else None
    if "module" not in node:
        # {} is what an absent data was filled with; then it is no envelope.
        found.append((path, "required"))
    elif type(name) is not str:
        found.append((path + ".module", "type"))
    else:
        if not 1 <= len(name) <= 64:
            found.append((path + ".module", "minLength" if not name else "maxLength"))
        if known is None:
            found.append((path + ".module", "unknown_module"))
    if type(data) is not dict:
        found.append((path + ".data", "type"))
    elif name == "action":
        # The platform finds a schema for this name too: the one of a whole node.
        found += _node(platform, data, path + ".data")
    elif known is not None:
        found += _value(platform, known, data, path + ".data")
        found += _url(str(name), data, path)
    if type(children) is not dict:
        found.append((path + ".children", "type"))
    else:
        for key, child in children.items():
            if re.search(".+", key):
                found += _node(platform, child, f"{path}.children{_step(key)}")
    return found


def _url(name: str, data: dict[str, Any], path: str) -> Found:
    url = data.get(URL_KEYS.get(name, ""))
    if type(url) is not str:
        return []
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in ("http", "https"):
        return [(f"{path}.data.{URL_KEYS[name]}", "client_url")]
    host = _host(rest[2:]) if rest.startswith("//") else ""
    if host is not None and host.lower() not in BLACKLIST:
        return []
    return [(f"{path}.data.{URL_KEYS[name]}", "client_url")]


def _host(location: str) -> str | None:
    """The host as the platform reads it: user@password:host, not user:password@host."""
    name = ""
    for position, character in enumerate(location):
        if character in "/?#:":
            return name
        if character == "@":
            _, colon, host = location[position:].partition(":")
            return _host(host) if colon else None
        name += character
    return name


def _value(platform: int, rules: dict[str, Any], value: Any, path: str) -> Found:
    if rules.get("$ref") == "callflows.action":
        return _node(platform, value, path)
    if "type" in rules and type(value) is not TYPES[rules["type"]]:
        return [(path, "type")]
    found: Found = []
    if "$ref" in rules:
        found += _value(platform, schema(platform, rules["$ref"]), value, path)
    if "enum" in rules and not any(_same(value, one) for one in rules["enum"]):
        found.append((path, "enum"))
    if type(value) is str:
        found += _text(rules, value, path)
    if type(value) is int:
        if "minimum" in rules and value < rules["minimum"]:
            found.append((path, "minimum"))
        if "maximum" in rules and value > rules["maximum"]:
            found.append((path, "maximum"))
    if type(value) is list:
        found += _list(platform, rules, value, path)
    if type(value) is dict:
        found += _object(platform, rules, value, path)
    if "oneOf" in rules:
        fitting = sum(_fits(platform, arm, value) for arm in rules["oneOf"])
        if fitting != 1:
            found.append((path, "oneOf"))
    if "anyOf" in rules and not any(_fits(platform, arm, value) for arm in rules["anyOf"]):
        found.append((path, "anyOf"))
    return found


def _fits(platform: int, arm: dict[str, Any], value: Any) -> bool:
    return not _value(platform, arm, copy.deepcopy(value), "")


def _text(rules: dict[str, Any], value: str, path: str) -> Found:
    found: Found = []
    if len(value) < rules.get("minLength", 0):
        found.append((path, "minLength"))
    if len(value) > rules.get("maxLength", len(value)):
        found.append((path, "maxLength"))
    if "pattern" in rules and not re.search(rules["pattern"], value):
        found.append((path, "pattern"))
    if rules.get("format") == "email" and not re.search(r"^[^@]+@[^@]+$", value):
        found.append((path, "format"))
    return found


def _list(platform: int, rules: dict[str, Any], value: list[Any], path: str) -> Found:
    found: Found = []
    for index, item in enumerate(value):
        found += _value(platform, rules.get("items", {}), item, f"{path}[{index}]")
    if len(value) < rules.get("minItems", 0):
        found.append((path, "minItems"))
    if rules.get("uniqueItems"):
        pairs = ((a, b) for i, a in enumerate(value) for b in value[:i])
        if any(type(a) is str and _same(a, b) for a, b in pairs):
            found.append((path, "uniqueItems"))
    return found


def _object(platform: int, rules: dict[str, Any], value: dict[str, Any], path: str) -> Found:
    found: Found = []
    properties = rules.get("properties", {})
    for key, part in properties.items():
        if "default" in part and key not in value:
            value[key] = copy.deepcopy(part["default"])
    for key in list(value):
        named = key in properties
        if named:
            found += _value(platform, properties[key], value[key], path + _step(key))
        for pattern, part in rules.get("patternProperties", {}).items():
            if re.search(pattern, key):
                named = True
                found += _value(platform, part, value[key], path + _step(key))
        if not named and rules.get("additionalProperties") is False:
            found.append((path + _step(key), "additionalProperties"))
    found += [(path, "required") for key in rules.get("required", ()) if key not in value]
    return found


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _step(key: str) -> str:
    if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", key):
        return "." + key
    return f"[{json.dumps(key)}]"
