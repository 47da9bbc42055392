"""
One side of a call, with its times.

The rule: a duration is the difference of two whole seconds, as the media switch counts it,
so ringing and billing need not add up to the whole. A leg that nobody answered has no
billing second.

Source: contract/hangup.md, section B; contract/hangup_samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

_US: Final = 1_000_000


@dataclass(slots=True)
class Leg:
    """
    One channel of the media switch.

    Shape:
        direction: ``inbound`` is a caller's leg, ``outbound`` one that the switch placed.
        from_, to, request: user@realm.
        authorizing_type: ``device``, ``user`` or ``resource`` (a carrier).
        owner_id, resource_id: None where there is none.
        other: the leg that this one is or was connected to.
        cause, code: how it ended, such as ``NORMAL_CLEARING`` and ``sip:200``.

    Units:
        All times are microseconds since 1970, UTC; None has not happened. `rang_us` is when
        it began to ring.
    """

    call_id: str
    account_id: str
    direction: Literal["inbound", "outbound"]
    created_us: int
    from_: str
    to: str
    request: str
    caller_name: str
    caller_number: str
    callee_name: str = ""
    callee_number: str = ""
    authorizing_id: str | None = None
    authorizing_type: str | None = None
    owner_id: str | None = None
    resource_id: str | None = None
    interaction_id: str = ""
    is_loopback: bool = False
    application_vars: Mapping[str, Any] = field(default_factory=dict)
    sip_headers: Mapping[str, Any] = field(default_factory=dict)
    other: Leg | None = None
    rang_us: int | None = None
    answered_us: int | None = None
    ended_us: int | None = None
    cause: str | None = None
    code: str | None = None

    @property
    def duration_s(self) -> int:
        """Whole seconds from creation to the end."""
        return _between(self.created_us, self.ended_us)

    @property
    def ringing_s(self) -> int:
        """Whole seconds of ringing, to the answer or the end."""
        until = self.ended_us if self.answered_us is None else self.answered_us
        return _between(self.rang_us, until)

    @property
    def billing_s(self) -> int:
        """Whole seconds from the answer to the end; 0 where nobody answered."""
        return _between(self.answered_us, self.ended_us)

    @property
    def billing_ms(self) -> int:
        """Milliseconds from the answer to the end."""
        if self.answered_us is None or self.ended_us is None:
            return 0
        return (self.ended_us - self.answered_us) // 1_000


def _between(start_us: int | None, end_us: int | None) -> int:
    if start_us is None or end_us is None:
        return 0
    return max(0, end_us // _US - start_us // _US)
