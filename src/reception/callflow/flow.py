"""
Builders of flows, one for each module of the platform: ``flow.user(…)``, ``flow.play(…)``.

The rule this file keeps: one line for each module (and a few for `pivot`, which also takes
the handler that is to answer). A builder takes what its node class
takes, under the same names; its documentation is the class's. It returns a `Flow` that some
version of the platform accepts, or raises AppError on the line where it is called.

Import it as a module, ``from reception import flow``: `set` is among the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Literal, ParamSpec

from reception.callflow import nodes
from reception.callflow.handing_over import url_of
from reception.callflow.making import maker_of
from reception.callflow.making import raw_flow as raw
from reception.callflow.node import Node
from reception.callflow.value import Flow
from reception.errors import AppError

_P = ParamSpec("_P")


def _builder(node: Callable[_P, Node]) -> Callable[_P, Flow]:
    """Give a node class the form of a function that returns a flow, with its whole signature."""
    assert isinstance(node, type)
    made_of: type[Node] = node
    make = maker_of(made_of)

    @wraps(node, updated=())
    def build(*args: _P.args, **kwargs: _P.kwargs) -> Flow:
        node(*args, **kwargs)
        return make(args, kwargs)

    build.__name__ = build.__qualname__ = made_of.module
    return build


acdc_agent = _builder(nodes.features.AcdcAgent)
acdc_member = _builder(nodes.features.AcdcMember)
acdc_queue = _builder(nodes.features.AcdcQueue)
acdc_wait_time = _builder(nodes.features.AcdcWaitTime)
after_bridge = _builder(nodes.leaving.AfterBridge)
answer = _builder(nodes.sounds.Answer)
audio_macro = _builder(nodes.sounds.AudioMacro)
branch_bnumber = _builder(nodes.routing.BranchBnumber)
branch_variable = _builder(nodes.routing.BranchVariable)
call_forward = _builder(nodes.features.CallForward)
call_pickup = _builder(nodes.joining.CallPickup)
call_waiting = _builder(nodes.features.CallWaiting)
callflow = _builder(nodes.routing.Callflow)
camping_feature = _builder(nodes.leaving.CampingFeature)
check_cid = _builder(nodes.caller_id.CheckCid)
cidlistmatch = _builder(nodes.caller_id.CidListMatch)
collect_dtmf = _builder(nodes.keypad.CollectDtmf)
conference = _builder(nodes.conferencing.Conference)
conference_feature = _builder(nodes.conferencing.ConferenceFeature)
dead_air = _builder(nodes.sounds.DeadAir)
detect_speech = _builder(nodes.sounds.DetectSpeech)
device = _builder(nodes.ringing.Device)
directory = _builder(nodes.keypad.Directory)
disa = _builder(nodes.keypad.Disa)
do_not_disturb = _builder(nodes.features.DoNotDisturb)
doorman = _builder(nodes.ringing.Doorman)
dynamic_cid = _builder(nodes.caller_id.DynamicCid)
eavesdrop = _builder(nodes.joining.Eavesdrop)
eavesdrop_feature = _builder(nodes.joining.EavesdropFeature)
edr = _builder(nodes.variables.Edr)
fax_detect = _builder(nodes.messages.FaxDetect)
faxbox = _builder(nodes.messages.Faxbox)
flush_dtmf = _builder(nodes.keypad.FlushDtmf)
function = _builder(nodes.routing.Function)
group = _builder(nodes.ringing.Group)
group_pickup = _builder(nodes.joining.GroupPickup)
group_pickup_feature = _builder(nodes.joining.GroupPickupFeature)
hangup = _builder(nodes.leaving.Hangup)
hotdesk = _builder(nodes.features.Hotdesk)
intercept = _builder(nodes.joining.Intercept)
intercept_feature = _builder(nodes.joining.InterceptFeature)
intercom = _builder(nodes.ringing.Intercom)
language = _builder(nodes.sounds.Language)
lookupcidname = _builder(nodes.caller_id.LookupCidName)
manual_presence = _builder(nodes.variables.ManualPresence)
menu = _builder(nodes.keypad.Menu)
missed_call_alert = _builder(nodes.variables.MissedCallAlert)
move = _builder(nodes.leaving.Move)
nomorobo = _builder(nodes.caller_id.Nomorobo)
noop = _builder(nodes.leaving.Noop)
notification = _builder(nodes.variables.Notification)
offnet = _builder(nodes.carriers.Offnet)
page_group = _builder(nodes.ringing.PageGroup)
park = _builder(nodes.leaving.Park)


def pivot(
    url: str | None = None,
    method: Literal["get", "post", "GET", "POST"] = "post",
    req_format: Literal["kazoo", "twiml"] = "kazoo",
    req_body_format: Literal["form", "json"] = "json",
    req_timeout_ms: int = 4000,
    cdr_url: str | None = None,
    custom_request_headers: Mapping[str, str] | None = None,
    debug: bool | None = None,
    serverless: nodes.routing.Serverless | Mapping[str, Any] | None = None,
    *,
    next: Callable[..., object] | None = None,  # noqa: A002  the word that developers look for
    skip_module: bool | None = None,
) -> Flow:
    if next is not None:
        if url is not None or serverless is not None:
            raise AppError("flow.pivot", "flow.pivot(): give one of url, serverless and next")
        url = url_of(next)
    return _pivot(
        url,
        method,
        req_format,
        req_body_format,
        req_timeout_ms,
        cdr_url,
        custom_request_headers,
        debug,
        serverless,
        skip_module=skip_module,
    )


_pivot = _builder(nodes.routing.Pivot)
pivot.__doc__ = _pivot.__doc__
play = _builder(nodes.sounds.Play)
prepend_cid = _builder(nodes.caller_id.PrependCid)
privacy = _builder(nodes.caller_id.Privacy)
receive_fax = _builder(nodes.messages.ReceiveFax)
record_call = _builder(nodes.messages.RecordCall)
record_caller = _builder(nodes.messages.RecordCaller)
resources = _builder(nodes.carriers.Resources)
response = _builder(nodes.leaving.Response)
ring_group = _builder(nodes.ringing.RingGroup)
ring_group_toggle = _builder(nodes.ringing.RingGroupToggle)
route_to_cid = _builder(nodes.ringing.RouteToCid)
send_dtmf = _builder(nodes.keypad.SendDtmf)
set = _builder(nodes.variables.Set)  # noqa: A001  the module's own name
set_alert_info = _builder(nodes.caller_id.SetAlertInfo)
set_cid = _builder(nodes.caller_id.SetCid)
set_variable = _builder(nodes.variables.SetVariable)
set_variables = _builder(nodes.variables.SetVariables)
skel = _builder(nodes.leaving.Skel)
sleep = _builder(nodes.leaving.Sleep)
temporal_route = _builder(nodes.routing.TemporalRoute)
tones = _builder(nodes.sounds.Tones)
transfer = _builder(nodes.leaving.Transfer)
tts = _builder(nodes.sounds.Tts)
user = _builder(nodes.ringing.User)
voicemail = _builder(nodes.messages.Voicemail)
wait_for_hangup = _builder(nodes.leaving.WaitForHangup)
webhook = _builder(nodes.variables.Webhook)

__all__ = [
    "acdc_agent",
    "acdc_member",
    "acdc_queue",
    "acdc_wait_time",
    "after_bridge",
    "answer",
    "audio_macro",
    "branch_bnumber",
    "branch_variable",
    "call_forward",
    "call_pickup",
    "call_waiting",
    "callflow",
    "camping_feature",
    "check_cid",
    "cidlistmatch",
    "collect_dtmf",
    "conference",
    "conference_feature",
    "dead_air",
    "detect_speech",
    "device",
    "directory",
    "disa",
    "do_not_disturb",
    "doorman",
    "dynamic_cid",
    "eavesdrop",
    "eavesdrop_feature",
    "edr",
    "fax_detect",
    "faxbox",
    "flush_dtmf",
    "function",
    "group",
    "group_pickup",
    "group_pickup_feature",
    "hangup",
    "hotdesk",
    "intercept",
    "intercept_feature",
    "intercom",
    "language",
    "lookupcidname",
    "manual_presence",
    "menu",
    "missed_call_alert",
    "move",
    "nomorobo",
    "noop",
    "notification",
    "offnet",
    "page_group",
    "park",
    "pivot",
    "play",
    "prepend_cid",
    "privacy",
    "raw",
    "receive_fax",
    "record_call",
    "record_caller",
    "resources",
    "response",
    "ring_group",
    "ring_group_toggle",
    "route_to_cid",
    "send_dtmf",
    "set",
    "set_alert_info",
    "set_cid",
    "set_variable",
    "set_variables",
    "skel",
    "sleep",
    "temporal_route",
    "tones",
    "transfer",
    "tts",
    "user",
    "voicemail",
    "wait_for_hangup",
    "webhook",
]
