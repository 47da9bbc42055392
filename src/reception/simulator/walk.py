"""
One call from its first node to its end: the parts put together, and time let pass.

The executor launches modules, the switch plays and rings, requests go out and come back;
all of it is a timeline of things to do. Here time passes up to the next of them, or up to
what the world does before that: a key, a hang-up, a transfer. So a caller may hang up at
any instant, also while a request is under way, and on the virtual clock nothing takes
longer than it must.

The rule: no module, no event and no HTTP is known here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from reception.callflow.spec import SPECS
from reception.simulator.call import CallState
from reception.simulator.clock import Clock
from reception.simulator.executor import Executor
from reception.simulator.modules import MODULES
from reception.simulator.nexts import Continue, HardStop, Next, Node, Outcome
from reception.simulator.pivoting import PivotRequest
from reception.simulator.process import Process
from reception.simulator.reading import Response
from reception.simulator.request import Outgoing
from reception.simulator.rows import Rows, TakeRow
from reception.simulator.settings import Settings
from reception.simulator.steps import Module, Step, Transport
from reception.simulator.switch import Switch
from reception.simulator.timeline import Timeline
from reception.simulator.transcript import Entry, Kind, Note, printable
from reception.simulator.world import (
    Decided,
    Doing,
    Event,
    HungUp,
    Key,
    Renamed,
    Signal,
    Situation,
    World,
)

# How long a recorder still sees the channel once its executor has ended.
_LAST_WORDS_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended, and when."""

    outcome: Outcome
    at_ms: int


