"""
The use case "the platform reports on a leg": stored before it is acknowledged.

What a report says is what it is known by: a copy, also one that comes days later, changes
nothing, and an altered one is kept beside the first. Links to recordings are taken off at the
door: they are nobody's business who reads about calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from reception.dialog import EPISODE_TAG
from reception.ports import NewReport, Reports
from reception.wire import LegReport

_RECORDINGS: Final = ("recording", "transcription")


class ReportTaker:
    """Takes reports; one for a process."""

    def __init__(self, reports: Reports, *, now: Callable[[], datetime]) -> None:
        self._reports: Final = reports
        self._now: Final = now

    async def take(self, tenant: str, report: LegReport) -> None:
        """
        Store a report of a tenant's; returns when it is on disk.

        Errors:
            Retry: the database is away; the report is not stored.
            AppError: a text that cannot be stored.
        """
        kept = without_recordings(report)
        await self._reports.keep(
            NewReport(
                tenant=tenant,
                call_id=kept.call_id or "",
                event=kept.event,
                digest=digest_of(kept),
                account_id=kept.account_id or "",
                report=_encode(kept),
                received_at=self._now(),
                other_leg_id=kept.other_leg_call_id or "",
                interaction_id=kept.interaction_id or "",
                mark=_mark_of(kept),
            )
        )


def _mark_of(report: LegReport) -> str:
    mark = report.custom_application_vars.get(EPISODE_TAG, "")
    return mark if isinstance(mark, str) else ""


def without_recordings(report: LegReport) -> LegReport:
    """Leave out what leads to recordings and transcripts, wherever the platform puts it."""
    return replace(
        report,
        extra=_without(report.extra),
        custom_channel_vars=_without(report.custom_channel_vars),
        custom_sip_headers=_without(report.custom_sip_headers),
    )


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _without(inner)
            for key, inner in value.items()
            if not any(word in key.lower() for word in _RECORDINGS)
        }
    return [_without(item) for item in value] if isinstance(value, list) else value


def digest_of(report: LegReport) -> bytes:
    """Say which report this is, by all that it says; who sent it does not count."""
    said = _encode(replace(report, sender="webhook"))
    return hashlib.blake2b(said, digest_size=16).digest()


_encode: Final = msgspec.json.Encoder(order="sorted", enc_hook=dict).encode
decode_report: Final = msgspec.json.Decoder(LegReport).decode
"""Read a report as it was stored."""
