"""
The account's webhooks: as documents of the API, and as the sender of reports knows them.

The two are kept alike: a document that is made or changed changes what is sent, and a
webhook that the platform has switched off says so in its document.

Source: contract/platform_api.md, webhooks; contract/hangup.md, delivery policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reception.simulator.reports.events import GREGORIAN_TO_UNIX_S
from reception.simulator.reports.hooks import Webhook
from reception.simulator.reports.sending import Attempt, Sender
from reception.simulator.rest.documents import Document

KINDS: Final = ("channel_create", "channel_answer", "channel_bridge", "channel_destroy")


def types() -> list[dict[str, Any]]:
    """Give the kinds of webhook that there are."""
    named = [
        {"id": kind, "name": kind.replace("_", " ").title(), "description": kind} for kind in KINDS
    ]
    return [*named, {"id": "all", "name": "All", "description": "every event"}]


def completed(body: Mapping[str, Any]) -> dict[str, Any]:
    """Write the schema's defaults into a webhook."""
    defaults = {
        "enabled": True,
        "format": "form-data",
        "http_verb": "post",
        "include_internal_legs": True,
        "retries": 2,
    }
    return {**defaults, **body}


def put_into(sender: Sender, document: Document, account_id: str) -> None:
    """Have the sender send what a webhook's document says."""
    body = document.body
    security = body.get("security_settings")
    key = security.get("sha256_key", "") if isinstance(security, Mapping) else ""
    sender.hooks[document.id] = Webhook(
        document.id,
        account_id,
        str(body["uri"]),
        hook=str(body["hook"]),
        http_verb=body["http_verb"],
        format=body["format"],
        retries=body["retries"],
        version=body.get("version", "v1"),
        include_internal_legs=body["include_internal_legs"] is True,
        custom_data=body.get("custom_data", {}),
        custom_request_headers=body.get("custom_request_headers", {}),
        modifiers=body.get("modifiers", {}),
        sha256_key=str(key),
        enabled=body["enabled"] is True,
    )


def take_from(sender: Sender, document: Document) -> None:
    """Write into a document that its webhook was switched off meanwhile."""
    hook = sender.hooks.get(document.id)
    if hook is not None and not hook.enabled and document.body.get("enabled"):
        document.body |= {"enabled": False, "disable_message": hook.disable_message}
        document.revision += 1


def attempts(sender: Sender, hook_id: str | None = None) -> list[dict[str, Any]]:
    """Give the failed attempts, newest first; successes are not kept by default."""
    return [
        _attempt(one)
        for one in reversed(sender.attempts)
        if not one.ok and one.hook_id is not None and hook_id in {None, one.hook_id}
    ]


def _attempt(one: Attempt) -> dict[str, Any]:
    answered = (
        {"reason": "kazoo http client error", "client_error": one.why}
        if one.status is None
        else {"reason": "bad response code", "response_code": str(one.status)}
    )
    return {
        "hook_id": one.hook_id,
        "hook_event": one.event.lower(),
        "result": "failure",
        "uri": one.request.url,
        "method": one.request.method.lower(),
        "timestamp": int(one.at_s) + GREGORIAN_TO_UNIX_S,
        **answered,
    }
