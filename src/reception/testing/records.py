"""
What a phone can tell of a call: small records, all of them facts.

Made from the simulator's transcript and from what the server was seen to do. Whether they are
as a test wants them is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from reception.dialog.lines import name_of, plain_function
from reception.simulator.transcript import Entry, Kind
from reception.wire import PivotRequest


@dataclass(frozen=True, slots=True)
class Heard:
    """
    One thing that the caller heard.

    Attributes:
        text: what was spoken, or the id or URL of the recording.
        at_s: when it began, in seconds since the call began.
        lasts_s: how long it lasts if nobody interrupts it; None without end. An assumption
            unless the test has said how long the recording is.
    """

    text: str
    at_s: float
    lasts_s: float | None


@dataclass(frozen=True, slots=True)
class Rang:
    """
    One phone, group or number that rang.

    Attributes:
        kind: ``user``, ``device``, ``group`` or ``carrier``.
        id: the document's id, or the number; a group has its members', joined by `` + ``.
        timeout_s: for how long at most; None without a limit.
        answered: whether somebody took the call; None while it rings.
        why: how it failed, like ``USER_BUSY``; "" where it did not.
    """

    kind: str
    id: str
    timeout_s: float | None
    at_s: float
    answered: bool | None = None
    why: str = ""

    def is_of(self, who: str) -> bool:
        """Was it this phone, or was this phone among them?"""
        return who == self.id or who in self.id.split(" + ")


@dataclass(slots=True)
class Effect:
    """
    One run of a function given to ``call.step``.

    Attributes:
        name: of the function, like ``book``; `function` is itself.
        args: what it was called with.
        key: that names it to other systems; attempt: 1 for the first run.
        result: what it returned; None while it runs and where it failed.
        error: what it raised.
        is_done: False while it runs.
        episode, op: which operation of which dialog.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    key: str
    attempt: int
    episode: str
    op: str
    result: Any = None
    error: BaseException | None = None
    is_done: bool = False

    def is_of(self, function: Callable[..., Any] | str) -> bool:
        """Was it this function, also where its module was loaded once more meanwhile?"""
        if isinstance(function, str):
            return function == self.name
        if not hasattr(plain_function(function), "__qualname__"):
            # An object, such as a mock: its class says nothing of it.
            return function is self.function
        return name_of(function) == name_of(self.function)


@dataclass(frozen=True, slots=True)
class Job:
    """
    Work that ``call.enqueue`` has committed with a step.

    Attributes:
        task: the name of the function, ``module:name``, or of the task.
        args, kwargs: what it will be called with.
        after_s: how long it waits first.
    """

    task: str
    args: tuple[Any, ...]
    after_s: float
    kwargs: dict[str, Any] = field(default_factory=dict)

    def is_of(self, task: Callable[..., Any] | str) -> bool:
        """Is it this task?"""
        if isinstance(task, str):
            return task in (self.task, self.task.rpartition(":")[2])
        return self.task == name_of(task)


@dataclass(frozen=True, slots=True)
class Posted:
    """
    One request that the platform made, and its reply.

    Attributes:
        request: as the server reads it (``request.digits``, ``request.call_id`` …).
        url: where it went; body: its bytes.
        status, reply: what came back.
    """

    request: PivotRequest
    url: str
    body: bytes = field(repr=False)
    status: int
    reply: bytes = field(repr=False)


def job_of(task: str, args: bytes, after_s: float) -> Job:
    """Read a job as it was committed."""
    by_position, by_name = msgspec.json.decode(args)
    return Job(task, tuple(by_position), after_s, by_name)


def heard_in(entries: list[Entry]) -> list[Heard]:
    """Give what the caller heard, silence left out."""
    return [
        Heard(str(entry.detail["media"]), entry.at_ms / 1000, _seconds(entry.detail.get("ms")))
        for entry in entries
        if entry.kind is Kind.HEARS and "media" in entry.detail
    ]


def rang_in(entries: list[Entry]) -> list[Rang]:
    """Give what rang, and what came of it."""
    found: list[Rang] = []
    for entry in entries:
        if entry.kind is not Kind.RINGS:
            continue
        detail = entry.detail
        if "endpoint" in detail:
            found.append(
                Rang(
                    str(detail["endpoint"]),
                    str(detail["id"]),
                    _seconds(detail.get("timeout_ms")),
                    entry.at_ms / 1000,
                )
            )
        elif found and found[-1].answered is None and ("answered" in detail or "code" in detail):
            last = found.pop()
            why = detail.get("response") or detail.get("cause") or detail.get("code") or ""
            answered = detail.get("answered") is True
            found.append(Rang(last.kind, last.id, last.timeout_s, last.at_s, answered, str(why)))
    return found


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, int) else None
