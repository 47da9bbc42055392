"""
What the platform answers a caller with when a call out failed and nothing else is left.

By hangup cause: a SIP code, its words, and what is heard before. A cause that is not
listed is answered with nothing.

Source: trace 133 (USER_BUSY); the rest was read in the platform's defaults, which an
operator may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_BUSY_TONE: Final = "tone_stream://%(500,500,480,620);loops=25"
_FAST_TONE: Final = "tone_stream://%(250,250,480,620);loops=25"
_AS_DIALED: Final = "fault-can_not_be_completed_as_dialed"
_NOT_NOW: Final = "fault-can_not_be_completed_at_this_time"
_TROUBLE: Final = "fault-facility_trouble"


@dataclass(frozen=True, slots=True)
class DefaultResponse:
    """
    One answer.

    Shape:
        code, message: of SIP; both empty where only something is heard.
        media: a tone, or the name of one of the platform's prompts; empty for none.
    """

    code: str
    message: str
    media: str = ""

    @property
    def is_prompt(self) -> bool:
        """Is it one of the platform's prompts that is heard?"""
        return bool(self.media) and "://" not in self.media


DEFAULT_RESPONSES: Final[Mapping[str, DefaultResponse]] = {
    "BEARERCAPABILITY_NOTAUTH": DefaultResponse("403", "Bearer capability not authorized"),
    "BEARERCAPABILITY_NOTAVAIL": DefaultResponse(
        "403", "Bearer capability not presently available"
    ),
    "BEARERCAPABILITY_NOTIMPL": DefaultResponse("488", "Bearer capability not implemented"),
    "CALL_REJECTED": DefaultResponse("603", "Call Rejected", _FAST_TONE),
    "DESTINATION_OUT_OF_ORDER": DefaultResponse("502", "Destination out of order", _AS_DIALED),
    "EXCHANGE_ROUTING_ERROR": DefaultResponse("483", "Exchange routing error", _TROUBLE),
    "FACILITY_NOT_IMPLEMENTED": DefaultResponse("501", "Facility not implemented"),
    "FACILITY_REJECTED": DefaultResponse("510", "Facility rejected"),
    "INCOMING_CALL_BARRED": DefaultResponse("403", "Incoming call barred"),
    "INCOMPATIBLE_DESTINATION": DefaultResponse("488", "Incompatible destination", _TROUBLE),
    "INVALID_NUMBER_FORMAT": DefaultResponse("484", "Invalid number format", _AS_DIALED),
    "MANDATORY_IE_LENGTH_ERROR": DefaultResponse("400", "Mandatory information missing", _TROUBLE),
    "MANDATORY_IE_MISSING": DefaultResponse("400", "Mandatory information missing", _TROUBLE),
    "MEDIA_TIMEOUT": DefaultResponse("504", "Media timeout", _FAST_TONE),
    "NETWORK_OUT_OF_ORDER": DefaultResponse("503", "Network out of order"),
    "NORMAL_CIRCUIT_CONGESTION": DefaultResponse("503", "Normal circuit congestion"),
    "NORMAL_CLEARING": DefaultResponse("", "", _BUSY_TONE),
    "NORMAL_TEMPORARY_FAILURE": DefaultResponse("503", "Normal temporary failure", _NOT_NOW),
    "NORMAL_UNSPECIFIED": DefaultResponse("480", "Normal unspecified"),
    "NO_ANSWER": DefaultResponse("480", "No answer"),
    "NO_ROUTE_DESTINATION": DefaultResponse("404", "No route to destination", _AS_DIALED),
    "NO_ROUTE_TRANSIT_NET": DefaultResponse("404", "Invalid number"),
    "NO_USER_RESPONSE": DefaultResponse("408", "No response", _FAST_TONE),
    "NUMBER_CHANGED": DefaultResponse("410", "Number changed"),
    "ORIGINATOR_CANCEL": DefaultResponse("487", "Originator cancel"),
    "OUTGOING_CALL_BARRED": DefaultResponse("403", "Outgoing call barred"),
    "PROGRESS_TIMEOUT": DefaultResponse("486", "Progress timeout", _NOT_NOW),
    "RECOVERY_ON_TIMER_EXPIRE": DefaultResponse("504", "Recovery on timer expire", _FAST_TONE),
    "REDIRECTION_TO_NEW_DESTINATION": DefaultResponse("410", "Redirection to new destination"),
    "REQUESTED_CHAN_UNAVAIL": DefaultResponse("503", "Requested channel unavailable"),
    "SERVICE_NOT_IMPLEMENTED": DefaultResponse("501", "Service not implemented", _TROUBLE),
    "SUBSCRIBER_ABSENT": DefaultResponse("480", "Subscriber absent"),
    "SWITCH_CONGESTION": DefaultResponse("503", "Switch congestion"),
    "UNALLOCATED_NUMBER": DefaultResponse("404", "No route to destination", _AS_DIALED),
    "UNKNOWN": DefaultResponse("500", "Unknown error happened"),
    "USER_BUSY": DefaultResponse("486", "Number busy", _BUSY_TONE),
}
