"""
Joins dialogs to a database: the composition root of what survives.

Everything is made for one event loop and begins with it. The database may be away at any
time, also at the start: calls that need no history are answered without it. Whether it is
there is asked every few seconds, so that an operator hears of an outage once, and of its end.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from datetime import UTC, datetime
from typing import Final

import structlog

from reception.bootstrap.determinism import hidden_loop, watched
from reception.errors import ReceptionError
from reception.service.dialogs import Dialogs
from reception.service.effects import EffectRunner
from reception.service.reports import ReportTaker
from reception.service.signing import SigningKeys
from reception.store.database import Database
from reception.store.keys import PostgresKeys
from reception.store.leg_reports import PostgresReports
from reception.store.steps import PostgresSteps
from reception.web.conversing import Conversing
from reception.web.lifecycle import Lifecycle
from reception.web.settings import WebSettings

_ASK_EVERY_S: Final = 2
_START_S: Final = 15
_EFFECTS_STOP_S: Final = 2.0
_DIALOGS_STOP_S: Final = 0.5
_log: Final = structlog.stdlib.get_logger("reception.store")


class DialogParts:
    """
    What dialogs need in one process.

    Args:
        address: of the database, as libpq reads it.
        dev: watch for clocks, chance and sockets in dialogs.
    """

    def __init__(
        self, address: str, settings: WebSettings, lifecycle: Lifecycle, *, dev: bool
    ) -> None:
        self._database: Final = Database(address)
        self._steps: Final = PostgresSteps(self._database)
        self._reports: Final = PostgresReports(self._database)
        self.taker: Final = ReportTaker(self._reports, now=now)
        self._lifecycle: Final = lifecycle
        self._effects: Final = EffectRunner(self._steps, now=now, new_owner=new_owner)
        keys = SigningKeys(PostgresKeys(self._database), now=now, entropy=os.urandom)
        self._dialogs: Final = Dialogs(
            self._steps,
            self._effects,
            now=now,
            entropy=os.urandom,
            sandbox=watched if dev else hidden_loop,
        )
        self.conversing: Final = Conversing(self._dialogs, keys, settings)
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, on the event loop that answers calls; waits for nothing."""
        self._steps.start()
        self._reports.start()
        self._asking = asyncio.create_task(self._ask())

    async def stop(self) -> None:
        """Finish what is under way."""
        if self._asking is not None:
            self._asking.cancel()
        await self._effects.stop(within_s=_EFFECTS_STOP_S)
        await self._dialogs.stop(within_s=_DIALOGS_STOP_S)
        await self._reports.stop()
        await self._steps.stop()
        await self._database.close()

    async def _ask(self) -> None:
        # Started together with us, a new database needs some seconds; that is no outage yet.
        quiet = _START_S // _ASK_EVERY_S
        while True:
            try:
                await self._database.ask()
            except Exception as error:  # noqa: BLE001  whatever it is, dialogs have no database
                self._lifecycle.is_store_away = True
                if quiet == 0:
                    code = error.code if isinstance(error, ReceptionError) else type(error).__name__
                    _log.error("store.away", code=code)
                quiet -= 1
            else:
                if quiet < 0:
                    _log.info("store.back")
                quiet = 1
                self._lifecycle.is_store_away = False
            await asyncio.sleep(_ASK_EVERY_S)


def now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


def new_owner() -> str:
    """Name somebody who claims an effect."""
    return uuid.uuid4().hex
