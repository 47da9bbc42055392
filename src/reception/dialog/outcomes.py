"""
What one turn of the engine comes to, and what is to be done about it.

The rule this file keeps: an outcome is data. It says what must be committed, what must be
sent and which effects must run; doing that is the service's, and ADR 0015 says in which
order. `Effect` also knows how a result becomes bytes, since only it knows the secrets that
must not stand in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import msgspec

from reception.callflow import Flow
from reception.dialog.journal import Entries
from reception.dialog.lines import home_of
from reception.dialog.running import StepInfo, entered
from reception.dialog.secret import texts_in
from reception.dialog.values import failure_written, value_written


class Job(NamedTuple):
    """
    Background work, committed with the step that asked for it.

    Shape:
        op: number of the operation: unique in the episode, so it is the job's ordinal too.
        task: the name of a function, ``module:name``, or what the application gave.
        args: JSON, ``[[positional …], {by name}]``.
        after_s: seconds to wait before it is due.
    """

    op: str
    task: str
    args: bytes
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Effect:
    """
    A step that has to run: claim it, run it, finish it.

    Attributes:
        op: names it in the store, with tenant and episode.
        key: the same for every attempt, see `StepInfo`.
        function, args: what to run; an ``async def`` on the loop, else in a thread.
        before: `Entries` as bytes, to be stored in the commit that claims it.
        holds: there is a holding prompt to play while it runs.
        timeout_s: how long one attempt may take; None for the service's own limit.
    """

    op: str
    key: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    before: bytes
    holds: bool = False
    timeout_s: float | None = None

    def start(self, attempt: int = 1) -> Any:
        """Call the function; gives its value, or the awaitable of it. Run it in a context of its own."""
        entered(StepInfo(self.key, attempt))
        return self.function(*self.args)

    def succeeded(self, value: object) -> bytes:
        """The result to store and to resume with. Never raises: what cannot be kept is a failure."""
        return value_written(self.function, value).encode()

    def failed(self, error: BaseException) -> bytes:
        """The same for an error, with the secrets of the arguments struck out."""
        without = tuple(texts_in((self.function, self.args)))
        return failure_written(error, without=without, home=home_of(self.function)).encode()

    def __repr__(self) -> str:
        # Never the arguments: they are guests' names and numbers.
        return f"<Effect {self.op}>"


class Effects(msgspec.Struct, frozen=True):
    """
    The dialog waits for effects.

    Attributes:
        effects: those whose result is still missing. After `resume` it has what is left of a
            gather: nothing in it is new then.
    """

    effects: tuple[Effect, ...]


class Suspended(msgspec.Struct, frozen=True):
    """
    The caller is asked something, or held: commit, then reply.

    Attributes:
        reply: the flow to send.
        entries, jobs, bucket: what the step's commit holds.
        hold_back_s: wait so long before sending (the platform's bucket is low).
        is_holding: the reply is a holding prompt; effects are still out.
    """

    reply: Flow
    entries: Entries
    jobs: tuple[Job, ...]
    bucket: bytes
    hold_back_s: int = 0
    is_holding: bool = False


class Returned(msgspec.Struct, frozen=True):
    """
    The dialog is done, or has handed over: commit, then reply.

    Attributes:
        reply: the flow that the handler returned, its queued prompts in front.
        comes_back: it has a way back to another handler.
        is_fallback: it is the tenant's fallback, because an effect was late.
    """

    reply: Flow
    entries: Entries
    jobs: tuple[Job, ...]
    bucket: bytes
    hold_back_s: int = 0
    comes_back: bool = False
    is_fallback: bool = False

    @property
    def needs_commit(self) -> bool:
        """False for what one step answered without asking the engine for anything."""
        return bool(self.entries.entries or self.jobs or self.comes_back or self.entries.step_no)


@dataclass(frozen=True, slots=True)
class Settled:
    """
    The end of the call is settled: commit, once; there is nobody to reply to.

    Attributes:
        entries, jobs: what the end's commit holds.
        error: what the dialog or its clean-up raised, if anything; for the log.
    """

    entries: Entries
    jobs: tuple[Job, ...] = ()
    error: Exception | None = field(default=None, compare=False)


Outcome: TypeAlias = Effects | Suspended | Returned | Settled


def job_args(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
    """Write down what a job is called with."""
    return msgspec.json.encode([args, kwargs])
