"""
What each key of a Pivot request means: from decoded keys to attributes.

The rule: one table says which attribute a key fills, and what does not fit its attribute
is kept in `extra` rather than refused or dropped. A harmless drift of types is read as it
was meant: a number where text stood is its text, null is absent, a list of owners and a
single owner are both owners. The platform's usual spelling of a key wins over the others.

Both encodings end here, so they cannot differ in what they mean.

Not here: bytes, labels and limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from reception.wire.form import form_text
from reception.wire.limits import check_bounds
from reception.wire.request import Digits, PivotRequest


def fold(fields: dict[str, Any]) -> PivotRequest:
    """
    Sort decoded keys into the attributes of a request.

    Shape:
        fields: what either encoding decodes to, as `reception.wire.limits.check_bounds`
            describes it.

    Errors:
        PeerError: a bound of `check_bounds` was passed. Meaning never fails.

    Source:
        contract/request.md §3, §4; the other spellings: §3 (request variables, the other
        request format), wire/http/pivot_post_json_recording.raw, pivot_post_twiml_form.raw.

    >>> fold({"CallSid": "a@b", "Caller-ID-Name": 5, "To": ["x"]}).extra
    {'To': ['x']}
    """
    check_bounds(fields)
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    others: list[tuple[str, str, Any]] = []
    for key, value in fields.items():
        if value is None:
            continue
        attribute = USUAL_KEYS.get(key)
        if attribute is not None:
            if isinstance(value, str) and attribute not in READERS:
                values[attribute] = value  # nearly always
            else:
                _take(key, attribute, value, values, extra)
        elif key in OTHER_KEYS:
            others.append((key, OTHER_KEYS[key], value))
        else:
            extra[key] = value
    for key, attribute, value in others:
        _take(key, attribute, value, values, extra)
    return PivotRequest(**values, extra=extra)


def _take(
    key: str, attribute: str, value: Any, values: dict[str, Any], extra: dict[str, Any]
) -> None:
    read, left = READERS.get(attribute, _read_text)(value)
    if read is not None and values.setdefault(attribute, read) != read:
        left = value  # another spelling of the key said something else
    if left is not None:
        extra[key] = left


# A reader returns what it could read of a value (None: nothing), and what belongs into `extra`.
_Read = tuple[Any, Any]


def _read_text(value: Any) -> _Read:
    if isinstance(value, (dict, list)):
        return None, value
    return form_text(value), None


def _read_seconds(value: Any) -> _Read:
    text, _ = _read_text(value)
    if text is None or isinstance(value, bool):
        return None, value
    whole = text.removesuffix(".0")
    if len(whole) <= 18 and whole.isascii() and whole.isdigit():
        return int(whole), None
    return None, value


def _read_user_id(value: Any) -> _Read:
    if isinstance(value, dict):
        return None, value
    return owners_of(value), None


def owners_of(value: Any) -> tuple[str, ...]:
    owners = value if isinstance(value, list) else [value]
    texts = [form_text(owner) for owner in owners if owner is not None]
    return tuple(filter(None, texts))


def read_digits(value: Any) -> tuple[Digits, Any]:
    if value is None:
        return _NOTHING_PRESSED, None
    if not isinstance(value, (dict, list)):
        text = form_text(value)
        # The other request format says "timeout" where nothing was pressed.
        return Digits({"default": text} if text not in ("", "timeout") else {}, text), None
    collections: dict[str, str] = {}
    left: dict[str, Any] = {}
    for name, keys in _named(value).items():
        if isinstance(keys, (dict, list)):
            left[name] = keys
        elif keys is not None:
            collections[name] = form_text(keys)
    return Digits(collections), left or None


def _read_mapping(value: Any) -> _Read:
    if isinstance(value, (dict, list)):
        return _named(value), None
    return None, value


def _named(value: dict[str, Any] | list[Any]) -> dict[str, Any]:
    # In a form, an object with only the empty key has the text of a list: take a list
    # where an object belongs for that, in both encodings.
    if isinstance(value, list):
        return {"": value[0] if len(value) == 1 else value} if value else {}
    return value


_NOTHING_PRESSED: Final = Digits()

READERS: Final[Mapping[str, Callable[[Any], _Read]]] = {
    "user_id": _read_user_id,
    "digits": read_digits,
    "recording_duration": _read_seconds,
    "dial_call_duration": _read_seconds,
    "custom_application_vars": _read_mapping,
    "custom_sip_headers": _read_mapping,
}

USUAL_KEYS: Final[Mapping[str, str]] = {
    "Call-ID": "call_id",
    "Account-ID": "account_id",
    "Api-Version": "api_version",
    "Direction": "direction",
    "From": "from_",
    "From-Realm": "from_realm",
    "To": "to",
    "To-Realm": "to_realm",
    "Request": "request",
    "Request-Realm": "request_realm",
    "Caller-ID-Name": "caller_id_name",
    "Caller-ID-Number": "caller_id_number",
    "Call-Status": "call_status",
    "User-ID": "user_id",
    "Language": "language",
    "Digits": "digits",
    "Custom-Application-Vars": "custom_application_vars",
    "Custom-SIP-Headers": "custom_sip_headers",
    "Recording-Url": "recording_url",
    "Recording-Duration": "recording_duration",
    "Recording-ID": "recording_id",
    "Transcription-ID": "transcription_id",
    "Transcription-Text": "transcription_text",
    "Transcription-Status": "transcription_status",
    "Transcription-Url": "transcription_url",
    "DialCallStatus": "dial_call_status",
    "DialCallSid": "dial_call_sid",
    "DialCallDuration": "dial_call_duration",
    "QueueSid": "queue_sid",
}

# The platform's request variables, and the keys of its other request format: a pivot node
# stored without req_format sends those, and its caller must be answered as well.
OTHER_KEYS: Final[Mapping[str, str]] = {
    "CallSid": "call_id",
    "AccountSid": "account_id",
    "ApiVersion": "api_version",
    "FromRealm": "from_realm",
    "ToRealm": "to_realm",
    "RequestRealm": "request_realm",
    "CallerName": "caller_id_name",
    "CallerNumber": "caller_id_number",
    "CallStatus": "call_status",
    "RecordingUrl": "recording_url",
    "RecordingDuration": "recording_duration",
    "RecordingSid": "recording_id",
    "TranscriptionSid": "transcription_id",
    "TranscriptionText": "transcription_text",
    "TranscriptionStatus": "transcription_status",
    "TranscriptionUrl": "transcription_url",
}
