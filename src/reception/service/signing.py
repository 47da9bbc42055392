"""
The keys of the tenants' step tokens, at hand.

They live in the store, so that every node signs alike and a restart changes nothing. What was
read once is kept while the database is away: a key does not go bad. It is read again now and
then, beside the calls, and when a MAC is not ours: another node may have rotated the keys. Of
all who want to know at the same time one asks the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from reception.errors import NeedsHuman, Retry
from reception.ports import Keys

LIFETIME: Final = timedelta(hours=24)
"""How long after a reply the call may come back with it: a bridge may last for hours."""

SECRET_BYTES: Final = 32
_FRESH: Final = timedelta(minutes=1)
# Two keys are live: whoever signs with what was read so long ago signs with one of them, unless
# they were rotated twice since.
_GOOD: Final = timedelta(minutes=10)
# How often a wrong MAC may send us to the database: whoever guesses must not be a load on it.
_SUSPICIOUS: Final = timedelta(seconds=5)

_Secrets = tuple[bytes, ...]


async def rotate(
    keys: Keys,
    tenants: Sequence[str],
    *,
    now: datetime,
    entropy: Callable[[int], bytes],
    force: bool,
) -> dict[str, int]:
    """
    Give tenants a new key to sign with; the one before stays good, the one before that does not.

    Returns: the number of the new key for each tenant that had one.

    Errors:
        NeedsHuman: calls may be under way that were signed with the key that would go, and
            `force` is False. Nothing was changed.
        Retry: the database is away; what was rotated so far is rotated.
    """
    live = {tenant: await keys.load(tenant) for tenant in tenants}
    for tenant, found in live.items():
        if not force and len(found) > 1 and now - found[0].made_at < LIFETIME:
            raise NeedsHuman(
                "store.young_key",
                f"The key of {tenant} was rotated less than 24 hours ago, and calls may be under way"
                " that were signed with the key before, which would be dropped: wait, or use --force",
            )
    rotated = {}
    for tenant, found in live.items():
        if found:
            newest = found[0].generation
            after = await keys.rotate(tenant, after=newest, secret=entropy(SECRET_BYTES), now=now)
            rotated[tenant] = after[0].generation
    return rotated


class SigningKeys:
    """Gives the live keys of a tenant, the newest first."""

    def __init__(
        self, keys: Keys, *, now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> None:
        self._keys: Final = keys
        self._now: Final = now
        self._entropy: Final = entropy
        self._known: Final[dict[str, tuple[datetime, _Secrets]]] = {}
        self._asking: Final[dict[str, asyncio.Task[_Secrets]]] = {}

    async def of(self, tenant: str) -> _Secrets:
        """
        The keys; the first one is made where the tenant has none.

        Errors:
            Retry: the database is away, and the keys of this tenant were never read.
        """
        known = self._known.get(tenant)
        if known is None:
            return await self._asked(tenant)
        age = self._now() - known[0]
        if age >= _GOOD:
            return await self._asked(tenant)
        if age >= _FRESH:
            _ = self._ask(tenant)  # nobody waits for it
        return known[1]

    async def again(self, tenant: str) -> _Secrets:
        """The same when a MAC was not found to be ours; asks the store, but not at every guess."""
        known = self._known.get(tenant)
        if known is not None and self._now() - known[0] < _SUSPICIOUS:
            return known[1]
        return await self._asked(tenant)

    async def _asked(self, tenant: str) -> _Secrets:
        # Whoever gives up waiting does not stop it for the others.
        return await asyncio.shield(self._ask(tenant))

    def _ask(self, tenant: str) -> asyncio.Task[_Secrets]:
        asking = self._asking.get(tenant)
        if asking is None:
            asking = self._asking[tenant] = asyncio.create_task(self._read(tenant))
            asking.add_done_callback(partial(self._has_asked, tenant))
        return asking

    def _has_asked(self, tenant: str, asking: asyncio.Task[_Secrets]) -> None:
        del self._asking[tenant]
        if not asking.cancelled():
            asking.exception()  # Perhaps nobody waits for it.

    async def _read(self, tenant: str) -> _Secrets:
        now = self._now()
        try:
            found = await self._keys.ensure(tenant, secret=self._entropy(SECRET_BYTES), now=now)
        except Retry:
            known = self._known.get(tenant)
            if known is None:
                raise
            # Ask again when these would be stale once more, not at every call of an outage.
            self._known[tenant] = (self._now(), known[1])
            return known[1]
        secrets = tuple(key.secret for key in found)
        self._known[tenant] = (now, secrets)
        return secrets
