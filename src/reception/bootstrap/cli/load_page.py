"""
The report of a load as one HTML page without anything from outside: figures, charts, errors.

Charts are drawn as SVG, one line or bar for each second.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

_WIDTH: Final = 720
_HEIGHT: Final = 160
_LEFT: Final = 60
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:800px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;
text-align:right}td:first-child,th:first-child{text-align:left}h1{font-size:1.4rem}
h2{font-size:1.1rem;margin-top:2rem}svg{width:100%;height:auto}svg text{font-size:11px;fill:#555}
.a{stroke:#1668b8}.b{stroke:#d9822b}.bar{fill:#1668b8}.bad{fill:#c23030}.grid{stroke:#e4e4e4}
@media(prefers-color-scheme:dark){body{background:#16181b;color:#ddd}td,th{border-color:#333}
svg text{fill:#999}.grid{stroke:#2c2f33}}
"""


def page(told: dict[str, Any]) -> str:
    """
    Write the page.

    Shape:
        told: what `reception load --json` writes.
    """
    seconds: list[dict[str, Any]] = told["seconds"]
    p50 = [each["latency_ms"]["p50"] for each in seconds]
    p99 = [each["latency_ms"]["p99"] for each in seconds]
    errors = "".join(
        f"<tr><td>{escape(why)}</td><td>{count}</td></tr>" for why, count in told["errors"].items()
    )
    latencies = "".join(
        f"<tr><td>{escape(name)}</td><td>{value:.1f} ms</td></tr>"
        for name, value in told["latency_ms"].items()
    )
    facts = "".join(
        f"<tr><td>{name}</td><td>{escape(str(value))}</td></tr>"
        for name, value in (
            ("target", told["target"]),
            ("calls a second", f"{told['rate']:g} for {told['duration_s']:g} s"),
            ("calls placed", told["calls"]),
            ("calls lost", told["lost"]),
            ("requests", told["pivots"]),
            ("requests without a 200", told["failed"]),
            ("seed", told["seed"]),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>reception load</title>'
        f"<style>{_STYLE}</style></head><body><h1>A load of calls</h1><table>{facts}</table>"
        "<h2>Time to an answer</h2><p>From the moment at which a request was due.</p>"
        f"<table>{latencies}</table>"
        f"{_lines((('p50', 'a', p50), ('p99', 'b', p99)), 'ms')}"
        f"<h2>Requests a second</h2>{_bars([each['pivots'] for each in seconds], 'bar')}"
        f"<h2>Failures a second</h2>{_bars([each['failed'] for each in seconds], 'bad')}"
        f"<table><tr><th>what failed</th><th>times</th></tr>{errors or _NONE}</table>"
        "</body></html>\n"
    )


_NONE: Final = "<tr><td>nothing</td><td>0</td></tr>"


def _lines(series: Sequence[tuple[str, str, Sequence[float]]], unit: str) -> str:
    top = max((value for _, _, values in series for value in values), default=0.0) or 1.0
    drawn = []
    for number, (name, kind, values) in enumerate(series):
        points = " ".join(
            f"{_x(at, len(values)):.1f},{_y(value, top):.1f}" for at, value in enumerate(values)
        )
        drawn.append(
            f'<polyline class="{kind}" points="{points}" fill="none" stroke-width="1.5"/>'
            f'<line class="{kind}" x1="{_LEFT + 90 * number}" x2="{_LEFT + 20 + 90 * number}" y1="8"'
            f' y2="8" stroke-width="2"/><text x="{_LEFT + 26 + 90 * number}" y="12">{name}</text>'
        )
    return _chart("".join(drawn), top, unit)


def _bars(values: Sequence[float], kind: str) -> str:
    top = max(values, default=0.0) or 1.0
    width = max(1.0, (_WIDTH - _LEFT) / max(1, len(values)) - 1)
    drawn = "".join(
        f'<rect class="{kind}" x="{_x(at, len(values)):.1f}" y="{_y(value, top):.1f}"'
        f' width="{width:.1f}" height="{_HEIGHT - _y(value, top):.1f}"/>'
        for at, value in enumerate(values)
    )
    return _chart(drawn, top, "")


def _chart(drawn: str, top: float, unit: str) -> str:
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{_y(top * part, top):.1f}"'
        f' y2="{_y(top * part, top):.1f}"/><text x="{_LEFT - 6}" y="{_y(top * part, top) + 4:.1f}"'
        f' text-anchor="end">{top * part:.4g} {unit}</text>'
        for part in (0.0, 0.5, 1.0)
    )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 8}" role="img">{grid}{drawn}</svg>'


def _x(at: int, count: int) -> float:
    return _LEFT + at * (_WIDTH - _LEFT) / max(1, count)


def _y(value: float, top: float) -> float:
    return _HEIGHT - (_HEIGHT - 24) * value / top
