"""
Quickcall: a phone is rung first, and when it answers, a number of the account is called.

A POST waits until the phone has answered or will not; a GET says yes at once, whatever
comes. The phone picks up by itself unless ``auto_answer=false``: a wake-up call must say so.
Who rings and what the number does is the caller's of this file: `Originate`.

Source: contract/platform_api.md, originate a call.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.rest.asked import ApiError, Asked

LEAST_TIMEOUT_S: Final = 3
_DEFAULT_TIMEOUT_S: Final = 30
_SEPARATORS: Final = re.compile(r"[\s,.\-()]")
_PARAMETERS: Final = frozenset(
    {
        "auto_answer",
        "auth_token",
        "caller-id-name",
        "caller-id-number",
        "cid-name",
        "cid-number",
        "custom_application_vars",
        "ignore-early-media",
        "media",
        "number_filter",
        "target_call_id",
        "timeout",
        "verb",
    }
)


@dataclass(frozen=True, slots=True)
class Quickcall:
    """
    A call to be placed.

    Shape:
        kind, id: ``devices`` or ``users`` and the document.
        number: in the account's dial plan, called when the phone has answered.
        caller_name, caller_number: what the phone shows.
    """

    kind: str
    id: str
    number: str
    call_id: str
    timeout_s: int = _DEFAULT_TIMEOUT_S
    auto_answer: bool = True
    caller_name: str = "Device QuickCall"
    caller_number: str = ""
    application_vars: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Give what the API echoes."""
        return {
            "application_name": "transfer",
            "application_data": {"route": self.number},
            "custom_application_vars": dict(self.application_vars),
            "endpoints": [{"outbound_call_id": self.call_id}],
            "timeout": self.timeout_s,
            "msg_id": self.call_id.removesuffix("-quickcall"),
            "outbound_caller_id_name": self.caller_name,
            "outbound_caller_id_number": self.caller_number,
            "simplify_loopback": "false",
        }


Originate = Callable[[Quickcall], Awaitable[str | None]]
"""Rings the phone; None once it has answered, else the cause why it has not."""


def quickcall(asked: Asked, kind: str, document_id: str, number: str, call_id: str) -> Quickcall:
    """
    Read a quickcall: parameters of the query, and of ``data`` before them.

    Errors:
        ApiError: 400 for a timeout that is no number.
    """
    given: dict[str, Any] = {**asked.query, **asked.data}
    extra = {
        key: value
        for key, value in asked.query.items()
        if key not in _PARAMETERS and not key.startswith("filter_")
    }
    variables = asked.data.get("custom_application_vars")
    extra |= variables if isinstance(variables, Mapping) else {}
    if _is_true(given.get("number_filter", True)):
        number = _SEPARATORS.sub("", number)
    written = str(given.get("timeout", _DEFAULT_TIMEOUT_S))
    if not written.isascii() or not written.isdigit():
        raise ApiError(400, "invalid data", {"timeout": {"type": {"message": "not an integer"}}})
    return Quickcall(
        kind,
        document_id,
        number,
        call_id,
        max(LEAST_TIMEOUT_S, int(written)),
        _is_true(given.get("auto_answer", True)),
        str(given.get("caller-id-name") or given.get("cid-name") or "Device QuickCall"),
        str(given.get("caller-id-number") or given.get("cid-number") or number),
        extra,
    )


def initiation_failed(call: Quickcall, cause: str) -> ApiError:
    """Return the error of a POST whose phone was not reached."""
    return ApiError(500, "quickcall initiation failed", {**call.shown(), "error_message": cause})


def _is_true(value: object) -> bool:
    return value is True or str(value).lower() == "true"
