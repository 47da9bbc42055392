"""
Hanging flows where a flow is open, wherever in it that is.

The rule this file keeps: what is there stays as it is, with its place among its neighbours;
what is hung comes behind it. Where a flow is open is for others to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import msgspec

from reception.callflow.rendering import Step
from reception.callflow.value import Flow, nothing_common


class Ends(Protocol):
    """
    Says what to hang under one node.

    Shape:
        keys: of the branches that it has, ``_`` among them.
        way: the keys of the branches that lead to it, without ``_``.
        depth: 1 for the first node.
        returns: flows by key; none of `keys`.
    """

    def __call__(
        self,
        module: str,
        data: Mapping[str, Any],
        keys: Collection[str],
        way: tuple[str, ...],
        depth: int,
        /,
    ) -> Mapping[str, Flow]: ...


def closed(flow: Flow, ends: Ends, way: tuple[str, ...] = (), depth: int = 1) -> Flow:
    """
    Hang flows under the nodes of a flow.

    Branches that hang in one another go as deep as `ends` lets them.

    Errors:
        AppError("flow.no_version"): no version of the platform accepts all of it.
    """
    spine: list[Step] = []
    mask, local = flow._mask, flow._local
    last = len(flow._spine) - 1
    for index, step in enumerate(flow._spine):
        keys = [key for key, _ in step.branches]
        if index < last:
            keys.append("_")
        hung = dict(ends(step.module, step.data, keys, way, depth + index))
        following = hung.pop("_", None)
        branches = [
            (key, closed(branch, ends, (*way, key), depth + index + 1))
            for key, branch in step.branches
        ]
        branches += hung.items()
        added = [branch for _, branch in branches]
        spine.append(msgspec.structs.replace(step, branches=tuple(branches)) if added else step)
        if following is not None:
            added.append(following)
            spine += following._spine
        for branch in added:
            if not mask & branch._mask:
                raise nothing_common(mask, branch._mask)
            mask &= branch._mask
            local = local or branch._local
    return Flow(tuple(spine), mask, local)
