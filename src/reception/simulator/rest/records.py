"""
Records of ended calls (CDRs), which appear some seconds after the end.

Lists are the newest first and hold texts where one expects numbers; the single record has
the numbers. A list covers 31 days at most.

Source: contract/platform_api.md, CDRs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reception.simulator.reports.events import DESTROY, GREGORIAN_TO_UNIX_S, Event
from reception.simulator.rest.asked import Asked, bad_identifier, invalid

_LONGEST_RANGE_S: Final = 31 * 24 * 3_600


@dataclass(frozen=True, slots=True)
class _Record:
    id: str
    at: int
    seen_s: float
    body: Mapping[str, Any]


class Records:
    """
    The records of one account.

    Shape:
        delay_s: from the end of a leg to its record.
    """

    def __init__(self, now_s: Callable[[], float], *, delay_s: float = 5.0) -> None:
        self._now_s: Final = now_s
        self._delay_s: Final = delay_s
        self._records: Final[list[_Record]] = []

    def note(self, event: Event) -> None:
        """Take an event of a leg; only its end leaves a record."""
        if event.get("Event-Name") != DESTROY:
            return
        at = int(event.get("Timestamp") or 0)
        moment = datetime.fromtimestamp(at - GREGORIAN_TO_UNIX_S, UTC)
        record_id = f"{moment:%Y%m}-{event.get('Call-ID')}"
        body = _body(event, record_id, at, moment)
        self._records.append(_Record(record_id, at, self._now_s() + self._delay_s, body))

    def rows(
        self, asked: Asked, *, owner_id: str | None = None, interaction_id: str | None = None
    ) -> list[dict[str, Any]]:
        """
        Give the rows that a list shows, before paging.

        Errors:
            ApiError: 400 for a range that is none, or is too long.
        """
        now = int(self._now_s()) + GREGORIAN_TO_UNIX_S
        until = _moment(asked, "created_to", now)
        since = _moment(asked, "created_from", until - _LONGEST_RANGE_S)
        if until - since > _LONGEST_RANGE_S:
            raise invalid("created_to", "date_range", "range is larger than 2682000 seconds")
        if "created_to" not in asked.query:
            # A call on a virtual clock ends before its own time has come.
            until = max([until, *(record.at for record in self._records)])
        return [
            _as_texts(record.body)
            for record in sorted(self._visible(), key=lambda one: one.at, reverse=True)
            if since <= record.at <= until
            and owner_id in {None, record.body["owner_id"]}
            and interaction_id in {None, record.body["interaction_id"]}
        ]

    def interactions(self, asked: Asked) -> list[dict[str, Any]]:
        """Give one row for each conversation: that of its first leg."""
        first: dict[str, dict[str, Any]] = {}
        for row in reversed(self.rows(asked)):
            first.setdefault(str(row["interaction_id"]), row)
        return list(first.values())[::-1]

    def get(self, record_id: str) -> dict[str, Any]:
        """Give one whole record, or 404."""
        for record in self._visible():
            if record.id == record_id:
                return dict(record.body)
        raise bad_identifier(record_id)

    def _visible(self) -> list[_Record]:
        return [record for record in self._records if record.seen_s <= self._now_s()]


def _moment(asked: Asked, name: str, default: int) -> int:
    written = asked.query.get(name)
    if written is None:
        return default
    if not written.isascii() or not written.isdigit():
        raise invalid(name, "date_range", f"{name} is no Gregorian timestamp")
    return int(written)


def _body(event: Event, record_id: str, at: int, moment: datetime) -> dict[str, Any]:
    variables = event.get("Custom-Channel-Vars")
    variables = variables if isinstance(variables, Mapping) else {}
    return {
        "id": record_id,
        "call_id": event.get("Call-ID"),
        "caller_id_name": event.get("Caller-ID-Name"),
        "caller_id_number": event.get("Caller-ID-Number"),
        "callee_id_name": event.get("Callee-ID-Name"),
        "callee_id_number": event.get("Callee-ID-Number"),
        "direction": event.get("Call-Direction"),
        "duration_seconds": event.get("Duration-Seconds"),
        "ringing_seconds": event.get("Ringing-Seconds"),
        "billing_seconds": event.get("Billing-Seconds"),
        "hangup_cause": event.get("Hangup-Cause"),
        "hangup_code": event.get("Hangup-Code"),
        "timestamp": at,
        "unix_timestamp": at - GREGORIAN_TO_UNIX_S,
        "rfc_1036": moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "iso_8601": moment.strftime("%Y-%m-%d"),
        "interaction_id": variables.get("Call-Interaction-ID", ""),
        "other_leg_call_id": event.get("Other-Leg-Call-ID") or "",
        "owner_id": variables.get("Owner-ID") or "",
        "authorizing_id": variables.get("Authorizing-ID") or "",
        "to": event.get("To"),
        "from": event.get("From"),
        "request": event.get("Request"),
        "dialed_number": event.get("Caller-Destination-Number"),
        "calling_from": event.get("Caller-ID-Number"),
        "rate": "",
        "cost": "0",
        "recording_url": "",
        "media_recordings": [],
        "custom_application_vars": dict(event.get("Custom-Application-Vars") or {}),
    }


def _as_texts(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in body.items()
    }
