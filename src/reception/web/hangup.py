"""
Where the platform reports on calls: `/hangup`, and `/v1/apps/{APPID}/hangup`.

The rules of an answer, which are the platform's (anything but 200 is the end of a report, a lost
connection is not):

- 200, when the report is on disk;
- 200 too for what is not let in or cannot be read: repeating it would change nothing. It is
  counted and logged, never believed;
- no answer while the report cannot be stored: the connection is held, and dropped in the end;
- no answer either where it fails by a mistake of ours: that would be a 500.

A lane of its own: reports wait for no call, and calls for no report.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from reception.errors import AppError, Denied, PeerError, Retry
from reception.service.reports import ReportTaker
from reception.web.dropping import drop
from reception.web.incident import Throttled, where
from reception.web.lifecycle import Lifecycle
from reception.web.metrics import Metrics, ReportOutcome
from reception.web.reading import Receive, Scope, Send, body_of, content_type
from reception.web.settings import WebSettings
from reception.web.tenant import Tenants
from reception.wire import LegReport, parse_report, parse_report_query

_HANGUP: Final = b"/hangup"
_VOICE: Final = b"/voice"
_HOLD_S: Final = 60.0
_AGAIN_S: Final = 0.25
_BODY_S: Final = 20.0
_MOST_HELD: Final = 2_000
# What the URL itself says, where a GET has no second question mark.
_OWN_KEYS: Final = frozenset({"APPID", "key"})


class Hangup:
    """Takes the reports of all tenants of one worker."""

    def __init__(
        self,
        tenants: Tenants,
        settings: WebSettings,
        lifecycle: Lifecycle,
        metrics: Metrics,
        taker: ReportTaker | None,
    ) -> None:
        self._tenants: Final = tenants
        self._settings: Final = settings
        self._lifecycle: Final = lifecycle
        self._metrics: Final = metrics
        self._taker: Final = taker
        self._held = 0
        self._denied: Final = Throttled("report.denied")
        self._unreadable: Final = Throttled("report.unreadable")
        self._dropped: Final = Throttled("report.dropped")
        self._failed: Final = Throttled("report.failed")

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: bytes) -> None:
        """Take one report."""
        now_s = time.monotonic()
        own, _, _ = scope["query_string"].partition(b"?")
        tenant = ""
        try:
            tenant = self._sender(scope, path, own)
            report = await self._read(scope, receive)
            if report is None:
                return
            await self._store(tenant, report, now_s + _HOLD_S)
        except Denied as error:
            self._denied.add(now_s, error.code)
            await self._answer(send, "", "denied")
        except (PeerError, AppError) as error:
            self._unreadable.add(now_s, error.code)
            await self._answer(send, tenant, "unreadable")
        except Retry as error:
            self._dropped.add(now_s, error.code)
            self._metrics.count_report(tenant, "dropped")
            drop(send)
        except Exception as error:  # noqa: BLE001  whatever it is, no server may answer it for us
            self._failed.add(now_s, f"{type(error).__name__} in {where(error)}")
            self._metrics.count_report(tenant, "dropped")
            drop(send)
        except asyncio.CancelledError:
            # The server goes, and would answer 500 for us.
            drop(send)
            raise
        else:
            await self._answer(send, tenant, "stored")

    def _sender(self, scope: Scope, path: bytes, query: bytes) -> str:
        admitted = self._tenants.admit(
            path.removesuffix(_HANGUP) + _VOICE,
            query,
            scope["headers"],
            scope.get("client"),
            now_s=time.time(),
            trusted_proxies=self._settings.trusted_proxies,
        )
        if admitted.step is not None or admitted.account is not None:
            # A URL that leads a call back to us is no credential for reports.
            raise Denied("denied.credential", "There is nothing here.")
        return admitted.tenant.app_id

    async def _read(self, scope: Scope, receive: Receive) -> LegReport | None:
        if scope["method"] == "GET":
            return parse_report_query(scope["query_string"], exclude=_OWN_KEYS)
        try:
            async with asyncio.timeout(_BODY_S):
                body = await body_of(receive, self._settings.body_limit_bytes)
        except TimeoutError:
            raise Retry("report.slow", "the body of the report does not come") from None
        return None if body is None else parse_report(body, content_type(scope["headers"]))

    async def _store(self, tenant: str, report: LegReport, until_s: float) -> None:
        """Store it, however long that takes, up to the time when holding on makes no sense."""
        if self._taker is None or self._held >= _MOST_HELD:
            raise Retry("store.away", "reports cannot be stored")
        self._held += 1
        try:
            while True:
                try:
                    await self._taker.take(tenant, report)
                except Retry:
                    if time.monotonic() > until_s:
                        raise
                    await asyncio.sleep(_AGAIN_S)
                else:
                    return
        finally:
            self._held -= 1

    async def _answer(self, send: Send, tenant: str, outcome: ReportOutcome) -> None:
        self._metrics.count_report(tenant, outcome)
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"3")]
        if self._lifecycle.draining:
            # The next report on this connection would find nobody.
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok\n"})


def is_hangup_path(path: bytes) -> bool:
    """Is this raw path one of the two that the platform reports to?"""
    if path == _HANGUP:
        return True
    if not path.startswith(b"/v1/apps/") or not path.endswith(_HANGUP):
        return False
    return b"/" not in path[len(b"/v1/apps/") : -len(_HANGUP)]
