"""
Measure Reception against the bare floor and against FastAPI with pydantic.

One run, one worker each, interleaved rounds, so that what the machine does meanwhile
hits all of them alike. Prints a table; `--json FILE` writes the same figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import flows, load
from benchmarks.server import Server, serving

APPS = {"floor": "floor", "reception": "reception_app", "fastapi": "fastapi_app"}
RATE = 500.0


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, interleaved (default 3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds a run (default 5)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    generator = "wrk" if shutil.which("wrk") else "the Python generator (wrk is not installed)"
    print(f"Python {platform.python_version()}, load by {generator}, one worker each")
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(name, app)) for name, app in APPS.items()]
        runs = [
            one_run(server, options.seconds, number)
            for number in range(options.rounds)
            for server in servers
        ]
    summary = {name: summarise([run for run in runs if run["app"] == name]) for name in APPS}
    show(summary)
    callflow = flows.measure()
    print("\ncallflow, µs each")
    for name, cost_us in callflow.items():
        print(f"  {cost_us:8.1f}  {name}")
    if options.json:
        figures = {"runs": runs, "summary": summary, "callflow_us": callflow}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def one_run(server: Server, seconds: float, number: int) -> dict[str, Any]:
    """Saturate the server, then hold a fixed rate."""
    load.saturate(server.port, 1)
    cpu_s = server.cpu_s()
    full = load.saturate(server.port, seconds)
    cpu_us = (server.cpu_s() - cpu_s) / full.requests * 1e6
    steady = load.at_rate(server.port, RATE, seconds)
    print(
        f"  round {number + 1} {server.name:10s} {full.rate:8.0f} req/s "
        f"p50 {full.p50_ms:6.2f} p99 {full.p99_ms:6.2f} ms, {cpu_us:5.1f} µs CPU; "
        f"at {RATE:.0f}/s p99 {steady.p99_ms:5.2f} ms; failed {full.failed + steady.failed}"
    )
    return {
        "app": server.name,
        "rate": full.rate,
        "p50_ms": full.p50_ms,
        "p99_ms": full.p99_ms,
        "cpu_us": cpu_us,
        "steady_p50_ms": steady.p50_ms,
        "steady_p99_ms": steady.p99_ms,
        "failed": full.failed + steady.failed,
    }


def summarise(runs: list[dict[str, Any]]) -> dict[str, float]:
    """The median of each figure over the rounds."""
    return {key: median(run[key] for run in runs) for key in runs[0] if key != "app"}


def show(summary: dict[str, dict[str, float]]) -> None:
    """Print medians and ratios."""
    print(f"\n{'median':12s}{'req/s':>9s}{'p50':>8s}{'p99':>8s}{'CPU µs':>8s}{'p99 @500/s':>12s}")
    for name, row in summary.items():
        print(
            f"{name:12s}{row['rate']:9.0f}{row['p50_ms']:8.2f}{row['p99_ms']:8.2f}"
            f"{row['cpu_us']:8.1f}{row['steady_p99_ms']:12.2f}"
        )
    ours = summary["reception"]
    print(f"reception / floor   {ours['rate'] / summary['floor']['rate']:.2f} (target 0.60)")
    print(f"reception / fastapi {ours['rate'] / summary['fastapi']['rate']:.2f} (target 3.00)")
    gap = ours["steady_p99_ms"] - summary["floor"]["steady_p99_ms"]
    print(f"p99 at {RATE:.0f}/s above the floor's: {gap:+.2f} ms (target 1.00)")


if __name__ == "__main__":
    main()
