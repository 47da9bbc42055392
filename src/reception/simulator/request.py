"""
The request that the platform makes of an app: URL, method, content type and body.

Keys and their order are the platform's (reversed alphabetical, which its own code does
not promise either). The encodings themselves are `wire`'s; the header lines are the
client's. Nothing here sends anything.

Source: contract/observed.md sections 1 and 2, contract/request.md sections 2 to 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from reception.simulator.call import CallState
from reception.wire import render_form, render_pivot_json

JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"

_TEN_DIGITS: Final = re.compile(r"[2-9]\d{9}", re.ASCII)
_ELEVEN_DIGITS: Final = re.compile(r"1[2-9]\d{9}", re.ASCII)
_UNSENDABLE: Final = re.compile(r"[^\x21-\x7e]")
_BRACKETS: Final = re.compile(r"[\[\]]")
_VERSION_5: Final = 5


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    One request, ready for the client.

    Shape:
        method: ``GET`` or ``POST``.
        content_type: None on a GET, which has no body.
        headers: further headers, version 5 only.
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
        collection in which no key was heard is not in it.
    """
    setup = call.setup
    fields: dict[str, Any] = {
        "Account-ID": setup.account_id,
        "Api-Version": "4.x",
        "Call-ID": setup.call_id,
        "Caller-ID-Name": setup.caller_name or "unknown",
        "Caller-ID-Number": setup.caller_number or "anonymous",
        "Custom-Application-Vars": _without_empty(call.application_vars),
        "Custom-SIP-Headers": dict(setup.sip_headers),
        "Direction": "inbound",
        "From": setup.from_number,
        "From-Realm": setup.from_realm,
        "Language": call.language,
        "Request": e164(setup.to_number),
        "Request-Realm": setup.to_realm,
        "To": setup.to_number,
        "To-Realm": setup.to_realm,
    }
    if call.collections is not None:
        fields["Digits"] = {name: keys for name, keys in call.collections.items() if keys}
    if setup.user_ids:
        one = len(setup.user_ids) == 1
        fields["User-ID"] = setup.user_ids[0] if one else list(setup.user_ids)
    return {key: fields[key] for key in sorted(fields, reverse=True)}


def pivot_request(data: Mapping[str, Any], call: CallState) -> Outgoing:
    """
    Build the request of a pivot node.

    Shape:
        data: the node's own, with defaults where it came in a reply. As on the platform a
            missing method is GET, and one that is neither is POST.
    """
    fields = pivot_fields(call)
    url = data.get("voice_url")
    url = url.split("#", 1)[0] if isinstance(url, str) else ""
    headers = _custom_headers(data) if call.platform == _VERSION_5 else {}
    if str(data.get("method", "get")).lower() == "get":
        joined = "&" if "?" in url else "?"
        query = render_form(fields).decode("utf-8", errors="replace")
        return Outgoing("GET", f"{url}{joined}{query}", headers=headers)
    if data.get("req_body_format") == "json":
        return Outgoing("POST", url, render_pivot_json(fields), JSON_TYPE, headers)
    return Outgoing("POST", url, render_form(fields), FORM_TYPE, headers)


def e164(number: str) -> str:
    """
    Normalise the dialled number as the platform does for North America.

    >>> e164("5559876543"), e164("15559876543"), e164("2000"), e164("+442079460000")
    ('+15559876543', '+15559876543', '2000', '+442079460000')
    """
    if _TEN_DIGITS.fullmatch(number):
        return "+1" + number
    if _ELEVEN_DIGITS.fullmatch(number):
        return "+" + number
    return number


def _without_empty(variables: Mapping[str, Any]) -> dict[str, Any]:
    """An empty or null value is how a variable is erased: it is not sent (trace 64)."""
    return {name: value for name, value in variables.items() if value not in ("", None)}


def _custom_headers(data: Mapping[str, Any]) -> dict[str, str]:
    given = data.get("custom_request_headers")
    if not isinstance(given, Mapping):
        return {}
    return {
        str(name): str(value)
        for name, value in given.items()
        if re.fullmatch(r"[!-9;-~]+", str(name)) and not re.search(r"[\r\n\0]", str(value))
    }
