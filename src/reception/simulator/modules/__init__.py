"""
The modules that the simulator can run, by name: all of them.

One line per module, one file per family. To add one, write an async function from `Step`
to `Next` and give it a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reception.simulator.modules.branching import (
    acdc_wait_time,
    branch_bnumber,
    branch_variable,
    callflow,
    check_cid,
    cidlistmatch,
    fax_detect,
    function,
    nomorobo,
)
from reception.simulator.modules.bridges import hotdesk, ring_device, ring_user, route_to_cid
from reception.simulator.modules.caller_dialogs import (
    directory,
    disa,
    doorman,
    dynamic_cid,
    intercom,
    privacy,
    record_caller,
)
from reception.simulator.modules.carriers import dial_out
from reception.simulator.modules.digits import collect_dtmf, flush_dtmf
from reception.simulator.modules.groups import group, page_group, ring_group
from reception.simulator.modules.leaving import (
    acdc_member,
    hand_over,
    hangup,
    park,
    response,
    stay,
    take_control,
    transfer,
)
from reception.simulator.modules.mailbox import voicemail
from reception.simulator.modules.menu import menu
from reception.simulator.modules.pivot import pivot
from reception.simulator.modules.plain import (
    answer,
    feature,
    language,
    noop,
    order,
    prepend_cid,
    ring_group_toggle,
    send_dtmf,
    set_alert_info,
    set_cid,
    set_variable,
    set_variables,
    sleep,
)
from reception.simulator.modules.prompts import audio_macro, play, tones, tts
from reception.simulator.modules.temporal import temporal_route
from reception.simulator.steps import Module

MODULES: Final[Mapping[str, Module]] = {
    "acdc_agent": order,
    "acdc_member": acdc_member,
    "acdc_queue": order,
    "acdc_wait_time": acdc_wait_time,
    "after_bridge": order,
    "answer": answer,
    "audio_macro": audio_macro,
    "branch_bnumber": branch_bnumber,
    "branch_variable": branch_variable,
    "call_forward": feature,
    "call_pickup": hand_over,
    "call_waiting": feature,
    "callflow": callflow,
    "camping_feature": hand_over,
    "check_cid": check_cid,
    "cidlistmatch": cidlistmatch,
    "collect_dtmf": collect_dtmf,
    "conference": take_control,
    "conference_feature": take_control,
    "dead_air": stay,
    "detect_speech": order,
    "device": ring_device,
    "directory": directory,
    "disa": disa,
    "do_not_disturb": feature,
    "doorman": doorman,
    "dynamic_cid": dynamic_cid,
    "eavesdrop": hand_over,
    "eavesdrop_feature": hand_over,
    "edr": order,
    "fax_detect": fax_detect,
    "faxbox": take_control,
    "flush_dtmf": flush_dtmf,
    "function": function,
    "group": group,
    "group_pickup": hand_over,
    "group_pickup_feature": hand_over,
    "hangup": hangup,
    "hotdesk": hotdesk,
    "intercept": hand_over,
    "intercept_feature": hand_over,
    "intercom": intercom,
    "language": language,
    "lookupcidname": order,
    "manual_presence": order,
    "menu": menu,
    "missed_call_alert": order,
    "move": hand_over,
    "nomorobo": nomorobo,
    "noop": noop,
    "notification": order,
    "offnet": dial_out,
    "page_group": page_group,
    "park": park,
    "pivot": pivot,
    "play": play,
    "prepend_cid": prepend_cid,
    "privacy": privacy,
    "receive_fax": hand_over,
    "record_call": order,
    "record_caller": record_caller,
    "resources": dial_out,
    "response": response,
    "ring_group": ring_group,
    "ring_group_toggle": ring_group_toggle,
    "route_to_cid": route_to_cid,
    "send_dtmf": send_dtmf,
    "set": order,
    "set_alert_info": set_alert_info,
    "set_cid": set_cid,
    "set_variable": set_variable,
    "set_variables": set_variables,
    "skel": order,
    "sleep": sleep,
    "temporal_route": temporal_route,
    "tones": tones,
    "transfer": transfer,
    "tts": tts,
    "user": ring_user,
    "voicemail": voicemail,
    "wait_for_hangup": stay,
    "webhook": order,
}
