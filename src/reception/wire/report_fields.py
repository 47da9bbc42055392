"""
What each key of an end-of-call report means: from decoded keys to attributes.

The platform's senders write one thing as ``Hangup-Cause``, ``hangup_cause`` and
``Hangup-cause``: here a key is its lower case with underscores. The rule: one table says which
attribute a key fills; what does not fit its attribute stays in `extra` as it was sent; of two
spellings in one report the first counts. A harmless drift of types is read as it was meant.

Not here: bytes, labels and limits; the envelope of a webhook of version 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from reception.wire.form import form_text
from reception.wire.leg_report import LegReport, Sender
from reception.wire.times import time_of


def report_of(fields: Mapping[str, Any], sender: Sender, event: str) -> LegReport:
    """
    Sort decoded keys into the attributes of a report. Meaning never fails.

    >>> report_of({"Billing-Seconds": "88", "Call-ID": "a@b", "X": {}}, "cdr_url", "destroy").extra
    {'X': {}}
    """
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in fields.items():
        if value is None:
            continue
        name = _ATTRIBUTES.get(key.lower().replace("-", "_"))
        if name is None:
            extra[key] = value
            continue
        reader: Callable[[Any], Any] = _READERS.get(name, _text)
        read = reader(value)
        if read is None or values.setdefault(name, read) != read:
            extra[key] = value
    for name, key, inner in _INNER:
        if name not in values:
            found = _within(fields, key, inner)
            if found is not None:
                values[name] = found
    at = values.pop("event_at", None)
    if at is not None:
        # To the microsecond, where the other one has whole seconds.
        values["at"] = at
    return LegReport(sender=sender, event=event, **values, extra=extra)


def _within(fields: Mapping[str, Any], key: str, inner: str) -> str | None:
    for name, value in fields.items():
        if name.lower().replace("-", "_") == key and isinstance(value, Mapping):
            for part, text in value.items():
                if part.lower().replace("-", "_") == inner:
                    return _text(text)
    return None


def _text(value: Any) -> str | None:
    return None if isinstance(value, (dict, list)) or value is None else form_text(value)


def _number(value: Any) -> int | None:
    text = _text(value)
    if text is None or isinstance(value, bool):
        return None
    whole = text.strip().removesuffix(".0")
    return int(whole) if len(whole) <= 18 and whole.isascii() and whole.isdigit() else None


def _time(value: Any) -> datetime | None:
    number = _number(value)
    return None if number is None else time_of(number)


def _truth(value: Any) -> bool | None:
    return _TRUTH.get(form_text(value)) if isinstance(value, (str, bool)) else None


def _mapping(value: Any) -> Mapping[str, Any] | None:
    if value == []:
        return {}
    return value if isinstance(value, Mapping) else None


_TRUTH: Final[Mapping[str, bool]] = {"true": True, "false": False}

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "duration_s": _number,
    "ringing_s": _number,
    "billing_s": _number,
    "billing_ms": _number,
    "at": _time,
    "event_at": _time,
    "created_at": _time,
    "is_internal_leg": _truth,
    "call_forwarded": _truth,
    "local_resource_used": _truth,
    "emergency_resource_used": _truth,
    "custom_application_vars": _mapping,
    "custom_channel_vars": _mapping,
    "custom_sip_headers": _mapping,
}

_ATTRIBUTES: Final[Mapping[str, str]] = {
    name: name
    for name in (
        "call_id",
        "account_id",
        "reseller_id",
        "other_leg_call_id",
        "call_direction",
        "to",
        "request",
        "caller_id_name",
        "caller_id_number",
        "callee_id_name",
        "callee_id_number",
        "owner_id",
        "authorizing_id",
        "authorizing_type",
        "local_resource_id",
        "inception",
        "interaction_id",
        "disposition",
        "hangup_cause",
        "hangup_code",
        "is_internal_leg",
        "call_forwarded",
        "local_resource_used",
        "emergency_resource_used",
        "custom_application_vars",
        "custom_channel_vars",
        "custom_sip_headers",
    )
} | {
    "from": "from_",
    "duration_seconds": "duration_s",
    "ringing_seconds": "ringing_s",
    "billing_seconds": "billing_s",
    "billing_milli_seconds": "billing_ms",
    "timestamp": "at",
    "event_timestamp": "event_at",
    "channel_created_time": "created_at",
}

# What some senders say inside an object: attribute, object and key of it.
_INNER: Final = (
    ("other_leg_call_id", "other_leg", "call_id"),
    ("interaction_id", "call_interaction", "id"),
    ("account_id", "custom_channel_vars", "account_id"),
    ("owner_id", "custom_channel_vars", "owner_id"),
    ("authorizing_id", "custom_channel_vars", "authorizing_id"),
    ("authorizing_type", "custom_channel_vars", "authorizing_type"),
)
