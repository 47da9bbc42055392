"""
The voice endpoint: one POST from the platform in, one callflow out.

A plain ASGI callable, because this path is what a caller waits for. Here is decided whether
a request is answered at all: its tenant, its method, and whether there is room for it. How
it is answered is `exchange`'s business.
"""

from __future__ import annotations

import time
from typing import Final

from reception.errors import Denied
from reception.web.at_once import Heads
from reception.web.conversing import Conversing
from reception.web.deadlines import Deadlines
from reception.web.exchange import Exchange
from reception.web.incident import Throttled
from reception.web.lifecycle import Lifecycle
from reception.web.load import ARRIVED, Load
from reception.web.metrics import Metrics
from reception.web.reading import Receive, Scope, Send
from reception.web.settings import WebSettings
from reception.web.tenant import Tenants

_NOT_FOUND: Final = b'{"error":"not found"}'
_BUSY: Final = b'{"error":"busy"}'


class Voice:
    """Answers voice requests of all tenants of one worker."""

    def __init__(
        self,
        tenants: Tenants,
        settings: WebSettings,
        lifecycle: Lifecycle,
        metrics: Metrics,
        conversing: Conversing | None = None,
    ) -> None:
        self.tenants: Final = tenants
        self.settings: Final = settings
        self.lifecycle: Final = lifecycle
        self.metrics: Final = metrics
        self.conversing: Final = conversing
        self.load: Final = Load(settings, tenants=len(tenants))
        self.heads: Final = Heads()
        self.deadlines: Final = Deadlines(settings.deadline_s)
        self._denied: Final = Throttled("voice.denied")
        self._shed: Final = Throttled("voice.shed")

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: bytes) -> None:
        """Answer one request to a voice path."""
        now_s = time.monotonic()
        arrived_s: float = scope.get(ARRIVED, now_s)
        exchange = Exchange(self, send, arrived_s)
        try:
            admitted = self.tenants.admit(
                path,
                scope["query_string"],
                scope["headers"],
                scope.get("client"),
                now_s=time.time(),
                trusted_proxies=self.settings.trusted_proxies,
            )
        except Denied as error:
            self._denied.add(now_s, error.code)
            await exchange.refuse(404, _NOT_FOUND, "denied", scope)
            return
        app_id = admitted.tenant.app_id
        exchange.tenant = admitted.tenant
        if scope["method"] not in ("POST", "GET"):
            await exchange.refuse(405, b'{"error":"use POST"}', "method", scope)
        elif self.load.take(app_id, now_s - arrived_s):
            try:
                await exchange.run(scope, receive, admitted, now_s)
            finally:
                self.load.give_back(app_id)
        else:
            self._shed.add(now_s, "overloaded")
            await exchange.refuse(503, _BUSY, "shed", scope)

    def start(self) -> None:
        """Be ready for calls; on the event loop that will answer them."""
        if any(tenant.runs == "thread" for tenant in self.tenants):
            self.load.warm_up()
        self.load.watch(self.lifecycle)
