"""
The events of a leg, as they go over the platform's message bus.

Everything that is reported of a call is made from such an event: a cdr_url post is most of
it, a webhook is an excerpt under other names. Keys and their order are those of the
recorded events; what the simulator cannot know (addresses of the switch, tags) is constant.

Source: contract/wire/cdr/*.json, contract/hangup.md section A.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reception.simulator.reports.legs import Leg

CREATE: Final = "CHANNEL_CREATE"
ANSWER: Final = "CHANNEL_ANSWER"
BRIDGE: Final = "CHANNEL_BRIDGE"
DESTROY: Final = "CHANNEL_DESTROY"

GREGORIAN_TO_UNIX_S: Final = 62_167_219_200
"""Seconds between the year 0, from which the platform counts, and 1970."""

_SWITCH: Final = "fs1.example"
_STATES: Final[Mapping[str, tuple[str, str, str]]] = {
    CREATE: ("INIT", "DOWN", "ringing"),
    ANSWER: ("EXECUTE", "ACTIVE", "answered"),
    BRIDGE: ("EXCHANGE_MEDIA", "ACTIVE", "answered"),
    DESTROY: ("DESTROY", "HANGUP", "hangup"),
}

Event = Mapping[str, Any]


def event_of(name: str, leg: Leg, at_us: int) -> Event:
    """
    Build one event of a leg as it is at that moment.

    Shape:
        name: one of the four names above.
    """
    state, call_state, answer_state = _STATES[name]
    fields: dict[str, Any] = {
        "Event-Category": "call_event",
        "Event-Name": name,
        "App-Name": "ecallmgr",
        "App-Version": "4.0.0",
        "Msg-ID": str(at_us),
        "Node": f"ecallmgr@{_SWITCH}",
        "Timestamp": at_us // 1_000_000 + GREGORIAN_TO_UNIX_S,
        "Call-ID": leg.call_id,
        "Channel-Created-Time": str(leg.created_us),
        "Call-Direction": leg.direction,
        "Channel-State": state,
        "Channel-Call-State": call_state,
        "Channel-Name": _channel_name(leg),
        "Channel-Answer-State": answer_state,
        "Caller-ID-Number": leg.caller_number,
        "Caller-ID-Name": leg.caller_name,
        "Callee-ID-Number": leg.callee_number,
        "Callee-ID-Name": leg.callee_name,
        "Presence-ID": leg.from_,
        "Channel-Is-Loopback": leg.is_loopback,
        "Switch-URL": "sip:mod_sofia@192.0.2.16:11000",
        "Switch-URI": "sip:192.0.2.16:11000",
        "Switch-Hostname": _SWITCH,
        "Switch-Nodename": f"freeswitch@{_SWITCH}",
        "Custom-Channel-Vars": _channel_vars(leg),
        "Custom-Application-Vars": dict(leg.application_vars),
    }
    if leg.sip_headers:
        fields["Custom-SIP-Headers"] = dict(leg.sip_headers)
    fields |= {
        "From": leg.from_,
        "From-URI": leg.from_,
        "To": leg.to,
        "To-URI": leg.to,
        "Request": leg.request,
        "Caller-Destination-Number": leg.request.partition("@")[0],
    }
    if name == DESTROY:
        fields |= _end(leg)
    if leg.other is not None:
        fields |= _other(leg.other)
    return fields


def _channel_name(leg: Leg) -> str:
    user = (leg.from_ if leg.direction == "inbound" else leg.to).partition("@")[0]
    return f"loopback/{user}-a" if leg.is_loopback else f"sofia/sipinterface_1/{leg.from_}"


def _channel_vars(leg: Leg) -> dict[str, str]:
    known = {
        "Account-ID": leg.account_id,
        "Authorizing-ID": leg.authorizing_id,
        "Authorizing-Type": leg.authorizing_type,
        "Owner-ID": leg.owner_id,
        "Resource-ID": leg.resource_id,
        "Call-Interaction-ID": leg.interaction_id or None,
        "Channel-Authorized": "true",
    }
    return {key: value for key, value in known.items() if value is not None}


def _end(leg: Leg) -> dict[str, Any]:
    ended = {
        "Duration-Seconds": leg.duration_s,
        "Ringing-Seconds": leg.ringing_s,
        "Billing-Seconds": leg.billing_s,
        "Billing-Milli-Seconds": leg.billing_ms,
        "Hangup-Code": leg.code,
        "Hangup-Cause": leg.cause,
        "Disposition": "ANSWER" if leg.answered_us is not None else leg.cause,
    }
    return {key: value for key, value in ended.items() if value is not None}


def _other(leg: Leg) -> dict[str, Any]:
    short = {
        "Direction": leg.direction,
        "Caller-ID-Name": leg.caller_name,
        "Caller-ID-Number": leg.caller_number,
        "Destination-Number": leg.request.partition("@")[0],
        "Call-ID": leg.call_id,
    }
    return {
        "Other-Leg-Call-ID": leg.call_id,
        "Other-Leg-Caller-ID-Name": leg.caller_name,
        "Other-Leg-Caller-ID-Number": leg.caller_number,
        "Other-Leg-Destination-Number": short["Destination-Number"],
        "Other-Leg-Direction": leg.direction,
        "Other-Leg": short,
    }
