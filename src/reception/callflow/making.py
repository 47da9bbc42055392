"""
How flows come to be: from the arguments of a builder, or from a plain mapping.

The rule this file keeps: nothing becomes a flow that no version of the platform accepts.
This is the path of every reply, so what is right is checked once, copied once and written
once; sentences are made only where something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from reception.callflow.client_url import is_local_url
from reception.callflow.facts import PLATFORMS
from reception.callflow.findings import Rejection, key_step
from reception.callflow.keywords import Check
from reception.callflow.node import Node, sending_of
from reception.callflow.plain import NotJson, plain
from reception.callflow.rendering import Step, start_of, written
from reception.callflow.shown import value_in_words
from reception.callflow.spec import SPECS
from reception.callflow.value import Flow, is_text
from reception.callflow.verdict import (
    ANYWHERE,
    CLIENT_URL_KEYS,
    checks_beside,
    is_local_tree,
    judge,
)
from reception.errors import AppError

_BOTH: Final = 3
"""The mask of both versions: bit 0 stands for version 4, bit 1 for version 5."""

_SCALARS: Final = frozenset({str, int, bool, type(None)})
_STARTS: Final = {name: start_of(name) for name in SPECS}


def maker_of(node: type[Node]) -> Callable[[tuple[Any, ...], dict[str, Any]], Flow]:
    """
    Make the function that makes flows of one node of one class.

    Shape:
        returns: a function of the arguments with which the class was called, by position and
            by name. That they are its own, and complete, the class has seen to.

    Errors:
        AppError("flow.rejected"), by that function: no version of the platform accepts the
            node; the text lists everything that is wrong.
    """
    module = node.module
    names, sent, spread = sending_of(node)
    always = dict(sent)
    in_order = tuple(names.values())
    start, on_both = _PLAIN_MODULES.get(module, (_STARTS[module], None))

    def make(given: tuple[Any, ...], named: dict[str, Any]) -> Flow:
        data = always.copy()
        if given:
            for at, value in enumerate(given):
                if value is not None:
                    key = in_order[at]
                    data[key] = (
                        value if type(value) in _SCALARS else _plain_part(module, key, value)
                    )
        for name, value in named.items():
            if value is not None:
                key = names[name]
                data[key] = value if type(value) in _SCALARS else _plain_part(module, key, value)
        if spread is not None:
            data = _spread(module, data, spread)
        if on_both is not None and on_both(data) is None:
            step = Step(module, start + written_part(module, data), data)
            return Flow((step,), _BOTH, False)
        return _of_one(module, data)

    return make


def node_flow(module: str, data: dict[str, Any]) -> Flow:
    """
    Make a flow of one node whose data is plain JSON already. It is kept, not copied.

    Errors:
        AppError("flow.rejected"): no version of the platform accepts the node.
    """
    start, on_both = _PLAIN_MODULES.get(module, _NOT_PLAIN)
    if on_both is not None and on_both(data) is None:
        step = Step(module, start + written_part(module, data), data)
        return Flow((step,), _BOTH, False)
    return _of_one(module, data)


def _of_one(module: str, data: dict[str, Any]) -> Flow:
    mask = _mask_of(module, data)
    if not mask:
        raise _rejected(module, _all_findings({"module": module, "data": data}))
    start = _STARTS.get(module) or start_of(module)
    step = Step(module, start + written_part(module, data), data)
    return Flow((step,), mask, _is_local(module, data))


def raw_flow(source: Mapping[str, Any]) -> Flow:
    """
    Make a flow of a plain mapping, checked all the same, with everything that is in it.

    Shape:
        source: ``{"module": …, "data": …, "children": …}``; keys that the platform does not
            know are kept, in the node as well as in its data. It is copied.

    Errors:
        AppError("flow.rejected"): no version of the platform accepts it; the text lists
            everything that is wrong.
    """
    if type(source) is dict:
        made = _grown(source, _MANY)
        if made is not None:
            return made
    # Something is wrong or unusual: a mapping of another class, a tuple, an enumeration, a
    # structure that holds itself. Say what is wrong, or take it in plain.
    try:
        root = plain(source)
    except NotJson as problem:
        raise _rejected("raw", [problem.rejection]) from None
    made = _grown(root, None)
    if made is None:
        raise _rejected("raw", _all_findings(root) or [_NO_NODE])
    return made


_MANY: Final = 1000
"""Nodes that are read as they are. Beyond, they are copied first, which finds a mapping that
holds itself."""

_NO_NODE: Final = Rejection("$", "type", "Every child must be an object with a module.")
_NODE_KEYS: Final = frozenset({"module", "data", "children"})


def _grown(root: Any, most: int | None) -> Flow | None:
    """Turn nested nodes into a flow; None where one of them is not as it should be."""
    steps: list[Step] = []
    following: list[int | None] = []
    branches: list[list[tuple[str, int]]] = []
    heads: list[int] = []
    mask, local = _BOTH, False
    waiting: list[tuple[Any, int, str]] = [(root, -1, "")]
    while waiting:
        node, parent, key = waiting.pop()
        index = len(steps)
        if type(node) is not dict or index == most:
            return None
        module, data, children = node.get("module"), node.get("data", {}), node.get("children", {})
        if type(module) is not str or type(data) is not dict or type(children) is not dict:
            return None
        extra = None
        try:
            data = dict(data) if _is_simple(data) else plain(data)
            if not _NODE_KEYS.issuperset(node):
                extra = plain({name: node[name] for name in node if name not in _NODE_KEYS})
        except NotJson:
            return None
        start, on_both = _PLAIN_MODULES.get(module, _NOT_PLAIN)
        if on_both is None or on_both(data) is not None:
            mask &= _mask_of(module, data)
            if not mask:
                return None
            start = _STARTS.get(module) or start_of(module)
            local = local or _is_local(module, data)
        head = start + written_part("raw", data)
        if extra:
            head += b"," + written_part("raw", extra)[1:-1]
        steps.append(Step(module, head, data, extra))
        following.append(None)
        branches.append([])
        if parent >= 0 and key == "_":
            following[parent] = index
        else:
            heads.append(index)
            if parent >= 0:
                branches[parent].append((key, index))
        for name in reversed(children):
            if type(name) is not str or not (name.isascii() or is_text(name)):
                return None
            waiting.append((children[name], index, name))
    # Heads of branches come after the node they hang from, so the last ones are made first.
    made: dict[int, Flow] = {}
    for first in reversed(heads):
        spine: list[Step] = []
        at: int | None = first
        while at is not None:
            step = steps[at]
            if branches[at]:
                hung = tuple((key, made.pop(child)) for key, child in branches[at])
                step = msgspec.structs.replace(step, branches=hung)
            spine.append(step)
            at = following[at]
        made[first] = Flow(tuple(spine), mask, local)
    return made[0]


def _is_simple(data: dict[Any, Any]) -> bool:
    """Whether there are only exact scalars under exact texts in the data."""
    for key, value in data.items():
        if type(value) not in _SCALARS or type(key) is not str:
            return False
    return True


def _plain_part(name: str, key: str, value: Any) -> Any:
    """Copy one value of the data; scalars need none."""
    try:
        return plain(value, "")
    except NotJson as problem:
        found = problem.rejection
        path = "$.data" + key_step(key) + found.path
        raise _rejected(name, [Rejection(path, found.rule, found.message)]) from None


def _spread(name: str, data: dict[str, Any], field: str) -> dict[str, Any]:
    """Make the mapping under one key the data itself."""
    values = data.pop(field, {})
    if type(values) is not dict:
        message = f"{field} must be a mapping of keys to values, not {value_in_words(values)}."
        raise _rejected(name, [Rejection("$.data", "type", message)])
    return values | data


def _mask_of(module: str, data: dict[str, Any]) -> int:
    """Which versions accept one node, the blacklist of URLs left out."""
    five = _FIVE.get(module)
    if five is not None and five(data) is None:
        if module in _ALIKE:
            return _BOTH
        four = _FOUR_BESIDE_FIVE[module]
        mask = 3 if four is not None and four(data) is None else 2
    else:
        four = _FOUR.get(module)
        mask = 1 if four is not None and four is not five and four(data) is None else 0
    if mask and module in _NESTED:
        node = {"module": module, "data": data}
        for bit, platform in ((1, PLATFORMS[0]), (2, PLATFORMS[1])):
            if mask & bit and judge(node, platform, anywhere=True):
                mask &= ~bit
    return mask


_FOUR: Final = ANYWHERE[4].checks
_FIVE: Final = ANYWHERE[5].checks
_FOUR_BESIDE_FIVE: Final = checks_beside(ANYWHERE[4], ANYWHERE[5])
_ALIKE: Final = frozenset(
    name for name, five in _FIVE.items() if five is _FOUR.get(name) and name != "action"
)
_NESTED: Final = frozenset(ANYWHERE[4].nested) | frozenset(ANYWHERE[5].nested)

_PLAIN_MODULES: Final = {
    name: (_STARTS[name], _FIVE[name])
    for name in _STARTS.keys() & _ALIKE - _NESTED - CLIENT_URL_KEYS.keys()
}
"""Most modules: one check says all for both versions, and no address is in their data."""

_NOT_PLAIN: Final[tuple[bytes, Check | None]] = (b"", None)


def _is_local(module: str, data: dict[str, Any]) -> bool:
    key = CLIENT_URL_KEYS.get(module)
    if key is not None:
        return is_local_url(data.get(key, ""))
    return module in _NESTED and is_local_tree({"module": module, "data": data})


def _all_findings(root: Any) -> list[Rejection]:
    """What both versions say, each finding once."""
    found: dict[Rejection, None] = {}
    for platform in reversed(PLATFORMS):
        found |= dict.fromkeys(judge(root, platform))
    return list(found)


def _rejected(name: str, findings: Iterable[Rejection]) -> AppError:
    listed = tuple(findings)
    lines = [f"  {found.path}: {found.message} [{found.rule}]" for found in listed]
    text = f"flow.{name}(): no version of the platform accepts this.\n" + "\n".join(lines)
    places = tuple(f"{found.path} {found.rule}" for found in listed)
    return AppError("flow.rejected", text, findings=places)


def written_part(name: str, data: Any) -> bytes:
    """Write data, or a part of it, for the builder `name`; AppError where JSON cannot say it."""
    try:
        return written(data)
    except (UnicodeEncodeError, RecursionError, ValueError) as problem:
        raise _rejected(name, [_cannot_write(data, problem)]) from None


def _cannot_write(data: Any, problem: Exception) -> Rejection:
    if isinstance(problem, RecursionError):
        return Rejection("$.data", "json", "This is nested too deeply to be written.")
    try:
        plain(data, "$.data")
    except NotJson as found:
        return found.rejection
    return Rejection("$.data", "json", "JSON cannot say this.")
