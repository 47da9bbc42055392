"""
Threads for an application's plain functions, some for each tenant.

A thread cannot be stopped: whoever calls a system that never answers keeps it. So every tenant
has threads of its own, and one whose system hangs takes them from nobody else. They are made
when they are needed.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import isawaitable
from typing import Any, Final

MOST: Final = 64
"""So many functions of one tenant run at the same time; the others wait for a thread."""


class Threads:
    """The threads of all tenants; one for a process."""

    def __init__(self, most: int = MOST) -> None:
        self._most: Final = most
        self._pools: Final[dict[str, ThreadPoolExecutor]] = {}

    async def call(self, tenant: str, function: Callable[[], Any]) -> Any:
        """Call a plain function; gives what it returned, awaited where that is due."""
        pool = self._pools.get(tenant)
        if pool is None:
            pool = self._pools[tenant] = ThreadPoolExecutor(
                self._most, thread_name_prefix=f"reception-{tenant}"
            )
        run = partial(contextvars.copy_context().run, _ended, function)
        value, error = await asyncio.get_running_loop().run_in_executor(pool, run)
        if error is not None:
            raise error
        # A plain function may hand on what an async one returned, as decorators do.
        return await value if isawaitable(value) else value

    def stop(self) -> None:
        """Begin nothing more; what hangs holds nothing up."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def _ended(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001  a future cannot carry every exception
        return None, error if isinstance(error, Exception) else RuntimeError(repr(error))
