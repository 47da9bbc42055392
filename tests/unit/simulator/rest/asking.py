"""The API without sockets: an account with a clock of its own, asked in process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reception.simulator.client import PlatformClient
from reception.simulator.quirks import QUIRKS, Platform
from reception.simulator.reports.sending import Sender
from reception.simulator.rest.account import Account
from reception.simulator.rest.app import PlatformApi

ACCOUNT = "0123456789abcdef0123456789abcdef"
KEY = "k" * 64


@dataclass
class Told:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.raw)
        return decoded

    @property
    def data(self) -> Any:
        return self.body["data"]


@dataclass
class Asking:
    """A client of the API."""

    account: Account
    api: PlatformApi
    time: list[float]
    token: str | None = None
    client: str = "192.0.2.1"
    headers: dict[str, str] = field(default_factory=dict)

    async def __call__(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        body: bytes | None = None,
        **envelope: Any,
    ) -> Told:
        path, _, query = path.partition("?")
        path = path.replace("/A", f"/v2/accounts/{ACCOUNT}", 1) if path.startswith("/A") else path
        headers = {**self.headers}
        if self.token is not None:
            headers["x-auth-token"] = self.token
        if body is None:
            whole = envelope if data is None else {"data": data, **envelope}
            body = json.dumps(whole).encode() if whole else b""
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": (self.client, 1),
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.api(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Told(sent[0]["status"], answered, sent[1]["body"])

    async def log_in(self, **data: Any) -> Told:
        told = await self("PUT", "/v2/api_auth", {"api_key": KEY, **data})
        self.token = told.body["auth_token"]
        return told


def asking(platform: Platform = 4, **settings: Any) -> Asking:
    """Make an account of its own, and ask it."""
    time = [1_785_000_000.0]
    numbers = iter(range(1, 100_000))
    client = PlatformClient(QUIRKS[platform])
    sender = Sender(client, QUIRKS[platform], now_s=lambda: time[0])
    account = Account(
        ACCOUNT,
        sender,
        api_key=KEY,
        now_s=lambda: time[0],
        new_id=lambda: f"{next(numbers):032x}",
        **settings,
    )
    return Asking(account, PlatformApi(account), time)
