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

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from reception.callflow.plain import SURROGATE, plain
from reception.callflow.rendering import Step, joined
from reception.callflow.spec import SPECS
from reception.errors import AppError

_SETS: Final = (frozenset[int](), frozenset({4}), frozenset({5}), frozenset({4, 5}))
"""The versions by mask: bit 0 stands for version 4, bit 1 for version 5."""


class Flow(msgspec.Struct, frozen=True, eq=False, repr_omit_defaults=True, gc=False):
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

    _spine: tuple[Step, ...]
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
            raise nothing_common(self._mask, following._mask)
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
        if type(key) is not str or not is_text(key):
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
            raise nothing_common(self._mask, following._mask)
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
        spine = self._spine
        if spine[-1].module != "pivot":
            for step in spine:
                if step.branches:
                    break
            else:
                return self
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
            rendered = joined(self, canonical=False)
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
            canonical = joined(self, canonical=True)
            msgspec.structs.force_setattr(self, "_canonical", canonical)
        return canonical

    def __reduce__(self) -> tuple[Any, ...]:
        return Flow, (self._spine, self._mask, self._local)

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


def in_a_row(flows: Iterable[Flow]) -> Flow:
    """
    Join flows as `then` after `then` does, in one go; there is at least one.

    Errors:
        AppError("flow.no_version"): no version of the platform accepts all of them.
    """
    spine: list[Step] = []
    mask, local = 3, False
    for flow in flows:
        spine += flow._spine
        both = mask & flow._mask
        if not both:
            raise nothing_common(mask, flow._mask)
        mask = both
        if flow._local:
            local = True
    return Flow(tuple(spine), mask, local)


def _with_fallback(flow: Flow, fallback: Flow, done: Mapping[int, Flow]) -> Flow:
    """The same for one flow, when the flows that hang in it are done."""
    spine: list[Step] = []
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
        raise nothing_common(flow._mask, fallback._mask)
    return Flow(tuple(spine), mask, flow._local or fallback._local)


def _takes(module: str, key: str) -> bool:
    spec = SPECS.get(module)
    return spec is not None and spec.takes(key)


def nothing_common(mine: int, theirs: int) -> AppError:
    """The error for two parts, by their masks, that no version accepts together."""
    message = (
        f"One part is for version {min(_SETS[mine])} of the platform only, the other for "
        f"version {min(_SETS[theirs])}: no version accepts both."
    )
    return AppError("flow.no_version", message)


def _not_a_flow(method: str, value: object) -> AppError:
    message = f"{method}() takes a Flow, as flow.play(…) makes one, not {type(value).__name__}."
    return AppError("flow.not_a_flow", message)


def is_text(key: str) -> bool:
    """Whether a text can be sent: it holds no half of a surrogate pair."""
    return key.isascii() or SURROGATE.search(key) is None
