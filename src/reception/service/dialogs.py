"""
The use case "answer a pivot of a dialog".

Who asks is known already. Here is found which step of which episode is asked for and whether
it may be answered at all; `turn` answers it. A step that was answered before gets the same
bytes; whatever is out of order is refused in the same way as an unknown tenant.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import structs

from reception.dialog import EPISODE_TAG, Arrival, Entries, Journal, Sandbox
from reception.errors import Denied, Retry
from reception.ports import History, NewStep, Opening, Steps
from reception.service.effects import BegunByAnother, EffectRunner
from reception.service.pivots import Pivot, Reply
from reception.service.recent import Past, Recent
from reception.service.signing import LIFETIME
from reception.service.turn import AT_DEADLINE_S, Turn
from reception.service.unstored import Unstored
from reception.wire import Digits, PivotRequest
from reception.wire.step_token import StepToken, episode_token

AFTER_END: Final = timedelta(seconds=60)
"""How long after the end a stored step still gets its bytes."""


class Dialogs:
    """Answers the pivots of dialogs; one for a process."""

    def __init__(
        self,
        steps: Steps,
        effects: EffectRunner,
        *,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        sandbox: Sandbox,
    ) -> None:
        self.steps: Final = steps
        self.effects: Final = effects
        self.now: Final = now
        self.entropy: Final = entropy
        self.sandbox: Final = sandbox
        self.recent: Final = Recent()
        self.unstored: Final = Unstored(steps, now=now)
        # Aliases are written beside the answers; the event loop alone would not hold them.
        self._beside: Final[set[asyncio.Task[None]]] = set()

    async def answer(self, pivot: Pivot) -> Reply:
        """
        Answer one pivot; never later than its deadline, as far as it is up to us.

        Errors:
            Denied: such a step is not to be had.
            Retry: the database is away, and nothing can be said without it.
        """
        if pivot.token is None:
            return await self._first(pivot)
        while True:
            try:
                return await self._next(pivot, pivot.token)
            except BegunByAnother:
                # Its journal is stored by now, and nobody changes it: this happens once.
                if pivot.left_s() <= 0:
                    return Reply(pivot.fallback.render(), "late")

    async def stop(self, *, within_s: float) -> None:
        """Store what was said and is not stored yet, as far as that can be."""
        await self.unstored.stop(within_s=within_s)

    async def _first(self, pivot: Pivot) -> Reply:
        request = pivot.request
        now = self.now()
        opening = Opening(
            tenant=pivot.tenant,
            episode=episode_token(self.entropy(12)),
            account_id=request.account_id or "",
            call_id=request.call_id or "",
            digest=digest_of(request),
            app=pivot.app.name,
            app_version=pivot.app.version,
            now=now,
            is_new=EPISODE_TAG in request.custom_application_vars,
        )
        if said := self.unstored.said_first(opening):
            return Reply(said, "stored")
        turn = Turn(
            self,
            pivot,
            opening.episode,
            Arrival(0, _digits(request)),
            Journal.load(),
            digest=opening.digest,
            opening=opening,
        )
        return await turn.run()

    async def _next(self, pivot: Pivot, token: StepToken) -> Reply:
        said = self.unstored.said(pivot.tenant, token.episode, token.step_no)
        past = self.recent.take(pivot.tenant, token.episode)
        if said is not None or past is None or past.journal.head != token.step_no - 1:
            try:
                history = await self._loaded(pivot, token)
            except Retry:
                if said is None:
                    raise
                return Reply(said, "stored")
            stored = self._stored(history, token, pivot.request)
            if said is not None:
                return Reply(said, "stored")
            if stored is not None:
                return stored
            past = _past_of(history)
        if self.now() - past.stored_at > LIFETIME:
            raise Denied("denied.expired", "The step has expired.")
        self._note_alias(pivot, token, past.call_id)
        turn = Turn(
            self,
            pivot,
            token.episode,
            Arrival(token.step_no, _digits(pivot.request), token.outcome),
            past.journal,
            digest=_digest_of_step(pivot.request),
            past=past,
        )
        return await turn.run()

    async def _loaded(self, pivot: Pivot, token: StepToken) -> History:
        """
        Load what is asked for.

        Errors:
            Denied: there is no such episode.
            Retry: the database is away; the caller hears the fallback, and that is noted.
        """
        try:
            history = await self.steps.load(pivot.tenant, token.episode, token.step_no)
        except Retry:
            self._note_fallback(pivot, token)
            raise
        except asyncio.CancelledError:
            if pivot.left_s() < AT_DEADLINE_S:
                self._note_fallback(pivot, token)
            raise
        if history is None:
            raise Denied("denied.step", "There is no such episode.")
        return history

    def _note_fallback(self, pivot: Pivot, token: StepToken) -> None:
        nothing = Entries(token.step_no, pivot.app.version).encode()
        self.unstored.note(
            NewStep(
                tenant=pivot.tenant,
                episode=token.episode,
                step_no=token.step_no,
                digest=_digest_of_step(pivot.request),
                reply=pivot.fallback.render(),
                entries=nothing,
                bucket=b"",
                now=self.now(),
            )
        )

    def _stored(self, history: History, token: StepToken, request: PivotRequest) -> Reply | None:
        """
        What the step was answered before; None where it is to be answered now.

        Errors:
            Denied: it is neither.
        """
        ended_at = history.episode.ended_at
        before, stored = history.step(token.step_no - 1), history.step(token.step_no)
        # The URL was made with the reply before.
        if before is not None and self.now() - before.created_at > LIFETIME:
            raise Denied("denied.expired", "The step has expired.")
        if stored is not None and stored.reply is not None:
            if ended_at is not None and self.now() - ended_at > AFTER_END:
                raise Denied("denied.ended", "The call has ended.")
            is_changed = stored.digest != _digest_of_step(request)
            return Reply(stored.reply, "stored", is_changed=is_changed)
        if ended_at is not None or history.end is not None:
            raise Denied("denied.ended", "The call has ended.")
        if token.step_no != history.head + 1 or not history.steps:
            raise Denied("denied.step", "The step is out of order.")
        return None

    def _note_alias(self, pivot: Pivot, token: StepToken, known: str) -> None:
        """A transfer may have renamed the call."""
        call_id = pivot.request.call_id or ""
        if not call_id or call_id == known:
            return
        task = asyncio.create_task(self._add_alias(pivot.tenant, token.episode, call_id))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _add_alias(self, tenant: str, episode: str, call_id: str) -> None:
        try:
            await self.steps.add_alias(tenant, episode, call_id)
        except Retry:
            return  # The next step will have the same name.


def _past_of(history: History) -> Past:
    last = history.steps[-1]
    written_bytes = sum(len(step.entries or b"") for step in history.steps)
    return Past(
        history.episode.call_id, journal_of(history), written_bytes, last.bucket, last.created_at
    )


def journal_of(history: History) -> Journal:
    """Put together what the store has of an episode."""
    return Journal.load(
        [step.entries for step in history.steps if step.entries is not None],
        before_effects=[effect.entries for effect in history.effects],
        results={
            effect.op: effect.result for effect in history.effects if effect.result is not None
        },
    )


def digest_of(request: PivotRequest) -> bytes:
    """Say which request this is, by what it means: the platform keeps no order of its keys."""
    return hashlib.blake2b(_in_order(request), digest_size=16).digest()


def _digest_of_step(request: PivotRequest) -> bytes:
    # Without what was typed: it may be a secret, and short ones are found by trying.
    return digest_of(structs.replace(request, digits=Digits()))


def _plain(value: Any) -> Any:
    # Mappings of classes of our own; everything else in a request is JSON.
    return dict(value)


_in_order: Final = msgspec.json.Encoder(order="sorted", enc_hook=_plain).encode


def _digits(request: PivotRequest) -> dict[str, str]:
    return dict(request.digits.collections) if request.digits else {}
