"""
What one operation is answered, from the journal or from what arrived.

The rule this file keeps: every operation is looked up first, and only what the journal does
not have is new; then it answers at once, takes what arrived, suspends, or becomes an effect.
Driving the dialog, and waiting for effects, is `replay`'s.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from reception.dialog import chance
from reception.dialog.asking import KEYS, Answer, Ask
from reception.dialog.endings import CallEnded
from reception.dialog.facts import Arrival, Facts
from reception.dialog.failures import error_read
from reception.dialog.journal import Entry, Journal
from reception.dialog.operations import (
    Enqueue,
    Now,
    Operation,
    Prompts,
    Random,
    Run,
    Sleep,
    StepOp,
    Tag,
    Token,
)
from reception.dialog.outcomes import Effect, Job, Suspended, job_args
from reception.dialog.outgoing import Outgoing
from reception.dialog.recording import Recording
from reception.dialog.replies import collection_of
from reception.dialog.secret import Secret
from reception.dialog.stage import Stage
from reception.dialog.values import Result, read, value_read
from reception.errors import AppError

_MOST_ENDED: Final = 100


class Give(msgspec.Struct, frozen=True):
    """Send a value into the dialog."""

    value: Any


class Throw(msgspec.Struct, frozen=True):
    """Throw an error into it."""

    error: Exception


_NOT_AT_ONCE: Final = frozenset({"gather", "changed"})

NEW: Final = object()
"""Says that no earlier step has answered an operation."""

_read_answer: Final = msgspec.json.Decoder(Answer).decode


class Answering:
    """
    The answers of one run.

    Attributes:
        has_answer: what arrived has not been asked for yet.
        ended: how often `CallEnded` was raised.
    """

    __slots__ = (
        "_answers",
        "_arrival",
        "_changes",
        "_entries",
        "_facts",
        "_out",
        "_recording",
        "_results",
        "_stage",
        "_unsent",
        "ended",
        "has_answer",
    )

    def __init__(
        self,
        stage: Stage,
        history: Journal,
        arrival: Arrival,
        facts: Facts,
        recording: Recording,
        out: Outgoing,
        *,
        has_answer: bool,
    ) -> None:
        self._stage: Final = stage
        self._entries: Final = history.entries
        self._answers: Final = history.answers
        self._unsent: Final = history.unsent
        self._results: Final = history.results
        self._arrival: Final = arrival
        self._facts: Final = facts
        self._recording: Final = recording
        self._out: Final = out
        self._changes: Final[dict[str, bool]] = {}
        self.has_answer = has_answer
        self.ended = 0
        stage.changed = self._changed

    def before(self, operation: Operation[Any]) -> Any:
        """Answer an operation that an earlier step has answered; `NEW` for any other."""
        recording = self._recording
        op = str(recording.next_number)
        entry = self._entries.get(op)
        if entry is None or entry.state == "pending" or entry.kind in _NOT_AT_ONCE:
            return NEW
        if self._unsent and op in self._unsent:
            return NEW
        recording.next_number += 1
        recording.compare(entry, operation)
        return self._settled(entry, operation)

    def one(self, op: str, operation: Operation[Any]) -> Give | Throw | Effect | Suspended:
        """Answer one operation, which has its number already."""
        entry = self._entries.get(op)
        if entry is None:
            self.check_fresh(op, entry, operation)
        else:
            self._recording.compare(entry, operation)
            if entry.state != "pending":
                if op in self._unsent:
                    self._once_more(entry, operation)
                got = self._settled(entry, operation)
                return got if isinstance(got, Throw) else Give(got)
        if isinstance(operation, (Ask, Run, Sleep)):
            return self._waiting(op, operation, entry)
        if isinstance(operation, StepOp):
            return self._step(op, operation)
        return self._at_once(op, operation)

    def check_fresh(self, op: str, entry: Entry | None, operation: Operation[Any]) -> None:
        """What arrived answers a question that must be in the journal before anything new."""
        if entry is None and self.has_answer:
            raise self._recording.drift(
                op, "a question that was just answered", operation.shown(), operation.place
            )

    def _settled(self, entry: Entry, operation: Operation[Any]) -> Any:
        """What the journal has: a value, or `Throw`."""
        if entry.state == "ended":
            return self._call_ended(read(entry.value), operation)
        if isinstance(operation, Ask):
            answer = self._answers.get(entry.op)
            if answer is None:
                answer = self._answers[entry.op] = _read_answer(entry.value)
            if operation.question.secret:
                typed = self._typed(operation) if entry.op in self._unsent else None
                return Answer(answer.worth, Secret.typed(typed, answered=answer.worth != "nothing"))
            return answer
        if isinstance(operation, StepOp):
            return self._recorded(entry.op, operation, entry.state == "done", entry.value)
        value = read(entry.value)
        return chance.time_of(value) if isinstance(operation, Now) else value

    def _once_more(self, entry: Entry, operation: Operation[Any]) -> None:
        """What is in the journal belongs to this very step: an effect behind it wrote it down."""
        self._recording.again(entry)
        if entry.state == "ended":
            return
        if isinstance(operation, (Ask, Run, Sleep)):
            # This arrival was the answer.
            self.has_answer = False
            if isinstance(operation, Ask) and operation.question.secret and self._typed(operation):
                self._out.erase(self._collection())
        else:
            self._begun(entry.op, operation)

    def _at_once(self, op: str, operation: Operation[Any]) -> Give | Throw:
        if self._arrival.end is not None and isinstance(operation, (Prompts, Tag)):
            return self._end_here(op, operation)
        value: Any = None
        if isinstance(operation, Now):
            # As the journal has it: to the microsecond, in UTC.
            value = chance.stamp_of(self._facts.now())
            self._recording.note(op, operation, "done", value)
            return Give(chance.time_of(value))
        if isinstance(operation, Random):
            value = chance.number(operation.bounds, self._facts.entropy)
        elif isinstance(operation, Token):
            value = self._facts.entropy(16).hex()
        self._recording.note(op, operation, "done", value)
        self._begun(op, operation)
        return Give(value)

    def _begun(self, op: str, operation: Operation[Any]) -> None:
        """Let an operation of this very step have its part in the reply."""
        if isinstance(operation, Prompts):
            self._out.queue(operation.prompt)
        elif isinstance(operation, Tag):
            self._out.tag(operation.values)
        elif isinstance(operation, Enqueue):
            args = job_args(operation.args, operation.kwargs)
            self._out.enqueue(Job(op, operation.task, args, operation.after_s))

    def _waiting(
        self, op: str, operation: Ask[Any] | Run | Sleep, entry: Entry | None
    ) -> Give | Throw | Suspended:
        if self._arrival.end is not None:
            return self._end_here(op, operation)
        if self.has_answer:
            self.has_answer = False
            return self._arrived(op, operation)
        self._out.check_steps(str(operation.place or ""))
        if entry is None:
            self._recording.note(op, operation, "pending")
        else:
            self._recording.again(entry)
        return self._out.suspended(operation, self._recording)

    def _collection(self) -> str:
        return collection_of(self._facts.episode, self._arrival.step_no)

    def _typed(self, operation: Ask[Any]) -> str:
        """The keys that arrived: what no phone can have sent is left out."""
        typed = self._arrival.digits.get(self._collection(), "")
        return "".join(key for key in typed if key in KEYS)[: operation.question.max_digits]

    def _arrived(self, op: str, operation: Ask[Any] | Run | Sleep) -> Give:
        if isinstance(operation, Sleep):
            self._recording.note(op, operation, "done")
            return Give(None)
        if isinstance(operation, Run):
            outcome = self._arrival.outcome or "_"
            self._recording.note(op, operation, "done", outcome)
            return Give(outcome)
        keys = self._typed(operation)
        worth = operation.judge(keys)
        if operation.question.secret:
            self._recording.note(op, operation, "done", [worth, None])
            if keys:
                self._out.erase(self._collection())
            return Give(Answer(worth, Secret.typed(keys, answered=bool(keys))))
        self._recording.note(op, operation, "done", [worth, keys])
        return Give(Answer(worth, keys))

    def _step(self, op: str, operation: StepOp[Any]) -> Give | Throw | Effect:
        result = self._results.get(op)
        if result is not None:
            return self.result(op, operation, result)
        key = operation.key
        if key is None:
            named = f"{self._facts.episode}/{op}".encode()
            key = hashlib.blake2b(named, digest_size=12).hexdigest()
        return Effect(
            op,
            key,
            operation.function,
            operation.args,
            b"",
            holds=operation.while_ is not None,
            timeout_s=operation.timeout_s,
        )

    def result(self, op: str, operation: StepOp[Any], result: Result) -> Give | Throw:
        self._recording.note(op, operation, "done" if result.is_ok else "failed", result.value)
        got = self._recorded(op, operation, result.is_ok, result.value)
        return got if isinstance(got, Throw) else Give(got)

    def _recorded(self, op: str, operation: StepOp[Any], is_ok: bool, value: msgspec.Raw) -> Any:
        if not is_ok:
            return Throw(error_read(value))
        try:
            return value_read(value, operation.function)
        except (msgspec.MsgspecError, TypeError, ValueError) as problem:
            raise self._recording.drift(
                op,
                f"a result of {operation.label}",
                f"a function that returns another type ({problem})",
                operation.place,
            ) from None

    def pass_marks(self) -> None:
        """
        Go past the marks of changes.

        Whoever has one did what the guard said, and goes on without it where the guard is gone.
        """
        while (entry := self._recording.peek()) is not None and entry.kind == "changed":
            self._recording.number()
            self._recording.again(entry)
            self._changes[entry.label] = True

    def _changed(self, name: str) -> bool:
        """Is the change `name` in force? The first answer holds for the whole run."""
        if name not in self._changes:
            self.pass_marks()
        known = self._changes.get(name)
        if known is not None:
            return known
        answer = self._recording.peek() is None and not self.has_answer
        if answer:
            self._recording.mark(Entry(self._recording.number(), "changed", name, ""))
        self._changes[name] = answer
        return answer

    def _end_here(self, op: str, operation: Operation[Any]) -> Throw:
        cause = self._arrival.end or ""
        self._recording.note(op, operation, "ended", cause)
        return self._call_ended(cause, operation)

    def _call_ended(self, cause: str, operation: Operation[Any]) -> Throw:
        self._stage.is_ending = True
        self.ended += 1
        if self.ended > _MOST_ENDED:
            raise AppError(
                "dialog.endless",
                f"{operation.place}: the dialog goes on asking a caller who has gone: let CallEnded"
                " out of its loop",
            )
        return Throw(CallEnded(cause))
