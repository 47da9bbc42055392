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
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple, NoReturn

import msgspec

from reception.callflow.client_url import is_local_url
from reception.callflow.facts import PLATFORMS
from reception.callflow.findings import Rejection, key_step
from reception.callflow.node import Node
from reception.callflow.plain import NotJson, plain
from reception.callflow.reading import read
from reception.callflow.spec import SPECS
from reception.callflow.verdict import (
    ANYWHERE,
    CLIENT_URL_KEYS,
    Trail,
    is_local_tree,
    judge,
    path_of,
)
from reception.errors import AppError

_SETS: Final = (frozenset[int](), frozenset({4}), frozenset({5}), frozenset({4, 5}))
"""The versions by mask: bit 0 stands for version 4, bit 1 for version 5."""

_BOTH: Final = 3
_SCALARS: Final = frozenset({str, int, bool, type(None)})
_NOT_ASCII: Final = re.compile("[^\x00-\x7f]")
_encode: Final = msgspec.json.Encoder().encode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode


class _Step(NamedTuple):
    """One node: its JSON up to the children (ASCII, without the closing brace), and its branches."""

    module: str
    head: bytes
    data: dict[str, Any]
    extra: dict[str, Any]
    branches: tuple[tuple[str, Flow], ...]


class Flow:
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

    __slots__ = ("_canonical", "_local", "_mask", "_rendered", "_spine")

    _spine: tuple[_Step, ...]
    _mask: int
    _local: bool
    _rendered: bytes | None
    _canonical: bytes | None

    def __new__(cls) -> NoReturn:
        """Refuse: there is no empty flow."""
        raise TypeError("A Flow is made by flow.<module>(…) or flow.raw(…), never empty.")

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
        _expect_flow(following, "then")
        mask = _common(self._mask, following._mask)
        local = self._local or following._local
        return _flow(self._spine + following._spine, mask, local)

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
        _expect_flow(following, "on")
        if type(key) is not str:
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
        mask = _common(self._mask, following._mask)
        step = step._replace(branches=(*step.branches, (key, following)))
        local = self._local or following._local
        return _flow((*spine[:at], step, *spine[at + 1 :]), mask, local)

    def render(self) -> bytes:
        """The flow as compact ASCII JSON, ready to be sent. The bytes are remembered."""
        rendered = self._rendered
        if rendered is None:
            rendered = self._rendered = _joined(self, canonical=False)
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
                target[key] = node | plain(step.extra) | {"children": children}
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
            canonical = self._canonical = _joined(self, canonical=True)
        return canonical

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.render(),)

    def __copy__(self) -> Flow:
        return self

    def __deepcopy__(self, memo: object) -> Flow:
        return self

    def __repr__(self) -> str:
        words = [
            step.module + (f"[{', '.join(key for key, _ in step.branches)}]" if step.branches else "")
            for step in self._spine[:12]
        ]
        more = [f"{len(self._spine) - 12} more"] if len(self._spine) > 12 else []
        return f"<Flow {' → '.join(words + more)}>"


def flow_of(node: Node) -> Flow:
    """
    Make a flow of one node.

    Errors:
        AppError("flow.rejected"): no version of the platform accepts it; the text lists
            everything that is wrong.
    """
    module = node.module
    data = node.as_data()
    try:
        for key, value in data.items():
            if type(value) not in _SCALARS:
                data[key] = plain(value, "$.data" + key_step(key))
    except NotJson as problem:
        raise _rejected(module, [problem.rejection]) from None
    mask = _mask_of(module, data)
    if not mask:
        raise _rejected(module, _all_findings({"module": module, "data": data}))
    step = _Step(module, _head(module, data, {}), data, {}, ())
    return _flow((step,), mask, _is_local(module, data))


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
    try:
        root = plain(source)
    except NotJson as problem:
        raise _rejected("raw", [problem.rejection]) from None
    steps: list[_Step] = []
    following: list[int | None] = []
    branches: list[list[tuple[str, int]]] = []
    heads: list[int] = []
    mask, local = _BOTH, False
    waiting: list[tuple[Any, int, str, Trail]] = [(root, -1, "", None)]
    while waiting:
        node, parent, key, trail = waiting.pop()
        module = node.get("module") if type(node) is dict else None
        data = node.get("data", {}) if module is not None else None
        children = node.get("children", {}) if module is not None else None
        if type(module) is not str or type(data) is not dict or type(children) is not dict:
            raise _rejected("raw", _all_findings(root) or [_no_node(trail)])
        mask &= _mask_of(module, data)
        if not mask:
            raise _rejected("raw", _all_findings(root) or [_no_node(trail)])
        local = local or _is_local(module, data)
        index = len(steps)
        extra = {name: node[name] for name in node if name not in _NODE_KEYS}
        steps.append(_Step(module, _head(module, data, extra), data, extra, ()))
        following.append(None)
        branches.append([])
        if parent >= 0 and key == "_":
            following[parent] = index
        else:
            heads.append(index)
            if parent >= 0:
                branches[parent].append((key, index))
        for name in reversed(children):
            step = ".children" + key_step(name)
            waiting.append((children[name], index, name, (trail, step)))
    # Heads of branches come after the node they hang from, so the last ones are made first.
    made: dict[int, Flow] = {}
    for head in reversed(heads):
        spine: list[_Step] = []
        at: int | None = head
        while at is not None:
            hung = tuple((key, made.pop(child)) for key, child in branches[at])
            spine.append(steps[at]._replace(branches=hung) if hung else steps[at])
            at = following[at]
        made[head] = _flow(tuple(spine), mask, local)
    return made[0]


