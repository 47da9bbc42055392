"""
The voice endpoint: one POST from the platform in, one callflow out.

A plain ASGI callable, because this path is what a caller waits for. Its rules:

- exactly 200 with a flow that the platform accepts, or an honest 4xx/5xx; never another
  2xx, a redirect, an empty body or `Retry-After`;
- one deadline from the arrival to the answer. When it passes, the fallback goes out from
  a timer, whatever the handler is doing; a late result is dropped;
- whatever the application does wrong becomes the tenant's fallback flow;
- overload is told at once with 503.

How a handler's value becomes bytes is `reply`'s business, who may ask is `tenant`'s.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, cast

import msgspec

from reception.errors import AppError, Denied, PeerError
from reception.face.call import Call
from reception.web import developer
from reception.web.incident import Denials, report
from reception.web.lifecycle import Lifecycle
from reception.web.metrics import Metrics, Outcome
from reception.web.reply import reply_flow
from reception.web.settings import WebSettings
from reception.web.tenant import Admitted, Tenant, Tenants
from reception.wire import PivotRequest, parse_pivot, parse_pivot_query

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Header = tuple[bytes, bytes]

_JSON: Final = (b"content-type", b"application/json")
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_CLOSE: Final = (b"connection", b"close")
_NOT_FOUND: Final = b'{"error":"not found"}'
_BUSY: Final = b'{"error":"busy"}'
_BUSY_EVENT_LOOP_S: Final = 0.05


class Voice:
    """Answers voice requests of all tenants of one worker."""

    def __init__(
        self, tenants: Tenants, settings: WebSettings, lifecycle: Lifecycle, metrics: Metrics
    ) -> None:
        self.tenants: Final = tenants
        self.settings: Final = settings
        self.lifecycle: Final = lifecycle
        self.metrics: Final = metrics
        self.in_flight = 0
        self.lag_s = 0.0
        self.denials: Final = Denials()
        self._tasks: set[asyncio.Task[None]] = set()
        # As many threads as requests in flight: an admitted call never waits for one.
        self.threads: Final = ThreadPoolExecutor(
            settings.max_in_flight, thread_name_prefix="reception-handler"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: bytes) -> None:
        """Answer one request to a voice path."""
        exchange = Exchange(self, send)
        try:
            admitted = self.tenants.admit(
                path,
                scope["query_string"],
                scope["headers"],
                scope.get("client"),
                now_s=time.time(),
            )
        except Denied:
            self.denials.add(exchange.began)
            await exchange.send(404, _NOT_FOUND, "denied")
            return
        exchange.tenant = admitted.tenant
        if scope["method"] not in ("POST", "GET"):
            await exchange.send(405, b'{"error":"use POST"}', "method")
        elif self.in_flight >= self.settings.max_in_flight or self.lag_s > self.settings.deadline_s:
            report("voice.shed", tenant=admitted.tenant.app_id, ms=exchange.elapsed_s() * 1000)
            await exchange.send(503, _BUSY, "shed")
        else:
            self.in_flight += 1
            try:
                await exchange.run(scope, receive, admitted)
            finally:
                self.in_flight -= 1

    def watch_lag(self) -> asyncio.TimerHandle:
        """Start measuring how late the event loop is; the handle of the first tick."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _BUSY_EVENT_LOOP_S

        def tick() -> None:
            nonlocal due
            now = loop.time()
            self.lag_s = max(0.0, now - due)
            due = now + _BUSY_EVENT_LOOP_S
            if self.lifecycle.started:
                loop.call_at(due, tick)

        return loop.call_at(due, tick)

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task until it is done: the loop alone would let it be collected."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run_in_thread(self, answer: Callable[[Call], object], call: Call) -> object:
        """Run a plain `def` handler; a thread that outlives its request stays in flight."""
        loop = asyncio.get_running_loop()
        future = self.threads.submit(contextvars.copy_context().run, answer, call)
        try:
            return await asyncio.wrap_future(cast("Any", future), loop=loop)
        except asyncio.CancelledError:
            if not future.done():
                self.in_flight += 1
                future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._thread_ended))
            raise

    def _thread_ended(self) -> None:
        self.in_flight -= 1


