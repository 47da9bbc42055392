"""
A flow: what an application answers a pivot with.

The rule this file keeps: a `Flow` never changes, is equal to every other flow that means
the same, may be shared by any number of threads, and knows from its birth which versions
of the platform accept it. A node is checked as it is built, so an invalid flow does not
exist. Rendering is pure; its bytes are remembered.

Inside, a flow is the list of its nodes along the default branch, each with its other
branches, so that `then` costs one concatenation whatever the length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, Final

import msgspec

from reception.callflow.client_url import is_local_url
from reception.callflow.facts import PLATFORMS
from reception.callflow.findings import Rejection
from reception.callflow.node import Node, sending_of
from reception.callflow.plain import SURROGATE, NotJson, plain
from reception.callflow.reading import read
from reception.callflow.spec import SPECS
from reception.callflow.verdict import (
    ANYWHERE,
    CLIENT_URL_KEYS,
    checks_beside,
    is_local_tree,
    judge,
)
from reception.errors import AppError

_SETS: Final = (frozenset[int](), frozenset({4}), frozenset({5}), frozenset({4, 5}))
"""The versions by mask: bit 0 stands for version 4, bit 1 for version 5."""

_BOTH: Final = 3
_SCALARS: Final = frozenset({str, int, bool, type(None)})
_NOT_ASCII: Final = re.compile("[^\x00-\x7f]")
_encode: Final = msgspec.json.Encoder().encode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode


class _Step(msgspec.Struct, frozen=True):
    """One node: its JSON up to the children (ASCII, without the closing brace), and its branches."""

    module: str
    head: bytes
    data: dict[str, Any]
    extra: dict[str, Any] | None = None
    branches: tuple[tuple[str, Flow], ...] = ()


class Flow(msgspec.Struct, frozen=True, eq=False, repr_omit_defaults=True):
    """
    An immutable callflow. Made by the builders of `reception.flow`, joined by `then` and `on`.

    Shape:
        platforms: the versions of the platform, of 4 and 5, that accept it; never empty.
        is_local: a URL in it names localhost, 127.0.0.1 or 0.0.0.0, which the platform's
            blacklist rejects; that alone does not change `platforms`.

    >>> from reception.callflow import flow
    >>> flow.answer().then(flow.hangup()).render()
    b'{"module":"answer","data":{},"children":{"_":{"module":"hangup","data":{},"children":{}}}}'
    """

    _spine: tuple[_Step, ...]
    _mask: int
    _local: bool
    _rendered: bytes | None = None
    _canonical: bytes | None = None

    @property
    def platforms(self) -> frozenset[int]:
        """The versions of the platform, of 4 and 5, that accept the flow."""
        return _SETS[self._mask]

    @property
    def is_local(self) -> bool:
        """Whether a URL in the flow names this very machine, which the platform rejects."""
        return self._local

    def then(self, following: Flow) -> Flow:
        """
        Continue at the end of the default branch: ``a.then(b).then(c)`` is a, then b, then c.

        Errors:
            AppError("flow.no_version"): no version of the platform accepts both parts.
        """
        if type(following) is not Flow:
            raise _not_a_flow("then", following)
        mask = self._mask & following._mask
        if not mask:
            raise _nothing_common(self._mask, following._mask)
        return Flow(self._spine + following._spine, mask, self._local or following._local)

    def on(self, key: str, following: Flow) -> Flow:
        """
        Hang a flow under another branch.

        It hangs under `key` of the nearest node, looking back from the end of the default
        branch, that can continue to `key`; where there is none, under the last one (and lint
        will say that it is never reached). ``on("_", …)`` is `then`.

        Errors:
            AppError("flow.branch_taken"): that node has a branch `key` already.
            AppError("flow.no_version"): no version of the platform accepts both parts.
        """
        if type(following) is not Flow:
            raise _not_a_flow("on", following)
        if type(key) is not str or not _is_text(key):
            raise AppError("flow.key", "on(): the key of a branch must be text, like 'USER_BUSY'.")
        if key == "_":
            return self.then(following)
        spine = self._spine
        at = len(spine) - 1
        for index in range(at, -1, -1):
            if _takes(spine[index].module, key):
                at = index
                break
        step = spine[at]
        if any(key == taken for taken, _ in step.branches):
            message = f"on({key!r}): {step.module} has a branch {key!r} already."
            raise AppError("flow.branch_taken", message)
        mask = self._mask & following._mask
        if not mask:
            raise _nothing_common(self._mask, following._mask)
        step = msgspec.structs.replace(step, branches=(*step.branches, (key, following)))
        spine = (*spine[:at], step, *spine[at + 1 :])
        return Flow(spine, mask, self._local or following._local)

    def with_fallback(self, fallback: Flow) -> Flow:
        """
        Hang `fallback` under every pivot that has no ``_`` child.

        The platform takes that child when nobody answers the pivot, so an outage of ours is
        what the fallback says and not dead air. A flow without such a pivot comes back as it is.

        Errors:
            AppError("flow.no_version"): no version of the platform accepts both.

        Source:
            contract pitfalls §A5 and §A6, dialogs §4.
        """
        every: list[Flow] = [self]
        for seen in every:
            every.extend(hung for step in seen._spine for _, hung in step.branches)
        # A flow comes after the one it hangs from, so that the innermost are done first.
        done: dict[int, Flow] = {}
        for seen in reversed(every):
            done[id(seen)] = _with_fallback(seen, fallback, done)
        return done[id(self)]

    def render(self) -> bytes:
        """The flow as compact ASCII JSON, ready to be sent. The bytes are remembered."""
        rendered = self._rendered
        if rendered is None:
            rendered = _joined(self, canonical=False)
            msgspec.structs.force_setattr(self, "_rendered", rendered)
        return rendered

    def to_dict(self) -> dict[str, Any]:
        """The flow as a fresh plain mapping that shares nothing with it."""
        result: dict[str, Any] = {}
        waiting: list[tuple[Flow, dict[str, Any], str]] = [(self, result, "_")]
        while waiting:
            current, target, key = waiting.pop()
            for step in current._spine:
                children: dict[str, Any] = {}
                node = {"module": step.module, "data": plain(step.data)}
                target[key] = node | plain(step.extra or {}) | {"children": children}
                for branch, following in step.branches:
                    # Takes its place in the order of branches before its turn to be filled.
                    children[branch] = None
                    waiting.append((following, children, branch))
                target, key = children, "_"
        first: dict[str, Any] = result["_"]
        return first

    def to_plain(self) -> dict[str, Any]:
        """The same as `to_dict`; lets a flow stand inside the data of another."""
        return self.to_dict()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Flow):
            return NotImplemented
        mine, theirs = self.render(), other.render()
        if mine == theirs:
            return True
        return len(mine) == len(theirs) and self._in_order() == other._in_order()

    def __hash__(self) -> int:
        return hash(self._in_order())

    def _in_order(self) -> bytes:
        """The flow with all keys sorted: equal for flows that mean the same."""
        canonical = self._canonical
        if canonical is None:
            canonical = _joined(self, canonical=True)
            msgspec.structs.force_setattr(self, "_canonical", canonical)
        return canonical

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.render(),)

    def __copy__(self) -> Flow:
        return self

    def __deepcopy__(self, memo: object) -> Flow:
        return self

    def __repr__(self) -> str:
        words = [
            step.module
            + (f"[{', '.join(key for key, _ in step.branches)}]" if step.branches else "")
            for step in self._spine[:12]
        ]
        more = [f"{len(self._spine) - 12} more"] if len(self._spine) > 12 else []
        return f"<Flow {' → '.join(words + more)}>"


def _with_fallback(flow: Flow, fallback: Flow, done: Mapping[int, Flow]) -> Flow:
    """The same for one flow, when the flows that hang in it are done."""
    spine: list[_Step] = []
    for step in flow._spine:
        branches = tuple((key, done[id(hung)]) for key, hung in step.branches)
        same = all(new is old for (_, new), (_, old) in zip(branches, step.branches, strict=True))
        spine.append(step if same else msgspec.structs.replace(step, branches=branches))
    if spine[-1].module == "pivot":
        spine.extend(fallback._spine)
    elif all(new is old for new, old in zip(spine, flow._spine, strict=True)):
        return flow
    mask = flow._mask & fallback._mask
    if not mask:
        raise _nothing_common(flow._mask, fallback._mask)
    return Flow(tuple(spine), mask, flow._local or fallback._local)


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
    names, always, spread = sending_of(node)
    in_order = tuple(names.values())
    on_both = _FOUR.get(module) if _FOUR.get(module) is _FIVE.get(module) else None
    if module in _MAY_BE_LOCAL:
        on_both = None
    start = _STARTS[module]

    def make(given: tuple[Any, ...], named: dict[str, Any]) -> Flow:
        data = dict(always)
        is_simple = True
        for key, value in zip(in_order, given, strict=False):
            if value is not None:
                data[key] = value
                if type(value) not in _SCALARS:
                    is_simple = False
        for name, value in named.items():
            if value is not None:
                data[names[name]] = value
                if type(value) not in _SCALARS:
                    is_simple = False
        if not is_simple:
            data = _plain_data(module, data, "$.data")
        if spread is not None:
            data = {**data.pop(spread, {}), **data}
        if on_both is not None and on_both(data) is None:
            step = _Step(module, start + _written(module, data), data)
            return Flow((step,), _BOTH, False)
        mask = _mask_of(module, data)
        if not mask:
            raise _rejected(module, _all_findings({"module": module, "data": data}))
        step = _Step(module, start + _written(module, data), data)
        return Flow((step,), mask, _is_local(module, data))

    return make


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
    steps: list[_Step] = []
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
        data = dict(data) if _is_simple(data) else _plain_data("raw", data, "$.data")
        mask &= _mask_of(module, data)
        if not mask:
            return None
        if module in _MAY_BE_LOCAL:
            local = local or _is_local(module, data)
        head = (_STARTS.get(module) or _start(module)) + _written("raw", data)
        extra = None
        if not _NODE_KEYS.issuperset(node):
            extra = {name: node[name] for name in node if name not in _NODE_KEYS}
            extra = _plain_data("raw", extra, "$")
            head += b"," + _written("raw", extra)[1:-1]
        steps.append(_Step(module, head, data, extra))
        following.append(None)
        branches.append([])
        if parent >= 0 and key == "_":
            following[parent] = index
        else:
            heads.append(index)
            if parent >= 0:
                branches[parent].append((key, index))
        for name in reversed(children):
            if type(name) is not str or not (name.isascii() or _is_text(name)):
                return None
            waiting.append((children[name], index, name))
    # Heads of branches come after the node they hang from, so the last ones are made first.
    made: dict[int, Flow] = {}
    for first in reversed(heads):
        spine: list[_Step] = []
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


def _plain_data(name: str, data: dict[str, Any], path: str) -> dict[str, Any]:
    try:
        copied: dict[str, Any] = plain(data, path)
    except NotJson as problem:
        raise _rejected(name, [problem.rejection]) from None
    return copied


def _restored(rendered: bytes) -> Flow:
    reading = read(rendered)
    if isinstance(reading, Rejection):
        raise AppError("flow.rejected", f"A pickled flow is damaged. {reading.message}")
    return raw_flow(reading.root)


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
_MAY_BE_LOCAL: Final = _NESTED | frozenset(CLIENT_URL_KEYS)


def _is_local(module: str, data: dict[str, Any]) -> bool:
    key = CLIENT_URL_KEYS.get(module)
    if key is not None:
        return is_local_url(data.get(key, ""))
    return module in _NESTED and is_local_tree({"module": module, "data": data})


def _takes(module: str, key: str) -> bool:
    spec = SPECS.get(module)
    return spec is not None and spec.takes(key)


def _nothing_common(mine: int, theirs: int) -> AppError:
    message = (
        f"One part is for version {min(_SETS[mine])} of the platform only, the other for "
        f"version {min(_SETS[theirs])}: no version accepts both."
    )
    return AppError("flow.no_version", message)


def _not_a_flow(method: str, value: object) -> AppError:
    message = f"{method}() takes a Flow, as flow.play(…) makes one, not {type(value).__name__}."
    return AppError("flow.not_a_flow", message)


def _is_text(key: str) -> bool:
    return key.isascii() or SURROGATE.search(key) is None


def _all_findings(root: Any) -> list[Rejection]:
    """What both versions say, each finding once."""
    found: dict[Rejection, None] = {}
    for platform in reversed(PLATFORMS):
        found |= dict.fromkeys(judge(root, platform))
    return list(found)


def _rejected(name: str, findings: Iterable[Rejection]) -> AppError:
    lines = [f"  {found.path}: {found.message} [{found.rule}]" for found in findings]
    text = f"flow.{name}(): no version of the platform accepts this.\n" + "\n".join(lines)
    return AppError("flow.rejected", text)


def _start(module: str) -> bytes:
    return b'{"module":' + encode_basestring_ascii(module).encode() + b',"data":'


_STARTS: Final = {name: _start(name) for name in SPECS}


def _written(name: str, data: dict[str, Any]) -> bytes:
    """Data as compact ASCII JSON."""
    try:
        written = _encode(data)
    except (UnicodeEncodeError, RecursionError, ValueError) as problem:
        raise _rejected(name, [_cannot_write(data, problem)]) from None
    if written.isascii():
        return written
    return _NOT_ASCII.sub(_escaped, written.decode()).encode()


def _cannot_write(data: dict[str, Any], problem: Exception) -> Rejection:
    if isinstance(problem, RecursionError):
        return Rejection("$.data", "json", "This is nested too deeply to be written.")
    try:
        plain(data, "$.data")
    except NotJson as found:
        return found.rejection
    return Rejection("$.data", "json", "JSON cannot say this.")


def _escaped(match: re.Match[str]) -> str:
    return encode_basestring_ascii(match.group())[1:-1]


def _joined(flow: Flow, *, canonical: bool) -> bytes:
    """Write a flow, iteratively: branches may hang in branches to any depth."""
    out: list[bytes] = []
    waiting: list[Flow | bytes] = [flow]
    while waiting:
        item = waiting.pop()
        if isinstance(item, bytes):
            out.append(item)
            continue
        known = item._canonical if canonical else item._rendered
        if known is not None:
            out.append(known)
            continue
        spine = item._spine
        if not canonical and not any(step.branches for step in spine):
            heads = [step.head for step in spine]
            out.append(b',"children":{"_":'.join(heads))
            out.append(b',"children":{}' + b"}" * (2 * len(heads) - 1))
            continue
        parts: list[Flow | bytes] = []
        for step in spine:
            parts.append(_sorted_head(step) if canonical else step.head)
            mark = b',"children":{'
            branches = sorted(step.branches, key=_key) if canonical else step.branches
            for key, following in branches:
                parts.append(mark + encode_basestring_ascii(key).encode() + b":")
                parts.append(following)
                mark = b","
            parts.append(mark + b'"_":')
        # The last node has no default child: take its opening away again, then close all.
        last = parts.pop()
        assert isinstance(last, bytes)
        parts.append(last[: -len(b'"_":')].rstrip(b","))
        parts.append(b"}" * (2 * len(spine)))
        waiting.extend(reversed(parts))
    return b"".join(out)


def _key(branch: tuple[str, Flow]) -> str:
    return branch[0]


def _sorted_head(step: _Step) -> bytes:
    return _encode_sorted({**(step.extra or {}), "module": step.module, "data": step.data})[:-1]
