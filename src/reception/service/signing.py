"""
The keys of the tenants' step tokens, at hand.

They live in the store, so that every node signs alike and a restart changes nothing. What was
read once is kept while the database is away: a key does not go bad. It is read again now and
then, and when a MAC is not ours: another node may have rotated the keys.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from reception.errors import Retry
from reception.ports import Keys

SECRET_BYTES: Final = 32
_FRESH: Final = timedelta(minutes=1)
# How often a wrong MAC may send us to the database: whoever guesses must not be a load on it.
_SUSPICIOUS: Final = timedelta(seconds=5)


class SigningKeys:
    """Gives the live keys of a tenant, the newest first."""

    def __init__(
        self, keys: Keys, *, now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> None:
        self._keys: Final = keys
        self._now: Final = now
        self._entropy: Final = entropy
        self._known: Final[dict[str, tuple[datetime, tuple[bytes, ...]]]] = {}

    async def of(self, tenant: str) -> tuple[bytes, ...]:
        """
        The keys; the first one is made where the tenant has none.

        Errors:
            Retry: the database is away, and the keys of this tenant were never read.
        """
        return await self._read(tenant, _FRESH)

    async def again(self, tenant: str) -> tuple[bytes, ...]:
        """The same when a MAC was not found to be ours; asks the store, but not at every guess."""
        return await self._read(tenant, _SUSPICIOUS)

    async def _read(self, tenant: str, fresh: timedelta) -> tuple[bytes, ...]:
        now = self._now()
        known = self._known.get(tenant)
        if known is not None and now - known[0] < fresh:
            return known[1]
        try:
            found = await self._keys.ensure(tenant, secret=self._entropy(SECRET_BYTES), now=now)
        except Retry:
            if known is None:
                raise
            # Ask again when these would be stale once more, not at every call of an outage.
            self._known[tenant] = (now, known[1])
            return known[1]
        secrets = tuple(key.secret for key in found)
        self._known[tenant] = (now, secrets)
        return secrets
