"""A report gets 200 or nothing: whatever is sent, and whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from reception.errors import Retry
from reception.ports import NewReport
from reception.service.reports import ReportTaker
from reception.store.leg_reports import PostgresReports
from reception.web.dropping import drop
from reception.web.hangup import Hangup
from reception.web.lifecycle import Lifecycle
from reception.web.metrics import Metrics
from reception.web.protocol import LimitedHttpProtocol
from reception.web.settings import WebSettings
from reception.web.tenant import Tenants
from tests.unit.web.asgi import FALLBACK, SECRET, tenant

QUERY = f"APPID=acme&key={SECRET}".encode()
BODY = b"call_id=c1&hook_event=channel_destroy"


class Kept(PostgresReports):
    """What was stored; `fails` is asked first."""

    def __init__(self, fails: Callable[[], Any] = lambda: None) -> None:
        self.reports: list[NewReport] = []
        self._fails = fails

    async def keep(self, report: NewReport) -> None:
        waiting = self._fails()
        if waiting is not None:
            await waiting
        self.reports.append(report)


class Cycle:
    """One request as the server keeps it: what was answered, and whether its connection is up."""

    def __init__(self, body: bytes, *, is_stalled: bool = False) -> None:
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_up = True
        self.disconnected = False
        self.transport = self
        self._body = body
        self._is_stalled = is_stalled

    def abort(self) -> None:
        self.is_up = False

    async def receive(self) -> Any:
        if self._is_stalled:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.headers += message.get("headers", [])


def report(
    kept: Kept | None,
    *,
    body: bytes = BODY,
    query: bytes = QUERY,
    method: str = "POST",
    is_stalled: bool = False,
    cancel: bool = False,
    draining: bool = False,
) -> tuple[int | None, bool]:
    """Send one; gives the status and whether the connection is still up."""
    lifecycle = Lifecycle()
    taker = None if kept is None else ReportTaker(kept, now=lambda: None)  # type: ignore[arg-type, return-value]  # no clock is needed
    hangup = Hangup(
        Tenants([tenant(FALLBACK)]),
        WebSettings(public_url="https://x.example"),
        lifecycle,
        Metrics(),
        taker,
    )
    lifecycle.draining = draining
    scope = {"method": method, "query_string": query, "headers": [], "client": ("192.0.2.1", 1)}
    cycle = Cycle(body, is_stalled=is_stalled)

    async def main() -> None:
        asking = asyncio.create_task(hangup(scope, cycle.receive, cycle.send, b"/hangup"))
        if cancel:
            await asyncio.sleep(0.01)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        await asyncio.wait_for(asyncio.shield(asking) if not cancel else asyncio.sleep(0), 5)

    asyncio.run(main())
    assert ((b"connection", b"close") in cycle.headers) == (draining and cycle.is_up)
    return cycle.status, cycle.is_up


ANSWERED, DROPPED = (200, True), (None, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "BREW"])
def test_every_method_with_a_body_is_a_report(method: str) -> None:
    kept = Kept()
    assert ANSWERED == report(kept, method=method)
    assert ["c1"] == [each.call_id for each in kept.reports]


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": b"a=" + b"b" * 10**6},
        {"body": b"\xff"},
        {"query": b"APPID=acme&key=wrong"},
        {"query": b""},
        {"method": "GET"},
    ],
)
def test_what_is_no_report_of_ours_is_answered_and_not_kept(wrong: dict[str, Any]) -> None:
    kept = Kept()
    assert ANSWERED == report(kept, **wrong)
    assert [] == kept.reports


def test_a_mistake_of_ours_is_never_an_answer() -> None:
    def fails() -> None:
        raise ZeroDivisionError

    assert DROPPED == report(Kept(fails))


def test_what_cannot_be_kept_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Retry("store.away", "away")

    monkeypatch.setattr("reception.web.hangup._HOLD_S", 0.0)
    assert DROPPED == report(Kept(away))
    assert DROPPED == report(None)


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reception.web.hangup._BODY_S", 0.05)
    assert DROPPED == report(Kept(), is_stalled=True)


def test_a_server_that_goes_answers_nothing_that_is_not_stored() -> None:
    assert DROPPED == report(Kept(lambda: asyncio.sleep(60)), cancel=True)


def test_a_worker_that_drains_takes_the_report_and_ends_its_connection() -> None:
    assert ANSWERED == report(kept := Kept(), draining=True)
    assert 1 == len(kept.reports)


def test_a_full_worker_lets_the_next_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reception.web.hangup._MOST_HELD", 0)
    assert DROPPED == report(Kept())


def test_a_server_that_lets_us_end_nothing_is_told_so() -> None:
    async def send(_: Any) -> None: ...

    assert not drop(send)


def test_over_a_real_connection_nothing_is_said_and_the_next_one_is_served() -> None:
    hangup = Hangup(
        Tenants([tenant(FALLBACK)]),
        WebSettings(public_url="https://x.example"),
        Lifecycle(),
        Metrics(),
        None,
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hangup(scope, receive, send, b"/hangup")

    async def ask(address: tuple[str, int], query: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /hangup?%b HTTP/1.1\r\nhost: x\r\n" % query)
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY))
        try:
            return await asyncio.wait_for(reader.read(15), 5)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def main() -> None:
        config = uvicorn.Config(app, ws="none", log_config=None, access_log=False)
        config.load()
        state, loop = ServerState(), asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: LimitedHttpProtocol(config, state, {}, loop), "127.0.0.1", 0
        )
        address = server.sockets[0].getsockname()
        assert b"" == await ask(address, QUERY)
        assert b"HTTP/1.1 200 OK" == await ask(address, b"APPID=acme&key=wrong")
        server.close()

    asyncio.run(main())
