"""
Calls of an account: dialled from outside, or rung up by a quickcall.

Numbers are looked up among the callflows that the API holds, documents too, and what the
people do comes from a world of the caller's. The legs of every call are told to the
account, so that they are listed, recorded and reported.

Source: contract/platform_api.md, originate a call; contract/hangup.md, which legs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from reception.simulator.call import CallSetup, CallState
from reception.simulator.clock import Clock, VirtualClock
from reception.simulator.lookup import look_up
from reception.simulator.reports.watching import Watch
from reception.simulator.rest.account import Account
from reception.simulator.rest.asked import ApiError
from reception.simulator.rest.quickcalls import Quickcall
from reception.simulator.script import Script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.steps import Transport
from reception.simulator.transcript import Entry, Kind, Note
from reception.simulator.walk import Ending, Walk
from reception.simulator.world import Event, HungUp, Mailbox, Ring, Ringing, Situation, World

UNREGISTERED = "DESTINATION_OUT_OF_ORDER"
"""The cause of a quickcall to a phone that is not there, or does not want to be disturbed."""

Worlds = Callable[[CallSetup, Clock], World]


def _alone(_setup: CallSetup, clock: Clock) -> World:
    return ScriptedWorld(Script(), clock)


@dataclass(slots=True)
class Exchange:
    """
    Places the calls of one account, and does what the API wants of them.

    Shape:
        transport: takes the requests to the app.
        worlds: makes the people around a call.
        note: takes what happens in every call.
    """

    account: Account
    transport: Transport
    worlds: Worlds = _alone
    clocks: Callable[[], Clock] = VirtualClock
    note: Note = field(default=lambda _entry: None)
    _under_way: set[asyncio.Task[Ending]] = field(default_factory=set)
    _calls: dict[int, tuple[Watch, AccountWorld]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account.originate = self.originate
        self.account.channels.carry_out = self.act

    def act(self, call_id: str, action: str, data: Mapping[str, Any]) -> None:
        """
        Carry out a command on a channel.

        Errors:
            ApiError: 501 for anything but a hang-up.
        """
        if action != "hangup":
            raise ApiError(501, "not_implemented", {"message": f"{action} is not simulated"})
        for watch, world in self._calls.values():
            if call_id in {leg.call_id for leg in watch.legs}:
                world.hang_up()

    async def dial(self, setup: CallSetup, *, note: Note | None = None) -> Ending | None:
        """
        Have somebody outside dial a number of the account; None where nobody has it.

        Shape:
            note: takes what happens in this call, beside `Exchange.note`.
        """
        clock = self.clocks()
        world = AccountWorld(self.account, self.worlds(setup, clock))
        watch = self._watch(setup, "inbound")
        return await self._run(setup, clock, world, watch, 0, note)

    async def originate(self, call: Quickcall) -> str | None:
        """Ring a phone for a quickcall; the number is called in the background."""
        body = self.account.documents[call.kind].get(call.id).body
        if call.id in self.account.unregistered or _is_disturbed(body):
            return UNREGISTERED
        setup = CallSetup(
            call.call_id,
            account_id=self.account.account_id,
            from_number=call.caller_number,
            from_realm=self.account.realm,
            to_number=call.number,
            to_realm=self.account.realm,
            caller_name=call.caller_name,
            caller_number=call.caller_number,
            user_ids=_owner(call, body),
            application_vars=call.application_vars,
        )
        clock = self.clocks()
        world = AccountWorld(self.account, self.worlds(setup, clock))
        watch = self._watch(setup, "outbound")
        watch.note(Entry(0, Kind.CALL, "", {"call_id": setup.call_id}))
        limit_ms = call.timeout_s * 1_000
        ringing = Ringing(call.kind.removesuffix("s"), call.id, limit_ms)
        ring = Ring(0, answered=True) if call.auto_answer else await world.ring(ringing)
        after_ms = limit_ms if ring.after_ms is None else min(ring.after_ms, limit_ms)
        await clock.until(after_ms)
        if not ring.answered:
            return self._not_reached(watch, ring, after_ms)
        watch.note(Entry(after_ms, Kind.SETS, "", {"answered": True}))
        task = asyncio.create_task(self._later(setup, clock, world, watch, after_ms))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return None

    async def settle(self) -> None:
        """Wait until every call that was begun has ended and been reported."""
        while self._under_way:
            await asyncio.gather(*self._under_way)
        await self.account.sender.settle()

    def _not_reached(self, watch: Watch, ring: Ring, at_ms: int) -> str:
        cause = ring.cause or ring.application_response or "NO_ANSWER"
        watch.fail(cause, ring.code)
        watch.note(Entry(at_ms, Kind.END, ""))
        return cause

    async def _later(
        self, setup: CallSetup, clock: Clock, world: AccountWorld, watch: Watch, since_ms: int
    ) -> Ending:
        ending = await self._run(setup, clock, world, watch, since_ms)
        assert ending is not None
        return ending

    async def _run(
        self,
        setup: CallSetup,
        clock: Clock,
        world: AccountWorld,
        watch: Watch,
        since_ms: int,
        note: Note | None = None,
    ) -> Ending | None:
        found = look_up(world, setup.to_number)
        if found is None and watch.direction == "inbound":
            return None

        def noted(entry: Entry) -> None:
            self.note(entry)
            watch.note(entry)
            if note is not None:
                note(entry)

        if watch.direction == "inbound":
            noted(Entry(since_ms, Kind.CALL, "", {"call_id": setup.call_id}))
        group = None if found is None else found.capture_group
        walk = Walk(
            CallState.begin(
                replace(setup, capture_group=group),
                self.account.quirks.version,
                self.account.quirks,
            ),
            clock=clock,
            world=world,
            transport=self.transport,
            note=noted,
            local_urls_ok=self.account.on_loopback,
        )
        flow: Mapping[str, Any] = {"module": "hangup"} if found is None else found.flow
        self._calls[id(watch)] = watch, world
        try:
            ending = await walk.run(flow)
        finally:
            del self._calls[id(watch)]
        noted(Entry(ending.at_ms, Kind.END, ending.outcome.value, {"ok": ending.outcome.ok}))
        return ending

    def _watch(self, setup: CallSetup, direction: Literal["inbound", "outbound"]) -> Watch:
        account = self.account
        return Watch(
            setup,
            account.quirks,
            int(account.now_s() * 1_000_000),
            account.note,
            account.sender.report,
            new_id=account.new_id,
            direction=direction,
            phones_of=self._phones_of,
        )

    def _phones_of(self, user_id: str) -> Sequence[str]:
        """Give a user's phones that are there; the user alone where none is known."""
        devices = self.account.documents["devices"].held.values()
        owned = [device.id for device in devices if device.body.get("owner_id") == user_id]
        return [one for one in owned if one not in self.account.unregistered] or [user_id]


