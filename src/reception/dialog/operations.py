"""
What a dialog can ask of the engine: one class for each kind of operation.

The rule this file keeps: an operation is a description. Awaiting it yields the object itself
to whoever drives the coroutine, and gives what is sent back; nothing happens before, and
nothing happens here. `asking` has the one operation with rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from reception.callflow import Flow
from reception.dialog.journal import shown
from reception.dialog.lines import Place, name_of
from reception.dialog.prompts import PromptLike, arguments_of
from reception.dialog.stage import Stage
from reception.dialog.values import digest_of
from reception.errors import AppError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LONGEST_SLEEP_S: Final = 86_400
"""The platform's own limit for a `sleep` node: a day."""


class Awaiting(Generic[T_co]):
    """
    What a type checker takes ``__await__`` for; nothing is ever made of it.

    With a plain method, or a protocol, mypy expects what is awaited behind an `and` to be of the
    type before it, and refuses ``pin and await call.step(verify, pin)``.
    """

    def __call__(self) -> Generator[Any, Any, T_co]:
        """Wait for the answer."""
        raise NotImplementedError


class Operation(Generic[T]):
    """
    Something that a dialog awaits: ``await call.ask(…)``.

    Attributes:
        kind, label: what the journal calls it; the label tells two of a kind apart.
        stage: of the dialog that asks.
        place: the developer's line that made it.
    """

    __slots__ = ("__weakref__", "_spot", "label", "stage")

    kind: ClassVar[str] = ""

    def __init__(self, stage: Stage, label: str = "") -> None:
        self.stage: Final = stage
        self._spot: Final = stage.spot
        self.label = label
        if stage.latest is not None:
            stage.waiting.append(stage.latest)
        stage.latest = self

    @property
    def place(self) -> Place | None:
        """The developer's line that made it; None where the engine did."""
        return None if self._spot is None else Place(*self._spot)

    def arguments(self) -> Any:
        """What must be the same on a replay, as values that JSON can say."""
        return ()

    def digest(self) -> str:
        """The arguments in sixteen characters."""
        return digest_of(self.arguments(), self.stage.own_urls)

    def shown(self) -> str:
        """The operation as a developer writes it."""
        return shown(self.kind, self.label)

    def taken(self) -> None:
        """Note that somebody awaits this operation."""
        stage = self.stage
        if stage.latest is self:
            stage.latest = None
        else:
            self.let_go()
        if stage.is_closing:
            stage.check_open()

    def let_go(self) -> None:
        """Wait for no ``await`` of this operation."""
        stage = self.stage
        if stage.latest is self:
            stage.latest = None
        elif self in stage.waiting:
            stage.waiting.remove(self)

    def missing(self) -> AppError:
        """The error for an operation that nobody awaited."""
        where = f"{self.place}: " if self.place else ""
        return AppError(
            "dialog.await_missing",
            f"{where}await is missing: write `await call.{self.kind}(…)`, which does nothing"
            " without it",
        )

    def asked(self) -> Generator[Operation[Any], Any, T]:
        """Wait for the answer: what ``await`` does."""
        self.taken()
        answer: T = yield self
        return answer

    if TYPE_CHECKING:
        __await__: Awaiting[T]
    else:
        __await__ = asked

    def __bool__(self) -> bool:
        self.let_go()
        raise AppError(
            "dialog.await_missing",
            f"{self.place}: await is missing: write `if await call.{self.kind}(…)`",
        )

    def __repr__(self) -> str:
        return f"<{self.shown()}>"


class Now(Operation[datetime]):
    """The time, the same on every replay."""

    __slots__ = ()
    kind = "now"


class Random(Operation[Any]):
    """A number by chance, the same on every replay: in [0, 1), or low to high, both included."""

    __slots__ = ("bounds",)
    kind = "random"

    def __init__(self, stage: Stage, bounds: tuple[int, int] | None) -> None:
        self.bounds: Final = bounds
        super().__init__(stage)

    def arguments(self) -> Any:
        return self.bounds


class Token(Operation[str]):
    """A text by chance that nobody can guess, the same on every replay."""

    __slots__ = ()
    kind = "token"


class Prompts(Operation[None]):
    """Prompts for the next reply."""

    __slots__ = ("prompt",)

    def __init__(self, stage: Stage, prompt: PromptLike) -> None:
        self.prompt: Final = prompt
        super().__init__(stage)

    def arguments(self) -> Any:
        return arguments_of(self.prompt)


class Play(Prompts):
    """Media for the next reply."""

    __slots__ = ()
    kind = "play"


class Say(Prompts):
    """A text for the next reply."""

    __slots__ = ()
    kind = "say"


class Tag(Operation[None]):
    """Application variables of the call, set with the next reply."""

    __slots__ = ("values",)
    kind = "tag"

    def __init__(self, stage: Stage, values: dict[str, Any]) -> None:
        self.values: Final = values
        super().__init__(stage)

    def arguments(self) -> Any:
        return self.values


class Enqueue(Operation[None]):
    """Background work that is committed with this step."""

    __slots__ = ("after_s", "args", "kwargs", "task")
    kind = "enqueue"

    def __init__(
        self,
        stage: Stage,
        task: Callable[..., Any] | str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        after_s: float,
    ) -> None:
        self.task: Final = task if isinstance(task, str) else name_of(task)
        self.args: Final = args
        self.kwargs: Final = kwargs
        self.after_s: Final = after_s
        super().__init__(stage, self.task)

    def arguments(self) -> Any:
        return (self.args, self.kwargs, self.after_s)


class Sleep(Operation[None]):
    """Silence for the caller."""

    __slots__ = ("seconds",)
    kind = "sleep"

    def __init__(self, stage: Stage, seconds: float) -> None:
        self.seconds: Final = seconds
        super().__init__(stage)

    def arguments(self) -> Any:
        return self.seconds


class Run(Operation[str]):
    """A flow that comes back."""

    __slots__ = ("flow", "outcomes")
    kind = "run"

    def __init__(self, stage: Stage, flow: Flow, outcomes: tuple[str, ...]) -> None:
        self.flow: Final = flow
        self.outcomes: Final = outcomes
        super().__init__(stage)

    def arguments(self) -> Any:
        return (self.flow.render().decode(), self.outcomes)


class StepOp(Operation[T]):
    """One effect on the world, whose result is journaled."""

    __slots__ = ("args", "function", "key", "timeout_s", "while_", "while_max_s")
    kind = "step"

    def __init__(
        self,
        stage: Stage,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        *,
        key: str | None,
        while_: PromptLike | None,
        while_max_s: float,
        timeout_s: float | None,
    ) -> None:
        self.function: Final = function
        self.args: Final = args
        self.key: Final = key
        self.while_: Final = while_
        self.while_max_s: Final = while_max_s
        self.timeout_s: Final = timeout_s
        super().__init__(stage, name_of(function))

    def arguments(self) -> Any:
        function = self.function
        if type(function) is not partial:
            return (self.args, self.key)
        bound = []
        while isinstance(function, partial):
            bound.append((function.args, function.keywords))
            function = function.func
        return (self.args, self.key, bound)


class Gather(Operation[tuple[Any, ...]]):
    """Several steps at once."""

    __slots__ = ("parts",)
    kind = "gather"

    def __init__(self, stage: Stage, parts: Sequence[Operation[Any]]) -> None:
        self.parts: Final = tuple(parts)
        super().__init__(stage, str(len(self.parts)))

    def taken(self) -> None:
        for part in self.parts:
            part.let_go()
        super().taken()