class Exchange:
    """One request and its one answer, whoever gives it first: the handler or the deadline."""

    __slots__ = (
        "_admitted",
        "_call_id",
        "_expired",
        "_has_request",
        "_loop",
        "_send",
        "_task",
        "_voice",
        "answered",
        "began",
        "tenant",
    )

    def __init__(self, voice: Voice, send: Send) -> None:
        self._voice = voice
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._admitted: Admitted | None = None
        self._call_id = ""
        self._expired = False
        self._has_request = False
        # Not the loop's clock: uvloop's counts whole milliseconds.
        self.began = time.monotonic()
        self.answered = False
        self.tenant: Tenant | None = None

    def elapsed_s(self) -> float:
        """Seconds since the request arrived."""
        return time.monotonic() - self.began

    async def run(self, scope: Scope, receive: Receive, admitted: Admitted) -> None:
        """Read, answer, and be done by the deadline."""
        self._task = asyncio.current_task()
        timer = self._loop.call_later(self._voice.settings.deadline_s, self._expire)
        try:
            request = await self._read(scope, receive, admitted)
            if request is not None:
                self._call_id = request.call_id or ""
                self._has_request = True
                await self._answer(admitted, request)
        except asyncio.CancelledError:
            if not self._expired:
                raise
            # Our own deadline cancelled the handler; the answer is already out.
            if self._task is not None:
                self._task.uncancel()
        finally:
            timer.cancel()

    async def _read(
        self, scope: Scope, receive: Receive, admitted: Admitted
    ) -> PivotRequest | None:
        """The request, or None when it has been refused (or the peer has gone)."""
        try:
            if scope["method"] == "GET":
                request = parse_pivot_query(admitted.query)
            else:
                message = await receive()
                body: bytes = message.get("body", b"")
                if message.get("more_body"):
                    message, body = await self._rest_of_body(receive, body)
                if message["type"] == "http.disconnect":
                    return None
                if len(body) > self._voice.settings.body_limit_bytes:
                    raise PeerError(
                        "pivot.too_large", "The body is larger than allowed.", status=413
                    )
                request = parse_pivot(body, _content_type(scope["headers"]))
        except PeerError as error:
            self._report("voice.unreadable", error)
            text = msgspec.json.encode({"error": error.code, "message": error.message})
            await self.send(error.status, text, "unreadable")
            return None
        accounts = admitted.tenant.account_ids
        if accounts and request.account_id not in accounts:
            self._report("voice.foreign_account")
            await self.send(404, _NOT_FOUND, "denied")
            return None
        return request

    async def _rest_of_body(self, receive: Receive, first: bytes) -> tuple[Message, bytes]:
        """The last message and the whole body, or more of it than is allowed."""
        chunks = [first]
        size = len(first)
        while True:
            message = await receive()
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            chunks.append(chunk)
            if not message.get("more_body") or size > self._voice.settings.body_limit_bytes:
                return message, b"".join(chunks)

    async def _answer(self, admitted: Admitted, request: PivotRequest) -> None:
        tenant = admitted.tenant
        try:
            if tenant.runs == "static":
                result: object = tenant.answer
            else:
                self._admitted = admitted
                call = Call(request, params=admitted.params, pivot_url=self._pivot_url)
                answer = cast("Callable[[Call], Any]", tenant.answer)
                if tenant.runs == "loop":
                    result = await answer(call)
                else:
                    result = await self._voice.run_in_thread(answer, call)
            if self.answered:
                self._report("voice.late_result")
                return
            reply = reply_flow(result, tenant, loopback=self._voice.settings.loopback)
        except AppError as error:
            await self._fall_back("voice.invalid_flow", "invalid", error)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the application raises is an answer
            await self._fall_back("voice.handler_failed", "error", error)
        except asyncio.CancelledError as error:
            # A handler may let one of its own tasks' cancellation through; then nobody
            # has asked this task to stop.
            if self._task is None or self._task.cancelling():
                raise
            await self._fall_back("voice.handler_failed", "error", error)
        else:
            if self._voice.settings.dev:
                developer.show_warnings(tenant, reply)
            if self.elapsed_s() > self._voice.settings.deadline_s:
                # The handler held the event loop, so that no timer could answer in time.
                self._report("voice.loop_blocked")
            await self.send(200, reply.render(), "flow")

    def _pivot_url(self, params: Mapping[str, str]) -> str:
        admitted = self._admitted
        assert admitted is not None  # set before a call can ask
        app_id = admitted.tenant.app_id
        keys = self._voice.tenants.keys_of(admitted.tenant)
        target = keys.target(app_id, params, by_path=admitted.by_path, now_s=time.time())
        return self._voice.settings.public_url + target

    def _expire(self) -> None:
        """The deadline has passed: answer from here, and tell the handler to stop."""
        if self.answered:
            return
        outcome: tuple[int, bytes, Outcome]
        if self._has_request:
            self._report("voice.deadline")
            outcome = self._fallback("deadline")
        else:
            self._report("voice.slow_body")
            outcome = (408, b'{"error":"the body is too slow"}', "slow_body")
        self.answered = True
        self._expired = True
        self._voice.keep(self._loop.create_task(self._write(*outcome)))
        if self._task is not None:
            self._task.cancel()

    def _fallback(self, outcome: Outcome) -> tuple[int, bytes, Outcome]:
        fallback = self.tenant.fallback if self.tenant else None
        if fallback is None:
            return 500, b'{"error":"failed"}', outcome
        return 200, fallback.render(), outcome

    async def _fall_back(self, event: str, outcome: Outcome, error: BaseException) -> None:
        if self.answered:
            return
        self._report(event, error)
        if self._voice.settings.dev:
            await self.send(500, developer.error_page(error), outcome, kind=_TEXT)
        else:
            await self.send(*self._fallback(outcome))

    def _report(self, event: str, error: BaseException | None = None) -> None:
        report(
            event,
            tenant=self.tenant.app_id if self.tenant else "",
            call=self._call_id,
            ms=self.elapsed_s() * 1000,
            error=error,
        )

    async def send(
        self, status: int, body: bytes, outcome: Outcome, *, kind: Header = _JSON
    ) -> None:
        """Send the answer, unless the deadline has already given one."""
        if not self.answered:
            self.answered = True
            await self._write(status, body, outcome, kind)

    async def _write(
        self, status: int, body: bytes, outcome: Outcome, kind: Header = _JSON
    ) -> None:
        voice = self._voice
        seconds = time.monotonic() - self.began
        headers = [kind, (b"content-length", b"%d" % len(body))]
        if status == 405:
            headers.append((b"allow", b"POST, GET"))
        if voice.lifecycle.draining or _closes(voice.settings, seconds, status):
            headers.append(_CLOSE)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
        voice.metrics.count(self.tenant.app_id if self.tenant else "", outcome, seconds)


def _closes(settings: WebSettings, seconds: float, status: int) -> bool:
    if status in (408, 413):
        return True
    if settings.connection == "auto":
        return seconds > settings.slow_reply_s
    return settings.connection == "close"


def _content_type(headers: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"content-type":
            return value.decode("latin-1")
    return None