_NODE_KEYS: Final = frozenset({"module", "data", "children"})


def _flow(spine: tuple[_Step, ...], mask: int, local: bool) -> Flow:
    made = object.__new__(Flow)
    made._spine = spine
    made._mask = mask
    made._local = local
    made._rendered = None
    made._canonical = None
    return made


def _restored(rendered: bytes) -> Flow:
    reading = read(rendered)
    if isinstance(reading, Rejection):
        raise AppError("flow.rejected", f"A pickled flow is damaged. {reading.message}")
    return raw_flow(reading.root)


def _mask_of(module: str, data: dict[str, Any]) -> int:
    """Which versions accept one node, the blacklist of URLs left out."""
    four, five = _FOUR.get(module), _FIVE.get(module)
    if four is five:
        mask = _BOTH if four is not None and four(data) is None else 0
    else:
        mask = 1 if four is not None and four(data) is None else 0
        if five is not None and five(data) is None:
            mask |= 2
    if mask and module in _NESTED:
        node = {"module": module, "data": data}
        for bit, platform in ((1, PLATFORMS[0]), (2, PLATFORMS[1])):
            if mask & bit and judge(node, platform, anywhere=True):
                mask &= ~bit
    return mask


_FOUR: Final = ANYWHERE[4].checks
_FIVE: Final = ANYWHERE[5].checks
_NESTED: Final = frozenset(ANYWHERE[4].nested) | frozenset(ANYWHERE[5].nested)


def _is_local(module: str, data: dict[str, Any]) -> bool:
    key = CLIENT_URL_KEYS.get(module)
    if key is not None:
        return is_local_url(data.get(key, ""))
    return module in _NESTED and is_local_tree({"module": module, "data": data})


def _takes(module: str, key: str) -> bool:
    spec = SPECS.get(module)
    return spec is not None and spec.takes(key)


def _common(mine: int, theirs: int) -> int:
    if mine & theirs:
        return mine & theirs
    message = (
        f"One part is for version {min(_SETS[mine])} of the platform only, the other for "
        f"version {min(_SETS[theirs])}: no version accepts both."
    )
    raise AppError("flow.no_version", message)


def _expect_flow(value: object, method: str) -> None:
    if not isinstance(value, Flow):
        message = f"{method}() takes a Flow, as flow.play(…) makes one, not {type(value).__name__}."
        raise AppError("flow.not_a_flow", message)


def _no_node(trail: Trail) -> Rejection:
    return Rejection(path_of(trail), "type", "A child must be an object with a module.")


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


def _head(module: str, data: dict[str, Any], extra: dict[str, Any]) -> bytes:
    """The node's JSON without its children and its closing brace, in ASCII."""
    try:
        head = _encode({"module": module, "data": data, **extra})
    except (UnicodeEncodeError, RecursionError, ValueError) as problem:
        raise _rejected(module, [_cannot_write(data, problem)]) from None
    if not head.isascii():
        head = _NOT_ASCII.sub(_escaped, head.decode()).encode()
    return head[:-1]


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
        assert isinstance(last, bytes)  # noqa: S101  for the type checker
        parts.append(last[: -len(b'"_":')].rstrip(b","))
        parts.append(b"}" * (2 * len(spine)))
        waiting.extend(reversed(parts))
    return b"".join(out)


def _key(branch: tuple[str, Flow]) -> str:
    return branch[0]


def _sorted_head(step: _Step) -> bytes:
    return _encode_sorted({**step.extra, "module": step.module, "data": step.data})[:-1]
