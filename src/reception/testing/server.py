"""
One life of a server under test: everything that a process of ours has in its memory.

Put together as `bootstrap` does it for a worker, with a clock that the phone turns and with
parts that note what they do. A restart is the next `Server` over the same database. An app
that answers in one step has no database; the server says when one is wanted after all.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from reception.bootstrap.determinism import watched
from reception.bootstrap.loading import tenant_of
from reception.errors import Retry
from reception.face.app import App
from reception.service.effects import LEASE
from reception.service.endings import Endings
from reception.service.pivots import Reply
from reception.service.signing import SigningKeys
from reception.store.database import Database
from reception.store.keys import PostgresKeys
from reception.testing.ledger import (
    Ledger,
    WatchedDialogs,
    WatchedEffects,
    WatchedSteps,
    watched_handler,
)
from reception.web.conversing import Conversing
from reception.web.lifecycle import Lifecycle
from reception.web.reading import Receive, Scope, Send
from reception.web.settings import WebSettings
from reception.web.site import Site
from reception.web.tenant import Tenants

PUBLIC: Final = "https://reception.test"
"""Where the server under test is, as far as the platform knows; nothing goes there."""

# A deployment lets effects come to an end; longer than any test should wait.
_EFFECTS_STOP_S: Final = 10.0
_numbers: Final = itertools.count(1)


class LeaseClock:
    """
    The time by which leases of effects run out: the real one.

    On the phone's clock a holding prompt is over in no time, and the lease of what it is
    played for would be, too. What a stopped server has left behind is free at once.
    """

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Tell it."""
        return datetime.now(UTC) + self._ahead

    def skip_lease(self) -> None:
        """Let the lease of a server that has gone run out."""
        self._ahead += LEASE


class _NoStore(Conversing):
    """Stands where there is no database, and notes that one is wanted."""

    def __init__(self) -> None:
        self.is_wanted = False

    async def answer(self, *_: Any, **__: Any) -> Reply:
        self._want()

    async def knows(self, *_: Any, **__: Any) -> bool:
        self._want()

    def _want(self) -> NoReturn:
        self.is_wanted = True
        raise Retry("store.away", "The database was not started yet.")


class Server:
    """A site in process; `start` and `stop` it on the loop that calls it."""

    def __init__(
        self,
        app: App,
        ledger: Ledger,
        *,
        now: Callable[[], datetime],
        leases: LeaseClock,
        address: str = "",
        deadline_s: float = 2.0,
    ) -> None:
        self.app: Final = app
        self.deadline_s: Final = deadline_s
        settings = WebSettings(public_url=PUBLIC, deadline_s=deadline_s)
        lifecycle = Lifecycle()
        lifecycle.started = True
        tenant = tenant_of(app)
        tenant = replace(tenant, answer=watched_handler(tenant, app.handler, ledger))
        self._store: _Store | None = None
        self._absent: Final = _NoStore()
        conversing: Conversing = self._absent
        if address:
            self._store = _Store(address, ledger, now=now, leases=leases)
            conversing = Conversing(self._store.dialogs, self._store.keys, settings)
        self._site: Final = Site(Tenants([tenant]), settings, lifecycle, conversing)
        self._now: Final = now

    @property
    def wants_store(self) -> bool:
        """Did a handler turn out to be a dialog, and there was no database?"""
        return self._absent.is_wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        await self._site(scope, receive, send)

    def start(self) -> None:
        """Begin to serve."""
        if self._store is not None:
            self._store.steps.start()

    async def stop(self) -> None:
        """Let running effects come to an end, and forget everything."""
        self._site.voice.load.stop()
        if self._store is not None:
            await self._store.stop()

    async def end(self, episode: str) -> Exception | None:
        """The call is over: let its dialog come to its end; gives what that raised."""
        store = self._store
        assert store is not None  # without a store there are no episodes
        await store.steps.end(self.app.name, episode, cause="hangup", now=self._now())
        return await store.endings.settle(
            self.app.name, self.app, episode, fallback=self.app.fallback
        )


class _Store:
    """What dialogs need."""

    def __init__(
        self, address: str, ledger: Ledger, *, now: Callable[[], datetime], leases: LeaseClock
    ) -> None:
        self._database: Final = Database(address)
        self.steps: Final = WatchedSteps(self._database)
        self.steps.ledger = ledger
        self._effects: Final = WatchedEffects(
            self.steps, now=leases, new_owner=lambda: f"{os.getpid()}-{next(_numbers)}"
        )
        self._effects.ledger = ledger
        parts: dict[str, Any] = {"now": now, "entropy": os.urandom, "sandbox": watched}
        self.dialogs: Final = WatchedDialogs(self.steps, self._effects, **parts)
        self.dialogs.ledger = ledger
        self.endings: Final = Endings(self.steps, self._effects, **parts)
        self.keys: Final = SigningKeys(PostgresKeys(self._database), now=leases, entropy=os.urandom)

    async def stop(self) -> None:
        await self._effects.stop(within_s=_EFFECTS_STOP_S)
        await self.dialogs.stop(within_s=_EFFECTS_STOP_S)
        await self.steps.stop()
        await self._database.close()
