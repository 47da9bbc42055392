"""
An application whose operations are seen as they are awaited.

The rule this file keeps: it looks on and changes nothing. The engine drives the same
coroutines; what they yield is noted on its way, with the developer's line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

from reception.dialog import Operation
from reception.face.app import AnswerHandler, App


@dataclass(slots=True)
class Tap:
    """
    What was seen of one run.

    Attributes:
        operations: in the order in which they were awaited.
        coroutine: the dialog that runs, while it does.
    """

    operations: list[Operation[Any]] = field(default_factory=list)
    coroutine: Any = None

    def clear(self) -> None:
        """Begin anew, for the next run."""
        self.operations.clear()
        self.coroutine = None

    @property
    def last(self) -> Operation[Any] | None:
        """The operation that was awaited last."""
        return self.operations[-1] if self.operations else None


class _Tapped:
    """A coroutine, looked at."""

    def __init__(self, coroutine: Any, tap: Tap) -> None:
        self._coroutine: Final = coroutine
        self._tap: Final = tap

    def send(self, value: Any) -> Any:
        return self._noted(self._coroutine.send(value))

    def throw(self, error: BaseException) -> Any:
        return self._noted(self._coroutine.throw(error))

    def close(self) -> None:
        self._coroutine.close()

    def _noted(self, awaited: Any) -> Any:
        if isinstance(awaited, Operation):
            self._tap.operations.append(awaited)
        return awaited

    def __getattr__(self, name: str) -> Any:
        # `cr_frame` and `cr_await`, for whoever looks for the line.
        return getattr(self._coroutine, name)


def tapped(app: App, tap: Tap) -> App:
    """Give an app with the same handlers, seen through `tap`."""
    made = App(app.name, fallback=app.fallback, version=app.version, language=app.language)
    made.catalogue = app.catalogue
    seen = {name: _seen(handler, tap) for name, handler in app.handlers.items()}
    for name, handler in app.handlers.items():
        if handler is app.handler:
            made.answer(seen[name])
        else:
            made.state(seen[name])
    policy: Any = app.on_drift
    if callable(policy):
        policy = next(seen[name] for name, each in app.handlers.items() if each is policy)
    # Through its constructor it would have to be an `async def` by looks as well.
    vars(made)["on_drift"] = policy
    return made


def _seen(handler: AnswerHandler, tap: Tap) -> AnswerHandler:
    call_it: Callable[[Any], Any] = handler

    @wraps(handler)
    def through(call: Any) -> Any:
        made = call_it(call)
        if not hasattr(made, "send"):
            return made
        tap.coroutine = made
        return _Tapped(made, tap)

    return through
