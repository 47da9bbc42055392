"""
The use case "background work is due".

Three kinds: the end of a dialog, which settles it; the end of a call, of which the application is
told; and a function of the application's that `call.enqueue` named. A task is run at least once: again when its process died, or when it
raised. It finds in ``current_step()`` the key that is the same on every attempt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Final

import msgspec

from reception.callflow import Flow
from reception.dialog import StepInfo
from reception.dialog.running import entered
from reception.errors import NeedsHuman
from reception.face.app import App
from reception.ports import CALL_TASK, END_TASK, DueJob
from reception.service.conversations import Conversations
from reception.service.effects import EffectRunner
from reception.service.endings import Endings


@dataclass(frozen=True, slots=True)
class Owner:
    """What a tenant's work needs of it: its application, and the flow of its callers."""

    app: App
    fallback: Flow


class Tasks:
    """
    Does background work; one for a process.

    Args:
        owners: by tenant.
        find: gives the function of a name (``module:Class.method``), or raises an error that
            says why there is none.
    """

    def __init__(
        self,
        owners: Mapping[str, Owner],
        endings: Endings,
        conversations: Conversations,
        effects: EffectRunner,
        find: Callable[[str], Callable[..., Any]],
    ) -> None:
        self._owners: Final = owners
        self._endings: Final = endings
        self._conversations: Final = conversations
        self._effects: Final = effects
        self._find: Final = find

    @property
    def tenants(self) -> list[str]:
        """Whose work is done here."""
        return list(self._owners)

    async def run(self, job: DueJob) -> None:
        """
        Do one job.

        Errors:
            Retry: the database is away.
            Whatever the task raises: it is to be tried again.
        """
        if job.task == END_TASK:
            await self._settle(job)
            return
        entered(StepInfo(key_of(job), job.attempts))
        if job.task == CALL_TASK:
            handler = self._owners[job.tenant].app.ended_handler
            call = await self._conversations.of_episode(job.tenant, job.episode)
            if handler is not None and call is not None:
                await self._called(job, handler, [call], {})
            return
        args, named = _args_of(job)
        await self._called(job, self._find(job.task), args, named)

    async def _called(
        self, job: DueJob, function: Callable[..., Any], args: list[Any], named: dict[str, Any]
    ) -> None:
        if iscoroutinefunction(function):
            await function(*args, **named)
        else:
            await self._effects.threads.call(job.tenant, partial(function, *args, **named))

    async def _settle(self, job: DueJob) -> None:
        owner = self._owners[job.tenant]
        error = await self._endings.settle(
            job.tenant, owner.app, job.episode, fallback=owner.fallback
        )
        if error is not None:
            # What the dialog did up to there is stored; running it again would change nothing.
            raise DialogEnded(error)


class DialogEnded(Exception):
    """The dialog came to its end by an error of its own; there is nothing left to do for it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}")
        self.error: Final = error


def key_of(job: DueJob) -> str:
    """Name a job for systems that de-duplicate: the same on every attempt."""
    named = f"{job.tenant}/{job.episode}/{job.step_no}/{job.ordinal}".encode()
    return hashlib.blake2b(named, digest_size=12).hexdigest()


def _args_of(job: DueJob) -> tuple[list[Any], dict[str, Any]]:
    try:
        args, named = msgspec.json.decode(job.args, type=tuple[list[Any], dict[str, Any]])
    except msgspec.MsgspecError as problem:
        raise NeedsHuman(
            "work.args", f"the arguments of {job.task} cannot be read: {problem}"
        ) from None
    return args, named
