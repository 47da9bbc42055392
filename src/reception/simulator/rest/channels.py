"""
The calls that go on now, as the API lists them.

Made from the events of the legs, so the list is what the platform's own is: a channel is
there from its creation to its end.

Source: contract/platform_api.md, channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from reception.simulator.reports.events import ANSWER, BRIDGE, CREATE, DESTROY, Event
from reception.simulator.rest.asked import ApiError, Asked, bad_identifier, invalid

ACTIONS: Final = frozenset(
    {"hangup", "transfer", "break", "callflow", "move", "intercept", "metaflow"}
)

Act = Callable[[str, str, Mapping[str, Any]], None]
"""Carries out an action on a channel: its id, the action, the rest of what was sent."""


class Channels:
    """
    The channels of one account.

    Attributes:
        carry_out: does what a command says; None where nobody does.
    """

    def __init__(self) -> None:
        self.carry_out: Act | None = None
        self._rows: Final[dict[str, dict[str, Any]]] = {}

    def note(self, event: Event) -> None:
        """Take an event of a leg."""
        call_id = str(event.get("Call-ID"))
        name = event.get("Event-Name")
        if name == CREATE:
            self._rows[call_id] = _row(event)
        elif name == DESTROY:
            self._rows.pop(call_id, None)
        elif name in {ANSWER, BRIDGE} and call_id in self._rows:
            self._rows[call_id]["answered"] = True
            other = event.get("Other-Leg-Call-ID")
            if other is not None:
                self._rows[call_id]["other_leg"] = other
                self._rows.get(str(other), {})["other_leg"] = call_id

    def rows(self, *, owner_id: str | None = None, device_id: str | None = None) -> list[Any]:
        """Give the channels, of one user or device where one is named."""
        return [
            row
            for row in self._rows.values()
            if owner_id in {None, row["owner_id"]} and device_id in {None, row["authorizing_id"]}
        ]

    def get(self, call_id: str) -> dict[str, Any]:
        """Give one channel, or 404."""
        row = self._rows.get(call_id)
        if row is None:
            raise bad_identifier(call_id)
        return row

    def act(self, call_id: str, asked: Asked) -> dict[str, Any]:
        """Carry out an action on a channel."""
        row = self.get(call_id)
        action = asked.data.get("action")
        if action not in ACTIONS:
            raise invalid("action", "enum", "no such action", target=sorted(ACTIONS))
        if action == "transfer" and not asked.data.get("target"):
            raise invalid("target", "required", "Field is required but missing")
        if self.carry_out is None:
            raise ApiError(501, "not_implemented", {"message": "this call takes no commands"})
        self.carry_out(call_id, str(action), asked.data)
        return row


def _row(event: Event) -> dict[str, Any]:
    variables = event.get("Custom-Channel-Vars")
    variables = variables if isinstance(variables, Mapping) else {}
    return {
        "uuid": event.get("Call-ID"),
        "other_leg": event.get("Other-Leg-Call-ID"),
        "direction": event.get("Call-Direction"),
        "answered": False,
        "authorizing_id": variables.get("Authorizing-ID"),
        "authorizing_type": variables.get("Authorizing-Type"),
        "destination": event.get("Caller-Destination-Number"),
        "owner_id": variables.get("Owner-ID"),
        "presence_id": event.get("Presence-ID"),
        "timestamp": event.get("Timestamp"),
        "username": str(event.get("From", "")).partition("@")[0],
    }
