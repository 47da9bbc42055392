"""
The ways in which a dialog stops that are no mistake of the platform's.

`DialogDrift` tells a developer that the code and the journal disagree; `CallEnded` tells a
dialog that there is nobody left to talk to; `Parked` is how the engine puts a coroutine away
and must never be caught. `StepFailed` stands for a recorded error whose class is not there
any more. The tree of errors is in `reception.errors`; nothing here needs a new next action.
"""

from __future__ import annotations

from reception.errors import AppError


class DialogDrift(AppError):
    """
    The code asks for something else than the journal of this call holds.

    Attributes:
        step_no: the step whose replay found it.
        op: the number of the operation, counted from 0 in the order of awaiting.
        recorded: what the journal holds there, as ``call.ask(…)``.
        actual: what the code did there.
        line: ``file.py:12`` of the code, "" where there is none.
    """

    def __init__(
        self, message: str, *, step_no: int, op: str, recorded: str, actual: str, line: str
    ) -> None:
        super().__init__("dialog.drift", message, findings=(f"step {step_no} operation {op}",))
        self.step_no = step_no
        self.op = op
        self.recorded = recorded
        self.actual = actual
        self.line = line


class CallEnded(Exception):
    """
    The call is over: raised at the operation that waited for the caller.

    After it `ask`, `play`, `say`, `run` and `sleep` raise it again; `step`, `enqueue`, `now`
    and `random` still work, so that a dialog can settle what it has begun.

    Attributes:
        cause: why, as whoever noticed it says: ``hangup``, ``silent``, ``new_episode`` …
    """

    def __init__(self, cause: str = "") -> None:
        super().__init__(cause)
        self.cause = cause


class StepFailed(Exception):
    """
    A step failed with an error whose class is not known here any more.

    Attributes:
        type_name: the class as ``module:name``.
    """

    def __init__(self, type_name: str, text: str) -> None:
        super().__init__(type_name, text)
        self.type_name = type_name

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


class Parked(BaseException):
    """Raised by operations that are awaited while the engine puts the dialog away."""
