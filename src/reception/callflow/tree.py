"""
A tolerant walk over a callflow that is still plain JSON.

The rule this file keeps: whatever the tree holds, the walk ends, in linear time,
without recursion and without an exception. Nodes below the deepest allowed level are
left out: the size of a JSON path, and with it the cost of naming a place,
stays bounded.

No judgement goes in here: what is wrong with a node is the business of `rules/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reception.callflow.findings import key_step

MAX_DEPTH: Final = 64
"""Levels of nodes that we accept. The platform has no cap of its own (200 were run), but
each node costs 5 of 100 tokens, so that no sensible reply comes near it."""


def json_path(steps: Iterable[str | int]) -> str:
    """
    Write a JSON path: ``$.children._.data.id``, ``$.data.endpoints[0]``, ``$.children["1"]``.

    A key that is no plain name is written as a JSON string in brackets, in ASCII, so that
    a path can be printed and parsed whatever the key holds.

    >>> json_path(["children", "1", "data", "endpoints", 0])
    '$.children["1"].data.endpoints[0]'
    """
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else key_step(step) for step in steps)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """
    One node of the tree and where it hangs.

    Shape:
        node: the node as it stands; only its being an object is certain.
        index: position in document order; a parent always comes before its children.
        parent: the node it hangs from, None for the root.
        key: the branch it hangs under; None for the root and for a flow inside ``data``.
        depth: 1 for the root.
        module: the module's name, "" where there is none that is text.
        data: the node's data, {} where there is none that is an object.
        children: the branches that are objects, in document order.
    """

    node: Mapping[str, Any]
    index: int
    parent: Place | None
    key: str | None
    steps: tuple[str | int, ...]
    depth: int
    module: str
    data: Mapping[str, Any]
    children: Mapping[str, Mapping[str, Any]]

    def path(self, *more: str | int) -> str:
        """Name this node, or something in it: ``place.path("data", "id")``."""
        chain: list[tuple[str | int, ...]] = [more]
        place: Place | None = self
        while place is not None:
            chain.append(place.steps)
            place = place.parent
        return json_path(step for steps in reversed(chain) for step in steps)

    def ancestors(self) -> Iterator[Place]:
        """The nodes above, nearest first."""
        place = self.parent
        while place is not None:
            yield place
            place = place.parent

    def text(self, key: str) -> str | None:
        """The text under `key` of the data, None where it is absent or no text."""
        value = self.data.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """The whole number under `key` of the data, None where it is absent or none."""
        value = self.data.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Tree:
    """
    Every node down to `MAX_DEPTH`, in document order.

    `beyond` is the first node under the deepest allowed level, None where the tree ends
    in time.
    """

    places: tuple[Place, ...]
    beyond: Place | None = None
    _after: dict[int, dict[str, Place]] = field(default_factory=dict)

    def child(self, place: Place, key: str = "_") -> Place | None:
        """The walked node under `key` of `place`, None where there is none."""
        return self._after.get(place.index, {}).get(key)


def walk(root: object) -> Tree:
    """
    List the nodes of a flow, tolerating every malformation.

    A node is an object under a key of ``children``, or the flow that a `callflow` node
    (``data.flow``) or a serverless `pivot` node (``data.serverless.flow_doc``) carries.
    What is no object is left out.
    """
    if not isinstance(root, Mapping):
        return Tree(())
    places: list[Place] = []
    after: dict[int, dict[str, Place]] = {}
    beyond: Place | None = None
    waiting: list[tuple[Mapping[str, Any], Place | None, str | None, tuple[str | int, ...]]]
    waiting = [(root, None, None, ())]
    while waiting:
        node, parent, key, steps = waiting.pop()
        place = _place(node, len(places), parent, key, steps)
        if place.depth > MAX_DEPTH:
            beyond = beyond or place
            continue
        places.append(place)
        if parent is not None and key is not None:
            after.setdefault(parent.index, {})[key] = place
        waiting.extend(reversed(list(_below(place))))
    return Tree(tuple(places), beyond, after)


def _place(
    node: Mapping[str, Any],
    index: int,
    parent: Place | None,
    key: str | None,
    steps: tuple[str | int, ...],
) -> Place:
    module, data, children = node.get("module"), node.get("data"), node.get("children")
    branches = children.items() if isinstance(children, Mapping) else ()
    return Place(
        node=node,
        index=index,
        parent=parent,
        key=key,
        steps=steps,
        depth=1 if parent is None else parent.depth + 1,
        module=module if isinstance(module, str) else "",
        data=data if isinstance(data, Mapping) else {},
        children={
            key: child
            for key, child in branches
            if isinstance(key, str) and isinstance(child, Mapping)
        },
    )


_Below = tuple[Mapping[str, Any], Place, str | None, tuple[str | int, ...]]


def _below(place: Place) -> Iterator[_Below]:
    if place.module == "callflow" and isinstance(place.data.get("flow"), Mapping):
        yield place.data["flow"], place, None, ("data", "flow")
    serverless = place.data.get("serverless")
    if place.module == "pivot" and isinstance(serverless, Mapping):
        document = serverless.get("flow_doc")
        if isinstance(document, Mapping):
            yield document, place, None, ("data", "serverless", "flow_doc")
    for key, child in place.children.items():
        yield child, place, key, ("children", key)
