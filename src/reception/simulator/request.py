"""
The request that the platform makes of an app: URL, method, content type and body.

Keys and their order are the platform's (reversed alphabetical, which its own code does
not promise either). The encodings themselves are `wire`'s; the header lines are in
`heads.py`, the settings in `quirks.py`. Nothing here sends anything.

Source: contract/observed.md sections 1 and 2, contract/request.md sections 2 to 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from reception.simulator.call import CallState
from reception.simulator.numbers import e164
from reception.wire import render_form, render_pivot_json

JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"

_UNSENDABLE: Final = re.compile(r"[^\x21-\x7e]")
_BRACKETS: Final = re.compile(r"[\[\]]")
_USERINFO: Final = re.compile(r"(?<=://)[^/?#@]*(?=@)")
_HEADER_NAME: Final = re.compile(r"[!-9;-~]+", re.ASCII)
_BREAKS_A_LINE: Final = re.compile(r"[\r\n\0]")
# Keys of the platform's own that only TwiML fills; any other key is one that a user made up.
_FILLED_BY_TWIML: Final = frozenset(
    {
        "Call-Status",
        "Recording-Duration",
        "Recording-ID",
        "Recording-Url",
        "Transcription-ID",
        "Transcription-Status",
        "Transcription-Text",
        "Transcription-Url",
    }
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    One request, ready for the client.

    Shape:
        method: ``GET``, ``POST`` or, of a webhook, ``PUT``.
        content_type: None on a GET, which has no body.
        headers: further headers, names in any case; sent in lower case.
    """

    method: str
    url: str
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def unsendable(self) -> str | None:
        """Tell why this request never leaves the platform; None where it does."""
        if _UNSENDABLE.search(self.url):
            return "the URL holds a space or a character outside ASCII"
        if self.method == "GET" and _BRACKETS.search(urlsplit(self.url).query):
            return "a GET with nested keys puts raw brackets into its query: use POST"
        return None


def pivot_fields(call: CallState) -> dict[str, Any]:
    """
    Build the fields of the request that a Pivot step makes now.

    Shape:
        The two Custom- objects are always there. Digits is missing until anything was
        collected in this call, and an object, maybe an empty one, from then on: a
        collection in which no key was heard is not in it. User variables come first.
    """
    setup, quirks = call.setup, call.quirks
    dialled = e164(setup.to_number) if quirks.normalises_request else setup.to_number
    fields: dict[str, Any] = {
        "Api-Version": quirks.api_version,
        "Call-ID": setup.call_id,
        "Caller-ID-Name": setup.caller_name or quirks.privacy_name,
        "Caller-ID-Number": setup.caller_number or quirks.privacy_number,
        "Custom-Application-Vars": _without_empty(call.application_vars),
        "Custom-SIP-Headers": dict(setup.sip_headers),
        "Direction": quirks.direction,
        "From": setup.from_number or quirks.missing_user,
        "From-Realm": setup.from_realm or quirks.missing_realm,
        "Language": call.language,
        "Request": dialled or quirks.missing_user,
        "Request-Realm": setup.to_realm or quirks.missing_realm,
        "To": setup.to_number or quirks.missing_user,
        "To-Realm": setup.to_realm or quirks.missing_realm,
    }
    if setup.account_id:
        fields["Account-ID"] = setup.account_id
    if call.collections is not None:
        fields["Digits"] = {name: keys for name, keys in call.collections.items() if keys}
    if setup.user_ids:
        one = len(setup.user_ids) == 1
        fields["User-ID"] = setup.user_ids[0] if one else list(setup.user_ids)
    user_vars = _without_empty(setup.user_vars)
    fields |= {key: user_vars[key] for key in _FILLED_BY_TWIML & user_vars.keys()}
    first = {key: value for key, value in user_vars.items() if key not in fields}
    return first | {key: fields[key] for key in sorted(fields, reverse=True)}


def twiml_fields(call: CallState) -> dict[str, Any]:
    """
    Build the fields of a request in the platform's other format, which few nodes ask for.

    Source:
        wire/http/pivot_post_twiml_form.raw.
    """
    setup, quirks = call.setup, call.quirks
    fields = {
        "CallerNumber": setup.caller_number or quirks.privacy_number,
        "CallerName": setup.caller_name or quirks.privacy_name,
        "Direction": quirks.direction,
        "ApiVersion": quirks.twiml_api_version,
        "ToRealm": setup.to_realm or quirks.missing_realm,
        "To": setup.to_number or quirks.missing_user,
        "FromRealm": setup.from_realm or quirks.missing_realm,
        "From": setup.from_number or quirks.missing_user,
        "AccountSid": setup.account_id,
        "CallSid": setup.call_id,
    }
    user_vars = _without_empty(setup.user_vars)
    first = {key: value for key, value in user_vars.items() if key not in fields}
    return first | {key: value for key, value in fields.items() if value}


def pivot_request(data: Mapping[str, Any], call: CallState) -> Outgoing:
    """
    Build the request of a pivot node.

    Shape:
        data: the node's own, with defaults where it came in a reply. As on the platform a
            missing method is GET, and one that is neither is POST. A missing format is the
            quirk `missing_format`: only a stored node can lack it.
    """
    is_twiml = data.get("req_format", call.quirks.missing_format) == "twiml"
    fields = twiml_fields(call) if is_twiml else pivot_fields(call)
    url = data.get("voice_url")
    url = url.split("#", 1)[0] if isinstance(url, str) else ""
    headers = custom_headers(data) if call.quirks.sends_custom_headers else {}
    if str(data.get("method", "get")).lower() == "get":
        return Outgoing("GET", _with_query(url, fields), headers=headers)
    if data.get("req_body_format") == "json":
        return Outgoing("POST", url, render_pivot_json(fields), JSON_TYPE, headers)
    return Outgoing("POST", url, render_form(fields), FORM_TYPE, headers)


def custom_headers(data: Mapping[str, Any]) -> dict[str, str]:
    """Give the ``custom_request_headers`` of a node or a webhook that can be sent at all."""
    given = data.get("custom_request_headers")
    if not isinstance(given, Mapping):
        return {}
    return {
        str(name): str(value)
        for name, value in given.items()
        if _HEADER_NAME.fullmatch(str(name)) and not _BREAKS_A_LINE.search(str(value))
    }


def _with_query(url: str, fields: Mapping[str, Any]) -> str:
    """Append the fields; the platform takes the URL apart for it, and loses userinfo's colon."""
    query = render_form(fields).decode("utf-8", errors="replace")
    url = _USERINFO.sub(lambda found: found[0].replace(":", ""), url, count=1)
    base, _, own = url.partition("?")
    return f"{base}?{own}&{query}" if own else f"{base}?{query}"


def _without_empty(variables: Mapping[str, Any]) -> dict[str, Any]:
    """An empty or null value is how a variable is erased: it is not sent (trace 64)."""
    return {name: value for name, value in variables.items() if value not in ("", None)}
