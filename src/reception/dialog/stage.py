"""
What a dialog and the engine that drives it know of each other.

The rule this file keeps: the developer's side only reads the two flags, registers, and asks
`changed`; everything else goes through operations that are awaited. One `Stage` lives as long
as one run of the function, which is one pivot.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from reception.dialog.endings import Parked
from reception.errors import AppError

if TYPE_CHECKING:
    from types import CodeType

    from reception.dialog.operations import Operation

# A dialog that swallows everything would be awaiting operations for ever while it is put away.
_MOST_PARKED: Final = 64


class Stage:
    """
    The shared state of one run.

    Attributes:
        is_closing: the function is being put away; operations raise `Parked`.
        is_ending: the call is over; only settling is left to do.
        on_end: what the dialog registered, in order: function and arguments.
        spot: where the developer's code stands that makes an operation (`lines.Place`).
        latest: the operation that was made last, until it is awaited.
        waiting: those that were made before it and are not awaited yet.
        own_urls: each URL that brings the call back to the application, with what it says: the
            rest of it (an expiry, a MAC) is another at every replay.
        changed: asks the engine whether a change is in force (see `Replay`).
    """

    __slots__ = (
        "changed",
        "is_closing",
        "is_ending",
        "latest",
        "on_end",
        "own_urls",
        "parked",
        "spot",
        "waiting",
    )

    def __init__(self) -> None:
        self.is_closing = False
        self.is_ending = False
        self.on_end: Final[list[tuple[Callable[..., Any], tuple[Any, ...]]]] = []
        self.spot: tuple[CodeType, int] | None = None
        self.latest: Operation[Any] | None = None
        self.waiting: Final[list[Operation[Any]]] = []
        self.own_urls: Final[dict[str, str]] = {}
        self.parked = 0
        self.changed: Callable[[str], bool] = _not_driven

    def let_go(self) -> None:
        """Drop what holds this stage in turn, when the function has been put away."""
        self.changed = _not_driven
        self.latest = None
        self.waiting.clear()

    def put_away(self, coroutine: Coroutine[Any, Any, Any]) -> Exception | None:
        """
        Leave a function where it stands; one that is through already is left alone.

        Gives what the developer's clean-up raised: it changes no reply.
        """
        self.is_closing = True
        try:
            coroutine.close()
        except Parked:
            return None
        except Exception as error:  # noqa: BLE001  their clean-up must not cost the reply
            return error
        finally:
            self.let_go()
        return None

    def check_open(self) -> None:
        """Raise `Parked` while the function is being put away."""
        if self.is_closing:
            self.parked += 1
            if self.parked <= _MOST_PARKED:
                raise Parked

    def first_forgotten(self) -> AppError | None:
        """The error for the first operation that was dropped without an ``await``, if there is one."""
        # Whoever means to await one later holds it; the others are gone when we let go of them.
        if self.latest is not None:
            self.waiting.append(self.latest)
            self.latest = None
        made = [(ref(operation), operation.missing()) for operation in self.waiting]
        self.waiting.clear()
        for made_one, missing in made:
            held = made_one()
            if held is None:
                return missing
            self.waiting.append(held)
        return None

    def first_waiting(self) -> AppError | None:
        """The same for operations that are still held somewhere when the function is done."""
        missing = self.first_forgotten()
        if missing is None and self.waiting:
            missing = self.waiting[0].missing()
        return missing


def _not_driven(name: str) -> bool:
    raise AppError("dialog.not_driven", f"call.changed({name!r}) works only inside a dialog")
