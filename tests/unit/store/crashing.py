"""
A worker that dies at one fault point, for `test_crashes`.

It takes a dialog through all that the store does, says what was acknowledged, and kills
itself at its point ("-": nowhere). The second run is what the platform's duplicates and
another worker would do.
"""

from __future__ import annotations

import asyncio
import os
import signal
from multiprocessing.connection import Connection

from reception import faults
from tests.unit.store.conftest import serving
from tests.unit.store.records import NOW, claim, job, opening, step


async def _dialog(dsn: str, tenant: str, run: str, says: Connection) -> None:
    async with serving(dsn) as steps:
        first = f"{tenant}.{run}"
        opened = await steps.open(
            opening(first, tenant=tenant),
            step(first, 0, f"{run} 0".encode(), tenant=tenant, jobs=(job(),)),
        )
        episode = opened.episode
        says.send("step 0")
        await steps.commit(step(episode, 1, f"{run} 1".encode(), tenant=tenant, jobs=(job(),)))
        says.send("step 1")
        # The second run comes when the lease of the first is over.
        late_s = 0.0 if run == "first" else 31.0
        claimed = await steps.claim(claim(episode, 2, owner=run, tenant=tenant, after_s=late_s))
        if claimed.fate == "ours":
            says.send("effect")
            assert await steps.finish(
                tenant, episode, "1", owner=run, failed=False, result=run.encode()
            )
            says.send("finished")
        await steps.commit(step(episode, 2, f"{run} 2".encode(), tenant=tenant))
        says.send("step 2")
        second = f"{tenant}.{run}.again"
        again = await steps.open(
            opening(second, tenant=tenant, digest=b"other"),
            step(second, 0, f"{run} 0".encode(), tenant=tenant, jobs=(job(),)),
        )
        says.send("superseded")
        await steps.end(tenant, again.episode, cause="hangup", now=NOW)
        says.send("ended")


def worker(dsn: str, point: str, tenant: str, run: str, says: Connection) -> None:
    def die(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.arm(die)
    asyncio.run(_dialog(dsn, tenant, run, says))
