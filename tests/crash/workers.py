"""
Workers are killed: at moments by chance, and at every fault point.

In rounds, because a supervisor holds back a worker that dies young: each starts the service,
kills some workers, and ends it, in order or by force, while the callers go on calling.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reception import faults
from tests.crash.trial import Enough, Report, Say, never, silent, trial

# The seventh and eighth worker that die young wait 1 s, and it doubles from there.
_KILLS_A_ROUND = 6
_PATIENCE_S = 30.0


async def run(
    folder: Path,
    plan: Sequence[tuple[str, int]],
    seed: int,
    *,
    say: Say = silent,
    enough: Enough = never,
    callers: int = 32,
    lease_s: float = 0.0,
    hold_s: float = 2.0,
    faults_of_callers: float = 0.2,
) -> Report:
    """
    Kill workers round by round.

    Args:
        plan: of each round, at which point and how many; "" for kills by chance.
    """
    cycles = sum(kills for _, kills in plan)
    chance = random.Random(seed)
    killed: Counter[str] = Counter()
    is_loaded = False
    point = ""
    async with trial(folder, seed, say=say, callers=callers, lease_s=lease_s, hold_s=hold_s) as on:
        for left, (point, kills) in zip(range(len(plan))[::-1], plan, strict=True):
            nth = chance.choice((1, 1, 2, 3, 5))
            before = len(on.service.deaths)
            await on.start(f"{point}:kill:{nth}" if point else "")
            if not is_loaded:
                on.begin_load(faults=faults_of_callers)
                is_loaded = True
            for number in range(1, kills + 1):
                if enough():
                    break
                if not point:
                    await on.progress(chance.randrange(1, 200), within_s=2.0)
                    await on.service.kill_worker(chance)
                elif not await on.service.deaths_reach(before + number, _PATIENCE_S):
                    break
                await on.check_recent()
            if died := len(on.service.deaths) - before:
                killed[point or "by chance"] += died
            say(
                f"{killed.total():4d} of {cycles} killed, last {point or 'by chance'}"
                f" ({nth}), {len(on.history.acknowledged)} steps acknowledged,"
                f" {len(on.history.problems)} problems"
            )
            if point or (left and not enough()):
                await on.stop(by=chance.choice((signal.SIGTERM, signal.SIGKILL)))
            if enough():
                break
        if point:
            await on.start()
        await on.end_load()
        report = await on.report(f"{killed.total()} workers killed")
        await on.stop()
    report.figures["killed"] = dict(sorted(killed.items()))
    report.is_cut_short = enough()
    missed = (
        [] if report.is_cut_short else sorted({point for point, _ in plan if point} - set(killed))
    )
    if missed:
        report.problems.append(f"nobody died at {missed}")
    return report


def rounds(cycles: int) -> Sequence[tuple[str, int]]:
    """Half of the kills at the fault points, in turn, the others by chance between any two."""
    points = list(faults.POINTS)
    at_points = max(cycles // 2, min(cycles, len(points)))
    each, more = divmod(at_points, len(points))
    counts = {point: each + (number < more) for number, point in enumerate(points)}
    by_chance = cycles - at_points
    found: list[tuple[str, int]] = []
    while any(counts.values()) or by_chance:
        for point in points:
            if now := min(counts[point], _KILLS_A_ROUND):
                counts[point] -= now
                found.append((point, now))
            if now := min(by_chance, _KILLS_A_ROUND):
                by_chance -= now
                found.append(("", now))
    return found
