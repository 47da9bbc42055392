"""
The three servers that are compared; each answers the same request with the same flow.

`floor` is the least that a server can do, `reception_app` the whole voice path (tenant,
secret, parse, handler, validate, render), `fastapi_app` the same job as it is usually
written by hand with FastAPI and pydantic.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from reception import App, Call, Flow, flow
from reception.bootstrap.asgi import site
from reception.bootstrap.config import Config, ServerConfig
from reception.bootstrap.loading import Loaded, tenant_of
from reception.web.lifecycle import Lifecycle
from reception.web.settings import WebSettings
from reception.web.site import Site
from reception.web.tenant import Tenant, Tenants

SECRET: Final = "benchmark-secret-benchmark-secret-00"
TARGET: Final = f"/voice?APPID=acme-crm&key={SECRET}"
USER: Final = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"
REQUEST: Final = (
    b'{"To-Realm":"hotel.example","To":"2000","Request-Realm":"hotel.example",'
    b'"Request":"2000","Language":"en-us","From-Realm":"hotel.example","From":"1001",'
    b'"Direction":"inbound","Custom-SIP-Headers":{},"Custom-Application-Vars":{},'
    b'"Caller-ID-Number":"+15551234567","Caller-ID-Name":"Alice",'
    b'"Call-ID":"0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0","Api-Version":"4.x",'
    b'"Account-ID":"0123456789abcdef0123456789abcdef"}'
)
_FLOOR_REPLY: Final = (
    b'{"module":"set_cid","data":{"caller_id_name":"Support Line","caller_id_number":'
    b'"+18005551212"},"children":{"_":{"module":"user","data":{"id":"' + USER.encode() + b'",'
    b'"timeout":30,"strategy":"simultaneous"},"children":{}}}}'
)

Message = MutableMapping[str, Any]


async def floor(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Read the body, answer a constant."""
    if scope["type"] != "http":
        return
    await receive()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(_FLOOR_REPLY)),
            ],
        }
    )
    await send({"type": "http.response.body", "body": _FLOOR_REPLY})


crm = App("acme-crm", fallback=flow.user(USER, timeout=20))


@crm.answer
async def answer(call: Call) -> Flow:
    """The contract's first example, built anew for every call."""
    return flow.set_cid(name="Support Line", number="+18005551212").then(
        flow.user(USER, timeout=30, strategy="simultaneous")
    )


reception_app = Site(
    Tenants([Tenant("acme-crm", crm.handler, "loop", crm.fallback, secrets=(SECRET.encode(),))]),
    WebSettings(public_url="https://voice.example.com"),
    Lifecycle(),
)


DIALOG_STEPS: Final = 4
DIALOG_TARGET: Final = f"/voice?APPID=talk&key={SECRET}"

talk = App("talk", fallback=flow.user(USER, timeout=20))


@talk.answer
async def asks(call: Call) -> Flow:
    """
    Three questions and a good-bye.

    Few enough for the model of the platform's token bucket, in which no time passes here.
    """
    for number in range(DIALOG_STEPS - 1):
        question = f"Call {call.id}, question {number}: press a key."
        await call.ask(question, max_digits=1, valid="12", typeahead=True)
    return flow.tts("Good-bye.").then(flow.hangup())


def _dialog_app() -> Any:
    server = ServerConfig(public_url="https://bench.example.com")
    tenant = replace(tenant_of(talk), secrets=(SECRET.encode(),), open_to_loopback=False)
    loaded = Loaded(Config("", Path(), server, ()), (tenant,))
    return site(loaded, port=0, lifecycle=Lifecycle(), database=os.environ["RECEPTION_BENCH_DSN"])


# Only the benchmark that starts a database asks for it.
dialog_app = _dialog_app() if "RECEPTION_BENCH_DSN" in os.environ else None


class PivotBody(BaseModel):
    """The request as a pydantic model with the platform's names."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    call_id: str = Field(alias="Call-ID")
    account_id: str | None = Field(None, alias="Account-ID")
    from_: str | None = Field(None, alias="From")
    from_realm: str | None = Field(None, alias="From-Realm")
    to: str | None = Field(None, alias="To")
    to_realm: str | None = Field(None, alias="To-Realm")
    request: str | None = Field(None, alias="Request")
    request_realm: str | None = Field(None, alias="Request-Realm")
    api_version: str | None = Field(None, alias="Api-Version")
    direction: str | None = Field(None, alias="Direction")
    caller_id_name: str | None = Field(None, alias="Caller-ID-Name")
    caller_id_number: str | None = Field(None, alias="Caller-ID-Number")
    user_id: str | list[str] | None = Field(None, alias="User-ID")
    language: str | None = Field(None, alias="Language")
    digits: str | dict[str, str] | None = Field(None, alias="Digits")
    custom_application_vars: dict[str, Any] = Field({}, alias="Custom-Application-Vars")
    custom_sip_headers: dict[str, Any] = Field({}, alias="Custom-SIP-Headers")


class UserData(BaseModel):
    """Data of the `user` module."""

    id: str
    timeout: int
    strategy: Literal["simultaneous", "single"]


class UserNode(BaseModel):
    """A `user` node."""

    module: Literal["user"] = "user"
    data: UserData
    children: dict[str, Any] = {}


class CidData(BaseModel):
    """Data of the `set_cid` module."""

    caller_id_name: str
    caller_id_number: str


class CidNode(BaseModel):
    """A `set_cid` node."""

    module: Literal["set_cid"] = "set_cid"
    data: CidData
    children: dict[str, UserNode]


fastapi_app = FastAPI()


@fastapi_app.post("/voice")
async def voice(APPID: str, key: str, body: PivotBody) -> CidNode:  # noqa: N803  # the contract's name
    """The same answer, by hand."""
    if APPID != "acme-crm" or not hmac.compare_digest(key, SECRET):
        raise HTTPException(404)
    return CidNode(
        data=CidData(caller_id_name="Support Line", caller_id_number="+18005551212"),
        children={"_": UserNode(data=UserData(id=USER, timeout=30, strategy="simultaneous"))},
    )
