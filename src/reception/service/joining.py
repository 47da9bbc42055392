"""
Joining the reports of a conversation: legs out of reports, one record out of legs.

The rule this file keeps: of what is said of a leg the first word counts, a later different one
is listed, and nothing is guessed. Pure: which reports belong together is found elsewhere.

Source: contract/hangup.md ("Which legs", "B. v1 fields").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from msgspec.structs import asdict, replace

from reception.face.ended import Difference, EndedCall
from reception.wire import LegReport

_COMPARED: Final = ("duration_s", "ringing_s", "billing_s", "hangup_cause", "hangup_code")
_END: Final = "destroy"
# The platform's words for a leg that is over; only the first says how long it was.
_OVER: Final = frozenset({_END, "cdr", "disconnected"})
# What belongs to a report and not to its leg.
_OF_A_REPORT: Final = frozenset({"sender", "event", "extra", "at"})


def legs_of(reports: Iterable[LegReport]) -> tuple[tuple[LegReport, ...], tuple[Difference, ...]]:
    """
    Make one report of all that was said of each leg, in the order in which it was said.

    A leg whose end was reported has the event "destroy" and the time of it.
    """
    legs: dict[str, LegReport] = {}
    differences: list[Difference] = []
    for report in reports:
        call_id = report.call_id or ""
        known = legs.get(call_id)
        if known is None:
            legs[call_id] = report
            continue
        for name in _COMPARED:
            first, other = getattr(known, name), getattr(report, name)
            found = Difference(call_id, name, first, other)
            if None not in (first, other) and first != other and found not in differences:
                differences.append(found)
        legs[call_id] = _merged(known, report)
    return tuple(legs.values()), tuple(differences)


def joined(call_id: str, account_id: str, reports: Sequence[LegReport]) -> EndedCall:
    """
    Make the record of a conversation.

    Shape:
        call_id: of the leg that called; its reports may be among the others.
    """
    legs, differences = legs_of(reports)
    ordered = sorted(legs, key=lambda leg: leg.call_id != call_id)
    calling = ordered[0] if ordered and ordered[0].call_id == call_id else None
    ended = calling.at if calling is not None and calling.event == _END else None
    seconds = calling.billing_s if calling is not None else None
    duration = calling.duration_s if calling is not None else None
    began = calling.created_at if calling is not None else None
    if began is None and ended is not None and duration is not None:
        began = ended - timedelta(seconds=duration)
    answered = ended - timedelta(seconds=seconds) if ended is not None and seconds else None
    variables: dict[str, object] = {}
    for leg in ordered:
        variables = {**leg.custom_application_vars, **variables}
    return EndedCall(
        call_id=call_id,
        account_id=account_id,
        began=began,
        answered=answered,
        ended=ended,
        seconds=seconds,
        talk_seconds=_talked(ordered, call_id),
        cause=(calling.hangup_cause or "") if calling is not None else "",
        variables=variables,
        legs=tuple(ordered),
        differences=differences,
    )


def still_up(reports: Iterable[LegReport]) -> list[str]:
    """Name the legs that were heard of and whose end nobody has reported."""
    legs, _ = legs_of(reports)
    return [leg.call_id or "" for leg in legs if leg.event not in _OVER and not leg.is_loopback]


def _talked(legs: Sequence[LegReport], call_id: str) -> int | None:
    # A leg without a Call-ID is what a cdr_url says of the calling one.
    placed = [leg for leg in legs if leg.call_id not in (None, call_id) and not leg.is_loopback]
    known = [leg.billing_s for leg in placed if leg.billing_s is not None]
    if any(leg.event != _END or leg.billing_s is None for leg in placed) and not any(known):
        return None
    return max(known, default=0)


def _merged(known: LegReport, report: LegReport) -> LegReport:
    later = asdict(report)
    news = {
        name: later[name]
        for name, value in asdict(known).items()
        if name not in _OF_A_REPORT and value in (None, {}) and later[name] not in (None, {})
    }
    news["extra"] = {**report.extra, **known.extra}
    if report.event == _END and known.event != _END:
        news |= {"event": _END, "sender": report.sender, "at": report.at or known.at}
    elif known.at is None:
        news["at"] = report.at
    return replace(known, **news)