def _is_disturbed(body: Mapping[str, Any]) -> bool:
    do_not_disturb = body.get("do_not_disturb")
    return isinstance(do_not_disturb, Mapping) and do_not_disturb.get("enabled") is True


def _owner(call: Quickcall, body: Mapping[str, Any]) -> tuple[str, ...]:
    if call.kind == "users":
        return (call.id,)
    owner = body.get("owner_id")
    return (owner,) if isinstance(owner, str) and owner else ()


@dataclass(slots=True)
class AccountWorld:
    """A world whose documents are those of the account; people are another's."""

    account: Account
    people: World
    _is_cut: asyncio.Event = field(default_factory=asyncio.Event)

    def hang_up(self) -> None:
        """End the call from outside, at whatever it is."""
        self._is_cut.set()

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """Give the caller's next act, unless the call is ended from outside before."""
        acting = asyncio.ensure_future(self.people.event(until_ms, situation))
        cut = asyncio.ensure_future(self._is_cut.wait())
        try:
            await asyncio.wait({acting, cut}, return_when=asyncio.FIRST_COMPLETED)
            return acting.result() if acting.done() else HungUp("hung up by the platform's API")
        finally:
            for task in (acting, cut):
                task.cancel()
            await asyncio.gather(acting, cut, return_exceptions=True)

    async def ring(self, ringing: Ringing) -> Ring:
        """Say what becomes of a ringing: nothing where the phone is not to be disturbed."""
        for kind in ("users", "devices"):
            held = self.account.documents[kind].held.get(ringing.id)
            if ringing.id in self.account.unregistered or (held and _is_disturbed(held.body)):
                return Ring(0, application_response="USER_NOT_REGISTERED", cause=UNREGISTERED)
        return await self.people.ring(ringing)

    def media_ms(self, media: str) -> int | None:
        """Tell how long a recording lasts."""
        return self.people.media_ms(media)

    def menu(self, menu_id: str) -> Mapping[str, Any] | None:
        """Give the menu's document."""
        held = self.account.documents["menus"].held.get(menu_id)
        return self.people.menu(menu_id) if held is None else held.body

    def stored_flow(self, flow_id: str) -> Mapping[str, Any] | None:
        """Give a callflow of the account."""
        held = self.account.documents["callflows"].held.get(flow_id)
        flow = None if held is None else held.body.get("flow")
        return flow if isinstance(flow, Mapping) else self.people.stored_flow(flow_id)

    def callflows(self) -> Sequence[Mapping[str, Any]]:
        """Give the account's callflows, then those that the people brought."""
        own = [held.body for held in self.account.documents["callflows"].held.values()]
        return [*own, *self.people.callflows()]

    def document(self, document_id: str) -> Mapping[str, Any] | None:
        """Give any document of the account."""
        for documents in self.account.documents.values():
            if document_id in documents.held:
                return documents.held[document_id].body
        return self.people.document(document_id)

    def outcome(self, module: str, document_id: str = "") -> str | None:
        """Say what came of a module."""
        return self.people.outcome(module, document_id)

    def local_time(self) -> datetime | None:
        """Tell what time it is for the account."""
        return self.people.local_time()

    async def mailbox(self, box_id: str) -> Mailbox:
        """Say what the caller does at the mailbox; a message that is left is in the box."""
        acted = await self.people.mailbox(box_id)
        if acted.message_ms:
            self.account.mailboxes.leave(box_id, length=acted.message_ms)
        return acted
