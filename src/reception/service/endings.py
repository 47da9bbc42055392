"""
The use case "a call with a dialog is over".

The end is a row in the store, put there once by whoever noticed it. Then the dialog is run up
to where it waited, hears `CallEnded` there, and may still settle what it has begun: effects
and background work, but nothing that needs a caller. That is done in the background, never
in a request, and may be begun again after a crash: effects as always with their claims, and
what it did is stored once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from reception.callflow import Flow
from reception.dialog import Arrival, Effects, Facts, Sandbox, Settled
from reception.errors import AppError
from reception.face.app import App
from reception.face.conversation import Conversation
from reception.ports import EndRun, Steps
from reception.service.dialogs import journal_of
from reception.service.effects import EffectRunner
from reception.service.records import claim_of, jobs_of
from reception.wire import PivotRequest


class Endings:
    """Ends dialogs; one for a process."""

    def __init__(
        self,
        steps: Steps,
        effects: EffectRunner,
        *,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        sandbox: Sandbox,
    ) -> None:
        self._steps: Final = steps
        self._effects: Final = effects
        self._now: Final = now
        self._entropy: Final = entropy
        self._sandbox: Final = sandbox

    async def settle(
        self, tenant: str, app: App, episode: str, *, fallback: Flow
    ) -> Exception | None:
        """
        Let the dialog of an ended episode come to its end, unless it has.

        Gives what the dialog raised, for the log.

        Errors:
            DialogDrift, AppError: the dialog cannot be run any more.
            Retry: the database is away; do it again.
            NeedsHuman: an effect was begun too often.
        """
        history = await self._steps.load(tenant, episode, -1)
        if history is None or history.end is None or history.end.entries is not None:
            return None
        row = history.episode
        conversation = Conversation(
            app,
            PivotRequest(call_id=row.call_id, account_id=row.account_id),
            history=journal_of(history),
            arrival=Arrival(step_no=history.end.step_no, end=row.end_cause or ""),
            facts=Facts(
                episode=episode,
                url=_nowhere,
                fallback=fallback,
                now=self._now,
                entropy=self._entropy,
                catalogue=app.catalogue,
                app_version=app.version,
                sandbox=self._sandbox,
            ),
            pivot_url=_no_url,
            call_id=row.call_id,
        )
        try:
            outcome = conversation.advance()
            while isinstance(outcome, Effects):
                for effect in outcome.effects:
                    claim = claim_of(
                        effect,
                        tenant,
                        episode,
                        history.end.step_no,
                        now=self._now(),
                        is_ending=True,
                    )
                    result = await self._effects.result(effect, claim)
                    outcome = conversation.resume(effect.op, result)
        finally:
            conversation.park()
        assert isinstance(outcome, Settled)  # nothing else comes of an end
        now = self._now()
        jobs = jobs_of(outcome.jobs, now=now)
        await self._steps.finish_end(EndRun(tenant, episode, outcome.entries.encode(), now, jobs))
        return outcome.error


def _nowhere(step_no: int, outcome: str) -> str:
    raise AppError("dialog.ended", "The call has ended: there is no way back to it")


def _no_url(params: Mapping[str, str]) -> str:
    # Nothing is sent any more; but what led to the end asked for it, and is run again.
    return f"https://ended.invalid/?{urlencode(params)}"
