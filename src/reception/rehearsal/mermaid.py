"""
A graph as Mermaid text, which documentation tools and code hosts draw.

The rule this file keeps: the same graph gives the same text; whatever an application says
becomes text in quotes, never syntax.
"""

from __future__ import annotations

from typing import Final

from reception.rehearsal.graph import Graph, Node

_MOST_LABELS: Final = 12

# Shape of a node by its kind: what stands before and behind the quoted text.
_SHAPES: Final = {
    "start": ("((", "))"),
    "ask": ("[", "]"),
    "run": ("[[", "]]"),
    "sleep": ("[", "]"),
    "step": ("[/", "/]"),
    "flow": ("[[", "]]"),
    "end": ("([", "])"),
    "unknown": ("{{", "}}"),
    "fails": (">", "]"),
    "cut": ("{{", "}}"),
}


def as_mermaid(graph: Graph) -> str:
    """Write a graph; findings stand at its end, as comments."""
    lines = ["flowchart TD"]
    for number, node in enumerate(graph.nodes):
        before, behind = _SHAPES[node.kind]
        lines.append(f'  n{number}{before}"{_text(node)}"{behind}')
    for number, node in enumerate(graph.nodes):
        for target, label in joined(node):
            arrow = f'-->|"{_quoted(label)}"|' if label else "-->"
            lines.append(f"  n{number} {arrow} n{target}")
    flagged = [f"n{number}" for number, node in enumerate(graph.nodes) if node.flags]
    if flagged:
        lines.append("  classDef flagged stroke:#b00,stroke-width:3px")
        lines.append(f"  class {','.join(flagged)} flagged")
    lines += [f"  %% {_comment(each)}" for each in (*graph.findings(), *graph.cuts)]
    return "\n".join(lines) + "\n"


def joined(node: Node) -> list[tuple[int, str]]:
    """The edges of a node, those to the same target as one."""
    labels: dict[int, list[str]] = {}
    for label, target in node.edges:
        labels.setdefault(target, []).append(label)
    return [(target, _listed(given)) for target, given in labels.items()]


def _listed(labels: list[str]) -> str:
    told = [label for label in labels if label]
    if len(told) > _MOST_LABELS:
        told = [*told[: _MOST_LABELS - 1], f"{len(told) - _MOST_LABELS + 1} more"]
    return ", ".join(told)


def text_of(node: Node) -> tuple[str, ...]:
    """The lines in a node, what is wrong with it first."""
    return (
        *(f"⚠ {flag}" for flag in node.flags),
        *node.lines,
        *([node.place] if node.place else ()),
    )


def _text(node: Node) -> str:
    return "<br>".join(_quoted(line) for line in text_of(node))


def _quoted(text: str) -> str:
    plain = "".join(each if each.isprintable() else " " for each in text)
    for character, name in (
        ("#", "#35;"),
        ("%", "#37;"),
        ('"', "#quot;"),
        ("<", "#lt;"),
        (">", "#gt;"),
        ("`", "#96;"),
    ):
        plain = plain.replace(character, name)
    return plain


def _comment(text: str) -> str:
    # A brace in a comment is taken for a directive.
    return "".join(each if each.isprintable() and each not in "{}" else " " for each in text)
