"""
What the media side, the carriers and the app's process tell the executor about a call.

One record for all of them, because the executor mostly passes them on without looking:
its name, the id under which it is told, and its fields as the platform names them.

Source: contract/traces; the names are the platform's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

DTMF: Final = "DTMF"
ANSWERED: Final = "CHANNEL_ANSWER"
BRIDGED: Final = "CHANNEL_BRIDGE"
COMPLETE: Final = "CHANNEL_EXECUTE_COMPLETE"
DESTROYED: Final = "CHANNEL_DESTROY"
DISCONNECTED: Final = "CHANNEL_DISCONNECTED"
REPLACED: Final = "CHANNEL_REPLACED"
TRANSFEREE: Final = "CHANNEL_TRANSFEREE"
TRANSFEROR: Final = "CHANNEL_TRANSFEROR"
DIRECT: Final = "CHANNEL_DIRECT"
PIVOTED: Final = "CHANNEL_PIVOT"
USURPED: Final = "usurp_control"
PROCESSING: Final = "processing"
FAILED: Final = "failed"
OFFNET: Final = "offnet_resp"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """
    One event of a call.

    Shape:
        name: as above; an error is told by `is_error`.
        call_id: the channel's id at that time.
        app: the command that is complete or failed, such as ``noop``.
        fields: the event's own.
    """

    name: str
    call_id: str = ""
    app: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_error: bool = False

    @property
    def ends_call(self) -> bool:
        """Is the channel gone with this?"""
        return self.name in {DESTROYED, DISCONNECTED}

    def completes(self, app: str, number: int | None = None) -> bool:
        """Does this tell that a command is complete; with a number, that very one?"""
        if self.name != COMPLETE or self.app != app:
            return False
        return number is None or self.fields.get("number") == number

    def fails(self, app: str) -> bool:
        """Does this tell that a command failed?"""
        return self.is_error and self.app == app
