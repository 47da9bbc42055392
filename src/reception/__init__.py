"""
Reception: the voice application server for QVOICE Platform Pivot.

>>> from reception import App, Call, Flow, flow
"""

from reception.face import (
    App,
    Call,
    CallEnded,
    DialogDrift,
    EndedCall,
    Flow,
    Operation,
    Prompt,
    Secret,
    StepFailed,
    StepInfo,
    current_step,
    flow,
    prompt,
)

__version__ = "0.1.0"
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
    "__version__",
    "current_step",
    "flow",
    "prompt",
]
