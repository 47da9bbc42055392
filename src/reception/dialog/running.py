"""
Which step runs here, if any.

The rule this file keeps: a step runs in a context of its own, in its task or its thread, and
carries there who it is. So a function knows its key without being handed it, and what must not
happen outside of a step (a secret told) or inside of one (a question) can be refused.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final, NamedTuple


class StepInfo(NamedTuple):
    """
    What a step knows of itself while it runs.

    Shape:
        key: the same on every attempt; give it to systems that de-duplicate by a key.
        attempt: 1, and more after a worker died or lost its lease.
    """

    key: str
    attempt: int


_current: Final[ContextVar[StepInfo | None]] = ContextVar("reception_step", default=None)
entered: Final = _current.set
within: Final = _current.get
"""What `current_step` gives, without the call: every operation asks for it."""


def current_step() -> StepInfo | None:
    """
    The step that is running here; None outside of one.

    Called by the function given to ``call.step``, in its task or its thread.
    """
    return _current.get()
