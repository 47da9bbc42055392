"""
Measure the store: how many steps are committed, how fast one is, and whether that stays so.

``python -m benchmarks.store`` starts a server of its own in a temporary directory (TMPDIR says
where: on a disk in memory the disk's share falls away), drives it from one process as a
worker does, and prints a table. CPU is that of this process, callers included. With
``--rows`` it also stores so many steps beforehand and measures again: the cost must not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from reception.ports import NewStep, Opening
from reception.store.database import Database
from reception.store.embedded import EmbeddedServer
from reception.store.migrations import migrate
from reception.store.steps import PostgresSteps

try:
    from uvloop import run as run_loop
except ImportError:
    from asyncio import run as run_loop  # type: ignore[assignment]  # it takes one argument more

TENANTS = 40
STEPS = 8
REPLY = json.dumps({"module": "tts", "data": {"text": "x" * 300}, "children": {}}).encode() * 2


@dataclass(frozen=True)
class Run:
    """What one run has measured."""

    what: str
    callers: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds a run (default 4)")
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rcpt") as folder:
        server = EmbeddedServer(Path(folder) / "data")
        server.start()
        try:
            migrate(server.dsn(user="postgres"))
            print(f"fdatasync here: {_fdatasync_ms(Path(folder)):.2f} ms (median)")
            figures = {"empty": _measure(server, options.seconds)}
            for rows in options.rows:
                _fill(server, rows)
                print(f"\nwith {rows:,} steps stored")
                figures[str(rows)] = _measure(server, options.seconds)
        finally:
            server.stop(timeout_s=0.0)
    if options.json:
        found = {name: [asdict(each) for each in runs] for name, runs in figures.items()}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def _measure(server: EmbeddedServer, seconds: float) -> list[Run]:
    print(f"{'':24s}{'callers':>8s}{'per s':>9s}{'p50 ms':>9s}{'p99 ms':>9s}{'CPU µs':>9s}")
    runs = []
    for what, dialog, callers in (
        ("commit, alone", _commits, 1),
        ("commit", _commits, 16),
        ("commit", _commits, 64),
        ("commit, groups of 64", _commits, 160),
        ("load and commit", _loads_and_commits, 64),
        ("duplicate", _duplicates, 64),
    ):
        found = run_loop(_drive(server.dsn(user="reception_app"), what, dialog, callers, seconds))
        runs.append(found)
        print(
            f"{found.what:24s}{found.callers:8d}{found.rate:9.0f}"
            f"{found.p50_ms:9.2f}{found.p99_ms:9.2f}{found.cpu_us:9.1f}"
        )
    return runs


Timed = Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]
Dialog = Callable[[PostgresSteps, str, Timed], Coroutine[Any, Any, None]]


async def _drive(dsn: str, what: str, dialog: Dialog, callers: int, seconds: float) -> Run:
    database = Database(dsn)
    steps = PostgresSteps(database)
    steps.start()
    taken: list[float] = []

    async def timed(call: Coroutine[Any, Any, Any]) -> Any:
        began = time.perf_counter()
        result = await call
        taken.append(time.perf_counter() - began)
        return result

    async def caller(number: int, until: float) -> None:
        while time.perf_counter() < until:
            await dialog(steps, f"hotel-{number % TENANTS:03d}", timed)

    async def all_of_them(length_s: float) -> None:
        until = time.perf_counter() + length_s
        await asyncio.gather(*(caller(number, until) for number in range(callers)))

    await all_of_them(min(1.0, seconds))
    taken.clear()
    cpu_s, began = time.process_time(), time.perf_counter()
    await all_of_them(seconds)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - began
    await steps.stop()
    await database.close()
    taken.sort()
    count = len(taken)
    p50, p99 = (taken[int(count * share)] * 1000 for share in (0.5, 0.99))
    return Run(what, callers, count / wall_s, p50, p99, cpu_s / count * 1e6)


async def _commits(steps: PostgresSteps, tenant: str, timed: Timed) -> None:
    episode = secrets.token_urlsafe(12)
    opened = await timed(steps.open(_opening(tenant, episode), _step(tenant, episode, 0)))
    assert opened.fate == "opened"
    for step_no in range(1, STEPS):
        committed = await timed(steps.commit(_step(tenant, episode, step_no)))
        assert committed.fate == "stored"


async def _loads_and_commits(steps: PostgresSteps, tenant: str, timed: Timed) -> None:
    """A pivot as the service does it: the history first."""
    episode = secrets.token_urlsafe(12)
    await steps.open(_opening(tenant, episode), _step(tenant, episode, 0))

    async def pivot(step_no: int) -> None:
        history = await steps.load(tenant, episode, step_no)
        assert history is not None
        assert history.head == step_no - 1
        await steps.commit(_step(tenant, episode, step_no))

    for step_no in range(1, STEPS):
        await timed(pivot(step_no))


async def _duplicates(steps: PostgresSteps, tenant: str, timed: Timed) -> None:
    episode = secrets.token_urlsafe(12)
    await steps.open(_opening(tenant, episode), _step(tenant, episode, 0))
    await steps.commit(_step(tenant, episode, 1))
    for _ in range(STEPS):
        again = await timed(steps.commit(_step(tenant, episode, 1)))
        assert again.fate == "duplicate"


def _opening(tenant: str, episode: str) -> Opening:
    now = datetime.now(UTC)
    return Opening(tenant, episode, "a" * 32, f"{episode}@host", b"d" * 16, "app", "1", now)


def _step(tenant: str, episode: str, step_no: int) -> NewStep:
    return NewStep(
        tenant, episode, step_no, b"d" * 16, REPLY, b"e" * 150, b"bucket", datetime.now(UTC)
    )


def _fill(server: EmbeddedServer, rows: int) -> None:
    """Store steps of ended episodes, as if they had come one by one."""
    with psycopg.connect(server.dsn(user="postgres"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO reception.episode SELECT 'hotel-' || lpad((n %% %s)::text, 3, '0'),"
            " md5(n::text), 'account', md5(n::text), 'd', 0, 0, 'app', '1', now(), now(), 'hangup'"
            " FROM generate_series(1, %s) n ON CONFLICT DO NOTHING",
            (TENANTS, rows // STEPS),
        )
        connection.execute(
            "INSERT INTO reception.step SELECT 'hotel-' || lpad((n %% %s)::text, 3, '0'),"
            " md5(n::text), s, %s, %s, 'entries', 'bucket', now()"
            " FROM generate_series(1, %s) n, generate_series(0, %s) s ON CONFLICT DO NOTHING",
            (TENANTS, b"d" * 16, REPLY, rows // STEPS, STEPS - 1),
        )
        connection.execute("VACUUM ANALYZE reception.episode, reception.step")
        connection.execute("CHECKPOINT")


def _fdatasync_ms(folder: Path) -> float:
    with (folder / "probe").open("wb") as file:
        taken = []
        for _ in range(50):
            file.write(b"x" * 8192)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return sorted(taken)[25] * 1000


if __name__ == "__main__":
    main()
