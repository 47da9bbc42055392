"""
The second notebook of a call: what the platform's processes did, step by step.

A transcript is for people; rows are for comparing with recordings of the platform's own
executor, and have their names and fields. Nobody needs them in an ordinary call, so
without a taker nothing is written.

Source: contract/traces, `how_to_read` of its index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""One row: ``ms``, ``ev``, and what that kind of row has."""

TakeRow: TypeAlias = Callable[[dict[str, Any]], None]
"""Takes each row as it comes."""


class Rows:
    """Writes rows, where somebody takes them."""

    __slots__ = ("_now", "_take")

    def __init__(self, now: Callable[[], int], take: TakeRow | None) -> None:
        self._now = now
        self._take = take

    def write(self, ev: str, **fields: Any) -> None:
        """Write one row at the present time."""
        if self._take is not None:
            self._take({"ms": self._now(), "ev": ev, **fields})
