"""
Kill the service again and again under load, and look whether anything is lost.

``make crash`` runs everything: workers killed at moments by chance and at every fault point,
the database killed, requests repeated. ``--seed`` makes the same choices again (when a kill
hits what is not in its hand). Ctrl-C ends it early, with a report of what was done. The exit
status is 1 where anything could not be explained; then the folder with ledger, log and data
is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.crash import database, duplicates, workers
from tests.crash.trial import Report

Run = Callable[..., Coroutine[Any, Any, Report]]


def main() -> int:
    """Run what was asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--cycles", type=int, default=500, help="kills of a worker (default 500)")
    parser.add_argument(
        "--database-cycles", type=int, default=100, help="kills of the database (default 100)"
    )
    parser.add_argument(
        "--duplicates", type=int, default=100_000, help="repeated requests (default 100000)"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args()
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    print(f"seed {options.seed}; the same again: python -m tests.crash --seed {options.seed}")
    trials: dict[str, tuple[Any, Run]] = {
        "workers": (workers.rounds(options.cycles), workers.run),
        "database": (options.database_cycles, database.run),
        "duplicates": (options.duplicates, duplicates.run),
    }
    reports: list[Report] = []
    for name, (amount, run) in trials.items():
        if not amount or stopped:
            continue
        folder = Path(tempfile.mkdtemp(prefix="rcpt"))
        began = time.monotonic()
        report = asyncio.run(
            run(folder, amount, options.seed, say=_say, enough=lambda: bool(stopped))
        )
        _say(f"{name}: {time.monotonic() - began:.0f} s\n{report}")
        reports.append(report)
        if report.problems:
            _say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(any(report.problems for report in reports))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
