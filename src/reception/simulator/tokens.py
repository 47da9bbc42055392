"""
The platform's brake on runaway callflows: a bucket of tokens per call.

Every node that is launched, skipped ones too, costs 5 of at most 100 tokens, and the
bucket belongs to the call: a Pivot reply does not refill it. Ten tokens come back as a
block at each full second after the first node. A call whose bucket is dry is hung up
without a word.

Source: contract/dialogs.md section 1, traces 70 to 77.
"""

from __future__ import annotations

from typing import Final

CAPACITY: Final = 100
PER_NODE: Final = 5
PER_SECOND: Final = 10


class TokenBucket:
    """The tokens of one call."""

    def __init__(self) -> None:
        self._left = CAPACITY
        self._began_ms: int | None = None
        self._seconds_paid = 0

    @property
    def left(self) -> int:
        """Tokens left when the bucket was last asked."""
        return self._left

    def take(self, now_ms: int, cost: int = PER_NODE) -> bool:
        """Pay for one node at `now_ms`; False when the bucket is dry."""
        if self._began_ms is None:
            self._began_ms = now_ms
        full_seconds = (now_ms - self._began_ms) // 1000
        self._left = min(CAPACITY, self._left + PER_SECOND * (full_seconds - self._seconds_paid))
        self._seconds_paid = full_seconds
        if self._left < cost:
            return False
        self._left -= cost
        return True
