"""
A call that is over, as an application is told of it.

Only a record: how the legs of a conversation are found and joined is `service`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from reception.wire import LegReport


class Difference(Struct, frozen=True):
    """Two reports of one leg that say different things: the first counts, this is the other."""

    call_id: str
    name: str
    first: Any
    other: Any


class EndedCall(Struct, frozen=True):
    """
    One conversation, out of the reports of all its legs.

    Attributes:
        call_id: of the leg that called; account_id: where it came from.
        began, answered, ended: of that leg; aware, UTC. None where nobody said.
        seconds: from the answer of that leg to its end; menus and prompts count.
        talk_seconds: that were talked with somebody: of the longest leg that Reception or the
            platform placed for this call. 0 where nobody was reached, None where a leg was
            reached and its end was never reported.
        cause: why it ended, as the switch says ("NORMAL_CLEARING").
        variables: the application variables that the call had, also `call.tag`'s.
        legs: what is known of each leg, the calling one first; the first report's word counts.
        differences: what later reports said differently.
    """

    call_id: str
    account_id: str
    began: datetime | None
    answered: datetime | None
    ended: datetime | None
    seconds: int | None
    talk_seconds: int | None
    cause: str
    variables: Mapping[str, Any]
    legs: tuple[LegReport, ...]
    differences: tuple[Difference, ...] = ()
