"""
What a module may say when it is done, and how a call may end.

A module never runs another module and never decides what a missing child means: it says
`Continue("NO_ANSWER")`, and the executor applies the platform's rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

Node: TypeAlias = Mapping[str, Any]


class Outcome(Enum):
    """How a call ended; `ok` tells whether that is what a flow may be meant to do."""

    FLOW_ENDED = "the flow ended"
    HANGUP = "hung up by the flow"
    BRIDGED = "the connected call ended"
    NOT_REACHED = "nobody was reached"
    RESPONDED = "refused with a response"
    TAKEN_OVER = "another part of the platform took the call"
    CALLER_HUNG_UP = "the caller hung up"
    STEP_FAILED = "a failed Pivot step had no way on"
    BAD_REPLY = "hung up because of a bad reply"
    SILENCE = "silence after a bad reply"
    NO_WAY_ON = "nothing drives the call any more"
    RAN_DRY = "hung up for running too many steps"
    TOO_MANY_BRANCHES = "hung up for branching too often"

    @property
    def ok(self) -> bool:
        """Tell whether the call ended the way calls should."""
        return self not in _DROPPED


_DROPPED: Final = frozenset(
    {
        Outcome.STEP_FAILED,
        Outcome.BAD_REPLY,
        Outcome.SILENCE,
        Outcome.NO_WAY_ON,
        Outcome.RAN_DRY,
        Outcome.TOO_MANY_BRANCHES,
    }
)


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on to this child; a missing one means `_`, a missing `_` means stop."""

    key: str = "_"
    otherwise: Outcome = Outcome.FLOW_ENDED


@dataclass(frozen=True, slots=True)
class Stop:
    """This flow is over: a stacked flow runs now, or the caller is hung up, with the cause."""

    outcome: Outcome = Outcome.FLOW_ENDED
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class HardStop:
    """The call is over, whatever is stacked."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Replace:
    """Run this flow instead of the node; its children are gone, the stack stays."""

    flow: Node


@dataclass(frozen=True, slots=True)
class Branch:
    """Run this flow, and afterwards this node's `_` child."""

    flow: Node


@dataclass(frozen=True, slots=True)
class Gone:
    """
    The module ends without a word: a child runs already, or something else comes.

    Shape:
        outcome: how the call will have ended if nothing more comes.
    """

    outcome: Outcome = Outcome.NO_WAY_ON


@dataclass(frozen=True, slots=True)
class Transferred:
    """Another part of the platform has the call now; it is not hung up."""


Next: TypeAlias = Continue | Stop | HardStop | Replace | Branch | Gone | Transferred