class Walk:
    """
    Runs one call's flows from the first node to the end of the call.

    Args:
        note: takes the transcript; None: nobody reads it, so none is written.
        rows: takes what the platform's processes did; None: as above.

    Attributes:
        timeline: what happens when; a recording's driver adds to it.
        posts: requests sent so far.
        is_told: somebody reads the transcript.
    """

    def __init__(
        self,
        call: CallState,
        *,
        clock: Clock,
        world: World,
        transport: Transport,
        note: Note | None,
        local_urls_ok: bool = False,
        settings: Settings | None = None,
        rows: TakeRow | None = None,
    ) -> None:
        self.timeline: Final = Timeline(clock)
        self.posts = 0
        self.is_told: Final = note is not None
        self._clock: Final = clock
        self._world: Final = world
        self._transport: Final = transport
        self._note: Final = note
        self._local_urls_ok: Final = local_urls_ok
        self._settings: Final = settings or Settings.of(call.platform)
        self._rows: Final = Rows(lambda: clock.now_ms, rows)
        self._switch: Final = Switch(
            call.call_id, self.timeline, self._rows, hang_up_ms=self._settings.hang_up_ms
        )
        self._executor: Final = Executor(
            call,
            timeline=self.timeline,
            switch=self._switch,
            settings=self._settings,
            rows=self._rows,
            launch=self._launch,
            say=self.say,
        )
        self._switch.tell = self._executor.tell
        self._situations: Final = count(1)
        self._situation: Situation | None = None
        self._is_silent = False
        self._under_way: Final[list[tuple[PivotRequest, Outgoing, int]]] = []
        self._sending: Final[set[asyncio.Task[None]]] = set()
        self._caller_hung_up = False

    async def run(self, flow: Node, *, watch_ms: int | None = None) -> Ending:
        """
        Run a flow as the platform would run a stored one: unchecked, without defaults.

        Never raises for anything a flow or a server may hold; ends when the call ends.

        Shape:
            watch_ms: look on as long as this, also after the call is over, as a recorder
                does; no longer than something may still happen.
        """
        self._executor.start(flow)
        if watch_ms is not None:
            return await self._watch(watch_ms)
        try:
            while True:
                await self.timeline.settle()
                if self._executor.outcome is not None or not await self._pass_time():
                    return Ending(self._outcome(), self._clock.now_ms)
        finally:
            for sending in self._sending:
                sending.cancel()

    async def _watch(self, watch_ms: int) -> Ending:
        ended_ms: int | None = None
        is_over = False

        def stop() -> None:
            nonlocal is_over
            is_over = True

        self.timeline.at(watch_ms, stop)
        while not is_over:
            await self.timeline.settle()
            if self._executor.outcome is not None and ended_ms is None:
                ended_ms = self._clock.now_ms
                self.timeline.after(_LAST_WORDS_MS, self._switch.fall_silent)
            next_ms = self.timeline.next_ms
            if is_over or (self._is_quiet and (next_ms is None or next_ms >= watch_ms)):
                break
            await self._pass_time()
        if self._executor.outcome is None:
            self._rows.write("observation_end")
        return Ending(self._outcome(), self._clock.now_ms if ended_ms is None else ended_ms)

    # --- for the modules --------------------------------------------------------------------------

    def say(self, kind: Kind, text: str, **detail: Any) -> None:
        """Write one entry at the present time; the text is made safe to print."""
        if self._note is not None:
            self._note(Entry(self._clock.now_ms, kind, printable(text), detail))

    def situate(
        self, doing: Doing, lasts_ms: int | None, what: str = "", max_digits: int = 0
    ) -> Situation:
        """Begin something during which the caller may act."""
        self._situation = Situation(
            doing,
            next(self._situations),
            self._clock.now_ms,
            lasts_ms,
            printable(what) if self.is_told else what,
            max_digits,
        )
        return self._situation

    def request(
        self, request: Outgoing, *, timeout_ms: int, call_id: str, has_cdr_url: bool
    ) -> None:
        """Send a Pivot request; what becomes of it comes as events."""
        self.posts += 1
        sent = self._pivot(call_id, has_cdr_url=has_cdr_url)
        if self._clock.stands_still:
            self._under_way.append((sent, request, timeout_ms))
        else:
            sending = asyncio.ensure_future(self._send(sent, request, timeout_ms))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    def answer(self, reply: Response, *, call_id: str) -> None:
        """Judge an answer that nobody was asked for; what becomes of it comes as events."""
        self._pivot(call_id, has_cdr_url=False).replied(reply)

    def _pivot(self, call_id: str, *, has_cdr_url: bool) -> PivotRequest:
        return PivotRequest(
            call_id=call_id,
            quirks=self._executor.call.quirks,
            has_cdr_url=has_cdr_url,
            local_urls_ok=self._local_urls_ok,
            settings=self._settings,
            timeline=self.timeline,
            switch=self._switch,
            rows=self._rows,
            tell=self._executor.tell,
            say=self.say,
            is_told=self.is_told,
        )

    # --- launching --------------------------------------------------------------------------------

    def _launch(self, process: Process, module: str, data: Node, node: Node) -> None:
        self._is_silent = False
        step = Step(
            module=module,
            data=data,
            call=self._executor.call.copied(),
            world=self._world,
            settings=self._settings,
            process=process,
            executor=self._executor,
            switch=self._switch,
            timeline=self.timeline,
            rows=self._rows,
            desk=self,
        )
        run: Module = MODULES.get(module, _not_simulated)
        process.start(run(step))

    # --- time -------------------------------------------------------------------------------------

    @property
    def _is_quiet(self) -> bool:
        """The call is over for everybody."""
        return (
            self._executor.outcome is not None
            and self._switch.is_silent
            and not self._under_way
            and not self._sending
        )

    async def _pass_time(self) -> bool:
        """Let time pass up to whatever comes first; False where nothing ever will."""
        if self._under_way:
            # On a clock that stands still a request takes the time that it took, afterwards.
            await self._send(*self._under_way.pop(0))
            return True
        next_ms = self.timeline.next_ms
        if not self._switch.is_silent:
            event = await self._event(next_ms, self._situation_now())
            if event is not None:
                self._happens(event)
        elif self._sending:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        elif next_ms is None:
            return False
        else:
            await self._clock.until(next_ms)
        return True

    async def _event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Wait for the world, and where replies are under way for those as well."""
        if not self._sending:
            return await self._world.event(until_ms, situation)
        event = asyncio.ensure_future(self._world.event(until_ms, situation))
        await asyncio.wait({event, *self._sending}, return_when=asyncio.FIRST_COMPLETED)
        if event.done():
            return event.result()
        event.cancel()
        return None

    async def _send(self, sent: PivotRequest, request: Outgoing, timeout_ms: int) -> None:
        sent.replied(await self._transport.send(request, timeout_ms=timeout_ms))

    def _situation_now(self) -> Situation:
        """What the caller is in the middle of; silence where nothing drives the call."""
        executor = self._executor
        is_driven = executor.is_module_running or executor.outcome is not None
        is_driven = is_driven or self.timeline.next_ms is not None
        if not is_driven and not self._is_silent:
            self._is_silent = True
            self.say(Kind.HEARS, "silence, without end", ms=None)
            return self.situate(Doing.SILENCE, None, "silence after a rejected reply")
        return self._situation or self.situate(Doing.SLEEP, None)

    def _happens(self, event: Event) -> None:
        """Something happens to the channel."""
        match event:
            case Key(digit):
                if self._is_silent:
                    lost = f"{digit}  (lost: pressed in the silence)"
                    self.say(Kind.PRESSES, lost, key=digit, lost=True)
                self._switch.key(digit)
            case HungUp(why, cause):
                self._caller_hung_up = True
                self.say(Kind.PRESSES, why, hangup=True)
                self._switch.end(cause, by="caller")
            case Decided(ring):
                self._switch.decide(ring)
            case Renamed(call_id):
                self._switch.rename(call_id)
            case Signal(name, fields):
                self._switch.signal(name, fields)

    def _outcome(self) -> Outcome:
        if self._is_silent:
            return Outcome.SILENCE
        if self._caller_hung_up:
            return Outcome.CALLER_HUNG_UP
        return self._executor.outcome or Outcome.NO_WAY_ON


async def _not_simulated(step: Step) -> Next:
    """Say plainly that the simulator cannot do this, and take the likeliest way on."""
    name = step.module
    if SPECS[name].ends == "always":
        step.say(
            Kind.UNKNOWN,
            f"{name}: not simulated here. It never goes on to a child: ended the call",
            module=name,
        )
        return HardStop(Outcome.TAKEN_OVER)
    step.say(Kind.UNKNOWN, f"{name}: not simulated here: went on to `_`", module=name)
    return Continue()
