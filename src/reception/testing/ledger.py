"""
What the server did, noted where it passes: effects, jobs, episodes, failures.

The ledger outlives every server of a phone. What writes it are the product's own parts, each
with one method that looks on and changes nothing: a test sees what a caller would get.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Final

from reception import dialog
from reception.dialog.lines import plain_function
from reception.errors import Retry
from reception.face.app import AnswerHandler
from reception.face.call import Call
from reception.ports import (
    Committed,
    EffectClaim,
    EndRun,
    NewJob,
    NewStep,
    Opened,
    Opening,
)
from reception.service.dialogs import Dialogs
from reception.service.effects import EffectRunner
from reception.service.pivots import Pivot, Reply
from reception.store.steps import PostgresSteps
from reception.testing.records import Effect, Job, job_of
from reception.web.reply import reply_flow
from reception.web.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that a caller gets the fallback for, or worse; with the exception, if any."""

    words: str
    error: BaseException | None = None


@dataclass(slots=True)
class Ledger:
    """What happened since the call began, in order."""

    effects: list[Effect] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    episodes: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def fail(self, words: str, error: BaseException | None = None) -> None:
        """Note a failure; copies of a request fail alike, and count once."""
        kind = (words, type(error), str(error))
        if kind not in {(one.words, type(one.error), str(one.error)) for one in self.failures}:
            self.failures.append(Failure(words, error))

    def forget(self) -> None:
        """Begin anew, for the next call."""
        for kept in (self.effects, self.jobs, self.episodes, self.failures):
            kept.clear()

    def committed(self, jobs: Sequence[NewJob], now: Any) -> None:
        """Note the jobs of a step that won."""
        self.jobs += [
            job_of(job.task, job.args, (job.due_at - now).total_seconds()) for job in jobs
        ]


class WatchedSteps(PostgresSteps):
    """The store; notes which episodes and jobs came to be."""

    ledger: Ledger

    async def open(self, opening: Opening, first: NewStep | None = None) -> Opened:
        """Begin an episode."""
        opened = await super().open(opening, first)
        if opened.fate == "opened":
            self.ledger.episodes.append(opening.episode)
            if first is not None:
                self.ledger.committed(first.jobs, first.now)
        return opened

    async def commit(self, step: NewStep) -> Committed:
        """Store the next step."""
        committed = await super().commit(step)
        if committed.fate == "stored":
            self.ledger.committed(step.jobs, step.now)
        return committed

    async def finish_end(self, run: EndRun) -> bool:
        """Store what the ended dialog did."""
        is_ours = await super().finish_end(run)
        if is_ours:
            self.ledger.committed(run.jobs, run.now)
        return is_ours


class WatchedEffects(EffectRunner):
    """The runner of effects; notes each run."""

    ledger: Ledger

    async def result(self, effect: dialog.Effect, claim: EffectClaim) -> bytes:
        """Give the result of an effect."""
        watched = _WatchedEffect(
            effect.op,
            effect.key,
            effect.function,
            effect.args,
            effect.before,
            effect.holds,
            effect.timeout_s,
            ledger=self.ledger,
            episode=claim.episode,
        )
        return await super().result(watched, claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WatchedEffect(dialog.Effect):
    ledger: Ledger
    episode: str

    def start(self, attempt: int = 1) -> Any:
        function = self.function
        plain = plain_function(function)
        name = getattr(plain, "__name__", None) or type(plain).__name__
        run = Effect(name, function, self.args, self.key, attempt, self.episode, self.op)
        self.ledger.effects.append(run)
        try:
            # Not by `super`: a dataclass with slots is another class than the one written here.
            value = dialog.Effect.start(self, attempt)
        except Exception as error:
            run.error, run.is_done = error, True
            raise
        if isawaitable(value):
            return _awaited(value, run)
        run.result, run.is_done = value, True
        return value


async def _awaited(value: Awaitable[Any], run: Effect) -> Any:
    try:
        run.result = await value
    except Exception as error:
        run.error = error
        raise
    finally:
        run.is_done = True
    return run.result


class WatchedDialogs(Dialogs):
    """The use case; notes why a caller got the fallback."""

    ledger: Ledger

    async def answer(self, pivot: Pivot) -> Reply:
        """Answer one pivot."""
        try:
            reply = await super().answer(pivot)
        except Retry as away:
            self.ledger.fail("The database is away, and the caller got the fallback", away)
            raise
        for error in (*reply.noted, reply.error):
            if error is not None:
                self.ledger.fail("The app failed, and the caller got its fallback", error)
        if reply.clean_up is not None:
            self.ledger.fail(
                "The app failed when its dialog was put away at a question (see RC201)",
                reply.clean_up,
            )
        if reply.fate == "late":
            self.ledger.fail("A step was late, and the caller got the fallback")
        return reply


def watched_handler(tenant: Tenant, handler: AnswerHandler, ledger: Ledger) -> AnswerHandler:
    """Give a handler that does what the given one does, and notes what it does wrong."""
    words: Final = "The app failed, and the caller got its fallback"

    def checked(result: Any) -> Any:
        reply_flow(result, tenant, loopback=False)
        return result

    def noted(run: Callable[[], Any]) -> Any:
        try:
            return run()
        except Exception as error:
            ledger.fail(words, error)
            raise

    async def on_the_loop(call: Call) -> Any:
        try:
            return checked(await handler(call))  # type: ignore[misc]  # it is one that can be awaited
        except Exception as error:
            ledger.fail(words, error)
            raise

    def in_a_thread(call: Call) -> Any:
        result = noted(lambda: handler(call))
        return result if isawaitable(result) else noted(lambda: checked(result))

    called = getattr(handler, "__call__", None)  # noqa: B004  it is looked into, not tested
    is_async = iscoroutinefunction(handler) or iscoroutinefunction(called)
    return on_the_loop if is_async else in_a_thread
