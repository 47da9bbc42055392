"""
The platform's question, as a value: what a Pivot request says about one call.

The rule: one attribute for each thing the platform can say, under one name, whatever
encoding or spelling it came in; nothing the platform sent is lost (what has no
attribute, or does not fit into it, is in `PivotRequest.extra`); nothing is trusted.
All text here comes from a caller, a phone or a carrier: escape it where it is shown,
and never dial it.

Not here: how bytes become this value (`pivot`), and any opinion on what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Digits(msgspec.Struct, frozen=True, gc=False):
    """
    The keys that the caller pressed, by name of the collection.

    Collections live for the whole call: an old one comes again with every request.
    A collection without a key in it is missing, never empty, so "nothing pressed" is
    ``digits.get(name) is None``. Keys pressed during a prompt wait in "default".

    Shape:
        collections: name to keys (0-9, * and #, without the terminator), at most 1,024.
        text: the whole answer where the platform sent plain text instead of collections,
            as its other request format does; None otherwise. Such text counts as the
            collection "default", unless it is empty or says "timeout".

    Source:
        contract/request.md §4, contract/dialogs.md §1; wire/pivot_json 13, 15, 17.

    >>> Digits({"room": "412"}).get("room")
    '412'
    """

    collections: Mapping[str, str] = {}
    text: str | None = None

    @property
    def default(self) -> str | None:
        """What was pressed into the collection without a name of its own."""
        return self.collections.get("default")

    def get(self, name: str) -> str | None:
        """Return the keys of collection `name`, or None when nothing was pressed into it."""
        return self.collections.get(name)

    def __bool__(self) -> bool:
        return bool(self.collections)


class PivotRequest(msgspec.Struct, frozen=True, gc=False):
    """
    One Pivot request, decoded.

    An attribute that the request does not carry is None; `user_id` is then ``()``, and
    `digits` and the mappings are empty. Empty text stays ``""``.

    Shape:
        call_id: of the calling (A) leg; an attended transfer may rename it. Not an
            identity to store things under by itself.
        account_id: 32 hexadecimal characters.
        api_version, direction: constants of the platform ("4.x", "inbound").
        from_, to, request (and their realms): user and host parts of the SIP addresses.
            `request` is what was dialled, in E.164 where it can be; the others are as sent.
        caller_id_name, caller_id_number: never empty; "unknown", "anonymous" where absent.
        user_id: owners of the calling device; empty for a caller from outside.
        digits: what was pressed so far, see `Digits`.
        custom_application_vars: what `set_variables` stored, with JSON's types where the
            request was JSON; a form has only text, nested mappings and lists of text.
        custom_sip_headers: the X- headers of the INVITE, in the same manner.
        extra: every other key, as it was sent, and values that did not fit their
            attribute (an object where text belongs, a duration that is no number).

    Units:
        recording_duration, dial_call_duration: whole seconds, 0 or more.

    Source:
        contract/request.md §3, contract/observed.md §1 (types), published contract
        (key names); the other request format: wire/http/pivot_post_twiml_form.raw.
    """

    call_id: str | None = None
    account_id: str | None = None
    api_version: str | None = None
    direction: str | None = None
    from_: str | None = None
    from_realm: str | None = None
    to: str | None = None
    to_realm: str | None = None
    request: str | None = None
    request_realm: str | None = None
    caller_id_name: str | None = None
    caller_id_number: str | None = None
    call_status: str | None = None
    user_id: tuple[str, ...] = ()
    language: str | None = None
    digits: Digits = msgspec.field(default_factory=Digits)
    custom_application_vars: Mapping[str, Any] = {}
    custom_sip_headers: Mapping[str, Any] = {}
    recording_url: str | None = None
    recording_duration: int | None = None
    recording_id: str | None = None
    transcription_id: str | None = None
    transcription_text: str | None = None
    transcription_status: str | None = None
    transcription_url: str | None = None
    dial_call_status: str | None = None
    dial_call_sid: str | None = None
    dial_call_duration: int | None = None
    queue_sid: str | None = None
    extra: Mapping[str, Any] = {}
