"""What a developer imports: `App`, `Call`, `Flow`, `prompt` and the callflow builders in `flow`."""

from reception.callflow import Flow, flow
from reception.dialog import (
    CallEnded,
    DialogDrift,
    Operation,
    Prompt,
    Secret,
    StepFailed,
    StepInfo,
    current_step,
)
from reception.dialog import Prompt as prompt  # noqa: N813  it reads as a verb: prompt("menu")
from reception.face.app import App
from reception.face.call import Call
from reception.face.ended import EndedCall

__all__ = [
    "App",
    "Call",
    "CallEnded",
    "DialogDrift",
    "EndedCall",
    "Flow",
    "Operation",
    "Prompt",
    "Secret",
    "StepFailed",
    "StepInfo",
    "current_step",
    "flow",
    "prompt",
]
