"""
Documents by their addresses: lists, single ones, and what each kind does beside that.

Source: contract/platform_api.md, callflows, webhooks, devices and users.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reception.simulator.defaults import with_defaults
from reception.simulator.rest.account import Account
from reception.simulator.rest.asked import ApiError, Asked, invalid
from reception.simulator.rest.demands import demand
from reception.simulator.rest.documents import Document
from reception.simulator.rest.envelope import Answer
from reception.simulator.rest.hook_documents import completed, put_into, take_from


def collection(account: Account, kind: str, asked: Asked) -> Answer:
    """List a kind of document, or make one."""
    documents = account.documents[kind]
    if asked.verb == "GET":
        _refresh(account, kind)
        return documents.listed(asked)
    if asked.verb == "PATCH" and kind == "webhooks":
        return _re_enabled(account, asked)
    if asked.verb != "PUT":
        raise ApiError(405, "method not allowed")
    body = _checked(account, kind, asked.data, None)
    if kind in account.charged and not asked.accepts_charges:
        raise ApiError(402, "accept charges", {kind: {"quantity": 1, "rate": 0}})
    document = documents.add(body)
    _changed(account, kind, document)
    return _shown(document, 201)


def single(account: Account, kind: str, document_id: str, asked: Asked) -> Answer:
    """Read, replace, merge or delete one document; a number is made under its own name."""
    documents = account.documents[kind]
    _refresh(account, kind)
    match asked.verb:
        case "GET":
            return _shown(documents.get(document_id))
        case "POST":
            document, body = documents.replaced(asked, document_id)
        case "PATCH":
            document, body = documents.patched(asked, document_id)
        case "DELETE":
            document = documents.delete(document_id)
            account.sender.hooks.pop(document_id, None)
            account.mailboxes.forget(document_id)
            return _shown(document)
        case "PUT" if kind == "phone_numbers":
            if not asked.accepts_charges and kind in account.charged:
                raise ApiError(402, "accept charges", {kind: {"quantity": 1, "rate": 0}})
            return _shown(documents.add(asked.data, document_id), 201)
        case _:
            raise ApiError(405, "method not allowed")
    documents.store(document, _checked(account, kind, body, document_id))
    _changed(account, kind, document)
    return _shown(document)


def _checked(
    account: Account, kind: str, body: Mapping[str, Any], document_id: str | None
) -> dict[str, Any]:
    whole = completed(body) if kind == "webhooks" else dict(body)
    demand(kind, whole, account.quirks, local_urls_ok=account.on_loopback)
    if kind == "callflows":
        _numbers_are_free(account, whole, document_id)
        if isinstance(whole.get("flow"), Mapping):
            whole["flow"] = with_defaults(whole["flow"], account.quirks.version)
    return whole


def _numbers_are_free(account: Account, body: Mapping[str, Any], document_id: str | None) -> None:
    wanted = set(body.get("numbers", [])) | set(body.get("patterns", []))
    for other in account.documents["callflows"].held.values():
        taken = {*other.body.get("numbers", []), *other.body.get("patterns", [])}
        both = sorted(wanted & taken)
        if both and other.id != document_id:
            message = f"Number {both[0]} exists in callflow {other.id}"
            raise invalid("numbers", "unique", message, cause=other.id)


def _re_enabled(account: Account, asked: Asked) -> Answer:
    """Switch on again every webhook that the platform has switched off."""
    if asked.data.get("re-enable") is not True:
        raise invalid("re-enable", "required", "Field is required but missing")
    _refresh(account, "webhooks")
    said: dict[str, str] = {}
    for document in account.documents["webhooks"].held.values():
        if document.body.get("enabled") is not True:
            document.body["enabled"] = True
            document.body.pop("disable_message", None)
            account.documents["webhooks"].store(document, document.body)
            put_into(account.sender, document, account.account_id)
            said[document.id] = "success"
    return Answer(said)


def _refresh(account: Account, kind: str) -> None:
    if kind == "webhooks":
        account.sender.look()
        for document in account.documents[kind].held.values():
            take_from(account.sender, document)


def _changed(account: Account, kind: str, document: Document) -> None:
    if kind == "webhooks":
        if document.body.get("enabled") is True:
            document.body.pop("disable_message", None)
        put_into(account.sender, document, account.account_id)


def _shown(document: Document, status: int = 200) -> Answer:
    return Answer(document.shown(), status, revision=document.etag)
