"""
The platform's JSON schemas, made into functions that run fast.

The rule this file keeps: the meaning is that of the platform's own validator (a draft-04
one): no value is converted, a length counts characters, a pattern is searched for
anywhere, of the formats only ``email`` is looked at, a missing property that has a default
counts as that default before ``required`` is asked, and only a default at the property
itself counts. Every keyword that the platform's callflow schemas use is here, no other.

A check takes a plain JSON value and returns None when it is right, else its faults. Paths
are put together only on the way back from a fault, so that a right flow costs nothing.
No fact about a single module goes in here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from reception.callflow.findings import key_step
from reception.callflow.keywords import (
    Check,
    Fault,
    Faults,
    callable_by_client,
    items_at_least,
    items_unique,
    length_within,
    mail_address,
    matching,
    number_within,
    one_of_values,
    one_of_words,
    wrong_type,
)
from reception.callflow.shown import listed, quoted, type_in_words

Schema: TypeAlias = Mapping[str, Any]


CLIENT_URL: Final = "kazoo-validation"
"""The schemas' own keyword for a URL that the platform checks against its blacklist."""

CLIENT_URL_ANYWHERE: Final = "anywhere"
"""Value of that keyword which leaves the blacklist out, for trials on one machine."""

ACTION: Final = "callflows.action"
"""The schema of a whole node: the walk of the tree checks it, not the schema it stands in."""

