"""
How much one client may ask: a bucket of tokens for each address and account.

A hundred tokens, ten more each second, one a request. An empty bucket is a 429 without a
word about when to come again.

Source: contract/platform_api.md, rate limiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reception.simulator.rest.asked import ApiError

CAPACITY: Final = 100.0
PER_SECOND: Final = 10.0


class Allowance:
    """
    The buckets.

    Shape:
        costs: tokens of a resource that costs more than one, such as ``quickcall``.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        *,
        capacity: float = CAPACITY,
        per_second: float = PER_SECOND,
        costs: Mapping[str, float] | None = None,
    ) -> None:
        self._now_s: Final = now_s
        self._capacity: Final = capacity
        self._per_second: Final = per_second
        self._costs: Final = costs or {}
        self._buckets: Final[dict[tuple[str, str], tuple[float, float]]] = {}

    def take(self, client: str, account_id: str, resource: str) -> None:
        """
        Pay for one request.

        Errors:
            ApiError: 429 where the bucket is empty.
        """
        now_s = self._now_s()
        left, since_s = self._buckets.get((client, account_id), (self._capacity, now_s))
        left = min(self._capacity, left + (now_s - since_s) * self._per_second)
        cost = self._costs.get(resource, 1.0)
        if left < cost:
            self._buckets[client, account_id] = left, now_s
            raise ApiError(429, "too_many_requests", {"message": "too many requests"})
        self._buckets[client, account_id] = left - cost, now_s
