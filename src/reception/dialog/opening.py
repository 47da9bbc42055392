"""
The first step of a handler of which nobody knows yet whether it is a dialog.

The rule this file keeps: a handler that never awaits an operation of `call` runs exactly as
any coroutine on the event loop, at no other cost. The first operation that it awaits makes
it a dialog from there on; once it has waited for something of the loop's, it can be none.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Final

from reception.dialog import lines
from reception.dialog.operations import Operation
from reception.errors import AppError


class Began:
    """
    A coroutine that stands at its first operation; `Replay.adopt` goes on with it.

    Attributes:
        stage: the one that its `Call` was made with.
    """

    __slots__ = ("coroutine", "first", "stage")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], first: Operation[Any]) -> None:
        self.coroutine: Final = coroutine
        self.first: Final = first
        self.stage: Final = first.stage

    def put_away(self) -> None:
        """Put it away where nobody went on with it; else this does nothing."""
        self.stage.put_away(self.coroutine)


class Opening:
    """
    Await it on the event loop: gives what the handler returned, or `Began`.

    Args:
        coroutine: of the handler, not begun.
        home: the file that the handler is written in, for errors.
    """

    __slots__ = ("_coroutine", "_home")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], home: str = "") -> None:
        self._coroutine: Final = coroutine
        self._home: Final = home

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine = self._coroutine
        sent: Any = None
        thrown: BaseException | None = None
        waited = ""
        while True:
            try:
                awaited = coroutine.send(sent) if thrown is None else coroutine.throw(thrown)
            except StopIteration as stop:
                return stop.value
            if isinstance(awaited, Operation):
                if waited:
                    coroutine.close()
                    raise AppError(
                        "dialog.foreign_await",
                        f"{awaited.place}: {awaited.shown()} comes after {waited} awaited something"
                        " of the event loop's, which a replay cannot repeat: put that into"
                        " `await call.step(fn, …)`",
                    )
                return Began(coroutine, awaited)
            waited = waited or str(lines.place_in_coroutine(coroutine, self._home))
            sent, thrown = None, None
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001  handed on to the coroutine, as await does
                thrown = error
