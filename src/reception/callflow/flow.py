"""
Builders of flows, one for each module of the platform: ``flow.user(…)``, ``flow.play(…)``.

The rule this file keeps: one line for each module. A builder takes what its node class
takes, under the same names; its documentation is the class's. It returns a `Flow` that some
version of the platform accepts, or raises AppError on the line where it is called.

Import it as a module, ``from reception import flow``: `set` is among the names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from reception.callflow.making import maker_of
from reception.callflow.making import raw_flow as raw
from reception.callflow.node import Node
from reception.callflow.nodes import (
    caller_id,
    carriers,
    conferencing,
    features,
    joining,
    keypad,
    leaving,
    messages,
    ringing,
    routing,
    sounds,
    variables,
)
from reception.callflow.value import Flow

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


acdc_agent = _builder(features.AcdcAgent)
acdc_member = _builder(features.AcdcMember)
acdc_queue = _builder(features.AcdcQueue)
acdc_wait_time = _builder(features.AcdcWaitTime)
after_bridge = _builder(leaving.AfterBridge)
answer = _builder(sounds.Answer)
audio_macro = _builder(sounds.AudioMacro)
branch_bnumber = _builder(routing.BranchBnumber)
branch_variable = _builder(routing.BranchVariable)
call_forward = _builder(features.CallForward)
call_pickup = _builder(joining.CallPickup)
call_waiting = _builder(features.CallWaiting)
callflow = _builder(routing.Callflow)
camping_feature = _builder(leaving.CampingFeature)
check_cid = _builder(caller_id.CheckCid)
cidlistmatch = _builder(caller_id.CidListMatch)
collect_dtmf = _builder(keypad.CollectDtmf)
conference = _builder(conferencing.Conference)
conference_feature = _builder(conferencing.ConferenceFeature)
dead_air = _builder(sounds.DeadAir)
detect_speech = _builder(sounds.DetectSpeech)
device = _builder(ringing.Device)
directory = _builder(keypad.Directory)
disa = _builder(keypad.Disa)
do_not_disturb = _builder(features.DoNotDisturb)
doorman = _builder(ringing.Doorman)
dynamic_cid = _builder(caller_id.DynamicCid)
eavesdrop = _builder(joining.Eavesdrop)
eavesdrop_feature = _builder(joining.EavesdropFeature)
edr = _builder(variables.Edr)
fax_detect = _builder(messages.FaxDetect)
faxbox = _builder(messages.Faxbox)
flush_dtmf = _builder(keypad.FlushDtmf)
function = _builder(routing.Function)
group = _builder(ringing.Group)
group_pickup = _builder(joining.GroupPickup)
group_pickup_feature = _builder(joining.GroupPickupFeature)
hangup = _builder(leaving.Hangup)
hotdesk = _builder(features.Hotdesk)
intercept = _builder(joining.Intercept)
intercept_feature = _builder(joining.InterceptFeature)
intercom = _builder(ringing.Intercom)
language = _builder(sounds.Language)
lookupcidname = _builder(caller_id.LookupCidName)
manual_presence = _builder(variables.ManualPresence)
menu = _builder(keypad.Menu)
missed_call_alert = _builder(variables.MissedCallAlert)
move = _builder(leaving.Move)
nomorobo = _builder(caller_id.Nomorobo)
noop = _builder(leaving.Noop)
notification = _builder(variables.Notification)
offnet = _builder(carriers.Offnet)
page_group = _builder(ringing.PageGroup)
park = _builder(leaving.Park)
pivot = _builder(routing.Pivot)
play = _builder(sounds.Play)
prepend_cid = _builder(caller_id.PrependCid)
privacy = _builder(caller_id.Privacy)
receive_fax = _builder(messages.ReceiveFax)
record_call = _builder(messages.RecordCall)
record_caller = _builder(messages.RecordCaller)
resources = _builder(carriers.Resources)
response = _builder(leaving.Response)
ring_group = _builder(ringing.RingGroup)
ring_group_toggle = _builder(ringing.RingGroupToggle)
route_to_cid = _builder(ringing.RouteToCid)
send_dtmf = _builder(keypad.SendDtmf)
set = _builder(variables.Set)  # noqa: A001  the module's own name
set_alert_info = _builder(caller_id.SetAlertInfo)
set_cid = _builder(caller_id.SetCid)
set_variable = _builder(variables.SetVariable)
set_variables = _builder(variables.SetVariables)
skel = _builder(leaving.Skel)
sleep = _builder(leaving.Sleep)
temporal_route = _builder(routing.TemporalRoute)
tones = _builder(sounds.Tones)
transfer = _builder(leaving.Transfer)
tts = _builder(sounds.Tts)
user = _builder(ringing.User)
voicemail = _builder(messages.Voicemail)
wait_for_hangup = _builder(leaving.WaitForHangup)
webhook = _builder(variables.Webhook)

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
