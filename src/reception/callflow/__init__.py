"""
The reply language: typed nodes, builders, checking, rendering. Pure.

The rule this package keeps: nothing that the platform would reject can be built, and what
it says of a flow is what the platform's own validator says. It does no I/O.
"""

from reception.callflow import flow
from reception.callflow.fallback import fallback_problems
from reception.callflow.findings import Findings, Rejection, Warning_
from reception.callflow.nodes.caller_id import CallerId, ExternalCallerId
from reception.callflow.nodes.conferencing import (
    ConferenceConfig,
    ConferenceMember,
    ConferenceModerator,
    ConferenceProfile,
    WelcomePrompt,
)
from reception.callflow.nodes.messages import FaxOptions
from reception.callflow.nodes.ringing import Endpoint, Ringtones, SharedAppearance
from reception.callflow.nodes.routing import Serverless
from reception.callflow.nodes.sounds import (
    MacroPlay,
    MacroPrompt,
    MacroSay,
    MacroTone,
    MacroTts,
    Tone,
)
from reception.callflow.nodes.variables import AlertRecipient, Recipient
from reception.callflow.reading import Reading, read
from reception.callflow.spec import SPECS, ModuleSpec
from reception.callflow.validate import validate, verdict
from reception.callflow.value import Flow

__all__ = [
    "SPECS",
    "AlertRecipient",
    "CallerId",
    "ConferenceConfig",
    "ConferenceMember",
    "ConferenceModerator",
    "ConferenceProfile",
    "Endpoint",
    "ExternalCallerId",
    "FaxOptions",
    "Findings",
    "Flow",
    "MacroPlay",
    "MacroPrompt",
    "MacroSay",
    "MacroTone",
    "MacroTts",
    "ModuleSpec",
    "Reading",
    "Recipient",
    "Rejection",
    "Ringtones",
    "Serverless",
    "SharedAppearance",
    "Tone",
    "Warning_",
    "WelcomePrompt",
    "fallback_problems",
    "flow",
    "read",
    "validate",
    "verdict",
]