_TYPES: Final[Mapping[str, type]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def compile_schema(schema: Schema) -> Check:
    """
    Make one schema into a check.

    Shape:
        schema: draft-04 keywords; ``$ref`` only to `ACTION`.
        returns: a check of plain JSON values.
    """
    name = schema.get("type")
    parts = _parts(schema)
    if name is None:
        return _all_of(parts)
    kind = _TYPES[name]
    if name == "string" and "enum" in schema and len(parts) == 1:
        return one_of_words(schema["enum"])
    if not parts:
        return _of_type(name, kind)
    if len(parts) == 1:
        only = parts[0]

        def check_one(value: Any) -> Faults | None:
            return only(value) if type(value) is kind else wrong_type(name, value)

        return check_one
    every = _all_of(parts)

    def check_all(value: Any) -> Faults | None:
        return every(value) if type(value) is kind else wrong_type(name, value)

    return check_all


def _parts(schema: Schema) -> list[Check]:
    """The checks of a schema's keywords, but for its type, the cheap ones first."""
    parts: list[Check] = []
    if "enum" in schema:
        parts.append(one_of_values(schema["enum"]))
    if "minLength" in schema or "maxLength" in schema:
        parts.append(length_within(schema.get("minLength", 0), schema.get("maxLength")))
    if "pattern" in schema:
        parts.append(matching(schema["pattern"]))
    if schema.get("format") == "email":
        parts.append(mail_address)
    if schema.get(CLIENT_URL):
        parts.append(callable_by_client(anywhere=schema[CLIENT_URL] == CLIENT_URL_ANYWHERE))
    if "minimum" in schema or "maximum" in schema:
        parts.append(number_within(schema.get("minimum"), schema.get("maximum")))
    if "items" in schema:
        parts.append(_items(compile_schema(schema["items"])))
    if "minItems" in schema:
        parts.append(items_at_least(schema["minItems"]))
    if schema.get("uniqueItems"):
        parts.append(items_unique)
    if schema.keys() & {"properties", "patternProperties", "required", "additionalProperties"}:
        parts.append(_object(schema))
    if "oneOf" in schema:
        arms = schema["oneOf"]
        keys_only = all(arm.keys() == {"required"} for arm in arms)
        parts.append(_one_set_of_keys(arms) if keys_only else _one_of(arms))
    if "anyOf" in schema:
        parts.append(_any_of(schema["anyOf"]))
    return parts


def _all_of(parts: Sequence[Check]) -> Check:
    if len(parts) == 1:
        return parts[0]

    def check(value: Any) -> Faults | None:
        found: Faults | None = None
        for part in parts:
            faults = part(value)
            if faults is not None:
                found = faults if found is None else found + faults
        return found

    return check


def _of_type(name: str, kind: type) -> Check:
    def check(value: Any) -> Faults | None:
        return None if type(value) is kind else wrong_type(name, value)

    return check


def _items(item: Check) -> Check:
    def check(value: Any) -> Faults | None:
        if type(value) is not list:
            return None
        found: Faults | None = None
        for index, element in enumerate(value):
            faults = item(element)
            if faults is not None:
                found = _below(found, f"[{index}]", faults)
        return found

    return check


def _object(schema: Schema) -> Check:
    properties: Schema = schema.get("properties", {})
    known = {name: part for name, part in properties.items() if ACTION not in part.values()}
    checks = {name: compile_schema(part) for name, part in known.items()}
    entries = {name: _entry(part, checks[name]) for name, part in known.items()}
    missing = _missing(properties, checks, schema.get("required", ()))
    patterns = [
        (re.compile(pattern).search, compile_schema(part))
        for pattern, part in schema.get("patternProperties", {}).items()
    ]
    closed = schema.get("additionalProperties") is False
    find = entries.get

    def check(value: Any) -> Faults | None:
        if type(value) is not dict:
            return None
        found: Faults | None = None
        for key, item in value.items():
            entry = find(key)
            if entry is not None:
                kind, words, part = entry
                if type(item) is kind and (item in words if words is not None else part is None):
                    continue
                faults = checks[key](item) if part is None else part(item)
                if faults is not None:
                    found = _below(found, key_step(key), faults)
        for key, faults in missing:
            if key not in value:
                found = faults if found is None else found + faults
        return found

    def check_patterns(value: Any) -> Faults | None:
        found = check(value)
        if type(value) is not dict:
            return found
        for key, item in value.items():
            named = key in properties
            for search, part in patterns:
                if search(key):
                    named = True
                    faults = part(item)
                    if faults is not None:
                        found = _below(found, key_step(key), faults)
            if closed and not named:
                fault = Fault("", "additionalProperties", f"The key {quoted(key)} is not allowed.")
                found = _below(found, key_step(key), [fault])
        return found

    return check_patterns if patterns or closed else check


def _entry(schema: Schema, check: Check) -> tuple[type | None, frozenset[str] | None, Check | None]:
    """
    What judges most values without a call: a type, the words allowed, else the whole check.

    Where the type is given and the check is not, the type alone decides that a value is right.
    """
    kind = _TYPES.get(schema.get("type", ""))
    if kind is None:
        return None, None, check
    parts = _parts(schema)
    if kind is str and "enum" in schema and len(parts) == 1:
        return kind, frozenset(schema["enum"]), None
    return kind, None, check if parts else None


def _missing(
    properties: Schema, checks: Mapping[str, Check], required: Sequence[str]
) -> list[tuple[str, Faults]]:
    """
    What it costs to leave a property out.

    The platform writes the defaults in first, and then checks them too: a default that
    breaks a rule of its own property is a fault of whoever left the property out.
    """
    missing: list[tuple[str, Faults]] = []
    for name, part in properties.items():
        if "default" in part:
            faults = checks[name](part["default"])
            if faults is not None:
                missing.append((name, _below(None, key_step(name), faults)))
        elif name in required:
            missing.append((name, [_required(name)]))
    missing.extend((name, [_required(name)]) for name in required if name not in properties)
    return missing


def _required(name: str) -> Fault:
    return Fault("", "required", f"The key {quoted(name)} is missing here; it is required.")


def _one_of(arms: Sequence[Schema]) -> Check:
    checks = [compile_schema(arm) for arm in arms]
    words = _arms_in_words(arms)

    def check(value: Any) -> Faults | None:
        right = 0
        for arm in checks:
            if arm(value) is None:
                right += 1
        if right == 1:
            return None
        if right:
            return [Fault("", "oneOf", f"Only one may be given: {words}.")]
        return [Fault("", "oneOf", _nearest(arms, checks, value) or f"This must be {words}.")]

    return check


def _one_set_of_keys(arms: Sequence[Schema]) -> Check:
    """The same where the arms only ask for keys; spares most of the work, since it is common."""
    sets = [frozenset(arm["required"]) for arm in arms]
    slow = _one_of([{"properties": {}, **arm} for arm in arms])

    def check(value: Any) -> Faults | None:
        if type(value) is dict:
            present = value.keys()
            right = 0
            for keys in sets:
                if keys <= present:
                    right += 1
            if right == 1:
                return None
        return slow(value)

    return check


def _any_of(arms: Sequence[Schema]) -> Check:
    checks = [compile_schema(arm) for arm in arms]

    def check(value: Any) -> Faults | None:
        nearest: Fault | None = None
        for arm in checks:
            faults = arm(value)
            if faults is None:
                return None
            # The form that was meant is the one that fits down to the deepest place.
            if nearest is None or len(faults[0].path) > len(nearest.path):
                nearest = faults[0]
        assert nearest is not None
        return [Fault("", "anyOf", f"{nearest.message} (At {nearest.path or 'itself'}.)")]

    return check


def _nearest(arms: Sequence[Schema], checks: Sequence[Check], value: Any) -> str | None:
    """Say what is wrong with a value by the one arm that its own words choose, if one does."""
    if type(value) is not dict:
        return None
    for arm, check in zip(arms, checks, strict=True):
        for key, part in arm.get("properties", {}).items():
            if len(part.get("enum", ())) == 1 and value.get(key) == part["enum"][0]:
                faults = check(value) or []
                return " ".join(
                    f"As {quoted(part['enum'][0])}, at {fault.path or 'itself'}: {fault.message}"
                    for fault in faults
                )
    return None


def _arms_in_words(arms: Sequence[Schema]) -> str:
    words: list[str] = []
    for arm in arms:
        if "enum" in arm:
            words.append(listed(arm["enum"]))
        elif arm.get("type") == "array" and arm.get("items", {}).get("type") == "string":
            words.append("a list of texts")
        elif arm.get("format") == "email":
            words.append("an e-mail address")
        elif "type" in arm and "properties" not in arm:
            words.append(type_in_words(arm["type"]))
        elif "required" in arm:
            words.append(" with ".join(quoted(name) for name in arm["required"]))
    return " or ".join(words) if words else "what exactly one of its forms allows"


def _below(found: Faults | None, step: str, faults: Faults) -> Faults:
    placed = [Fault(step + path, rule, message) for path, rule, message in faults]
    return placed if found is None else found + placed
