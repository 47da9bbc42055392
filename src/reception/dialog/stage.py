"""
What a dialog and the engine that drives it know of each other.

The rule this file keeps: the developer's side only reads the two flags, registers, and asks
`changed`; everything else goes through operations that are awaited. One `Stage` lives as long
as one run of the function, which is one pivot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reception.dialog.endings import Parked
from reception.dialog.lines import Place
from reception.errors import AppError

# A dialog that swallows everything would be awaiting operations for ever while it is put away.
_MOST_PARKED: Final = 64


class Stage:
    """
    The shared state of one run.

    Attributes:
        is_closing: the function is being put away; operations raise `Parked`.
        is_ending: the call is over; only settling is left to do.
        on_end: what the dialog registered, in order: function and arguments.
        forgotten: operations that were made and dropped without an ``await``: kind and place.
        waiting: those that were made and are not awaited yet, by identity.
        changed: asks the engine whether a change is in force (see `Replay`).
    """

    __slots__ = ("changed", "forgotten", "is_closing", "is_ending", "on_end", "parked", "waiting")

    def __init__(self) -> None:
        self.is_closing = False
        self.is_ending = False
        self.on_end: Final[list[tuple[Callable[..., Any], tuple[Any, ...]]]] = []
        self.forgotten: Final[list[tuple[str, Place | None]]] = []
        self.waiting: Final[dict[int, tuple[str, Place | None]]] = {}
        self.parked = 0
        self.changed: Callable[[str], bool] = _not_driven

    def check_open(self) -> None:
        """Raise `Parked` while the function is being put away."""
        if self.is_closing:
            self.parked += 1
            if self.parked <= _MOST_PARKED:
                raise Parked

    def first_forgotten(self) -> AppError | None:
        """The error for the first operation that nobody awaited, if there is one."""
        if not self.forgotten:
            return None
        return _await_missing(*self.forgotten[0])

    def first_waiting(self) -> AppError | None:
        """The same for operations that are still held somewhere when the function is done."""
        missing = self.first_forgotten()
        if missing is None and self.waiting:
            missing = _await_missing(*next(iter(self.waiting.values())))
        return missing


def _await_missing(kind: str, place: Place | None) -> AppError:
    where = f"{place}: " if place else ""
    return AppError(
        "dialog.await_missing",
        f"{where}await is missing: write `await call.{kind}(…)`, which does nothing without it",
    )


def _not_driven(name: str) -> bool:
    raise AppError("dialog.not_driven", f"call.changed({name!r}) works only inside a dialog")
