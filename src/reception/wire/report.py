"""
Reading an end-of-call report, in any of the dialects that the platform has.

Forms and JSON, keys like ``Hangup-Cause`` and like ``hangup_cause``, bare or in the envelope of
a webhook of version 2, in a body or in the query of a GET. The rule: bytes in, `LegReport` or
`PeerError` out, never anything else, in time that grows only with the length.

Not here: what a key means (`report_fields`), and whether its sender is believed
(`webhook_signature` for version 2).

Source: contract/hangup.md; contract/observed.md §3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reception.errors import PeerError
from reception.wire.form import read_form
from reception.wire.json_text import read_json
from reception.wire.leg_report import LegReport, Sender
from reception.wire.limits import check_bounds, unreadable
from reception.wire.pivot import text_of
from reception.wire.report_fields import report_of

_NO_KEYS: Final[frozenset[str]] = frozenset()
_CHANNEL: Final = "channel_"
_JSON: Final = frozenset("{[")
# Descriptions of media: thousands of letters that say nothing of a call.
_MEDIA: Final = frozenset({"Local-SDP", "Remote-SDP", "local_sdp", "remote_sdp"})


def parse_report(body: bytes, content_type: str | None = None) -> LegReport:
    """
    Read the body of a POST or PUT.

    Shape:
        body: at most 64 KiB, depth 32, 256 keys an object, 4 KiB a value.
        content_type: the header as it came. A body that begins with ``{`` is JSON, any other a
            form, whatever its label says.

    Errors:
        PeerError: code "report.<reason>", see `reception.wire.limits`. Missing keys are no
        error: a stock platform's cdr_url names no call.

    >>> parse_report(b"Billing-Seconds=31&Hangup-Cause=NORMAL_CLEARING").billing_s
    31
    >>> parse_report(b'{"hook_event":"channel_answer","call_id":"a@b"}').event
    'answer'
    """
    try:
        return _report(fields_of(body, content_type))
    except PeerError as error:
        raise _ours(error) from None


def parse_report_query(query: bytes, *, exclude: frozenset[str] = _NO_KEYS) -> LegReport:
    """
    Read the query of a GET.

    The platform appends its own behind another question mark, also where the URL has a query
    already (``APPID=x?call_id=…``): all before the first question mark is the URL's, and is
    left out.

    Shape:
        exclude: keys of the URL itself, for a query without a second question mark.

    Errors:
        PeerError: as `parse_report`.

    >>> parse_report_query(b"APPID=x&key=y?call_id=a%40b&hook_event=channel_destroy").call_id
    'a@b'
    """
    own, mark, theirs = query.partition(b"?")
    try:
        return _report(_form(text_of(theirs if mark else own), exclude))
    except PeerError as error:
        raise _ours(error) from None


def fields_of(body: bytes, content_type: str | None = None) -> dict[str, Any]:
    """
    Decode a body to its keys, whatever they are.

    Errors:
        PeerError: code "pivot.<reason>": it cannot be read.
    """
    text = text_of(body)
    is_json = text.lstrip(" \t\r\n")[:1] in _JSON
    if not is_json and ("=" in text or "json" not in (content_type or "").lower()):
        return _form(text)
    fields = read_json(text)
    if not isinstance(fields, dict):
        raise unreadable("not_object")
    return _bounded(fields)


def is_envelope(fields: Mapping[str, Any]) -> bool:
    """Are these the keys of a webhook of version 2?"""
    return isinstance(fields.get("data"), dict) and "name" in fields and "action" in fields


def _report(fields: dict[str, Any]) -> LegReport:
    if is_envelope(fields):
        data: dict[str, Any] = fields["data"]
        rest = {
            key: value
            for key, value in fields.items()
            if key not in ("action", "name", "data", "hmac")
        }
        # What stands beside the data (the operator's own, unsigned) never replaces it.
        said = {key: value for key, value in data.items() if value is not None}
        return report_of({**rest, **said}, "webhook_v2", _event(fields["name"]))
    hook = fields.get("hook_event")
    if hook is not None:
        named = {key: value for key, value in fields.items() if key != "hook_event"}
        return report_of(named, "webhook", _event(hook))
    sender: Sender = "cdr_url" if any(key[:1].isupper() for key in fields) else "webhook"
    return report_of(fields, sender, "destroy")


def _event(name: Any) -> str:
    return str(name).lower().removeprefix(_CHANNEL) if isinstance(name, str) else "unknown"


def _form(text: str, exclude: frozenset[str] = _NO_KEYS) -> dict[str, Any]:
    fields = read_form(text, exclude)
    if "=" not in text or not fields:
        raise unreadable("not_form" if "=" not in text else "empty")
    return _bounded(fields)


def _bounded(fields: dict[str, Any]) -> dict[str, Any]:
    for data in (fields, fields.get("data")):
        if isinstance(data, dict):
            for key in _MEDIA & data.keys():
                del data[key]
    check_bounds(fields)
    return fields


def _ours(error: PeerError) -> PeerError:
    reason = error.code.partition(".")[2]
    message = error.message.replace("The request", "The report").replace(
        "the request", "the report"
    )
    return PeerError(f"report.{reason}", message, status=error.status)
