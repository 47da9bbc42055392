"""
Nodes that call out through the carriers.

The rule this file keeps: facts only. These two never take ``_``, and what they dial costs
money; whether a number may be dialled is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from reception.callflow.compiled import Schema
from reception.callflow.facts import Default, Drawn, Only, Part, Platform
from reception.callflow.node import FAILURES_WITHOUT_DEFAULT, Ends, Keys, Node


def _sip_headers(platform: Platform) -> Schema:
    """Either headers by name, or two such objects under ``in`` and ``out``."""
    value: Schema = {"type": "string"}
    if platform == 5:
        value = {"oneOf": [{"type": "string"}, {"type": "boolean"}, {"type": "integer"}]}
    headers: Schema = {
        "type": "object",
        # A-z takes in six signs between the cases; the platform's pattern is written so.
        "patternProperties": {r"^[a-zA-z0-9_\-]+$": value},
        "additionalProperties": False,
    }
    split: Schema = {"properties": {"in": headers, "out": headers}}
    return {"type": "object", "anyOf": [headers, split]}


class Addresses(Part, frozen=True):
    """Postal addresses that go along with a call; `emergency` is the one for rescue services."""

    emergency: Mapping[str, Any] | None = None


class Resources(Node, frozen=True):
    """
    Call a number through the carriers.

    Children: why it failed: ``NO_ANSWER``, ``USER_BUSY``, ``NO_RESOURCES``, ``sip:486`` …
    Never ``_``: where no key matches, version 4 hangs up with the cause, and version 5 stops
    without hanging up. Give the keys.
    Ends: when it was answered, with the call; and when no key matches.
    Answers: no; the far end does.

    Shape:
        to_did: the number, best as E.164 (``+15551234567``). Absent, the number is dialled
            that the caller dialled.
        caller_id_type: which of the account's caller ids to show (platform: ``external``).
        custom_sip_headers: header values by name, or ``{"in": …, "out": …}``.

    Units:
        ``timeout`` seconds; the carrier's own where it is not given.

    Source:
        kazoo cf_resources; run: traces 130 to 139. `addresses`: version 5 only.
    """

    module: ClassVar[str] = "resources"
    takes: ClassVar[Keys] = FAILURES_WITHOUT_DEFAULT
    ends: ClassVar[Ends] = "on success"

    to_did: str | None = None
    timeout: int | None = None
    caller_id_type: Annotated[str | None, Default("external")] = None
    use_local_resources: Annotated[bool | None, Default(True)] = None
    hunt_account_id: str | None = None
    ignore_early_media: Annotated[bool | None, Default(False)] = None
    ringback: str | None = None
    custom_sip_headers: Annotated[Mapping[str, Any] | None, Drawn(_sip_headers)] = None
    outbound_flags: Annotated[Sequence[str] | None, Default([])] = None
    dynamic_flags: Sequence[str] | None = None
    bypass_e164: bool | None = None
    do_not_normalize: bool | None = None
    emit_account_id: bool | None = None
    format_from_uri: bool | None = None
    from_uri_realm: str | None = None
    resource_type: str | None = None
    addresses: Annotated[Addresses | Mapping[str, Any] | None, Only(5)] = None


class Offnet(Resources, frozen=True):
    """
    Call a number through the carriers of the system; an older name of `resources`.

    Everything is as there, but that `use_local_resources` counts as false.

    Source:
        kazoo cf_offnet. `addresses`: version 5 only.
    """

    module: ClassVar[str] = "offnet"
