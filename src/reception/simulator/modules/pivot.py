"""
`pivot`: the request to the app, and how long the platform waits for what becomes of it.

While the request runs the caller hears nothing and keys are lost. A reply that was good
takes the flow over; a failed one takes this node's own `_`. On version 4 a reply that
never comes is noticed only after ten seconds without any event, so a caller who keeps
pressing keys waits longer.

Source: contract/observed.md section 4, contract/dialogs.md section 4; traces 46 to 62, 154,
160, 169.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from reception.errors import AppError
from reception.simulator.events import FAILED, PROCESSING
from reception.simulator.reading import Response
from reception.simulator.request import Outgoing, pivot_request
from reception.simulator.steps import Continue, Gone, Next, Outcome, Step, Stop
from reception.simulator.transcript import Kind, without_secrets
from reception.simulator.world import Doing

TIMEOUT_MS: Final = 5_000


async def pivot(step: Step) -> Next:
    """Ask the app what comes next."""
    serverless = step.data.get("serverless")
    if isinstance(serverless, Mapping) and step.settings.serverless_flows:
        return await _serverless(step, serverless)
    if not isinstance(step.data.get("voice_url"), str):
        step.say(Kind.WARNS, "a pivot without a voice_url: the step fails")
        return Continue(otherwise=Outcome.STEP_FAILED)
    step.rows.write("pivot_request_published", call_id=step.call.call_id)
    quirks = step.call.quirks
    longest_ms = quirks.timeout_ms
    timeout_ms = min(longest_ms, max(1, step.number("req_timeout_ms", longest_ms)))
    step.situate(Doing.POST, quirks.patience_ms, "the request")
    if not step.switch.is_gone:
        # For a call that is over nobody asks: the process that would finds no channel.
        try:
            request = pivot_request(step.data, step.call)
        except AppError as error:
            step.say(Kind.WARNS, f"this call's data cannot be sent: {error.message}")
            return Continue(otherwise=Outcome.STEP_FAILED)
        has_cdr_url = isinstance(step.data.get("cdr_url"), str)
        step.desk.request(
            request,
            timeout_ms=timeout_ms,
            call_id=step.call.call_id,
            has_cdr_url=has_cdr_url,
        )
        step.say(Kind.POST, _request_line(request), **_request_detail(step, request))
    return await _await_news(step)


async def _serverless(step: Step, given: Mapping[str, Any]) -> Next:
    """Run a flow that is kept on the platform as if an app had answered with it."""
    flow = given.get("flow_doc")
    if isinstance(flow, str):
        flow = step.world.stored_flow(flow)
    if not isinstance(flow, Mapping):
        step.say(Kind.UNKNOWN, "the serverless flow is not known here: the step fails")
        return Continue(otherwise=Outcome.STEP_FAILED)
    kind = str(given.get("flow_type", "application/json"))
    step.rows.write("pivot_request_published", call_id=step.call.call_id)
    step.situate(Doing.POST, step.call.quirks.patience_ms, "the flow kept on the platform")
    reply = Response(200, (("content-type", kind),), json.dumps(flow).encode())
    step.desk.answer(reply, call_id=step.call.call_id)
    return await _await_news(step)


async def _await_news(step: Step) -> Next:
    patience_ms = step.call.quirks.patience_ms
    until_ms = step.now_ms + patience_ms
    while True:
        event = await step.receive(until_ms)
        if event is None or event.name == FAILED:
            return Continue(otherwise=Outcome.STEP_FAILED)
        if event.name == PROCESSING:
            return Gone(Outcome.SILENCE)
        if event.ends_call:
            return Stop(Outcome.BAD_REPLY)
        step.lose(event, "while the request is under way")
        until_ms = step.now_ms + patience_ms


def _request_line(request: Outgoing) -> str:
    size = f", {len(request.body)} bytes" if request.body else ""
    kind = f", {request.content_type}" if request.content_type else ""
    return f"{request.method} {request.url}{kind}{size}"


def _request_detail(step: Step, request: Outgoing) -> dict[str, Any]:
    return {
        "n": step.desk.posts,
        "method": request.method,
        "url": without_secrets(request.url),
        "body": request.body.decode("utf-8", errors="replace"),
    }
