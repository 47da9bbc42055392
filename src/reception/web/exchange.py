"""
One request and its one answer.

The rules of an answer:

- exactly 200 with a flow that the platform accepts, or an honest 4xx/5xx; never another
  2xx, a redirect, an empty body or `Retry-After`;
- one deadline from the arrival to the answer. When it passes, the fallback goes out from
  a timer, whatever the handler is doing; a late result is dropped;
- whatever the application does wrong becomes the tenant's fallback flow.

How a handler's value becomes bytes is `reply`'s business, who may ask is `tenant`'s.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from reception.dialog import Began, Opening, Stage
from reception.errors import AppError, Denied, PeerError, Retry
from reception.face.call import Call
from reception.service.pivots import Fate, Reply
from reception.web import developer
from reception.web.at_once import answer_at_once
from reception.web.conversing import no_store
from reception.web.incident import report
from reception.web.metrics import Outcome
from reception.web.reading import Receive, Scope, Send, is_foreign, may_be_long, read_request
from reception.web.reply import reply_flow
from reception.web.settings import WebSettings
from reception.web.tenant import Admitted, Tenant
from reception.wire import PivotRequest

if TYPE_CHECKING:
    from reception.web.voice import Voice

Header = tuple[bytes, bytes]

_JSON: Final = (b"content-type", b"application/json")
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_CLOSE: Final = (b"connection", b"close")
_NOT_FOUND: Final = b'{"error":"not found"}'

_OUTCOMES: Final[Mapping[Fate, Outcome]] = {
    "flow": "flow",
    "stored": "stored",
    "late": "deadline",
    "failed": "error",
}


class Exchange:
    """One request and its one answer, whoever gives it first: the handler or the deadline."""

    __slots__ = (
        "_account_id",
        "_admitted",
        "_call_id",
        "_expired",
        "_has_request",
        "_late_answer",
        "_send",
        "_task",
        "_voice",
        "answered",
        "began_s",
        "tenant",
    )

    def __init__(self, voice: Voice, send: Send, began_s: float) -> None:
        self._voice = voice
        self._send = send
        self._task: asyncio.Task[Any] | None = None
        self._admitted: Admitted | None = None
        self._account_id = ""
        self._call_id = ""
        self._expired = False
        self._has_request = False
        self._late_answer: asyncio.Task[None] | None = None
        # Monotonic, and not the loop's clock: uvloop's counts whole milliseconds.
        self.began_s = began_s
        self.answered = False
        self.tenant: Tenant | None = None

    def elapsed_s(self) -> float:
        """Seconds since the request arrived."""
        return time.monotonic() - self.began_s

    async def run(self, scope: Scope, receive: Receive, admitted: Admitted, now_s: float) -> None:
        """Read, answer, and be done by the deadline; `now_s` is the monotonic time."""
        self._task = asyncio.current_task()
        deadlines = self._voice.deadlines
        deadlines.watch(self, now_s)
        try:
            limit = self._voice.settings.body_limit_bytes
            try:
                request = await read_request(scope, receive, admitted, limit)
            except PeerError as error:
                await self._unreadable(error)
                return
            if request is None:
                return
            self._call_id = request.call_id or ""
            self._has_request = True
            if is_foreign(admitted, request):
                self._report("voice.foreign_account")
                await self.send(404, _NOT_FOUND, "denied")
            elif admitted.step is None or await self._is_our_step(admitted, request):
                await self._answer(admitted, request)
        except asyncio.CancelledError:
            if not self._expired:
                raise
            # Our own deadline cancelled the handler, and has given the answer.
            if self._task is not None:
                self._task.uncancel()
        finally:
            deadlines.forget(self)
            if self._late_answer is not None:
                # Were we gone before it has begun, the server would answer 500 for us.
                await self._late_answer

    async def _unreadable(self, error: PeerError) -> None:
        self._report("voice.unreadable", error)
        text = msgspec.json.encode({"error": error.code, "message": error.message})
        await self.send(error.status, text, "unreadable")

    async def _is_our_step(self, admitted: Admitted, request: PivotRequest) -> bool:
        """Is the step token ours? Else the request has been answered."""
        conversing = self._voice.conversing
        try:
            if conversing is not None and await conversing.knows(admitted, request):
                return True
        except Retry as error:
            await self._fall_back("store.away", "no_store", error)
            return False
        self._report("voice.foreign_step")
        await self.send(404, _NOT_FOUND, "denied")
        return False

    async def _answer(self, admitted: Admitted, request: PivotRequest) -> None:
        tenant = admitted.tenant
        settings = self._voice.settings
        if admitted.step is not None or tenant.runs == "dialog":
            await self._converse(admitted, request)
            return
        try:
            result: object = tenant.answer
            if tenant.runs != "static":
                result = await self._result(admitted, request)
            if type(result) is Began:
                # It handed its call to a function that asks: it goes on from there.
                try:
                    await self._converse(admitted, request, result)
                finally:
                    result.put_away()
                return
            if self.answered:
                self._report("voice.late_result")
                return
            reply = reply_flow(result, tenant, loopback=settings.loopback)
        except AppError as error:
            await self._fall_back("voice.invalid_flow", "invalid", error)
        except BaseException as error:  # whatever the application raises is an answer
            if self._is_stopped(error):
                raise
            await self._fall_back("voice.handler_failed", "error", error)
        else:
            if self.elapsed_s() > settings.deadline_s:
                # The handler held the event loop, so that no timer could answer in time.
                self._report("voice.deadline")
                await self.send(*self._fallback("deadline"))
                return
            if settings.dev:
                developer.show_warnings(tenant, reply)
            await self.send(200, reply.render(), "flow")

    def _result(self, admitted: Admitted, request: PivotRequest) -> Awaitable[object]:
        """What the application's handler says, as it says it."""
        tenant = admitted.tenant
        self._admitted, self._account_id = admitted, request.account_id or ""
        answer = cast("Callable[[Call], Any]", tenant.answer)
        if tenant.runs == "loop":
            call = Call(request, params=admitted.params, pivot_url=self._pivot_url, stage=Stage())
            return Opening(answer(call))
        call = Call(request, params=admitted.params, pivot_url=self._pivot_url)
        return self._in_thread(tenant, answer, call)

    async def _in_thread(self, tenant: Tenant, answer: Callable[[Call], Any], call: Call) -> object:
        result = await self._voice.load.run_in_thread(tenant.app_id, answer, call)
        # A plain function may hand on what an async one returned, as decorators do.
        return await result if inspect.isawaitable(result) else result

    async def _converse(
        self, admitted: Admitted, request: PivotRequest, begun: Began | None = None
    ) -> None:
        """Have a dialog answer."""
        tenant = admitted.tenant
        self._admitted, self._account_id = admitted, request.account_id or ""
        conversing = self._voice.conversing
        if conversing is None or tenant.app is None or tenant.fallback is None:
            await self._fall_back("voice.no_store", "no_store", no_store())
            return
        try:
            reply = await conversing.answer(
                tenant.app,
                tenant.fallback,
                admitted,
                request,
                self._pivot_url,
                self._left_s,
                begun,
            )
        except Denied as error:
            self._report("voice.refused_step", error)
            await self.send(404, _NOT_FOUND, "denied")
        except Retry as error:
            await self._fall_back("store.away", "no_store", error)
        except BaseException as error:
            if self._is_stopped(error):
                raise
            is_ours = isinstance(error, AppError)
            event = "voice.invalid_flow" if is_ours else "voice.handler_failed"
            await self._fall_back(event, "invalid" if is_ours else "error", error)
        else:
            await self._reply(reply)

    async def _reply(self, reply: Reply) -> None:
        """Send what a dialog says, and tell what it came by."""
        for noted in reply.noted:
            self._report("dialog.recovered", noted)
        if reply.is_changed:
            self._report("dialog.changed_copy")
        if reply.clean_up is not None:
            self._report("dialog.clean_up_failed", reply.clean_up)
        if self.answered:
            self._report("voice.late_result")
        elif reply.error is not None:
            is_ours = isinstance(reply.error, AppError)
            event = "voice.invalid_flow" if is_ours else "voice.handler_failed"
            # What is stored, so that a copy hears the same: it may erase what was typed.
            await self._fall_back(
                event, "invalid" if is_ours else "error", reply.error, body=reply.body
            )
        else:
            if reply.fate == "late":
                self._report("voice.deadline")
            await self.send(200, reply.body, _OUTCOMES[reply.fate])

    def _left_s(self) -> float:
        """Seconds until the deadline."""
        return self._voice.settings.deadline_s - self.elapsed_s()

    def _is_stopped(self, error: BaseException) -> bool:
        """
        Did somebody ask this task to stop?

        A handler may also let the cancellation of one of its own tasks through; that is a
        failure like any other.
        """
        if not isinstance(error, asyncio.CancelledError):
            return False
        return self._task is None or self._task.cancelling() > 0

    def _pivot_url(self, params: Mapping[str, str]) -> str:
        admitted = self._admitted
        assert admitted is not None  # it is set before there is a call that can ask
        target = self._voice.tenants.keys_of(admitted.tenant).target(
            admitted.tenant.app_id,
            params,
            account_id=self._account_id,
            by_path=admitted.by_path,
            now_s=time.time(),
        )
        return self._voice.settings.public_url + target

    def expire(self) -> None:
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
        self._late_answer = asyncio.get_running_loop().create_task(self._write(*outcome))
        if self._task is not None:
            self._task.cancel()

    def _fallback(self, outcome: Outcome) -> tuple[int, bytes, Outcome]:
        fallback = self.tenant.fallback if self.tenant else None
        if fallback is None:
            return 500, b'{"error":"failed"}', outcome
        return 200, fallback.render(), outcome

    async def _fall_back(
        self, event: str, outcome: Outcome, error: BaseException, *, body: bytes | None = None
    ) -> None:
        if self.answered:
            return
        self._report(event, error)
        if self._voice.settings.dev:
            await self.send(500, developer.error_page(error), outcome, kind=_TEXT)
        elif body is not None:
            await self.send(200, body, outcome)
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

    async def refuse(self, status: int, body: bytes, outcome: Outcome, scope: Scope) -> None:
        """Answer without having read the body, which must not go on arriving for ever."""
        limit = self._voice.settings.body_limit_bytes
        await self.send(status, body, outcome, closes=may_be_long(scope["headers"], limit))

    def send(
        self,
        status: int,
        body: bytes,
        outcome: Outcome,
        *,
        kind: Header = _JSON,
        closes: bool = False,
    ) -> Awaitable[None]:
        """Send the answer, unless the deadline has already given one."""
        if self.answered:
            return _nothing()
        self.answered = True
        return self._write(status, body, outcome, kind, closes=closes)

    async def _write(
        self,
        status: int,
        body: bytes,
        outcome: Outcome,
        kind: Header = _JSON,
        *,
        closes: bool = False,
    ) -> None:
        voice = self._voice
        seconds = time.monotonic() - self.began_s
        closes = closes or voice.lifecycle.draining or _closes(voice.settings, seconds, status)
        voice.metrics.count(self.tenant.app_id if self.tenant else "", outcome, seconds)
        usual = status == 200 and kind is _JSON and not closes
        if usual and answer_at_once(self._send, body, voice.heads):
            return
        headers = [kind, (b"content-length", b"%d" % len(body))]
        if status == 405:
            headers.append((b"allow", b"POST, GET"))
        if closes:
            headers.append(_CLOSE)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


async def _nothing() -> None:
    """Somebody else has answered."""


def _closes(settings: WebSettings, seconds: float, status: int) -> bool:
    if status in (408, 413):
        return True
    if settings.connection == "auto":
        return seconds > settings.slow_reply_s
    return settings.connection == "close"
