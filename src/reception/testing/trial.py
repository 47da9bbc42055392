"""
One app on trial: its server, its line, its clock, and the call that is going on.

Everything that a phone needs and a test does not see. Methods that are coroutines run on the
machine's loop; what they leave behind is read from the test's thread while the call stands
still. Nothing is asserted here: failures are gathered for whoever tells them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from reception.bootstrap.loading import how_it_runs
from reception.bootstrap.prompts import read_prompts
from reception.face.app import App
from reception.simulator.call import CallSetup, Platform
from reception.simulator.clock import VirtualClock
from reception.simulator.phone import Dialled, carry_call
from reception.simulator.script import Script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.transcript import Entry, Kind
from reception.simulator.walk import Ending
from reception.testing.caller import Act, Caller, is_question
from reception.testing.chaos import Chaos, chaos_of_session
from reception.testing.database import database
from reception.testing.ledger import Failure, Ledger
from reception.testing.line import Line
from reception.testing.server import PUBLIC, LeaseClock, Server


class Trial:
    """
    An app, and the calls that are made to it one after another.

    Attributes:
        script: what phones and mailboxes do.
        entries: the present call's transcript.
        ending: how it ended; None before.
    """

    def __init__(
        self, app: App | Callable[[], App], *, at: datetime | None, deadline_s: float
    ) -> None:
        made = app if isinstance(app, App) else app()
        if not isinstance(made, App):
            raise TypeError(
                f"Phone takes a reception.App, or a function that makes one, not {made!r}"
            )
        self.name: Final = made.name
        self._make_app: Final[Callable[[], App]] = app if not isinstance(app, App) else lambda: made
        self._needs_store = how_it_runs(made) == "dialog"
        self._deadline_s: Final = deadline_s
        self._base = at
        self._clock = VirtualClock()
        self.script: Final = Script()
        self._others: Final = ScriptedWorld(self.script, self._clock)
        self._leases: Final = LeaseClock()
        self.ledger: Final = Ledger()
        self.chaos: Final[Chaos | None] = chaos_of_session()
        self.line: Final = Line(
            self._server,
            self.ledger,
            chaos=self.chaos,
            leases=self._leases,
            with_store=self._take_store,
        )
        self.entries: list[Entry] = []
        self.ending: Ending | None = None
        self._caller: Caller | None = None
        self._walk: asyncio.Task[Ending] | None = None
        self._told = 0

    # --- what is known ----------------------------------------------------------------------------

    @property
    def is_on_call(self) -> bool:
        """Is a call going on?"""
        return self._walk is not None and self.ending is None

    @property
    def now_ms(self) -> int:
        """Milliseconds since the call began."""
        return self._clock.now_ms

    @property
    def now(self) -> datetime:
        """The time, for the call and for the server."""
        base = self._base if self._base is not None else datetime.now(UTC)
        return base + timedelta(milliseconds=self._clock.now_ms)

    @property
    def is_asked(self) -> bool:
        """Does the call stand at a question?"""
        caller = self._caller
        if not self.is_on_call or caller is None or caller.situation is None:
            return False
        return is_question(caller.situation)

    @property
    def state(self) -> str:
        """Say in words where the call stands."""
        caller = self._caller
        if self.ending is not None:
            return f"the call has ended: {self.ending.outcome.value}"
        if caller is None or caller.situation is None:
            return "there is no call"
        if self.is_asked:
            return "the caller is asked for a key: press one, or say_nothing()"
        return f"{caller.situation.doing.value}: {caller.situation.what}"

    def new_failures(self) -> list[Failure]:
        """Give what went wrong since this was last asked."""
        if self.chaos is not None:
            self._see_that_effects_ran_once()
        failures = self.ledger.failures[self._told :]
        self._told += len(failures)
        return failures

    # --- the call ---------------------------------------------------------------------------------

    def begin(self, at: datetime | None) -> None:
        """Forget the last call, and set the clock for the next one."""
        if at is not None:
            self._base = at
        elif self._walk is not None:
            self._base = self.now
        elif self._base is None:
            self._base = datetime.now(UTC)
        self._clock = VirtualClock()
        self.entries = []
        self.ending = None
        self.line.posted = []
        self.ledger.forget()
        self._told = 0
        if self._needs_store:
            database.address()  # here: on the loop, a server that starts would hold up the rest

    async def place(self, setup: CallSetup, platform: Platform, act: Act) -> None:
        """Call the app, and let the call go on as `act` says."""
        self._caller = Caller(self._clock, self._others, act)
        self._walk = asyncio.create_task(
            carry_call(
                Dialled(f"{PUBLIC}/voice?APPID={self.name}"),
                setup,
                platform=platform,
                clock=self._clock,
                world=self._caller,
                note=self._note,
                transport=self.line,
            )
        )
        await self._until_still()

    async def go(self, act: Act) -> None:
        """Let the call go on; returns when it stands still, or has ended and was settled."""
        assert self._caller is not None  # there is a call
        self._caller.do(act)
        await self._until_still()

    async def drop(self) -> None:
        """Forget what is going on, and stop the server."""
        if self._walk is not None and not self._walk.done():
            self._walk.cancel()
            await asyncio.wait({self._walk})
        await self.line.stop()

    # --- parts ------------------------------------------------------------------------------------

    async def _until_still(self) -> None:
        caller, walk = self._caller, self._walk
        assert caller is not None  # there is a call
        assert walk is not None  # as above
        standing = asyncio.create_task(caller.stands.wait())
        await asyncio.wait({walk, standing}, return_when=asyncio.FIRST_COMPLETED)
        standing.cancel()
        if walk.done():
            self.ending = walk.result()
            await self._settle()

    async def _settle(self) -> None:
        """The call is over: its dialogs hear of it, at once."""
        for episode in list(self.ledger.episodes):
            # With chaos it is told twice, to two servers.
            for _ in range(2 if self.chaos is not None else 1):
                try:
                    error = await self.line.server.end(episode)
                except Exception as raised:  # noqa: BLE001  whatever the app raises is told
                    error = raised
                if error is not None:
                    self.ledger.fail("The app failed after the end of the call", error)
                if self.chaos is not None:
                    await self.line.restart()

    def _server(self) -> Server:
        app = self._make_app()
        read_prompts(app)
        return Server(
            app,
            self.ledger,
            now=lambda: self.now,
            leases=self._leases,
            address=database.address() if self._needs_store else "",
            deadline_s=self._deadline_s,
        )

    def _take_store(self) -> None:
        self._needs_store = True

    def _note(self, entry: Entry) -> None:
        self.entries.append(entry)
        verdict = entry.detail.get("verdict")
        if entry.kind is Kind.REPLY and verdict not in (None, "accepted"):
            self.ledger.fail(f"The platform does not accept a reply: {entry.text}")
        if entry.kind is Kind.END and entry.detail.get("ok") is False:
            self.ledger.fail(entry.text[:1].upper() + entry.text[1:])

    def _see_that_effects_ran_once(self) -> None:
        seen: set[tuple[str, str]] = set()
        for run in self.ledger.effects:
            if (run.episode, run.op) in seen:
                self.ledger.fail(f"{run.name} ran more than once for one step (key {run.key})")
            seen.add((run.episode, run.op))
