"""
One turn of one dialog: from what arrived to the bytes that are sent, stored before they go.

The order (ADR 0015): run the dialog up to what it cannot answer by itself; claim and run its
effects; commit the step with everything that it holds; reply. Whoever is second to commit
replies what the first one stored. Nothing of the application's decides when to stop: at the
deadline the reply is the holding prompt or the fallback, and that is what this step was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from reception.dialog import (
    EPISODE_TAG,
    Arrival,
    Effect,
    Effects,
    Entries,
    Facts,
    Job,
    Journal,
    Outcome,
    Returned,
    Suspended,
)
from reception.errors import Denied, Retry
from reception.face.conversation import Conversation
from reception.ports import NewStep, Opened, Opening
from reception.service.effects import BegunByAnother, StepIsStored
from reception.service.pivots import Fate, Pivot, Reply
from reception.service.recent import Past
from reception.service.records import claim_of, jobs_of
from reception.wire.step_token import StepToken

if TYPE_CHECKING:
    from reception.service.dialogs import Dialogs

AT_DEADLINE_S: Final = 0.01
"""Who is cancelled with less than this left was cancelled by the deadline, which may be early."""

# What is left of the deadline for the commit when effects are given up on.
_TO_COMMIT_S: Final = 0.4
# How long a caller hears nothing before a holding prompt.
_MOMENT_S: Final = 1.0
# How much of the deadline a reply may be held back to let the platform's bucket fill.
_PATIENCE_S: Final = 1.0
_POLL_S: Final = 0.05

Stored = TypeVar("Stored")


class Turn:
    """Answers one step; used once."""

    def __init__(
        self,
        dialogs: Dialogs,
        pivot: Pivot,
        episode: str,
        arrival: Arrival,
        journal: Journal,
        *,
        digest: bytes,
        past: Past | None = None,
        opening: Opening | None = None,
    ) -> None:
        """
        Make ready to answer.

        Shape:
            digest: of the request.
            past: of the episode, or
            opening: where this step begins one.
        """
        self._dialogs: Final = dialogs
        self._pivot: Final = pivot
        self._episode: Final = episode
        self._arrival: Final = arrival
        self._digest: Final = digest
        self._past: Final = past
        self._is_waited_for = False
        self._is_copy = False
        self._opening: Final = opening
        self._is_open = opening is None
        self._noted: list[BaseException] = []
        self._journal: Final = journal
        self._conversation: Conversation | None = None

    async def run(self) -> Reply:
        """
        Answer.

        Errors:
            Denied: the episode has ended meanwhile.
            BegunByAnother: load the history again, and begin again.
            Retry: the database is away, and the step is not stored: the fallback is to be sent.
        """
        try:
            reply = await self._answered()
        except Retry:
            self._note_fallback()
            raise
        except asyncio.CancelledError:
            if self._pivot.left_s() < AT_DEADLINE_S:
                self._note_fallback()
            raise
        finally:
            failed = self._conversation.park() if self._conversation is not None else None
        return reply if failed is None else replace(reply, clean_up=failed)

    async def _answered(self) -> Reply:
        try:
            return await self._replied(await self._outcome())
        except StepIsStored:
            return await self._waited_for(self._episode)
        except _AnsweredElsewhere as elsewhere:
            return await self._said_by(elsewhere.opened)
        except (Denied, Retry, BegunByAnother, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  whatever the application raises has an answer
            return await self._failed(error)

    # --- the dialog -------------------------------------------------------------------------------

    async def _outcome(self) -> Outcome:
        outcome = await self._begun()
        while isinstance(outcome, Effects):
            outcome = await self._with_effects(outcome.effects)
        return outcome

    async def _begun(self) -> Outcome:
        conversation = self._conversation = Conversation(
            self._pivot.app,
            self._pivot.request,
            history=self._journal,
            arrival=self._arrival,
            facts=self._facts(),
            pivot_url=self._pivot.pivot_url,
            params=self._pivot.params,
            call_id=self._past.call_id if self._past is not None else None,
            begun=self._pivot.begun,
        )
        if conversation.runs == "loop":
            return await conversation.open()
        if conversation.runs == "thread":
            threads = self._dialogs.effects.threads
            return conversation.finish(await threads.call(self._pivot.tenant, conversation.call))
        return conversation.advance()

    def _facts(self) -> Facts:
        pivot, dialogs, episode = self._pivot, self._dialogs, self._episode
        return Facts(
            episode=episode,
            # Not of `self`, which holds what holds this: a cycle costs more than a turn's work.
            url=lambda step_no, outcome: pivot.url(StepToken(episode, step_no, outcome)),
            fallback=pivot.fallback,
            now=dialogs.now,
            entropy=dialogs.entropy,
            language=pivot.request.language or "",
            deadline_s=pivot.deadline_s,
            patience_s=lambda: min(_PATIENCE_S, max(0.0, pivot.left_s() - _TO_COMMIT_S)),
            bucket=self._bucket(),
            tags={EPISODE_TAG: self._episode},
            catalogue=pivot.app.catalogue,
            app_version=pivot.app.version,
            sandbox=dialogs.sandbox,
        )

    def _bucket(self) -> bytes | None:
        return (self._past.bucket or None) if self._past is not None else None

    async def _with_effects(self, effects: tuple[Effect, ...]) -> Outcome:
        """Have effects run until the dialog goes on, or until the caller has waited enough."""
        conversation = self._conversation
        assert conversation is not None  # somebody has asked for effects
        await self._open()
        patience_s = self._pivot.left_s() - _TO_COMMIT_S
        if any(effect.holds for effect in effects):
            patience_s = min(patience_s, _MOMENT_S)
        # Counted in what is left of the deadline.
        enough_s = self._pivot.left_s() - patience_s
        which = (self._pivot.tenant, self._episode, self._arrival.step_no)
        result, now = self._dialogs.effects.result, self._dialogs.now()
        waiting = {
            asyncio.create_task(result(effect, claim_of(effect, *which, now=now))): effect
            for effect in effects
        }
        outcome: Outcome = Effects(())
        try:
            while waiting:
                left_s = max(0.0, self._pivot.left_s() - enough_s)
                done, _ = await asyncio.wait(
                    waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    self._is_waited_for = True
                    return conversation.overdue()
                for task in done:
                    outcome = conversation.resume(waiting[task].op, task.result())
                    del waiting[task]
            return outcome
        finally:
            for task in waiting:
                task.add_done_callback(_heard)
                task.cancel()

    # --- the reply --------------------------------------------------------------------------------

    async def _replied(self, outcome: Outcome) -> Reply:
        assert isinstance(outcome, (Suspended, Returned))  # nothing else leaves a pivot
        body = self._pivot.fit(outcome.reply).render()
        conversation = self._conversation
        assert conversation is not None
        if conversation.drift is not None:
            self._noted.append(conversation.drift)
        fate: Fate = "flow"
        if isinstance(outcome, Returned):
            if outcome.is_fallback:
                fate = "late"
            if not outcome.needs_commit and not self._is_open:
                return Reply(body, fate)
        left_s = self._pivot.left_s()
        stored = await self._commit(body, outcome.entries, outcome.jobs, outcome.bucket)
        if stored is not None:
            return stored
        if outcome.hold_back_s:
            # The commit has been a part of it.
            await asyncio.sleep(outcome.hold_back_s - (left_s - self._pivot.left_s()))
        return Reply(body, fate, noted=tuple(self._noted))

    async def _failed(self, error: Exception) -> Reply:
        """The fallback; stored like any reply, so that a repetition hears the same."""
        body, entries, jobs, bucket = self._fallen_back()
        reply = Reply(body, "failed", error, tuple(self._noted))
        if not self._is_open:
            self._note(body, entries, jobs, bucket)
            return reply
        try:
            return await self._commit(body, entries, jobs, bucket) or reply
        except Retry:
            self._note(body, entries, jobs, bucket)
            return reply

    def _fallen_back(self) -> tuple[bytes, Entries, tuple[Job, ...], bytes]:
        """The fallback, with what the dialog did before."""
        if self._conversation is None:
            entries = Entries(self._arrival.step_no, self._pivot.app.version)
            return self._pivot.fallback.render(), entries, (), self._bucket() or b""
        outcome = self._conversation.failed()
        return outcome.reply.render(), outcome.entries, outcome.jobs, outcome.bucket

    def _note_fallback(self) -> None:
        """The fallback is all that the caller hears: let it be this step's reply."""
        if not self._is_copy:
            _, entries, jobs, bucket = self._fallen_back()
            self._note(self._pivot.fallback.render(), entries, jobs, bucket)

    def _note(self, body: bytes, entries: Entries, jobs: tuple[Job, ...], bucket: bytes) -> None:
        unstored = self._dialogs.unstored
        if self._is_open:
            unstored.note(self._step(body, entries, jobs, bucket))
        elif self._opening is not None:
            unstored.note_first(self._opening, body)

    def _step(self, body: bytes, entries: Entries, jobs: tuple[Job, ...], bucket: bytes) -> NewStep:
        now = self._dialogs.now()
        return NewStep(
            tenant=self._pivot.tenant,
            episode=self._episode,
            step_no=self._arrival.step_no,
            digest=self._digest,
            reply=body,
            entries=entries.encode(),
            bucket=bucket,
            now=now,
            jobs=jobs_of(jobs, now=now),
        )

    async def _commit(
        self, body: bytes, entries: Entries, jobs: tuple[Job, ...], bucket: bytes
    ) -> Reply | None:
        """Store the step; the reply of whoever was faster, None where it was us."""
        step = self._step(body, entries, jobs, bucket)
        if self._is_open:
            committed = await self._patiently(lambda: self._dialogs.steps.commit(step))
            if committed.step is not None and committed.step.reply is not None:
                is_changed = committed.step.digest != self._digest
                return Reply(committed.step.reply, "stored", is_changed=is_changed)
            if committed.fate != "stored":
                raise Denied("denied.ended", "The call has ended.")
        else:
            opened = await self._opened(step)
            if opened.fate != "opened":
                return await self._said_by(opened)
        if not self._is_waited_for and not self._journal.unsent:
            self._remember(entries, step)
        return None

    def _remember(self, entries: Entries, step: NewStep) -> None:
        """Keep the next step from reading; not where the result of an effect must be read."""
        # A request that was read back is the same for everybody, whoever reads it.
        self._journal.append(entries if entries.request is None else Entries.decode(step.entries))
        past = self._past
        self._dialogs.recent.put(
            self._pivot.tenant,
            self._episode,
            Past(
                past.call_id if past is not None else self._pivot.request.call_id or "",
                self._journal,
                (past.written_bytes if past is not None else 0) + len(step.entries),
                step.bucket,
                step.now,
            ),
        )

    # --- those who were faster --------------------------------------------------------------------

    async def _open(self) -> None:
        """Begin the episode before its first effect, unless a copy of the request has."""
        if self._is_open:
            return
        opened = await self._opened()
        if opened.fate != "opened":
            raise _AnsweredElsewhere(opened)
        self._is_open = True

    async def _opened(self, first: NewStep | None = None) -> Opened:
        opening = self._opening
        assert opening is not None  # that is what is not open yet
        return await self._patiently(lambda: self._dialogs.steps.open(opening, first))

    async def _patiently(self, ask: Callable[[], Awaitable[Stored]]) -> Stored:
        """
        Ask a store that is only busy again while there is time.

        The fallback would be wrong for a copy, when what it copies is being stored just now.
        """
        while True:
            try:
                return await ask()
            except Retry as error:
                if error.code != "store.busy" or self._pivot.left_s() < _TO_COMMIT_S:
                    raise

    async def _said_by(self, opened: Opened) -> Reply:
        """What the first of several copies of a request was told."""
        self._is_copy = True
        if opened.fate == "too_many":
            return Reply(self._pivot.fallback.render(), "failed", noted=tuple(self._noted))
        if opened.step is not None and opened.step.reply is not None:
            return Reply(opened.step.reply, "stored")
        return await self._waited_for(opened.episode)

    async def _waited_for(self, episode: str) -> Reply:
        self._is_copy = True
        step_no = self._arrival.step_no
        while self._pivot.left_s() > 0:
            history = await self._dialogs.steps.load(self._pivot.tenant, episode, step_no)
            step = history.step(step_no) if history else None
            if step is not None and step.reply is not None:
                return Reply(step.reply, "stored")
            if history is None or history.end is not None:
                raise Denied("denied.ended", "The call has ended.")
            await asyncio.sleep(_POLL_S)
        return Reply(self._pivot.fallback.render(), "late", noted=tuple(self._noted))


def _heard(task: asyncio.Task[bytes]) -> None:
    """One error is enough; of the others the event loop would complain that nobody has heard them."""
    if not task.cancelled():
        task.exception()


class _AnsweredElsewhere(Exception):
    """A copy of the request was faster in opening the episode."""

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened.fate)
        self.opened: Final = opened
