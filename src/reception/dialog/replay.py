"""
The engine: it runs a dialog from the top with the journal's answers, up to what is new.

The rules (ADR 0015 has the reasons):

- the function is driven by `send`, with the running event loop hidden; whatever it awaits
  that is no operation of `call` is an error with its line;
- operation n is compared with entry n, and answered from it;
- past the journal an operation answers at once, suspends, or becomes an effect;
- one run is one pivot: `advance`, then `resume` for each effect, at last `park`.

No input, output, clock or chance in here, and nothing of how replies look (`replies`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final, NamedTuple

from reception.dialog import chance, lines
from reception.dialog.answering import NEW, Answering, Give, Throw
from reception.dialog.endings import CallEnded
from reception.dialog.facts import Arrival, Facts
from reception.dialog.journal import Entry, Hold, Journal
from reception.dialog.operations import (
    Gather,
    Operation,
    StepOp,
)
from reception.dialog.outcomes import (
    Effect,
    Effects,
    Outcome,
    Returned,
    Settled,
)
from reception.dialog.outgoing import Outgoing
from reception.dialog.recording import Recording
from reception.dialog.replies import HOLD_S
from reception.dialog.stage import Stage
from reception.dialog.values import Result, written
from reception.errors import AppError
from reception.wire import PivotRequest


class _Done(NamedTuple):
    """The function has returned."""

    value: object


class _Broke(NamedTuple):
    """The function has raised."""

    error: Exception


class _Wait:
    """What the dialog waits for: the effects that are out, and the answers that are in."""

    __slots__ = ("effects", "is_gather", "parts", "settled")

    def __init__(self, *, is_gather: bool) -> None:
        self.is_gather = is_gather
        self.settled: dict[str, Give | Throw] = {}
        self.effects: dict[str, Effect] = {}
        self.parts: list[tuple[str, Operation[Any]]] = []

    def answer(self) -> Give | Throw:
        """All is in: give the results in order, or throw the first error."""
        got = [self.settled[number] for number, _ in self.parts]
        for each in got:
            if isinstance(each, Throw):
                return each
        if self.is_gather:
            return Give(tuple(each.value for each in got if isinstance(each, Give)))
        return got[0]


class Replay:
    """
    One run of a dialog.

    Args:
        stage: the one that the handler's `Call` was made with.
        history: what the episode did so far.
        arrival: what brought us here.
        facts: the world around it.
        takes_over: the name of a handler and why it begins here (``next``, ``restart``,
            ``drift``), where it does; None goes on with what the journal has.
        handlers: the names that ``flow.pivot(next=…)`` may address.
        home: the file of the handler, for lines in errors.
        begins_with: the request that a handler begins with, to be kept; None where it goes on.

    Errors, by every method:
        DialogDrift: the code and the journal disagree.
        AppError: the dialog broke a rule; the text names the line.
        whatever the dialog raises: the fallback is the answer.
    """

    def __init__(
        self,
        *,
        stage: Stage,
        history: Journal,
        arrival: Arrival,
        facts: Facts,
        takes_over: tuple[str | None, str] | None = None,
        handlers: Collection[str] = (),
        home: str = "",
        begins_with: PivotRequest | None = None,
    ) -> None:
        self._stage: Final = stage
        self._history: Final = history
        self._arrival: Final = arrival
        self._facts: Final = facts
        self._home: Final = home
        self._recording: Final = Recording(history, arrival, facts.app_version, begins_with)
        self._out: Final = Outgoing(facts, arrival, handlers)
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._wait: _Wait | None = None
        self._clean_up: list[tuple[Callable[..., Any], tuple[Any, ...]]] | None = None
        self._error: Exception | None = None
        is_new = takes_over is not None or self._recording.has_started
        if takes_over is not None and not (takes_over[1] == "next" and self._recording.has_started):
            self._recording.start(*takes_over)
        # What arrived answers the first operation that waits for the caller, unless it came
        # from a holding prompt or began a handler.
        is_pivot = arrival.step_no > 0 and arrival.end is None
        has_answer = is_pivot and not history.is_holding and not is_new
        self._answering: Final = Answering(
            stage, history, arrival, facts, self._recording, self._out, has_answer=has_answer
        )

    # --- turns ------------------------------------------------------------------------------------

    def advance(self, coroutine: Coroutine[Any, Any, Any]) -> Outcome:
        """Run the dialog, which has not begun yet, up to what the journal does not answer."""
        self._coroutine = coroutine
        return self._driven(Give(None))

    def adopt(self, coroutine: Coroutine[Any, Any, Any], first: Operation[Any]) -> Outcome:
        """The same for a coroutine that was begun elsewhere and has yielded its first operation."""
        self._coroutine = coroutine
        try:
            answer = self._answered(first)
        except BaseException:
            self.park()
            raise
        if isinstance(answer, (Give, Throw)):
            return self._driven(answer)
        return answer

    def resume(self, op: str, result: bytes) -> Outcome:
        """
        Go on with the result of an effect.

        Args:
            op: `Effect.op`; one that is not out any more changes nothing.
            result: what `Effect.succeeded` or `Effect.failed` gave, from here or from a store.
        """
        wait = self._wait
        if wait is None or op not in wait.effects:
            return Effects(() if wait is None else tuple(wait.effects.values()))
        del wait.effects[op]
        operation = dict(wait.parts)[op]
        assert isinstance(operation, StepOp)  # only steps are effects
        try:
            wait.settled[op] = self._answering.result(op, operation, Result.decode(result))
            if wait.effects:
                return Effects(tuple(wait.effects.values()))
        except BaseException:
            self.park()
            raise
        self._wait = None
        if self._clean_up is not None:
            return self._cleaned_up(wait.answer())
        return self._driven(wait.answer())

    def overdue(self) -> Outcome:
        """
        The deadline has come while effects are out: what to answer meanwhile.

        Gives `Suspended` with the holding prompt of ``while_=``, where there is one and its
        time is not up, else `Returned` with the fallback. Either is committed as the reply of
        this step; the effects go on.

        Errors:
            AppError("dialog.not_waiting"): no effect is out.
        """
        wait = self._wait
        if wait is None:
            raise AppError("dialog.not_waiting", "No effect is out: there is nothing to wait for")
        for number, operation in wait.parts:
            if number in wait.effects and self._recording_lacks(number):
                self._recording.note(number, operation, "pending")
        for number, operation in wait.parts:
            if number in wait.effects and isinstance(operation, StepOp) and operation.while_:
                hold, pause, is_over = self._hold(number, operation)
                if is_over:
                    continue
                mark = written([hold.first_ms, hold.last_ms, hold.count])
                self._recording.mark(Entry(number, "hold", "", "", "done", mark))
                return self._out.holding(operation.while_, self._recording, pause=pause)
        return self._out.fallen_back(self._recording)

    def failed(self) -> Returned:
        """
        The fallback as the reply of this step, when something in it raised an error.

        What the dialog did before stays in the journal, with its jobs: its effects have
        happened, and their numbers must not name others when the end of the call is settled.
        """
        self.park()
        return self._out.fallen_back(self._recording)

    def park(self) -> Exception | None:
        """
        Put the dialog away. Call it when the outcome is in hand; a second call does nothing.

        Gives what the developer's clean-up raised, for the log: it changes no reply.
        """
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is None:
            self._stage.is_closing = True
            self._stage.let_go()
            return None
        with self._facts.sandbox():
            return self._stage.put_away(coroutine)

    def finish(self, value: object) -> Outcome:
        """The outcome of a handler that ran elsewhere, in one step, and returned `value`."""
        return self._finished(value)

    # --- driving ----------------------------------------------------------------------------------

    def _driven(self, answer: Give | Throw) -> Outcome:
        while True:
            try:
                with self._facts.sandbox():
                    came = self._replayed(answer)
            except BaseException:
                self.park()
                raise
            if isinstance(came, _Done):
                self._coroutine = None
                return self._finished(came.value)
            if isinstance(came, _Broke):
                self._coroutine = None
                if self._arrival.end is not None:
                    self._error = None if isinstance(came.error, CallEnded) else came.error
                    return self._settling()
                raise self._explained(came.error) from came.error
            try:
                missing = self._stage.first_forgotten()
                if missing is not None:
                    raise missing
                if not isinstance(came, Operation):
                    raise self._foreign(came)
                got = self._answered(came)
            except BaseException:
                self.park()
                raise
            if not isinstance(got, (Give, Throw)):
                return got
            answer = got

    def _replayed(self, answer: Give | Throw) -> object:
        """Run on with what earlier steps have answered, up to what they have not."""
        coroutine, stage, before = self._coroutine, self._stage, self._answering.before
        assert coroutine is not None  # `advance` comes first, `park` last
        send = coroutine.send
        got: Any = answer.value if isinstance(answer, Give) else answer
        while True:
            try:
                awaited = coroutine.throw(got.error) if type(got) is Throw else send(got)
            except StopIteration as stop:
                return _Done(stop.value)
            except Exception as error:  # noqa: BLE001  whatever the dialog raises, it is its outcome
                return _Broke(error)
            if stage.latest is not None or stage.waiting or not isinstance(awaited, Operation):
                return awaited
            got = before(awaited)
            if got is NEW:
                return awaited

    def _finished(self, value: object) -> Outcome:
        missing = self._stage.first_waiting()
        if missing is not None:
            raise missing
        if self._arrival.end is not None:
            # What the journal has beyond is clean-up that was begun before, by another worker.
            return self._settling()
        self._answering.pass_marks()
        left = self._recording.rest()
        if left is not None:
            raise self._recording.drift(left.op, left.shown(), "return", None)
        if self._answering.has_answer:
            raise self._recording.drift(
                str(self._recording.next_number), "an answer of the caller", "return", None
            )
        return self._out.returned(value, self._recording)

    def _explained(self, error: Exception) -> Exception:
        """Say what to do where an error only says that the event loop is not there."""
        is_loop = isinstance(error, RuntimeError) and (
            "no running event loop" in str(error) or lines.is_in_asyncio(error.__traceback__)
        )
        if not is_loop and type(error).__name__ != "AsyncLibraryNotFoundError":
            return error
        place = lines.place_in_traceback(error.__traceback__, self._home)
        return AppError("dialog.no_loop", f"{place}: {_NO_LOOP}")

    def _foreign(self, awaited: object) -> AppError:
        place = lines.place_in_coroutine(self._coroutine, self._home)
        what = "another awaitable" if awaited is None else type(awaited).__name__
        return AppError("dialog.foreign_await", f"{place}: this awaits {what}. {_NO_LOOP}")

    # --- answering --------------------------------------------------------------------------------

    def _answered(self, operation: Operation[Any]) -> Give | Throw | Outcome:
        self._answering.pass_marks()
        number = self._recording.number()
        if not isinstance(operation, Gather):
            got = self._answering.one(number, operation)
            if not isinstance(got, Effect):
                return got
            wait = _Wait(is_gather=False)
            wait.parts = [(number, operation)]
            wait.effects[number] = got
            return self._waiting_for(wait)
        entry = self._recording.known(number, operation)
        self._answering.check_fresh(number, entry, operation)
        if entry is None:
            self._recording.note(number, operation, "done")
        else:
            self._recording.again(entry)
        wait = _Wait(is_gather=True)
        wait.parts = [(f"{number}.{i}", part) for i, part in enumerate(operation.parts)]
        for op, part in wait.parts:
            got = self._answering.one(op, part)
            if isinstance(got, Effect):
                wait.effects[op] = got
            elif isinstance(got, (Give, Throw)):
                wait.settled[op] = got
            else:
                return got
        return self._waiting_for(wait) if wait.effects else wait.answer()

    def _waiting_for(self, wait: _Wait) -> Effects:
        self._wait = wait
        # Every one of them is written with the first claim, so that none is begun unseen.
        before = self._recording.entries(
            *(
                Entry(op, part.kind, part.label, part.digest(), "pending")
                for op, part in wait.parts
                if op in wait.effects
            )
        ).encode()
        for op, effect in wait.effects.items():
            wait.effects[op] = _with_before(effect, before)
        return Effects(tuple(wait.effects.values()))

    def _recording_lacks(self, op: str) -> bool:
        entry = self._history.entries.get(op)
        return entry is None or op in self._history.unsent

    def _hold(self, op: str, operation: StepOp[Any]) -> tuple[Hold, bool, bool]:
        """The hold to record, whether to wait in silence too, and whether its time is up."""
        now_ms = chance.milliseconds(self._facts.now())
        known = self._history.holds.get(op)
        if known is None:
            return Hold(now_ms, now_ms, 1), False, False
        hold = Hold(known.first_ms, now_ms, known.count + 1)
        is_over = now_ms - known.first_ms >= operation.while_max_s * 1000
        return hold, now_ms - known.last_ms < HOLD_S * 1000, is_over

    # --- the end of the call ----------------------------------------------------------------------

    def _settling(self) -> Outcome:
        """The function is through: run what it registered for the end, the last one first."""
        self._stage.spot = None
        self._stage.is_ending = True
        self._clean_up = list(self._stage.on_end)
        return self._cleaned_up(None)

    def _cleaned_up(self, answer: Give | Throw | None) -> Outcome:
        if isinstance(answer, Throw):
            self._error = self._error or answer.error
        assert self._clean_up is not None  # `_settling` has made it
        while self._clean_up:
            function, args = self._clean_up.pop()
            step: StepOp[Any] = StepOp(
                self._stage, function, args, key=None, while_=None, while_max_s=0, timeout_s=None
            )
            step.taken()
            got = self._answered(step)
            if isinstance(got, Throw):
                self._error = self._error or got.error
            elif not isinstance(got, Give):
                return got
        return Settled(self._recording.entries(), self._out.jobs, self._error)


_NO_LOOP: Final = (
    "A dialog is replayed at every step, so it may only await operations of `call` (and"
    " functions that do): put what talks to the world into `await call.step(fn, …)`, use"
    " call.gather(…) for asyncio.gather, call.sleep(…) for asyncio.sleep, and `timeout_s=` of"
    " call.step for asyncio.timeout"
)


def _with_before(effect: Effect, before: bytes) -> Effect:
    return Effect(
        effect.op,
        effect.key,
        effect.function,
        effect.args,
        before,
        holds=effect.holds,
        timeout_s=effect.timeout_s,
    )
