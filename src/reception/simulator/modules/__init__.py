"""
The modules that the simulator can run, by name.

One line per module, one file per family. A module of the platform that is missing from
this table is not simulated: the walk says so in the transcript and goes on to `_`. To add
one, write an async function from `Step` to `Next` and give it a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reception.simulator.modules.bridges import ring_device, ring_group, ring_user
from reception.simulator.modules.carriers import dial_out
from reception.simulator.modules.digits import collect_dtmf, flush_dtmf
from reception.simulator.modules.mailbox import voicemail
from reception.simulator.modules.menu import menu
from reception.simulator.modules.pivot import pivot
from reception.simulator.modules.plain import (
    answer,
    callflow,
    hangup,
    language,
    noop,
    response,
    set_cid,
    set_variables,
    sleep,
)
from reception.simulator.modules.prompts import play, tts
from reception.simulator.steps import Module

MODULES: Final[Mapping[str, Module]] = {
    "answer": answer,
    "callflow": callflow,
    "collect_dtmf": collect_dtmf,
    "device": ring_device,
    "flush_dtmf": flush_dtmf,
    "hangup": hangup,
    "language": language,
    "menu": menu,
    "noop": noop,
    "offnet": dial_out,
    "pivot": pivot,
    "play": play,
    "resources": dial_out,
    "response": response,
    "ring_group": ring_group,
    "set_cid": set_cid,
    "set_variables": set_variables,
    "sleep": sleep,
    "tts": tts,
    "user": ring_user,
    "voicemail": voicemail,
}
