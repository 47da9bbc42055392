"""
Reading a Pivot request, in any of the encodings the platform has.

The rule: bytes in, `PivotRequest` or `PeerError` out, never anything else, in time that
grows only with the length. A caller waits behind every request, so a harmless oddity (a
number where text stood, the other request format, a wrong label) is read as it was
meant, and only what cannot be understood at all is refused.

There are two roads. A usual request (JSON as the platform writes it, known keys, plain
text values, at most 4 KiB) is decoded in one step. Everything else takes the long road
through a dict. Both give equal results, and a test holds that.

Which decoder: a body that begins with ``{`` is JSON whatever its label says. Otherwise
the label decides, except that a body labelled JSON which looks like a form is read as
one. Without a label, or with a strange one, a body that looks like a form is a form.

Not here: what a key means (`fold`), and the tenant and its secret, which are decided
before a body is read.
"""

from __future__ import annotations

from typing import Final

import msgspec

from reception.wire.fold import fold, owners_of, read_digits
from reception.wire.form import form_view, read_form
from reception.wire.json_text import read_json
from reception.wire.limits import (
    MAX_BODY_BYTES,
    MAX_KEYS,
    MAX_VALUE_BYTES,
    unreadable,
)
from reception.wire.request import Digits, PivotRequest

_NO_KEYS: Final[frozenset[str]] = frozenset()
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_FORM_LABEL: Final = "application/x-www-form-urlencoded"
# What begins so is no form, though it may hold "=": JSON, XML, multipart.
_NO_FORM: Final = frozenset('{[<-"')


def parse_pivot(body: bytes, content_type: str | None) -> PivotRequest:
    """
    Read the body of a POST.

    Shape:
        body: at most 64 KiB, depth 32, 256 keys an object (Digits 1,024), 4 KiB a value.
        content_type: the header as it came, with any parameters; None where it is missing.
        returns: the request; a key that is repeated counts as it stood first.

    Errors:
        PeerError: code "pivot.<reason>" with a status of 400, 413 or 415, see
        `reception.wire.limits`. Missing keys are no error, not even the Call-ID.

    Source:
        contract/request.md §2, §3, §5, contract/observed.md §1, §2;
        wire/pivot_json, wire/pivot_form, wire/http/pivot_post_*.raw.

    >>> parse_pivot(b'{"Call-ID":"a@b","User-ID":"u1"}', "application/json").user_id
    ('u1',)
    >>> parse_pivot(b"Call-ID=a%40b&&User-ID[]=u1", None).call_id
    'a@b'
    """
    usual = _read_usual(body)
    if usual is not None:
        return usual
    text = text_of(body)
    start = text.lstrip(" \t\r\n")[:1]
    if start == "{":
        return _from_json(text)
    label = (content_type or "").partition(";")[0].strip().lower()
    if label == _FORM_LABEL:
        return _from_form(text, _NO_KEYS)
    if "=" in text and start not in _NO_FORM:
        return _from_form(text, _NO_KEYS)
    if not label or label.endswith(("/json", "+json")):
        return _from_json(text)
    raise unreadable("unsupported_type")


def parse_pivot_query(query: bytes, *, exclude: frozenset[str] = _NO_KEYS) -> PivotRequest:
    """
    Read the query of a GET, which is form text behind the configured URL's own query.

    Shape:
        query: raw bytes without the question mark; the limits of `parse_pivot`.
        exclude: keys of the URL itself (APPID, key, the application's parameters), as
            they stand in the query. All values of such a key are left out.

    Errors:
        PeerError: as `parse_pivot`; "pivot.empty" for a GET that says nothing about a
        call, such as the one the platform makes of a redirected POST.

    Source:
        contract/request.md §2; wire/http/pivot_get.raw, redirect_302_becomes_get.raw.

    >>> parse_pivot_query(b"APPID=x&Call-ID=a&&To=2000", exclude=frozenset({"APPID"})).to
    '2000'
    """
    return _from_form(text_of(query), exclude)


def as_form_sees(request: PivotRequest) -> PivotRequest:
    """
    Return `request` as it would have arrived in a form.

    In the Custom-* mappings and in `extra` a form has no numbers, booleans or null: leaves
    become text, objects in lists their JSON text, empty objects and lists go. Attributes
    stay as they are. A request read from a form is not changed by this.

    Source:
        contract/observed.md §2; the twins in wire/pivot_json and wire/pivot_form.
    """
    return msgspec.structs.replace(
        request,
        custom_application_vars=form_view(request.custom_application_vars),
        custom_sip_headers=form_view(request.custom_sip_headers),
        extra=form_view(request.extra),
    )


