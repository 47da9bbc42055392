"""
What this process has just written, so that it need not be read again for the next step.

Most calls come back to the worker that answered them last. Nothing depends on it: a call that
is not here is loaded, and whatever another node did meanwhile the store's commit finds out,
since a step is stored only right after the last one. Journals are kept as they are replayed:
read once, and grown by each step. Bounded in bytes; who was silent the longest is forgotten
first.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final

from msgspec import Struct

from reception.dialog import Journal

MOST_BYTES: Final = 32 * 1024 * 1024
# A journal takes so many times the bytes of its entries, and so much more (measured).
_AS_OBJECTS: Final = 5
_OVERHEAD_BYTES: Final = 4096


class Past(Struct, frozen=True, gc=False):
    """
    An episode up to its last step.

    Shape:
        call_id: that it began with.
        journal: of all its steps; whoever takes the past may let it grow.
        written_bytes: what the entries of its steps take in the store.
        bucket: the model of the token bucket after the last step.
        stored_at: when the last step was stored.
    """

    call_id: str
    journal: Journal
    written_bytes: int
    bucket: bytes
    stored_at: datetime


class Recent:
    """Episodes by tenant and token."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes: Final = most_bytes
        self._bytes = 0
        self._pasts: Final[OrderedDict[tuple[str, str], Past]] = OrderedDict()

    def take(self, tenant: str, episode: str) -> Past | None:
        """Give what is known and forget it: whoever answers the next step puts it back."""
        past = self._pasts.pop((tenant, episode), None)
        if past is not None:
            self._bytes -= _size(past)
        return past

    def put(self, tenant: str, episode: str, past: Past) -> None:
        """Remember an episode after a step of ours was stored."""
        self.take(tenant, episode)
        self._pasts[tenant, episode] = past
        self._bytes += _size(past)
        while self._bytes > self._most_bytes:
            _, forgotten = self._pasts.popitem(last=False)
            self._bytes -= _size(forgotten)


def _size(past: Past) -> int:
    return _OVERHEAD_BYTES + _AS_OBJECTS * past.written_bytes
