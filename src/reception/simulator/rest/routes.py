"""
Which resource a request is for.

The rule: one line of a `match` for each address that is described; an address of the right
form that names nothing is a 404, a verb that the resource does not know a 405. What a
resource does is said in its own file.

Source: contract/platform_api.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from reception.simulator.rest.account import SUMMARIES, Account
from reception.simulator.rest.asked import ApiError, Asked, bad_identifier, invalid
from reception.simulator.rest.documents import paged
from reception.simulator.rest.envelope import Answer
from reception.simulator.rest.hook_documents import KINDS, attempts, types
from reception.simulator.rest.quickcalls import initiation_failed, quickcall
from reception.simulator.rest.resources import collection, single

_STATES: Final = frozenset({"terminated", "early", "confirmed"})


class Routes:
    """The resources of one account, by their addresses."""

    def __init__(self, account: Account) -> None:
        self._account: Final = account
        self._ringing: Final[set[asyncio.Task[Any]]] = set()

    async def answer(self, asked: Asked) -> Answer:
        """
        Answer one request whose token has been checked.

        Errors:
            ApiError: whatever the resource refuses.
        """
        match asked.path:
            case ["webhooks"]:
                _only(asked, "GET")
                return Answer(types())
            case ["webhooks", "samples", *named]:
                _only(asked, "GET")
                return Answer(_samples(named))
            case ["accounts", account_id, *rest]:
                if account_id != self._account.account_id:
                    raise ApiError(403, "forbidden")
                return await self._in_account(rest, asked)
            case _:
                raise ApiError(404, "not_found")

    async def aclose(self) -> None:
        """Give up phones that still ring."""
        for task in list(self._ringing):
            task.cancel()
        await asyncio.gather(*self._ringing, return_exceptions=True)

    async def _in_account(self, rest: Sequence[str], asked: Asked) -> Answer:
        account = self._account
        match rest:
            case []:
                _only(asked, "GET")
                return Answer(
                    {"id": account.account_id, "name": account.name, "realm": account.realm}
                )
            case ["api_key"]:
                _only(asked, "GET")
                return Answer({"api_key": account.api_key})
            case ["descendants", "webhooks"]:
                return collection(account, "webhooks", asked)
            case ["webhooks", "attempts"]:
                return paged(attempts(account.sender), asked)
            case ["webhooks", hook_id, "attempts"]:
                account.documents["webhooks"].get(hook_id)
                return paged(attempts(account.sender, hook_id), asked)
            case ["channels", *named]:
                return self._channels(named, asked)
            case ["cdrs", *named]:
                return self._records(named, asked)
            case ["devices", "status"]:
                return Answer(self._registered())
            case ["parked_calls"]:
                return Answer({"slots": {}})
            case ["presence", *named]:
                return self._presence(named, asked)
            case ["vmboxes", box_id, "messages", *named]:
                account.documents["vmboxes"].get(box_id)
                return self._messages(box_id, named, asked)
            case [("devices" | "users") as kind, document_id, "quickcall", number]:
                account.documents[kind].get(document_id)
                return await self._quickcall(kind, document_id, number, asked)
            case [("devices" | "users") as kind, document_id, under]:
                return self._under(kind, document_id, under, asked)
            case [kind] if kind in SUMMARIES:
                return collection(account, kind, asked)
            case [kind, document_id] if kind in SUMMARIES:
                return single(account, kind, document_id, asked)
            case _:
                raise ApiError(404, "bad identifier", {"message": "no such resource"})

    def _channels(self, named: Sequence[str], asked: Asked) -> Answer:
        match named, asked.verb:
            case [], "GET":
                return Answer(self._account.channels.rows())
            case [call_id], "GET":
                return Answer(self._account.channels.get(call_id))
            case [call_id], ("POST" | "PUT"):
                return Answer(self._account.channels.act(call_id, asked))
            case _:
                raise ApiError(405, "method not allowed")

    def _records(self, named: Sequence[str], asked: Asked) -> Answer:
        _only(asked, "GET")
        records = self._account.records
        match named:
            case []:
                return paged(records.rows(asked), asked)
            case ["interaction"]:
                return paged(records.interactions(asked), asked)
            case ["legs", interaction_id]:
                return paged(records.rows(asked, interaction_id=interaction_id), asked)
            case [record_id]:
                return Answer(records.get(record_id))
            case _:
                raise ApiError(404, "not_found")

    def _under(self, kind: str, document_id: str, under: str, asked: Asked) -> Answer:
        account = self._account
        account.documents[kind].get(document_id)
        match under, asked.verb:
            case "channels", "GET" if kind == "users":
                return Answer(account.channels.rows(owner_id=document_id))
            case "channels", "GET":
                return Answer(account.channels.rows(device_id=document_id))
            case "cdrs", "GET" if kind == "users":
                return paged(account.records.rows(asked, owner_id=document_id), asked)
            case "recordings", "GET":
                return account.documents["recordings"].listed(asked)
            case "sync", "POST" if kind == "devices":
                return Answer("sync request sent")
            case "presence", _:
                return self._presence([document_id], asked)
            case _:
                raise ApiError(404, "not_found")

    def _presence(self, named: Sequence[str], asked: Asked) -> Answer:
        presence = self._account.presence
        match named, asked.verb:
            case [], "GET":
                return Answer(dict(presence))
            case [extension], "GET":
                return Answer({"state": presence.get(extension, "terminated")})
            case [extension], "POST":
                action, state = asked.data.get("action"), asked.data.get("state")
                if action == "reset":
                    presence.pop(extension, None)
                    return Answer("reset command sent")
                if action != "set" or state not in _STATES:
                    raise invalid("state", "enum", "no such state", target=sorted(_STATES))
                presence[extension] = str(state)
                return Answer("command sent")
            case _:
                raise ApiError(405, "method not allowed")

    def _messages(self, box_id: str, named: Sequence[str], asked: Asked) -> Answer:
        boxes = self._account.mailboxes
        match named, asked.verb:
            case [], "GET":
                keyed = asked.query.get("paginate") == "true"
                return paged(boxes.rows(box_id, keyed=keyed), asked)
            case [], "POST":
                return Answer(boxes.move(box_id, asked))
            case [], "DELETE":
                return Answer(boxes.delete(box_id, asked))
            case [], "PUT":
                media_id = boxes.leave(box_id, **{str(k): v for k, v in asked.data.items()})
                return Answer(boxes.get(box_id, media_id), 201)
            case [media_id], "GET":
                return Answer(boxes.get(box_id, media_id))
            case [media_id], "POST":
                boxes.get(box_id, media_id)
                return Answer(boxes.move(box_id, asked, media_id))
            case [media_id], "DELETE":
                return Answer(boxes.delete(box_id, asked, media_id))
            case [media_id, "raw"], "GET":
                return Answer(
                    None, raw=boxes.recording(box_id, media_id), content_type="audio/x-wav"
                )
            case _:
                raise ApiError(405, "method not allowed")

    def _registered(self) -> list[Mapping[str, Any]]:
        return [
            {"device_id": document_id, "registered": document_id not in self._account.unregistered}
            for document_id in self._account.documents["devices"].held
        ]

    async def _quickcall(self, kind: str, document_id: str, number: str, asked: Asked) -> Answer:
        originate = self._account.originate
        if originate is None:
            raise ApiError(501, "not_implemented", {"message": "nobody rings phones here"})
        if asked.verb not in {"GET", "POST"}:
            raise ApiError(405, "method not allowed")
        call_id = f"{self._account.new_id()}-quickcall"
        call = quickcall(asked, kind, document_id, number, call_id)
        task = asyncio.ensure_future(originate(call))
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)
        if asked.verb == "GET":
            return Answer(call.shown(), 202)
        cause = await task
        if cause is not None:
            raise initiation_failed(call, cause)
        return Answer({**call.shown(), "call_id": call.call_id}, 202)


def _samples(named: Sequence[str]) -> Any:
    if not named:
        return [f"webhooks_{kind}" for kind in KINDS]
    if named[0].removeprefix("webhooks_") not in KINDS:
        raise bad_identifier(named[0])
    return []


def _only(asked: Asked, verb: str) -> None:
    if asked.verb != verb:
        raise ApiError(405, "method not allowed")
