"""
What goes into the use case "answer a pivot of a dialog", and what comes out of it.

Only records: the request with all that is known of it, and the reply with what there is to
tell about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reception.callflow import Flow
from reception.dialog import Began
from reception.face.app import App
from reception.face.call import PivotUrl
from reception.wire import PivotRequest
from reception.wire.step_token import StepToken


@dataclass(frozen=True, slots=True)
class Pivot:
    """
    One pivot of one call.

    Attributes:
        tenant: the APPID.
        app: what answers it; fallback: the tenant's safe flow.
        token: the step that is asked for, its MAC found right; None for step 0.
        params: of the voice URL; by_path: the shape of the voice URL.
        pivot_url: makes the URLs of `Call.pivot_url`.
        url: makes the absolute URL of a step of ours.
        fit: makes a reply ready for this tenant, or raises AppError.
        deadline_s: how long after its arrival it must be answered; left_s: what is left of that.
        begun: the handler, where it was begun before it was known to be a dialog.
    """

    tenant: str
    app: App
    fallback: Flow
    request: PivotRequest
    token: StepToken | None
    params: Mapping[str, str]
    pivot_url: PivotUrl
    url: Callable[[StepToken], str]
    fit: Callable[[Flow], Flow]
    deadline_s: float
    left_s: Callable[[], float]
    begun: Began | None = None


Fate = Literal["flow", "stored", "late", "failed"]


@dataclass(frozen=True, slots=True)
class Reply:
    """
    The bytes to send, with 200.

    Attributes:
        fate: ``flow``: what the dialog answers. ``stored``: what this step was answered before.
            The others are the fallback: an effect was ``late``, or the dialog ``failed``.
        error: why it is the fallback, for the log.
        noted: errors that changed nothing in the reply, for the log.
        clean_up: what the dialog's own clean-up raised when it was put away, for the log.
        is_changed: the request is not the one that was answered before; a copy is the same in
            all but what was typed.
    """

    body: bytes = field(repr=False)
    fate: Fate
    error: BaseException | None = None
    noted: tuple[BaseException, ...] = ()
    clean_up: Exception | None = None
    is_changed: bool = False
