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

from collections.abc import Mapping
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
)
from reception.errors import AppError
from reception.face.app import App
from reception.face.call import Call, PivotUrl
from reception.face.handlers import Runs, told_of
from reception.wire import Digits, PivotRequest

PARAMS: Final = "reception:params"
"""Under this name, which the platform has no use for, the parameters of a URL are kept."""


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
        begun: Began | None = None,
    ) -> None:
        """
        Make the engine ready; nothing of the application runs yet.

        Args:
            history: `Journal.load` of what the store has of the episode.
            pivot_url: makes the URLs of `Call.pivot_url`.
            params: of the voice URL (`Call.params`).
            call_id: that the episode began with.
            begun: the handler, where it was begun elsewhere: `open` goes on with it.
        """
        self._app: Final = app
        self._history: Final = history
        self._arrival: Final = arrival
        self._facts: Final = facts
        self._pivot_url: Final = pivot_url
        self._params: Mapping[str, str] = params if params is not None else {}
        self._call_id: Final = call_id
        name = history.handler
        takes_over: tuple[str | None, str] | None = None
        if arrival.end is None and arrival.outcome.startswith(NEXT):
            name = arrival.outcome[len(NEXT) :]
            takes_over = (name, "next")
        begins = takes_over is not None or not (history.entries or history.base)
        self._handler = app.handler_named(name)
        told = told_of(self._handler)
        # In the middle of a dialog there is only the engine.
        self.runs: Final[Runs] = told.runs if begins and arrival.end is None else "dialog"
        # A dialog sees the request that it began with, at every step: so is every replay alike.
        self._seen = request
        self._begins_with = history.unsent_request
        known = history.unsent_request
        if known is None and begins and arrival.end is None:
            self._begins_with = _kept(request, arrival, self._params)
            if self.runs == "dialog":
                known = self._begins_with
        elif known is None and not begins:
            known = history.request
        if known is not None:
            self._seen, self._params = _remembered(known)
        self.drift: DialogDrift | None = None
        self._name = name
        self._begun: Final = begun
        self._replay = self._made(takes_over, begun.stage if begun is not None else None)

    def call(self) -> Any:
        """Call a plain handler, in the thread of whoever calls this; gives what it returned."""
        return self._handler(self._called(None))

    def finish(self, value: object) -> Outcome:
        """The outcome of what a plain handler returned (awaited, where it was an awaitable)."""
        return self._replay.finish(value)

    async def open(self) -> Outcome:
        """Begin a handler on the event loop, and go on in the engine if it turns out a dialog."""
        got: object = self._begun
        if got is None:
            got = await Opening(self._coroutine(), told_of(self._handler).home)
        if isinstance(got, Began):
            try:
                return self._replay.adopt(got.coroutine, got.first)
            except DialogDrift as drift:
                return self._recovered(drift)
        return self._replay.finish(got)

    def advance(self) -> Outcome:
        """Replay the dialog up to what is new (see `Replay.advance`)."""
        try:
            return self._replay.advance(self._coroutine())
        except DialogDrift as drift:
            return self._recovered(drift)

    def resume(self, op: str, result: bytes) -> Outcome:
        """Go on with the result of an effect (see `Replay.resume`)."""
        try:
            return self._replay.resume(op, result)
        except DialogDrift as drift:
            return self._recovered(drift)

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

    def _made(
        self, takes_over: tuple[str | None, str] | None, stage: Stage | None = None
    ) -> Replay:
        self._stage = stage or Stage()
        return Replay(
            stage=self._stage,
            history=self._history,
            arrival=self._arrival,
            facts=self._facts,
            takes_over=takes_over,
            handlers=self._app.handlers,
            home=told_of(self._handler).home,
            begins_with=self._begins_with,
        )

    def _called(self, stage: Stage | None) -> Call:
        return Call(
            self._seen,
            params=self._params,
            pivot_url=self._pivot_url,
            stage=stage,
            call_id=self._call_id,
        )

    def _coroutine(self) -> Any:
        coroutine = self._handler(self._called(self._stage))
        if not hasattr(coroutine, "send"):
            raise AppError(
                "dialog.not_async",
                f"{self._name or 'The handler'} of app {self._app.name} is in the middle of a"
                " dialog, and is no `async def` (any more)",
            )
        return coroutine

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
        return self._replay.advance(self._coroutine())


def _kept(request: PivotRequest, arrival: Arrival, params: Mapping[str, str]) -> PivotRequest:
    """
    What is kept of a request; digits only of a first one: later ones may be a secret's.

    The parameters of its URL stand among what the platform sent without our knowing it.
    """
    return structs.replace(
        request,
        extra={**request.extra, PARAMS: dict(params)} if params else request.extra,
        digits=request.digits if arrival.step_no == 0 else Digits(),
    )


def _remembered(kept: PivotRequest) -> tuple[PivotRequest, Mapping[str, str]]:
    """The request and the parameters that a dialog began with."""
    if PARAMS not in kept.extra:
        return kept, {}
    extra = dict(kept.extra)
    params = extra.pop(PARAMS)
    return structs.replace(kept, extra=extra), params
