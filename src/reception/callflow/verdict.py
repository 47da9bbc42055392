"""
The platform's own verdict on a flow: what it rejects, where and why.

The rule this file keeps: it accepts exactly what the platform's validator accepts, for
versions 4 and 5, and lists everything that it rejects. What kills the validator itself (a
module that is no text) counts as rejected. The walk uses no recursion, so that no depth
can hurt it, and puts a path together only where there is something to say.

Advice about flows that the platform accepts is lint's, not ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from reception.callflow.client_url import is_local_url
from reception.callflow.compiled import (
    ACTION,
    CLIENT_URL,
    CLIENT_URL_ANYWHERE,
    compile_schema,
)
from reception.callflow.facts import PLATFORMS, Part, Platform, schema_of
from reception.callflow.findings import Rejection, key_step
from reception.callflow.keywords import Check
from reception.callflow.nodes.sounds import MacroPrompt, MacroSay, MacroTone
from reception.callflow.shown import quoted, value_in_words
from reception.callflow.spec import SPECS

MAX_FINDINGS: Final = 1000
"""Findings that are written out. Each costs the length of its path, and a hostile flow must not
make that a square; nobody reads as many."""

_MAX_TEXT: Final = 1_000_000
"""Characters in all findings: a path repeats every key above it, and keys can be long."""

Trail: TypeAlias = "tuple[Trail, str, str] | None"
"""The way to a node as a linked list, the last step outermost: what holds it, and its key there."""


class Table:
    """
    What one version of the platform knows, made fast.

    Shape:
        checks: a check of the data for every module; that the data is an object is asked apart.
        schemas: what those checks were made from.
        nested: modules whose data holds a whole node, and the path of it in the data ("" when
            the data *is* the node).
    """

    __slots__ = ("checks", "nested", "platform", "schemas")

    def __init__(self, platform: Platform, *, anywhere: bool) -> None:
        self.platform = platform
        self.checks: dict[str, Check] = {}
        self.schemas: dict[str, Mapping[str, Any]] = {}
        self.nested: dict[str, str] = {}
        for name, schema in _schemas(platform).items():
            properties = schema.get("properties", {})
            for key, part in properties.items():
                if part.get("$ref") == ACTION:
                    self.nested[name] = key
            body = {keyword: value for keyword, value in schema.items() if keyword != "type"}
            self.schemas[name] = _anywhere(body) if anywhere else body
            self.checks[name] = _shared(self.schemas[name])
        self.nested["action"] = ""


_COMPILED: Final[list[tuple[Mapping[str, Any], Check]]] = []


def _shared(schema: Mapping[str, Any]) -> Check:
    """Equal schemas get the same check, by which versions that agree are told."""
    for known, check in _COMPILED:
        if known == schema:
            return check
    check = compile_schema(schema)
    _COMPILED.append((schema, check))
    return check


def _schemas(platform: Platform) -> dict[str, Mapping[str, Any]]:
    schemas = {
        name: spec.schema(platform) for name, spec in SPECS.items() if platform in spec.versions
    }
    # The platform finds its schemas by module name, and so takes these four, which are parts
    # of others, for modules too. It has no code for them and skips the node.
    schemas["action"] = {"type": "object"}
    for name, part in _HELPERS.items():
        schema = schema_of(part, platform)
        del schema["properties"]["macro"]
        schemas[name] = schema
    return schemas


_HELPERS: Final[Mapping[str, type[Part]]] = {
    "audio_macro.prompt": MacroPrompt,
    "audio_macro.say": MacroSay,
    "audio_macro.tone": MacroTone,
}

PARTS_TAKEN_FOR_MODULES: Final = frozenset({"action", *_HELPERS})
"""Names that the platform accepts as modules, since it has schemas of these names."""


def _anywhere(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same schema, but that the platform's client may call this very machine."""
    properties = {
        key: {**part, CLIENT_URL: CLIENT_URL_ANYWHERE} if part.get(CLIENT_URL) else part
        for key, part in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else schema


STRICT: Final[Mapping[Platform, Table]] = {p: Table(p, anywhere=False) for p in PLATFORMS}
"""The platform as it is."""

ANYWHERE: Final[Mapping[Platform, Table]] = {p: Table(p, anywhere=True) for p in PLATFORMS}
"""The platform, were its blacklist of URLs empty: for trials on one machine."""


def checks_beside(mine: Table, other: Table) -> dict[str, Check | None]:
    """
    Make checks that say what `mine` says of data that `other` has accepted.

    Most properties are alike in both versions, so that little is left to ask: None where the
    module is unknown to `mine`, a check of nothing where both say the same.
    """
    beside: dict[str, Check | None] = {}
    for name, theirs in other.schemas.items():
        schema = mine.schemas.get(name)
        if schema is None:
            beside[name] = None
            continue
        left = {key: value for key, value in schema.items() if theirs.get(key) != value}
        same = theirs.get("properties", {})
        left["properties"] = {
            key: part
            for key, part in schema.get("properties", {}).items()
            # A default answers for a required key; it must not be lost with its property.
            if same.get(key) != part or (key in left.get("required", ()) and "default" in part)
        }
        beside[name] = _shared(left)
    return beside


CLIENT_URL_KEYS: Final[Mapping[str, str]] = {
    name: key
    for name, spec in SPECS.items()
    for key, part in spec.schema(5)["properties"].items()
    if part.get(CLIENT_URL)
}
"""The data key of each module whose URL the platform's client calls."""

_MISSING: Final = object()
_NO_DATA: Final[dict[str, Any]] = {}


def judge(root: Any, platform: Platform, *, anywhere: bool = False) -> tuple[Rejection, ...]:
    """
    List everything for which one version rejects a flow.

    Shape:
        root: plain JSON values only (`plain`, `read`).
        anywhere: leave the platform's blacklist of URLs out.
        returns: at most `MAX_FINDINGS` rejections, fewer where their paths are very long, in
            document order; () when it is accepted.

    Errors:
        none.

    Source:
        contract observed §5, wire/validate, flows; schemas of both versions.
    """
    table = (ANYWHERE if anywhere else STRICT)[platform]
    checks, nested = table.checks, table.nested
    found: list[Rejection] = []
    counted = written = 0
    waiting: list[tuple[Any, Trail]] = [(root, None)]
    while waiting:
        if len(found) > counted:
            written += sum(len(one.path) + len(one.message) for one in found[counted:])
            counted = len(found)
            if counted >= MAX_FINDINGS or written > _MAX_TEXT:
                break
        node, trail = waiting.pop()
        if type(node) is not dict:
            found.append(_no_object(node, trail))
            continue
        name = node.get("module", _MISSING)
        data = node.get("data", _NO_DATA)
        check = checks.get(name) if type(name) is str else None
        if check is None:
            found.extend(_wrong_module(node, name, trail, table))
        if type(data) is not dict:
            found.append(_no_data(data, trail))
        elif check is not None:
            faults = check(data)
            if faults is not None:
                start = path_of(trail) + ".data"
                found.extend(Rejection(start + p, rule, text) for p, rule, text in faults)
        children = node.get("children", _NO_DATA)
        if type(children) is not dict:
            found.append(_no_children(children, trail))
        elif children:
            # The schema's keys are .+ : what does not match it is not looked at.
            waiting += [
                (children[key], (trail, ".children", key))
                for key in reversed(children)
                if key.strip("\n")
            ]
        if check is not None and name in nested and type(data) is dict:
            inner = nested[name]
            if inner == "":
                waiting.append((data, (trail, ".data", "")))
            elif inner in data:
                waiting.append((data[inner], (trail, ".data", inner)))
    return tuple(found[:MAX_FINDINGS])


def is_local_tree(root: Any) -> bool:
    """Tell whether a URL anywhere in a flow names this very machine in a way that is rejected."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if type(node) is not dict:
            continue
        name, data = node.get("module"), node.get("data")
        children = node.get("children")
        if type(data) is dict:
            key = CLIENT_URL_KEYS.get(name) if type(name) is str else None
            url = "" if key is None else data.get(key)
            if type(url) is str and is_local_url(url):
                return True
            if name == "callflow":
                waiting.append(data.get("flow"))
            elif name == "action":
                waiting.append(data)
        if type(children) is dict:
            waiting.extend(child for key, child in children.items() if key.strip("\n"))
    return False


def path_of(trail: Trail) -> str:
    """Write the JSON path of a node."""
    steps: list[str] = []
    while trail is not None:
        trail, holder, key = trail
        steps.append(holder + key_step(key) if key else holder)
    steps.append("$")
    return "".join(reversed(steps))


def _no_object(node: Any, trail: Trail) -> Rejection:
    what = "A flow" if trail is None else "A child"
    message = f"{what} is one object with module, data and children, not {value_in_words(node)}."
    return Rejection(path_of(trail), "type", message)


def _no_data(data: Any, trail: Trail) -> Rejection:
    message = f"data must be an object, not {value_in_words(data)}; {{}} where there is none."
    return Rejection(path_of(trail) + ".data", "type", message)


def _no_children(children: Any, trail: Trail) -> Rejection:
    message = (
        "children must be an object with one flow for each key, not "
        f"{value_in_words(children)}; {{}} where there are none."
    )
    return Rejection(path_of(trail) + ".children", "type", message)


def _wrong_module(node: dict[str, Any], name: Any, trail: Trail, table: Table) -> list[Rejection]:
    path = path_of(trail)
    if name is _MISSING:
        if type(node.get("data")) is dict:
            message = (
                'The key "module" is missing beside data. The envelope of the platform\'s API '
                "is not a flow."
            )
            return [Rejection(path + ".module", "required", message)]
        if not node:
            message = (
                "An empty object is no node: leave the child out, or name a module."
                if trail
                else 'A flow needs a module: {"module": …, "data": {…}, "children": {…}}.'
            )
        elif type(node.get("flow")) is dict:
            message = 'The flow must stand by itself, not under the key "flow".'
        else:
            message = 'The key "module" is missing here; it names what the node does.'
        return [Rejection(path, "required", message)]
    if type(name) is not str:
        message = f"The module must be a name in text, not {value_in_words(name)}."
        return [Rejection(path + ".module", "type", message)]
    found: list[Rejection] = []
    if not name:
        found.append(Rejection(path + ".module", "minLength", "The module has no name."))
    elif len(name) > 64:
        message = f"A module's name has at most 64 characters; this has {len(name)}."
        found.append(Rejection(path + ".module", "maxLength", message))
    found.append(Rejection(path + ".module", "unknown_module", _unknown(name, table)))
    return found


def _unknown(name: str, table: Table) -> str:
    other = STRICT[9 - table.platform]  # type: ignore[index]  # 9 - 4 is 5, 9 - 5 is 4
    if name in other.checks:
        return f"Only version {other.platform} of the platform has the module {quoted(name)}."
    if len(name) > 64:
        return "There is no such module."
    plain = name.strip().lower().removeprefix("cf_").replace("-", "_")
    near = [plain] if plain in SPECS else get_close_matches(plain, SPECS, n=1)
    hint = f" Did you mean {quoted(near[0])}?" if near else ""
    return f"There is no module {quoted(name)}.{hint}"
