"""
`Secret`: keys that a caller typed and that nobody may write down.

The rule this file keeps: the text leaves only through `reveal()`, inside a step, and exists
only in the pivot that brought it. In the journal, in every repr, and on replay there is only
whether something was typed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

from reception.dialog.running import current_step
from reception.errors import AppError

# What was typed a moment ago is near; an object of the application's may lead to all others.
_MOST_SEEN: Final = 2_000
_PLAIN: Final = (str, bytes, int, float, type(None), type, ModuleType)


class Secret:
    """
    What a caller typed in answer to ``call.ask(…, secret=True)``.

    It is true when something was typed, today and on every replay. Hand it on as it is:
    ``call.step(verify, secret)``, where it arrives. `verify` asks for the text, with `reveal()`,
    and what it returns is what the journal keeps: never the text. For tests of `verify` make one
    yourself: ``Secret("4711")``.

    >>> Secret("4711"), bool(Secret("4711")), bool(Secret(""))
    (Secret(***), True, False)
    """

    __slots__ = ("_answered", "_is_typed", "_text")

    def __init__(self, text: str | None, *, answered: bool | None = None) -> None:
        self._text: Final = text
        self._answered: Final = bool(text) if answered is None else answered
        self._is_typed = False

    @classmethod
    def typed(cls, text: str | None, *, answered: bool) -> Secret:
        """One that a caller has typed: it is told in a step only."""
        made = cls(text, answered=answered)
        made._is_typed = True
        return made

    def reveal(self) -> str:
        """
        The keys as text.

        Errors:
            AppError("dialog.secret_gone"): this is a later step; the text was never kept.
            AppError("dialog.secret_outside"): this is the dialog's own code, which is run again
            when the text is gone, and whose errors and arguments are written down.
        """
        if self._is_typed and self._text is not None and current_step() is None:
            raise AppError(
                "dialog.secret_outside",
                "reveal() works inside a step only: hand the secret on as it is, as in"
                " `await call.step(verify, secret)`, and call reveal() in that function",
            )
        if self._text is None:
            raise AppError(
                "dialog.secret_gone",
                "This secret was typed in an earlier step and was never written down: consume it"
                " where it arrives, as in `await call.step(verify, secret)`, or ask again",
            )
        return self._text

    def __bool__(self) -> bool:
        return self._answered

    def __repr__(self) -> str:
        return "Secret(***)" if self._answered else "Secret()"

    def __reduce__(self) -> tuple[type[Secret], tuple[None], dict[str, bool]]:
        raise AppError(
            "dialog.secret_kept",
            "A Secret cannot be pickled or copied: hand it on as it is, to call.step",
        )

    __hash__ = None  # type: ignore[assignment]  # a hash would be a copy of it

    def __eq__(self, other: object) -> bool:
        raise AppError(
            "dialog.secret_compared",
            "A Secret is equal to nothing: compare `secret.reveal()` in a function that is given to"
            " call.step, as in `await call.step(verify, secret)`",
        )


def texts_in(value: Any) -> Iterator[str]:
    """The texts of all secrets in a value: in containers, objects, partials and closures too."""
    waiting, seen = deque([value]), 0
    while waiting and seen < _MOST_SEEN:
        part = waiting.popleft()
        seen += 1
        if isinstance(part, Secret):
            if part._text:
                yield part._text
        elif not isinstance(part, _PLAIN):
            waiting.extend(_parts(part))


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from value
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, MethodType):
        yield value.__self__
    elif isinstance(value, FunctionType):
        for cell in value.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:
                continue  # A variable that has no value yet.
    else:
        yield from getattr(value, "__dict__", {}).values()
        for name in getattr(value, "__struct_fields__", getattr(type(value), "__slots__", ())):
            yield getattr(value, name, None)
