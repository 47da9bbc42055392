"""
The database is killed under load, and comes back without anybody's help.

Meanwhile a caller hears the fallback or an honest error, in time. No worker may die of it.
"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from statistics import median

from tests.crash.trial import Enough, Report, Say, never, silent, trial

# The supervisor holds back a database that dies young, as it does workers.
_KILLS_A_ROUND = 5
_BACK_WITHIN_S = 30.0
# What the platform waits for our replies, of which 2 s are our deadline.
_ANSWER_WITHIN_S = 4.0


async def run(
    folder: Path,
    cycles: int,
    seed: int,
    *,
    say: Say = silent,
    enough: Enough = never,
    callers: int = 32,
    lease_s: float = 0.0,
    hold_s: float = 2.0,
) -> Report:
    """Kill the database `cycles` times."""
    chance = random.Random(seed)
    away_s: list[float] = []
    async with trial(folder, seed, say=say, callers=callers, lease_s=lease_s, hold_s=hold_s) as on:
        while len(away_s) < cycles and not enough():
            await on.start()
            if not away_s:
                on.begin_load()
            await on.progress(1, _BACK_WITHIN_S)
            workers = on.service.workers()
            for _ in range(min(_KILLS_A_ROUND, cycles - len(away_s))):
                if enough():
                    break
                await asyncio.sleep(chance.uniform(0.1, 1.0))
                killed_at = time.monotonic()
                # Until the round is over: what begins in one outage may end in the next.
                on.history.is_outage = True
                await on.service.kill_database()
                await asyncio.sleep(0.1)
                if not await on.progress(20, _BACK_WITHIN_S):
                    on.history.problem("the service did not come back after its database")
                away_s.append(time.monotonic() - killed_at)
                await on.check_recent()
            if workers != on.service.workers():
                on.history.problem("a worker died of the database's death")
            say(
                f"{len(away_s):4d} of {cycles} killed, {len(on.history.acknowledged)} steps"
                f" acknowledged, {len(on.history.problems)} problems"
            )
            if len(away_s) < cycles and not enough():
                await on.stop()
        await on.end_load()
        report = await on.report(f"the database was killed {len(away_s)} times")
        await on.stop()
    report.is_cut_short = enough()
    report.figures["back after, s (median, slowest)"] = (
        round(median(away_s), 2),
        round(max(away_s), 2),
    )
    if on.history.slowest_s > _ANSWER_WITHIN_S:
        report.problems.append(f"an answer took {on.history.slowest_s:.2f} s")
    return report
