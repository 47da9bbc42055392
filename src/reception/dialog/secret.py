"""
`Secret`: keys that a caller typed and that nobody may write down.

The rule this file keeps: the text leaves only through `reveal()`, and exists only in the
pivot that brought it. In the journal, in every repr, and on replay there is only whether
something was typed.
"""

from __future__ import annotations

from typing import Final

from reception.errors import AppError


class Secret:
    """
    What a caller typed in answer to ``call.ask(…, secret=True)``.

    It is true when something was typed, today and on every replay. `reveal()` works only in
    the step that received it; so hand it to ``call.step(verify, secret)`` at once, whose
    result is what the journal keeps.

    >>> Secret("4711"), bool(Secret("4711")), bool(Secret(""))
    (Secret(***), True, False)
    """

    __slots__ = ("_answered", "_text")

    def __init__(self, text: str | None, *, answered: bool | None = None) -> None:
        self._text: Final = text
        self._answered: Final = bool(text) if answered is None else answered

    def reveal(self) -> str:
        """
        The keys as text.

        Errors:
            AppError("dialog.secret_gone"): this is a later step; the text was never kept.
        """
        if self._text is None:
            raise AppError(
                "dialog.secret_gone",
                "This secret was typed in an earlier step and was never written down: consume it"
                " where it arrives, as in `await call.step(verify, secret)`, or ask again",
            )
        return self._text

    @property
    def is_here(self) -> bool:
        """Whether `reveal()` works: this is the step that the secret arrived in."""
        return self._text is not None

    def __bool__(self) -> bool:
        return self._answered

    def __repr__(self) -> str:
        return "Secret(***)" if self._answered else "Secret()"

    def __reduce__(self) -> tuple[type[Secret], tuple[None], dict[str, bool]]:
        raise AppError("dialog.secret_kept", "A Secret cannot be pickled or copied")

    __hash__ = None  # type: ignore[assignment]  # a hash would be a copy of it

    def __eq__(self, other: object) -> bool:
        raise AppError("dialog.secret_compared", "Compare `secret.reveal()`, inside a `call.step`")
