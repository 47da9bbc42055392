"""
The process that does background work, beside the workers that answer calls.

Started by the supervisor as ``python -P -m reception.bootstrap.work FD``, and kept alive like a
worker. It loads the same configuration and listens on nothing: a task that hangs or kills its
process costs no caller anything. Without a database there is nothing to do, and it waits for
one.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from reception.bootstrap.determinism import hidden_loop, watched
from reception.bootstrap.dialogs import new_owner, now
from reception.bootstrap.garbage import collect_seldom
from reception.bootstrap.loading import Loaded
from reception.bootstrap.target import find_function
from reception.bootstrap.worker import begin, loop_factory, remove_metrics, start_listening
from reception.ports import DueJob
from reception.service.consequences import Consequences
from reception.service.conversations import Conversations
from reception.service.effects import EffectRunner
from reception.service.endings import Endings
from reception.service.signing import LIFETIME
from reception.service.tasks import DialogEnded, Owner, Tasks
from reception.store.database import Database
from reception.store.due import PostgresJobs
from reception.store.leg_reports import PostgresReports
from reception.store.steps import PostgresSteps
from reception.work.reaper import Reaper
from reception.work.runner import Hopeless, Runner
from reception.work.watcher import Watcher

_TICK_S: Final = 0.1
# When no step of a dialog can be answered any more, its call can be given up.
_SILENCE: Final = LIFETIME + timedelta(hours=1)
# Below what the supervisor waits for before it kills.
_STOP_S: Final = 6.0
_EFFECTS_STOP_S: Final = 1.0


def main() -> None:
    """Do the background work until told otherwise."""
    planned, listener, line, supervisor = begin()
    listener.close()
    server = WorkServer(
        planned.loaded,
        planned.config.store.address,
        dev=planned.dev,
        on_ready=lambda: line.send({"ready": os.getpid()}),
    )
    collect_seldom()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        start_listening(line, server, runner.get_loop())
        runner.run(server.serve())
    if os.getppid() != supervisor:
        remove_metrics()
    # A task's thread that hangs must not hold up what is over.
    os._exit(0)


class WorkServer:
    """
    Does background work until it is told to stop.

    Args:
        loaded: the configuration; None for an application that does not load.
        address: of the database; "" where there is none.
        dev: watch for clocks, chance and sockets in dialogs.
        on_ready: called once, when work is taken.
    """

    grace_s: Final = _STOP_S + _EFFECTS_STOP_S + 0.5

    def __init__(
        self,
        loaded: Loaded | None,
        address: str,
        *,
        dev: bool,
        on_ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._loaded: Final = loaded
        self._address: Final = address
        self._dev: Final = dev
        self._on_ready: Final = on_ready
        self._is_stopping = False
        self.last_tick_at = time.monotonic()

    def retire(self) -> None:
        """Take nothing more, finish, and go; safe in a signal handler and from the loop."""
        self._is_stopping = True

    def abandon(self) -> None:
        """Do the same where the supervisor has died."""
        self._is_stopping = True

    async def serve(self) -> None:
        """Work."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.retire())
        if self._loaded is None or not self._address:
            await self._until_stopped()
            return
        database = Database(self._address)
        steps = PostgresSteps(database)
        effects = EffectRunner(steps, now=now, new_owner=new_owner)
        sandbox = watched if self._dev else hidden_loop
        endings = Endings(steps, effects, now=now, entropy=os.urandom, sandbox=sandbox)
        owners = {
            tenant.app_id: Owner(tenant.app, tenant.fallback)
            for tenant in self._loaded.tenants
            if tenant.app is not None and tenant.fallback is not None
        }
        reports = PostgresReports(database)
        jobs = PostgresJobs(database)
        conversations = Conversations(reports, steps, now=now)
        tasks = Tasks(owners, endings, conversations, effects, find_function)
        runner = Runner(jobs, tasks.tenants, _hopefully(tasks), now=now, chance=random.random)
        told = [name for name, owner in owners.items() if owner.app.ended_handler is not None]
        consequences = Consequences(reports, steps, jobs, now=now, told=told)
        every = [tenant.app_id for tenant in self._loaded.tenants]
        watcher = Watcher(reports, every, consequences.draw, now=now)
        reaper = Reaper(steps, every, consequences.give_up, now=now, silence=_SILENCE)
        steps.start()
        working = [asyncio.create_task(each.serve()) for each in (runner, watcher, reaper)]
        try:
            await self._until_stopped()
        finally:
            watcher.stop()
            await runner.stop(within_s=_STOP_S)
            for task in working:
                task.cancel()
            await effects.stop(within_s=_EFFECTS_STOP_S)
            await steps.stop()
            await database.close()

    async def _until_stopped(self) -> None:
        self._on_ready()
        while not self._is_stopping:
            self.last_tick_at = time.monotonic()
            await asyncio.sleep(_TICK_S)


def _hopefully(tasks: Tasks) -> Callable[[DueJob], Awaitable[None]]:
    async def run(job: DueJob) -> None:
        try:
            await tasks.run(job)
        except DialogEnded as ended:
            raise Hopeless from ended.error

    return run


if __name__ == "__main__":
    main()