# --- the short road -----------------------------------------------------------------------------


class _Usual(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What the platform sends in practice; durations and other spellings take the long road."""

    call_id: str | None = msgspec.field(default=None, name="Call-ID")
    account_id: str | None = msgspec.field(default=None, name="Account-ID")
    api_version: str | None = msgspec.field(default=None, name="Api-Version")
    direction: str | None = msgspec.field(default=None, name="Direction")
    from_: str | None = msgspec.field(default=None, name="From")
    from_realm: str | None = msgspec.field(default=None, name="From-Realm")
    to: str | None = msgspec.field(default=None, name="To")
    to_realm: str | None = msgspec.field(default=None, name="To-Realm")
    request: str | None = msgspec.field(default=None, name="Request")
    request_realm: str | None = msgspec.field(default=None, name="Request-Realm")
    caller_id_name: str | None = msgspec.field(default=None, name="Caller-ID-Name")
    caller_id_number: str | None = msgspec.field(default=None, name="Caller-ID-Number")
    call_status: str | None = msgspec.field(default=None, name="Call-Status")
    user_id: str | list[str] | None = msgspec.field(default=None, name="User-ID")
    language: str | None = msgspec.field(default=None, name="Language")
    digits: str | dict[str, str] | None = msgspec.field(default=None, name="Digits")
    app_vars: dict[str, str] | None = msgspec.field(default=None, name="Custom-Application-Vars")
    sip_headers: dict[str, str] | None = msgspec.field(default=None, name="Custom-SIP-Headers")


_decode_usual: Final = msgspec.json.Decoder(_Usual).decode
_encode_usual: Final = msgspec.json.Encoder().encode


def _read_usual(body: bytes) -> PivotRequest | None:
    # Written again, a value takes as few bytes as JSON allows. So a body of that very length
    # has no repeated key, no null and no white space: each of them would be missing. Up to
    # 4 KiB no value can be too long, no Digits too many, and nothing here nests.
    if len(body) > MAX_VALUE_BYTES:
        return None
    try:
        usual = _decode_usual(body)
    except (ValueError, RecursionError):
        return None
    if len(_encode_usual(usual)) != len(body):
        return None
    app_vars = usual.app_vars or {}
    sip_headers = usual.sip_headers or {}
    if len(app_vars) > MAX_KEYS or len(sip_headers) > MAX_KEYS:
        return None
    user_id = usual.user_id
    digits = usual.digits
    return PivotRequest(
        usual.call_id,
        usual.account_id,
        usual.api_version,
        usual.direction,
        usual.from_,
        usual.from_realm,
        usual.to,
        usual.to_realm,
        usual.request,
        usual.request_realm,
        usual.caller_id_name,
        usual.caller_id_number,
        usual.call_status,
        () if user_id is None else owners_of(user_id),
        usual.language,
        Digits(digits) if isinstance(digits, dict) else read_digits(digits)[0],
        app_vars,
        sip_headers,
    )


# --- the long road ------------------------------------------------------------------------------


def text_of(body: bytes) -> str:
    """
    Decode a body or query to text.

    Errors:
        PeerError: empty, too large, compressed, or not UTF-8.
    """
    if len(body) > MAX_BODY_BYTES:
        raise unreadable("too_large")
    if body.startswith(_GZIP):
        raise unreadable("compressed")
    body = body.removeprefix(_BOM)
    if 2 * body.count(0) >= len(body) > 0:  # UTF-16 of ASCII is valid UTF-8, every other byte NUL
        raise unreadable("not_utf8")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise unreadable("not_utf8") from None
    text = text.rstrip("\r\n")  # from an editor; the platform sends no bare line break
    if not text.strip():
        raise unreadable("empty")
    return text


def _from_json(text: str) -> PivotRequest:
    fields = read_json(text)
    if not isinstance(fields, dict):
        raise unreadable("not_object")
    return fold(fields)


def _from_form(text: str, exclude: frozenset[str]) -> PivotRequest:
    fields = read_form(text, exclude)
    if not fields:
        raise unreadable("empty")
    if "=" not in text:
        raise unreadable("not_form")
    return fold(fields)
