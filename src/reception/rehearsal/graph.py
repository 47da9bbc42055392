"""
What callers can reach, as a graph: nodes, edges, and what is wrong with them.

The rule this file keeps: data and questions about it, nothing of how it was found or is drawn.
Findings are made here so that every drawing and every test sees the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from reception.rehearsal.answers import SILENCE

Kind = Literal["start", "ask", "run", "sleep", "step", "flow", "end", "unknown", "fails", "cut"]
_OVER: frozenset[str] = frozenset({"end", "unknown", "fails", "cut"})


@dataclass(slots=True)
class Node:
    """
    One place in a call.

    Attributes:
        lines: what it is, in words: what the caller hears first.
        place: ``folder/file.py:12`` of the application, "" where there is none.
        flags: what is wrong here.
        edges: by label, the number of the node that follows.
    """

    kind: Kind
    lines: tuple[str, ...]
    place: str = ""
    flags: list[str] = field(default_factory=list)
    edges: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class Graph:
    """
    All of it; node 0 is where a call begins.

    Attributes:
        cuts: why it is not all, in sentences; none where it is.
        unheard: prompts of the catalogue that nobody heard.
        unknown: steps whose results nobody gave.
    """

    nodes: list[Node] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)
    unheard: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether there can be nothing else."""
        return not self.cuts and not self.unknown

    def findings(self) -> list[str]:
        """What is wrong, in sentences, in the order of the nodes."""
        found = [
            f"{node.place + ': ' if node.place else ''}{flag}: {_title(node)}"
            for node in self.nodes
            for flag in node.flags
        ]
        if self.is_whole:
            found += [f"prompt {key!r} is never heard" for key in self.unheard]
        return found


def _title(node: Node) -> str:
    return node.lines[0] if node.lines else node.kind


def flag_loops(graph: Graph) -> None:
    """Mark what never ends: with nothing that leads out, and for who says nothing."""
    nodes = graph.nodes
    comes_from: list[list[int]] = [[] for _ in nodes]
    for number, node in enumerate(nodes):
        for _, target in node.edges:
            comes_from[target].append(number)
    leads_out = {number for number, node in enumerate(nodes) if node.kind in _OVER}
    waiting = list(leads_out)
    while waiting:
        for number in comes_from[waiting.pop()]:
            if number not in leads_out:
                leads_out.add(number)
                waiting.append(number)
    for number, node in enumerate(nodes):
        if number not in leads_out and any(target <= number for _, target in node.edges):
            node.flags.append("endless loop, nothing leads out")
    for number in _silent_circles(nodes):
        if number in leads_out:
            nodes[number].flags.append("endless loop for a caller who says nothing")


def _silent_circles(nodes: list[Node]) -> Iterator[int]:
    """The first question of each circle in which a silent caller can only stay."""
    silent = [
        [target for label, target in node.edges if node.kind != "ask" or label == SILENCE]
        for node in nodes
    ]
    # Who can leave, leaves: what is left over goes round for ever.
    stays = set(range(len(nodes)))
    while gone := {n for n in stays if not silent[n] or any(t not in stays for t in silent[n])}:
        stays -= gone
    seen: set[int] = set()
    for number in sorted(stays):
        if nodes[number].kind == "ask" and number not in seen and _returns(number, silent):
            yield number
            seen |= set(_reach(number, silent))


def _reach(number: int, silent: list[list[int]]) -> Iterator[int]:
    seen: set[int] = set()
    waiting = list(silent[number])
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            yield at
            waiting += silent[at]


def _returns(number: int, silent: list[list[int]]) -> bool:
    return number in set(_reach(number, silent))


def smallest(graph: Graph) -> Graph:
    """Make one node of those that look alike and lead to the same: what a caller can tell apart."""
    nodes = graph.nodes
    group = _numbered([(n.kind, n.lines, n.place, tuple(n.flags)) for n in nodes])
    while True:
        finer = _numbered(
            [
                (
                    group[number],
                    tuple(sorted({(label, group[target]) for label, target in n.edges})),
                )
                for number, n in enumerate(nodes)
            ]
        )
        if max(finer, default=0) == max(group, default=0):
            break
        group = finer
    first: dict[int, int] = {}
    for number, each in enumerate(group):
        first.setdefault(each, number)
    made = []
    for number in first.values():
        node = nodes[number]
        edges = list(dict.fromkeys((label, group[target]) for label, target in node.edges))
        made.append(Node(node.kind, node.lines, node.place, list(node.flags), edges))
    return Graph(made, graph.cuts, graph.unheard, graph.unknown)


def _numbered(keys: list[object]) -> list[int]:
    """Number equal keys alike, in the order in which they come."""
    known: dict[object, int] = {}
    return [known.setdefault(key, len(known)) for key in keys]
