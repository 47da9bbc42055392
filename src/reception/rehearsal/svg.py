"""
A graph as an SVG picture, by a small layout of our own.

How it works: a place stands one row below the first place that leads to it, and only that way
is a line; every other one, back to a menu say, is written in its box with the number of the
place that it leads to. So nothing crosses far, and the picture stays readable.

The rule this file keeps: the same graph gives the same bytes; text is escaped; no script, no
font and no address is in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from reception.rehearsal.graph import Graph
from reception.rehearsal.mermaid import joined, text_of

_CHARACTER: Final = 7.0
_LINE: Final = 17
_WIDEST: Final = 44
_PAD: Final = 10
_GAP_X: Final = 44
_GAP_Y: Final = 64
_FILLS: Final = {
    "start": "#e8eefc",
    "ask": "#ffffff",
    "run": "#eef7ee",
    "sleep": "#ffffff",
    "step": "#fdf6e3",
    "flow": "#eef7ee",
    "end": "#e6e6e6",
    "unknown": "#fde9d9",
    "fails": "#fbdcdc",
    "cut": "#fde9d9",
}


@dataclass(slots=True)
class _Box:
    lines: list[str]
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def as_svg(graph: Graph) -> str:
    """Draw a graph."""
    first = _first_ways(graph)
    boxes = [_box(graph, number, first) for number in range(len(graph.nodes))]
    _place(boxes, first)
    width = max((box.x + box.width for box in boxes), default=0) + _GAP_X
    height = max((box.y + box.height for box in boxes), default=0) + _GAP_Y / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}" font-family="monospace" font-size="12">',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8"'
        ' markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    labels = []
    for number, node in enumerate(graph.nodes):
        for target, label in joined(node):
            if first[target] == number:
                drawn, at = _edge(boxes[number], boxes[target])
                parts.append(f'<path d="{drawn}" fill="none" stroke="#555" marker-end="url(#a)"/>')
                labels += [_label(label, *at)] if label else []
    for node, box in zip(graph.nodes, boxes, strict=True):
        border = "#b00" if node.flags else "#333"
        parts.append(
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}"'
            f' height="{box.height:.1f}" rx="{14 if node.kind in ("start", "end") else 3}"'
            f' fill="{_FILLS[node.kind]}" stroke="{border}"'
            f' stroke-width="{2.5 if node.flags else 1}"/>'
        )
        for line_no, line in enumerate(box.lines):
            y = box.y + _PAD + 12 + line_no * _LINE
            parts.append(f'<text x="{box.x + _PAD:.1f}" y="{y:.1f}">{_plain(line)}</text>')
    return "\n".join([*parts, *labels, "</svg>"]) + "\n"


def _box(graph: Graph, number: int, first: list[int]) -> _Box:
    node = graph.nodes[number]
    lines = [f"{number}  {'  '.join(text_of(node)[:1])}", *text_of(node)[1:]]
    lines += [
        f"  {label or 'then'} → {target}"
        for target, label in joined(node)
        if first[target] != number
    ]
    box = _Box([part for line in lines for part in _wrapped(line)] or [""])
    box.width = max(map(len, box.lines)) * _CHARACTER + 2 * _PAD + 6
    box.height = len(box.lines) * _LINE + 2 * _PAD - 4
    return box


def _first_ways(graph: Graph) -> list[int]:
    """By which place each is reached first, from the beginning; -1 for the beginning itself."""
    first = [-1] * len(graph.nodes)
    waiting = [0]
    for number in waiting:
        for _, target in graph.nodes[number].edges:
            if target and first[target] < 0:
                first[target] = number
                waiting.append(target)
    return first


def _wrapped(line: str) -> list[str]:
    found, rest = [], line
    while len(rest) > _WIDEST:
        at = rest.rfind(" ", 1, _WIDEST)
        at = at if at > 0 else _WIDEST
        found.append(rest[:at])
        rest = rest[at:].lstrip()
    return [*found, rest]


def _place(boxes: list[_Box], first: list[int]) -> None:
    y = _GAP_Y / 2
    row = [0] if boxes else []
    while row:
        x = float(_GAP_X)
        # Below the place that leads there, so in the order of those.
        for number in sorted(row, key=lambda each: (_wish(boxes, first[each]), each)):
            box = boxes[number]
            box.y = y
            box.x = max(x, _wish(boxes, first[number]) - box.width / 2)
            x = box.x + box.width + _GAP_X
        y += max(boxes[number].height for number in row) + _GAP_Y
        row = [number for number, above in enumerate(first) if above in set(row)]


def _wish(boxes: list[_Box], above: int) -> float:
    return boxes[above].middle if above >= 0 else 0.0


def _edge(start: _Box, end: _Box) -> tuple[str, tuple[float, float]]:
    """A curve from the lower side of a box to the upper side of another, and a place for words."""
    x1, y1 = start.middle, start.y + start.height
    x2, y2 = end.middle, end.y
    bend = (y2 - y1) / 2
    drawn = (
        f"M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
    )
    # Near the end, where edges of one node have parted.
    return drawn, (x1 + (x2 - x1) * 0.96, y2 - min(16.0, bend * 0.5))


def _label(text: str, x: float, y: float) -> str:
    short = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-weight="bold" stroke="#fff"'
        f' stroke-width="4" paint-order="stroke">{_plain(short)}</text>'
    )


def _plain(text: str) -> str:
    return escape("".join(each if each.isprintable() else " " for each in text))
