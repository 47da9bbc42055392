"""
`pivot`: the request to the app, and what its reply does to the call.

While the request runs the caller hears nothing and keys are lost. A good reply replaces
the flow; a failed one takes this node's own `_`; a bad 200 loses the call. On version 4 a
reply that never comes is noticed only after ten seconds without any event, so a caller
who keeps pressing keys waits longer.

Source: contract/observed.md section 4, contract/dialogs.md section 4; traces 46 to 62, 160, 169.
"""

from __future__ import annotations

from typing import Any, Final

from reception.callflow import validate
from reception.errors import AppError
from reception.simulator.defaults import with_defaults
from reception.simulator.reading import NoReply, Reply, Response
from reception.simulator.request import Outgoing, pivot_request
from reception.simulator.steps import Continue, HardStop, Next, Outcome, Replace, Step
from reception.simulator.transcript import Kind, seconds, without_secrets
from reception.simulator.verdict import Judgement, Verdict, judge
from reception.simulator.world import Doing, HungUp, Situation

TIMEOUT_MS: Final = 5_000

_LONGEST_EXCERPT: Final = 2_000


async def pivot(step: Step) -> Next:
    """Ask the app what comes next."""
    if not isinstance(step.data.get("voice_url"), str):
        step.say(Kind.UNKNOWN, "a serverless pivot is not simulated here: went on to `_`")
        return Continue(otherwise=Outcome.STEP_FAILED)
    if step.data.get("req_format", "kazoo") != "kazoo":
        step.say(Kind.UNKNOWN, "req_format twiml is not simulated here: went on to `_`")
        return Continue(otherwise=Outcome.STEP_FAILED)
    began_ms = step.clock.now_ms
    try:
        request = pivot_request(step.data, step.call)
    except AppError as error:
        step.say(Kind.WARNS, f"this call's data cannot be sent: {error.message}")
        return Continue(otherwise=Outcome.STEP_FAILED)
    step.call.posts += 1
    step.say(Kind.POST, _request_line(request), **_request_detail(step, request))
    longest_ms = step.call.quirks.timeout_ms
    timeout_ms = min(longest_ms, max(1, step.number("req_timeout_ms", longest_ms)))
    reply = await step.transport.send(request, timeout_ms=timeout_ms)
    situation = step.situation(Doing.POST, reply.elapsed_ms, "the request")
    last_event_ms = await _wait_out(step, situation, began_ms + reply.elapsed_ms, began_ms)
    if last_event_ms is None:
        return HardStop(Outcome.CALLER_HUNG_UP)
    judgement = judge(
        reply,
        step.call.platform,
        quirks=step.call.quirks,
        local_urls_ok=step.local_urls_ok,
        has_cdr_url=isinstance(step.data.get("cdr_url"), str),
    )
    _report(step, reply, judgement)
    return await _act(step, judgement, last_event_ms)


async def _wait_out(step: Step, situation: Situation, until_ms: int, last_ms: int) -> int | None:
    """Let the caller wait; gives the time of the last key, None when the caller hung up."""
    while True:
        event = await step.event(until_ms, situation)
        if event is None:
            return last_ms
        if isinstance(event, HungUp):
            return None
        last_ms = step.clock.now_ms
        step.lose(event, "while the request is under way")


async def _act(step: Step, judgement: Judgement, last_event_ms: int) -> Next:
    match judgement.verdict:
        case Verdict.ACCEPTED:
            return Replace(with_defaults(judgement.flow or {}, step.call.platform))
        case Verdict.FAILED:
            return Continue(otherwise=Outcome.STEP_FAILED)
        case Verdict.HUNG_UP | Verdict.FAILED_AND_HUNG_UP:
            return HardStop(Outcome.BAD_REPLY)
        case Verdict.LATE:
            return await _sit_out(step, last_event_ms)
        case Verdict.SILENT:
            return await _silence(step)
        case Verdict.TWIML:
            step.say(Kind.UNKNOWN, "TwiML is not simulated here: ended the call")
            return HardStop(Outcome.TAKEN_OVER)


async def _sit_out(step: Step, last_event_ms: int) -> Next:
    """Ten seconds after the last event the platform gives up waiting; each key starts anew."""
    while True:
        patience_ms = step.call.quirks.patience_ms
        situation = step.situation(Doing.POST, patience_ms, "the platform's patience")
        until_ms = last_event_ms + patience_ms
        heard_ms = await _wait_out(step, situation, until_ms, last_event_ms)
        if heard_ms is None:
            return HardStop(Outcome.CALLER_HUNG_UP)
        if heard_ms == last_event_ms:
            return Continue(otherwise=Outcome.STEP_FAILED)
        last_event_ms = heard_ms


async def _silence(step: Step) -> Next:
    """Nobody drives the call any more: only the caller can end it."""
    step.say(Kind.HEARS, "silence, without end", ms=None)
    situation = step.situation(Doing.SILENCE, None, "silence after a rejected reply")
    while True:
        event = await step.event(None, situation)
        if event is None or isinstance(event, HungUp):
            return HardStop(Outcome.SILENCE)
        step.lose(event, "in the silence")


def _request_line(request: Outgoing) -> str:
    size = f", {len(request.body)} bytes" if request.body else ""
    kind = f", {request.content_type}" if request.content_type else ""
    return f"{request.method} {request.url}{kind}{size}"


def _request_detail(step: Step, request: Outgoing) -> dict[str, Any]:
    return {
        "n": step.call.posts,
        "method": request.method,
        "url": without_secrets(request.url),
        "body": request.body.decode("utf-8", errors="replace"),
    }


def _report(step: Step, reply: Reply, judgement: Judgement) -> None:
    took = seconds(reply.elapsed_ms)
    for hop in reply.hops:
        step.say(Kind.REPLY, f"redirected to {hop}", url=without_secrets(hop))
    status = None if isinstance(reply, NoReply) else reply.status
    shown = "no reply" if status is None else str(status)
    step.say(
        Kind.REPLY,
        f"{shown} after {took}: {judgement.why.removesuffix('.')}. {judgement.verdict.value.capitalize()}",
        status=status,
        elapsed_ms=reply.elapsed_ms,
        verdict=judgement.verdict.name.lower(),
    )
    if isinstance(reply, Response) and judgement.flow is None and reply.body:
        says = reply.body[:_LONGEST_EXCERPT].decode("utf-8", errors="replace")
        step.say(Kind.REPLY, f"it said: {says}", status=status)
    for rejection in judgement.rejections:
        step.say(
            Kind.WARNS,
            f"{rejection.path}: {rejection.rule}: {rejection.message}",
            path=rejection.path,
            rule=rejection.rule,
        )
    if judgement.flow is not None:
        for warning in validate(judgement.flow, platform=step.call.platform).warnings:
            step.say(
                Kind.WARNS,
                f"{warning.path}: {warning.code}: {warning.message}",
                path=warning.path,
                code=warning.code,
            )
