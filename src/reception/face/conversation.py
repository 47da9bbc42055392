"""
One pivot of one application: the engine, with the application's handlers and policy.

The rule this file keeps: which handler runs, and what a drift leads to, is decided here; how
a handler is replayed is the engine's; commits, effects and replies are the service's, which
drives this as ADR 0015 says::

    conversation = Conversation(app, request, history=…, arrival=…, facts=…, …)
    if conversation.runs == "thread":   outcome = conversation.finish(in_thread(conversation.call))
    elif conversation.runs == "loop":   outcome = await conversation.open()
    else:                               outcome = conversation.advance()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import structs

from reception.callflow.handing_over import handler_name
from reception.dialog import (
    NEXT,
    Arrival,
    Began,
    DialogDrift,
    Entries,
    Facts,
    Journal,
    Opening,
    Outcome,
    Replay,
    Returned,
    Settled,
    Stage,
    home_of,
)
from reception.errors import AppError
from reception.face.app import App
from reception.face.call import Call, PivotUrl
from reception.face.handlers import Runs, runs_how
from reception.wire import Digits, PivotRequest


class Conversation:
    """
    What one arrival makes an application do.

    Attributes:
        runs: how to begin: see the file head.
        drift: the drift that was recovered from by `App.on_drift`, for the log.

    Errors, by every method:
        DialogDrift: and the policy is ``fallback``, or it happened for the second time. At
            the end of the call it is `Settled.error` instead.
        AppError, and whatever the handler raises: the fallback is the answer.
    """

    def __init__(
        self,
        app: App,
        request: PivotRequest,
        *,
        history: Journal,
        arrival: Arrival,
        facts: Facts,
        pivot_url: PivotUrl,
        params: Mapping[str, str] | None = None,
        call_id: str | None = None,
    ) -> None:
        """
        Make the engine ready; nothing of the application runs yet.

        Args:
            history: `Journal.load` of what the store has of the episode.
            pivot_url: makes the URLs of `Call.pivot_url`.
            params: of the voice URL (`Call.params`).
            call_id: that the episode began with.
        """
        self._app: Final = app
        self._history: Final = history
        self._arrival: Final = arrival
        self._facts: Final = facts
        name = history.handler
        takes_over: tuple[str | None, str] | None = None
        if arrival.end is None and arrival.outcome.startswith(NEXT):
            name = arrival.outcome[len(NEXT) :]
            takes_over = (name, "next")
        begins = takes_over is not None or not (history.entries or history.base)
        # A dialog sees the request that it began with, at every step: so is every replay alike.
        seen = request
        self._begins_with = history.unsent_request
        if history.unsent_request is not None:
            seen = history.unsent_request
        elif begins:
            self._begins_with = _kept(request, arrival) if arrival.end is None else None
        elif history.request is not None:
            seen = history.request
        self._call: Final[Callable[[Stage | None], Call]] = lambda stage: Call(
            seen, params=params or {}, pivot_url=pivot_url, stage=stage, call_id=call_id
        )
        self.drift: DialogDrift | None = None
        self._handler = app.handler_named(name)
        # In the middle of a dialog there is only the engine.
        self.runs: Final[Runs] = (
            runs_how(self._handler) if begins and arrival.end is None else "dialog"
        )
        self._name = name
        self._replay = self._made(takes_over)

    def call(self) -> Any:
        """Call a plain handler, in the thread of whoever calls this; gives what it returned."""
        return self._handler(self._call(None))

    def finish(self, value: object) -> Outcome:
        """The outcome of what a plain handler returned (awaited, where it was an awaitable)."""
        return self._replay.finish(value)

    async def open(self) -> Outcome:
        """Begin a handler on the event loop, and go on in the engine if it turns out a dialog."""
        got = await Opening(self._coroutine(), home_of(self._handler))
        if isinstance(got, Began):
            return self._guarded(lambda: self._replay.adopt(got.coroutine, got.first))
        return self._replay.finish(got)

    def advance(self) -> Outcome:
        """Replay the dialog up to what is new (see `Replay.advance`)."""
        return self._guarded(self._replay.advance)

    def resume(self, op: str, result: bytes) -> Outcome:
        """Go on with the result of an effect (see `Replay.resume`)."""
        return self._guarded(lambda: self._replay.resume(op, result))

    def overdue(self) -> Outcome:
        """What to answer when the deadline has come while effects are out (`Replay.overdue`)."""
        return self._replay.overdue()

    def failed(self) -> Returned:
        """
        What to commit and to reply when any of these methods raised (see `Replay.failed`).

        Not for the end of the call: there `Settled.error` says it.
        """
        return self._replay.failed()

    def park(self) -> Exception | None:
        """Put the dialog away; gives what its clean-up raised, for the log."""
        return self._replay.park()

    # --- parts ------------------------------------------------------------------------------------

    def _made(self, takes_over: tuple[str | None, str] | None) -> Replay:
        self._stage = Stage()
        return Replay(
            self._coroutine,
            stage=self._stage,
            history=self._history,
            arrival=self._arrival,
            facts=self._facts,
            takes_over=takes_over,
            handlers=self._app.handlers,
            home=home_of(self._handler),
            begins_with=self._begins_with,
        )

    def _coroutine(self) -> Any:
        coroutine = self._handler(self._call(self._stage))
        if not hasattr(coroutine, "send"):
            raise AppError(
                "dialog.not_async",
                f"{self._name or 'The handler'} of app {self._app.name} is in the middle of a"
                " dialog, and is no `async def` (any more)",
            )
        return coroutine

    def _guarded(self, turn: Callable[[], Outcome]) -> Outcome:
        try:
            return turn()
        except DialogDrift as drift:
            return self._recovered(drift)

    def _recovered(self, drift: DialogDrift) -> Outcome:
        """Begin anew where the application wants it, once in an episode: never a loop."""
        if self._arrival.end is not None:
            # There is nobody to fall back for, and whatever this code does would be guessed.
            self._replay.park()
            nothing = Entries(self._arrival.step_no, self._facts.app_version)
            return Settled(nothing, (), drift)
        policy = self._app.on_drift
        if policy == "fallback" or self._history.restarts or self.drift:
            raise drift
        self.drift = drift
        self._replay.park()
        if policy == "restart":
            self._replay = self._made((self._name, "restart"))
        else:
            assert callable(policy)  # `App` lets nothing else through
            self._name = handler_name(policy)
            self._handler = policy
            self._replay = self._made((self._name, "drift"))
        return self._replay.advance()


def _kept(request: PivotRequest, arrival: Arrival) -> PivotRequest:
    """What is kept of a request; digits only of a first one: later ones may be a secret's."""
    return structs.replace(
        request, extra={}, digits=request.digits if arrival.step_no == 0 else Digits()
    )
