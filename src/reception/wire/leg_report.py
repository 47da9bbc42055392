"""
What the platform says of one leg of a call, as a value.

The rule: one attribute for each thing that any of its senders can say, under one name and in
one unit, whatever dialect it came in; nothing is lost (what has no attribute, or does not fit
into it, is in `LegReport.extra`) and nothing is trusted: texts come from callers, phones and
carriers.

Not here: how bytes become this value (`report`), and which legs are one conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

Sender = Literal["cdr_url", "webhook", "webhook_v2"]


class LegReport(msgspec.Struct, frozen=True, gc=False):
    """
    One report of one leg.

    An attribute that was not sent is None, and the mappings are empty. Empty text stays ``""``.

    Shape:
        sender: which of the platform's senders wrote it, as its keys tell: the cdr_url of a
            pivot, an account's webhook, or a webhook of version 2.
        event: "create", "answer", "bridge", "destroy", "cdr", or another word of the
            platform's, in lower case, without its "channel_".
        call_id: of this leg. A stock platform leaves it out of what it sends to a cdr_url.
        other_leg_call_id: of the leg that it was bridged with, if ever.
        call_direction: "inbound" for a leg that came to the switch, "outbound" for one that the
            switch placed.
        from_, to, request: as user@realm; `request` is what was dialled.
        authorizing_type: "device", "user", "resource" …: what placed or took the leg.
        interaction_id: the same for all legs of one interaction.
        hangup_cause, hangup_code: as the switch said them ("NORMAL_CLEARING", "sip:200");
            others than the known ones occur.

    Units:
        duration_s: whole seconds from the leg's creation to its end, ringing and menus
            included; ringing_s until it was answered, about; billing_s from the answer to the
            end; billing_ms the same in milliseconds.
        at: when it happened; created_at: when the leg began; aware, UTC.

    Source:
        contract/hangup.md; contract/observed.md §3; wire/cdr, wire/webhook_form,
        wire/webhook_json, hangup_samples.
    """

    sender: Sender
    event: str
    call_id: str | None = None
    account_id: str | None = None
    reseller_id: str | None = None
    other_leg_call_id: str | None = None
    call_direction: str | None = None
    from_: str | None = None
    to: str | None = None
    request: str | None = None
    caller_id_name: str | None = None
    caller_id_number: str | None = None
    callee_id_name: str | None = None
    callee_id_number: str | None = None
    owner_id: str | None = None
    authorizing_id: str | None = None
    authorizing_type: str | None = None
    local_resource_id: str | None = None
    inception: str | None = None
    interaction_id: str | None = None
    disposition: str | None = None
    hangup_cause: str | None = None
    hangup_code: str | None = None
    duration_s: int | None = None
    ringing_s: int | None = None
    billing_s: int | None = None
    billing_ms: int | None = None
    at: datetime | None = None
    created_at: datetime | None = None
    is_internal_leg: bool | None = None
    call_forwarded: bool | None = None
    local_resource_used: bool | None = None
    emergency_resource_used: bool | None = None
    custom_application_vars: Mapping[str, Any] = {}
    custom_channel_vars: Mapping[str, Any] = {}
    custom_sip_headers: Mapping[str, Any] = {}
    extra: Mapping[str, Any] = {}

    @property
    def is_loopback(self) -> bool:
        """Whether this leg only leads from the switch to itself: nobody spoke on it."""
        name = self.extra.get("Channel-Name", self.extra.get("channel_name"))
        if isinstance(name, str) and name.startswith("loopback/"):
            return True
        return self.is_internal_leg is True
