"""
Webhooks of an account: which event one wants, and when the platform switches it off.

The rule: exactly 200 is success (201 too, of a PUT). Any other answer is a failure and is
not tried again; only a connection that broke is, two seconds later, as often as the webhook
says. Six failures within a minute, looked at every fifteen seconds, and the webhook is off
until somebody switches it on again. Pure: what time it is comes from outside.

Source: contract/hangup.md, delivery policy; contract/observed.md section 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from reception.simulator.quirks import Quirks
from reception.simulator.reports.events import Event

_LOOPBACK: Final = (
    "Channel-Loopback-Leg",
    "Channel-Loopback-Bowout-Execute",
    "Channel-Loopback-Other-Leg-ID",
)


@dataclass(slots=True)
class Webhook:
    """
    One webhook, as an account stores it.

    Shape:
        hook: ``channel_create``, ``channel_answer``, ``channel_bridge``,
            ``channel_destroy`` or ``all``.
        retries: attempts in all where the connection breaks; 0 never ends.
        custom_data: merged into the payload, and wins.
        modifiers: values that a payload must have, where it has the key at all; a list
            names several.
        sha256_key: signs payloads of version v2.
    """

    id: str
    account_id: str
    uri: str
    hook: str = "channel_destroy"
    http_verb: Literal["get", "post", "put"] = "post"
    format: Literal["form-data", "json"] = "form-data"
    retries: int = 2
    version: Literal["v1", "v2"] = "v1"
    include_internal_legs: bool = True
    custom_data: Mapping[str, Any] = field(default_factory=dict)
    custom_request_headers: Mapping[str, Any] = field(default_factory=dict)
    modifiers: Mapping[str, Any] = field(default_factory=dict)
    sha256_key: str = ""
    enabled: bool = True
    disable_message: str | None = None

    def wants(self, name: str, event: Event) -> bool:
        """Tell whether this webhook is sent the event of that name."""
        if not self.enabled or self.hook.lower() not in {"all", name.lower()}:
            return False
        return self.include_internal_legs or not _is_loopback(event)

    def passes(self, payload: Mapping[str, Any]) -> bool:
        """Tell whether a payload has the values that the modifiers ask for."""
        for key, wanted in self.modifiers.items():
            value = payload.get(key)
            if value is None or wanted == []:
                continue
            if value not in wanted if isinstance(wanted, list) else value != wanted:
                return False
        return True

    def is_success(self, status: int) -> bool:
        """Tell whether an answer counts as delivered."""
        return status == 200 or (status == 201 and self.http_verb == "put")


def _is_loopback(event: Event) -> bool:
    said_no = event.get("Channel-Is-Loopback") in {False, "false"}
    return not said_no or any(event.get(key) is not None for key in _LOOPBACK)


class Failures:
    """The failures of all webhooks, and whom they switch off."""

    def __init__(self, quirks: Quirks, *, began_s: float = 0.0) -> None:
        self._quirks: Final = quirks
        self._began_s: Final = began_s
        self._at_s: Final[dict[str, list[float]]] = {}

    def note(self, hook: Webhook, at_s: float) -> None:
        """Count one failed attempt; they come in order of time."""
        self._at_s.setdefault(hook.id, []).append(at_s)

    def look(self, hooks: Mapping[str, Webhook], now_s: float) -> None:
        """Do what the platform's regular looks at the failures have done up to now."""
        for hook_id, moments in self._at_s.items():
            hook = hooks.get(hook_id)
            if hook is not None and hook.enabled and self._is_too_much(moments, now_s):
                hook.enabled = False
                hook.disable_message = f"disabled after {len(moments)} failed attempts"
                # Whoever switches it on again starts anew.
                moments.clear()

    def _is_too_much(self, moments: list[float], now_s: float) -> bool:
        window_s, allowed = self._quirks.hook_failure_window_s, max(1, self._quirks.hook_failures)
        # One window more than the last look can reach back to.
        oldest_s = now_s - window_s - 2 * self._quirks.hook_check_s
        for first, last in zip(moments, moments[allowed - 1 :], strict=False):
            seen_s = self._next_look_s(last)
            if seen_s <= now_s and first > seen_s - window_s:
                return True
        moments[:] = [moment for moment in moments if moment > oldest_s]
        return False

    def _next_look_s(self, at_s: float) -> float:
        every_s = max(0.001, self._quirks.hook_check_s)
        return self._began_s + math.ceil((at_s - self._began_s) / every_s) * every_s
