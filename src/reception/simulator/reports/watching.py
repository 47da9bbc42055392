"""
The legs of a call, found out by watching it.

A `Watch` takes the entries that the walk writes and tells what the platform would report:
the events of each leg as they happen, and at the end which cdr_url addresses are posted to.
It is told nothing else, so any call that leaves a transcript can be reported of.

The rule about cdr_url: a Pivot process is reported to only while it lives. It ends when its
answer was a flow, or a plain failure; it lives on while its request is out, after an answer
that never came, and after a 200 that was empty, unreadable or TwiML.

Source: contract/hangup.md, contract/observed.md section 3. Which of several phones that
rang together took the call is not in a transcript: the first one is taken.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from reception.simulator.call import CallSetup
from reception.simulator.quirks import Quirks
from reception.simulator.reports.events import ANSWER, BRIDGE, CREATE, DESTROY, Event, event_of
from reception.simulator.reports.legs import Leg
from reception.simulator.transcript import Entry, Kind

_End: TypeAlias = tuple[str, str | None]

_NORMAL: Final[_End] = ("NORMAL_CLEARING", "sip:200")
_CANCELLED: Final[_End] = ("ORIGINATOR_CANCEL", "sip:487")
_LOST_RACE: Final[_End] = ("LOSE_RACE", "sip:487")
_UNANSWERED: Final[_End] = ("NO_ANSWER", "sip:480")


@dataclass(slots=True)
class Watch:
    """
    Watches one call.

    Shape:
        began_us: the moment at which the call's clock reads 0, microseconds since 1970.
        fires: takes each event as it happens.
        reports: takes a cdr_url and the event that is posted there.
        new_id: makes ids of legs.
        direction: of the first leg: ``outbound`` where the platform rang it itself.
        phones_of: the devices that ring for a user, each with a leg of its own; the user's
            id alone where nothing is known of them.
    """

    setup: CallSetup
    quirks: Quirks
    began_us: int
    fires: Callable[[Event], None]
    reports: Callable[[str, Event], None]
    new_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)
    direction: Literal["inbound", "outbound"] = "inbound"
    phones_of: Callable[[str], Sequence[str]] = field(default=lambda user_id: (user_id,))
    legs: list[Leg] = field(default_factory=list)
    _ringing: list[Leg] = field(default_factory=list)
    _connected: Leg | None = None
    _failure: _End | None = None
    _hung_up: bool = False
    _asked: str | None = None
    _outstanding: str | None = None
    _living: list[str] = field(default_factory=list)
    _seen: dict[str, None] = field(default_factory=dict)

    def note(self, entry: Entry) -> None:
        """Take the next entry of the call."""
        at_us = self.began_us + entry.at_ms * 1_000
        match entry.kind:
            case Kind.CALL:
                self._begin(at_us)
            case Kind.NODE:
                self._node(entry.detail)
            case Kind.POST:
                self._outstanding = self._asked
            case Kind.REPLY if "verdict" in entry.detail:
                if self._outstanding is not None and entry.detail.get("lives_on"):
                    self._living.append(self._outstanding)
                self._outstanding = None
            case Kind.SETS:
                self._set(entry.detail, at_us)
            case Kind.RINGS:
                self._rang(entry.detail, at_us)
            case Kind.PRESSES if entry.detail.get("hangup"):
                self._caller_gone(at_us)
            case Kind.END:
                self._end(at_us)
            case _:
                pass

    def fail(self, cause: str, code: str | None) -> None:
        """Say why the first leg was not answered, where no entry says so."""
        self._failure = cause, code

    def _begin(self, at_us: int) -> None:
        setup = self.setup
        owner = setup.user_ids[0] if setup.user_ids else None
        kind = "device" if owner else "resource"
        leg = Leg(
            setup.call_id,
            setup.account_id,
            self.direction,
            at_us,
            from_=f"{setup.from_number}@{setup.from_realm}",
            to=f"{setup.to_number}@{setup.to_realm}",
            request=f"{setup.to_number}@{setup.to_realm}",
            caller_name=setup.caller_name or self.quirks.privacy_name,
            caller_number=setup.caller_number or self.quirks.privacy_number,
            authorizing_id=_made_up_id(f"{kind} {owner or setup.from_realm}"),
            authorizing_type=kind,
            owner_id=owner,
            resource_id=None if owner else _made_up_id(f"resource {setup.from_realm}"),
            interaction_id=f"{at_us // 1_000_000}-{_made_up_id(setup.call_id)[:8]}",
            application_vars=dict(setup.application_vars),
            sip_headers=dict(setup.sip_headers),
            rang_us=at_us if self.direction == "outbound" else None,
        )
        self.legs.append(leg)
        self.fires(event_of(CREATE, leg, at_us))

    def _node(self, detail: Mapping[str, Any]) -> None:
        data = detail.get("data")
        if detail.get("module") == "pivot" and isinstance(data, Mapping):
            url = data.get("cdr_url")
            self._asked = url if isinstance(url, str) else None
            if self._asked is not None:
                self._seen[self._asked] = None

    def _set(self, detail: Mapping[str, Any], at_us: int) -> None:
        if not self.legs:
            return
        caller = self.legs[0]
        variables = detail.get("variables")
        if isinstance(variables, Mapping):
            caller.application_vars = {**caller.application_vars, **variables}
        if "call_id" in detail:
            caller.call_id = str(detail["call_id"])
        if detail.get("answered"):
            self._answered(caller, at_us)

    def _rang(self, detail: Mapping[str, Any], at_us: int) -> None:
        if not self.legs:
            return
        if "endpoint" in detail:
            self._ring(str(detail["endpoint"]), str(detail.get("id", "")), at_us)
        elif detail.get("answered"):
            self._answered(self.legs[0], at_us)
        elif not detail.get("missing"):
            if self._connected is not None:
                self._destroy(self._connected, at_us, *_NORMAL)
            self._not_answered(detail, at_us)

    def _ring(self, kind: str, names: str, at_us: int) -> None:
        caller = self.legs[0]
        if caller.answered_us is None and caller.rang_us is None:
            caller.rang_us = at_us
        is_carrier = kind == "carrier"
        for name, owner in self._phones(kind, names):
            leg = Leg(
                self.new_id(),
                caller.account_id,
                "outbound",
                at_us,
                from_=caller.from_,
                to=f"{name}@{self.setup.to_realm}",
                request=f"{name}@{self.setup.to_realm}",
                caller_name=caller.caller_name,
                caller_number=caller.caller_number,
                callee_number=name,
                authorizing_id=_made_up_id(f"{kind} {name}"),
                authorizing_type="resource" if is_carrier else "device",
                owner_id=owner,
                resource_id=_made_up_id(f"resource {name}") if is_carrier else None,
                interaction_id=caller.interaction_id,
                application_vars=caller.application_vars,
                other=caller,
                rang_us=at_us,
            )
            self.legs.append(leg)
            self._ringing.append(leg)
            self.fires(event_of(CREATE, leg, at_us))

    def _phones(self, kind: str, names: str) -> list[tuple[str, str | None]]:
        """Name the phones that ring, each with the user it rings for, as far as is known."""
        if kind not in {"user", "group"}:
            return [(names, None)]
        phones: list[tuple[str, str | None]] = []
        for name in names.split(" + ") if kind == "group" else [names]:
            known = list(self.phones_of(name))
            owner = name if kind == "user" or known != [name] else None
            phones += [(phone, owner) for phone in known or [name]]
        return phones

    def _answered(self, caller: Leg, at_us: int) -> None:
        ringing, self._ringing = self._ringing, []
        if ringing:
            winner, *losers = ringing
            winner.answered_us = at_us
            self.fires(event_of(ANSWER, winner, at_us))
            for leg in losers:
                self._destroy(leg, at_us, *_LOST_RACE)
            self._connected = winner
            caller.other, caller.callee_number = winner, winner.callee_number
        if caller.answered_us is None:
            caller.answered_us = at_us
            self.fires(event_of(ANSWER, caller, at_us))
        if ringing:
            self.fires(event_of(BRIDGE, caller, at_us))

    def _not_answered(self, detail: Mapping[str, Any], at_us: int) -> None:
        cause = detail.get("cause") or detail.get("response")
        code: str | None = detail.get("code")
        named: _End = str(cause or "UNSPECIFIED"), code
        if cause is None and code is None:
            named = _UNANSWERED
        ringing, self._ringing = self._ringing, []
        if ringing:
            self._failure = named
        for leg in ringing:
            self._destroy(leg, at_us, *named)

    def _caller_gone(self, at_us: int) -> None:
        self._hung_up = True
        ringing, self._ringing = self._ringing, []
        for leg in ringing:
            self._destroy(leg, at_us, *_CANCELLED)
        if self._connected is not None:
            self._destroy(self._connected, at_us, *_NORMAL)

    def _end(self, at_us: int) -> None:
        if not self.legs:
            return
        caller = self.legs[0]
        self._close_others(at_us)
        ended: _End = _NORMAL
        if caller.answered_us is None:
            ended = _CANCELLED if self._hung_up else self._failure or _NORMAL
        event = self._destroy(caller, at_us, *ended)
        for url in self._reported_to():
            self.reports(url, event)

    def _close_others(self, at_us: int) -> None:
        for leg in [leg for leg in self.legs[1:] if leg.ended_us is None]:
            self._destroy(leg, at_us, *_NORMAL)

    def _reported_to(self) -> list[str]:
        if self.quirks.keeps_cdr_promise:
            return list(self._seen)
        waiting = [] if self._outstanding is None else [self._outstanding]
        return [*self._living, *waiting]

    def _destroy(self, leg: Leg, at_us: int, cause: str, code: str | None) -> Event:
        leg.ended_us, leg.cause, leg.code = at_us, cause, code
        if leg is self._connected:
            self._connected = None
        event = event_of(DESTROY, leg, at_us)
        self.fires(event)
        return event


def _made_up_id(what: str) -> str:
    """Give the same 32 hex digits for the same thing: ids of documents nobody told us of."""
    return hashlib.md5(what.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
