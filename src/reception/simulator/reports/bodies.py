"""
An event as the app receives it: the cdr_url post, and the webhook in its two versions.

Byte for byte the platform's. A cdr_url post is a form of the whole event less what the
message bus needs, and with that goes the Call-ID. A webhook of version v1 is a flat excerpt
in snake_case; v2 is an envelope around the whole event, signed where the webhook has a key.

Source: contract/wire/cdr, contract/wire/webhook_form, contract/wire/webhook_json,
contract/hangup.md; webhooks_channel_util.erl, webhooks_util.erl of kazoo 4.3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from collections.abc import Mapping
from typing import Any, Final

from reception.simulator.quirks import Quirks
from reception.simulator.reports.events import BRIDGE, DESTROY, Event
from reception.simulator.reports.hooks import Webhook
from reception.simulator.request import FORM_TYPE, JSON_TYPE, Outgoing, custom_headers
from reception.wire import form_text, render_form, render_pivot_json, render_pretty_json

# What every message on the platform's bus carries.
_OF_THE_BUS: Final = frozenset(
    {
        "Access-Group",
        "Account-ID",
        "App-Name",
        "App-Version",
        "Call-ID",
        "Defer-Response",
        "Destination-Server",
        "Event-Category",
        "Event-Name",
        "Geo-Location",
        "Log-ID",
        "Msg-ID",
        "Node",
        "Raw-Headers",
        "Server-ID",
        "System-Log-ID",
        "Tenant-ID",
    }
)
_NEVER_IN_CUSTOM_DATA: Final = frozenset({"type", "action"})


def cdr_post(url: str, event: Event, quirks: Quirks) -> Outgoing:
    """
    Build the post that a cdr_url gets of an event.

    Errors:
        AppError("wire.unsendable"): null as the value of a key, at which the platform's
        sender fails: nothing is posted.

    Source:
        wire/cdr/*.body; hangup_samples/cdr_url_A.form for the published promise.
    """
    kept = {"Call-ID", "Account-ID"} if quirks.keeps_cdr_promise else set()
    fields = {
        key: value
        for key, value in event.items()
        if key != "Custom-Channel-Vars" and (key in kept or key not in _OF_THE_BUS)
    }
    account = _channel_var(event, "Account-ID")
    if quirks.keeps_cdr_promise and account is not None:
        fields.setdefault("Account-ID", account)
    return Outgoing("POST", url.split("#", 1)[0], render_form(fields), FORM_TYPE)


def hook_post(
    hook: Webhook, event: Event, quirks: Quirks, *, cluster_id: str | None = None, now_s: int = 0
) -> Outgoing:
    """
    Build the request that a webhook makes of an event.

    Shape:
        cluster_id: of the platform; left out where None.
        now_s: Gregorian seconds, used in version v2 only.

    Errors:
        AppError("wire.unsendable"): as `cdr_post`.

    Source:
        wire/http/webhook_*.raw, wire/webhook_form/*.body, wire/webhook_json.
    """
    if hook.version == "v2" and "v2" in quirks.hook_versions:
        payload = _envelope(hook, event, now_s)
    else:
        payload = _with_custom_data(hook, flat_payload(event, quirks))
        if cluster_id is not None:
            payload["cluster_id"] = cluster_id
    headers = {"X-Hook-ID": hook.id, "X-Account-ID": hook.account_id}
    if quirks.hook_custom_headers:
        headers |= custom_headers({"custom_request_headers": hook.custom_request_headers})
    if hook.http_verb == "get":
        # The platform appends a question mark also where the URL has one.
        query = render_form(payload).decode("utf-8", errors="replace")
        return Outgoing("GET", f"{hook.uri}?{query}", headers=headers)
    if hook.format == "json":
        body, kind = _json(payload, quirks), JSON_TYPE
    else:
        body, kind = render_form(payload), FORM_TYPE
    return Outgoing(hook.http_verb.upper(), hook.uri, body, kind, headers)


def flat_payload(event: Event, quirks: Quirks) -> dict[str, Any]:
    """
    Give the keys of version v1, without custom data, in the platform's order.

    Most texts are left out where they are empty, the three addresses are not. Version 4
    reads Request as an object, which it never is.
    """
    was_global = _is_true(_channel_var(event, "Global-Resource"))
    forwarded = _channel_var(event, "Call-Forward")
    name = hook_name(event)

    def text(key: str) -> str | None:
        value = _text(event.get(key))
        return value if value or quirks.hook_empty_texts else None

    payload: dict[str, Any] = {
        "account_id": _channel_var(event, "Account-ID") or event.get("Account-ID"),
        "authorizing_id": _channel_var(event, "Authorizing-ID"),
        "authorizing_type": _channel_var(event, "Authorizing-Type"),
        "call_direction": text("Call-Direction"),
        "call_forwarded": None if forwarded is None else _is_true(forwarded),
        "call_id": text("Call-ID"),
        "callee_id_name": text("Callee-ID-Name"),
        "callee_id_number": text("Callee-ID-Number"),
        "caller_id_name": text("Caller-ID-Name"),
        "caller_id_number": text("Caller-ID-Number"),
        "custom_channel_vars": {} if quirks.hook_channel_vars else None,
        "custom_application_vars": _object(event.get("Custom-Application-Vars")),
        "custom_sip_headers": None,
        "emergency_resource_used": _is_true(_channel_var(event, "Emergency-Resource")),
        "from": event.get("From"),
        "inception": event.get("Inception"),
        "local_resource_id": None if was_global else _channel_var(event, "Resource-ID"),
        "local_resource_used": not was_global,
        "is_internal_leg": _is_true(event.get("Channel-Is-Loopback")),
        "other_leg_call_id": text("Other-Leg-Call-ID"),
        "owner_id": _channel_var(event, "Owner-ID"),
        "request": event.get("Request") if quirks.hook_request else None,
        "reseller_id": None,
        "timestamp": _whole(event.get("Timestamp")),
        "to": event.get("To"),
        "hook_event": name.lower(),
    }
    if quirks.hook_sip_headers:
        payload["custom_sip_headers"] = _object(event.get("Custom-SIP-Headers")) or {}
    if quirks.hook_call_forwarded:
        payload["call_forwarded"] = _is_true(forwarded)
        payload["reseller_id"] = _channel_var(event, "Reseller-ID")
    if name == BRIDGE:
        payload["original_number"] = _channel_var(event, "Original-Number")
        payload["other_leg_destination_number"] = text("Other-Leg-Destination-Number")
    if name == DESTROY:
        payload |= {
            "hangup_cause": text("Hangup-Cause"),
            "hangup_code": text("Hangup-Code"),
            "duration_seconds": _whole(event.get("Duration-Seconds")),
            "ringing_seconds": _whole(event.get("Ringing-Seconds")),
            "billing_seconds": _whole(event.get("Billing-Seconds")),
        }
    return {key: value for key, value in payload.items() if value is not None}


def hook_name(event: Event) -> str:
    """Give the name under which webhooks know an event: a lost channel is a destroyed one."""
    name = str(event.get("Event-Name", ""))
    return DESTROY if name == "CHANNEL_DISCONNECTED" else name


def signature(key: str, timestamp: int, data: Mapping[str, Any]) -> str:
    """
    Sign the data of a v2 webhook.

    >>> signature("123", 63834206532, {"foo": "bar"})
    'z481V/jZHAnFEjNCMORc2FgX03CyzxV+fLV6BWhnY6U='
    """
    signed = str(timestamp).encode() + render_pivot_json(_canonical(data))
    return base64.b64encode(hmac.digest(key.encode(), signed, hashlib.sha256)).decode("ascii")


def _envelope(hook: Webhook, event: Event, now_s: int) -> dict[str, Any]:
    kept = {"Call-ID", "Account-ID"}
    data = _snake(
        {key: value for key, value in event.items() if key in kept or key not in _OF_THE_BUS}
    )
    account = _channel_var(event, "Account-ID")
    if account is not None:
        data.setdefault("account_id", account)
    envelope: dict[str, Any] = {"action": "event", "name": hook_name(event), "data": data}
    envelope["timestamp"] = now_s
    if hook.sha256_key:
        envelope["hmac"] = signature(hook.sha256_key, now_s, data)
    return _with_custom_data(hook, envelope)


def _with_custom_data(hook: Webhook, payload: dict[str, Any]) -> dict[str, Any]:
    """Merge custom data, which wins; new keys come behind, the last one first."""
    behind = reversed(list(hook.custom_data.items()))
    return payload | {key: value for key, value in behind if key not in _NEVER_IN_CUSTOM_DATA}


def _json(payload: Mapping[str, Any], quirks: Quirks) -> bytes:
    if quirks.hook_json_is_pretty:
        return render_pretty_json(payload)
    return render_pivot_json(_canonical(payload))


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_canonical(inner) for inner in value]
    return value


def _snake(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key.lower().replace("-", "_"): _snake(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_snake(inner) for inner in value]
    return value


def _channel_var(event: Event, name: str) -> str | None:
    variables = event.get("Custom-Channel-Vars")
    return _text(variables.get(name)) or None if isinstance(variables, Mapping) else None


def _text(value: object) -> str | None:
    """Read a text as the platform does: a number or a truth is its text."""
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    return form_text(value)


def _object(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _whole(value: object) -> int | None:
    """Numbers come as text from some switches; the platform reads them, and rounds."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value) if isinstance(value, int) else _rounded(float(value))
    except (ValueError, OverflowError):
        return None


def _rounded(number: float) -> int:
    return math.floor(number + 0.5) if number >= 0 else math.ceil(number - 0.5)
