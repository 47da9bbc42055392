"""
The platform's process of one Pivot request: what becomes of a reply.

It lives on its own, beside the step that asked for it: the reply may come when the caller
has long hung up, or when a transfer has given the call another id, and then nobody hears
of it. A good reply is told in two parts, that it came and the flow; a flow that is not
valid has been told to have come already, and so the call stays in silence.

Source: contract/observed.md section 4, contract/dialogs.md sections 1 and 4, contract/traces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from reception.callflow import validate
from reception.simulator.defaults import with_defaults
from reception.simulator.events import FAILED, PIVOTED, PROCESSING, CallEvent
from reception.simulator.quirks import Platform, Quirks
from reception.simulator.reading import NoReply, Reply, Response
from reception.simulator.rows import Rows
from reception.simulator.settings import Settings
from reception.simulator.switch import Switch
from reception.simulator.timeline import Timeline
from reception.simulator.transcript import Kind, seconds, without_secrets
from reception.simulator.verdict import Judgement, Verdict, judge

_LONGEST_EXCERPT: Final = 2_000
_ACCEPTED: Final = "CHANNEL_PIVOT (flow accepted)"


@dataclass(slots=True)
class PivotRequest:
    """
    One request under way.

    Shape:
        call_id: under which the platform asked; its news come under this id.
    """

    call_id: str
    quirks: Quirks
    has_cdr_url: bool
    local_urls_ok: bool
    settings: Settings
    timeline: Timeline
    switch: Switch
    rows: Rows
    tell: Callable[[CallEvent], None]
    say: Callable[..., None]
    is_told: bool
    began_ms: int = 0

    def __post_init__(self) -> None:
        self.began_ms = self.timeline.now_ms

    @property
    def _platform(self) -> Platform:
        return self.quirks.version

    def replied(self, reply: Reply) -> None:
        """Take the reply, or that there is none, when it came."""
        self.timeline.at(self.began_ms + reply.elapsed_ms, lambda: self._judge(reply))

    def _judge(self, reply: Reply) -> None:
        if self.switch.is_gone:
            # It heard of the hang-up too, and has ended (trace 46).
            return
        judgement = judge(
            reply,
            self._platform,
            quirks=self.quirks,
            local_urls_ok=self.local_urls_ok,
            has_cdr_url=self.has_cdr_url,
        )
        if self.is_told:
            self._report(reply, judgement)
        match judgement.verdict:
            case Verdict.ACCEPTED:
                self._accept(judgement)
            case Verdict.FAILED:
                self._tell(FAILED)
            case Verdict.FAILED_AND_HUNG_UP:
                self._tell(FAILED)
                self._hang_up()
            case Verdict.HUNG_UP:
                self._hang_up()
            case Verdict.SILENT:
                self._tell(PROCESSING)
                self._tell(FAILED)
            case Verdict.LATE:
                pass
            case Verdict.TWIML:
                self.say(Kind.UNKNOWN, "TwiML is not simulated here: ended the call")
                self._hang_up()

    def _accept(self, judgement: Judgement) -> None:
        flow = with_defaults(judgement.flow or {}, self._platform)
        self._tell(PROCESSING)
        self.rows.write(
            "pivot_verdict", verdict=_ACCEPTED, call_id=self.call_id, flow_after_validation=flow
        )
        self.tell(CallEvent(PIVOTED, self.call_id, fields={"flow": flow}))

    def _tell(self, verdict: str) -> None:
        self.rows.write("pivot_verdict", verdict=verdict, call_id=self.call_id)
        self.tell(CallEvent(verdict, self.call_id))

    def _hang_up(self) -> None:
        data = {"Insert-At": "now"} if self.settings.pivot_hang_up_now else {}
        self.switch.hang_up(data, self.call_id)

    # --- words ------------------------------------------------------------------------------------

    def _report(self, reply: Reply, judgement: Judgement) -> None:
        took = seconds(reply.elapsed_ms)
        for hop in reply.hops:
            self.say(Kind.REPLY, f"redirected to {hop}", url=without_secrets(hop))
        status = None if isinstance(reply, NoReply) else reply.status
        shown = "no reply" if status is None else str(status)
        why, verdict = judgement.why.removesuffix("."), judgement.verdict
        self.say(
            Kind.REPLY,
            f"{shown} after {took}: {why}. {verdict.value.capitalize()}",
            status=status,
            elapsed_ms=reply.elapsed_ms,
            verdict=verdict.name.lower(),
            lives_on=judgement.lives_on,
        )
        if isinstance(reply, Response) and judgement.flow is None and reply.body:
            says = reply.body[:_LONGEST_EXCERPT].decode("utf-8", errors="replace")
            self.say(Kind.REPLY, f"it said: {says}", status=status)
        for rejection in judgement.rejections:
            self._warn(rejection.path, rejection.rule, rejection.message, rule=rejection.rule)
        if judgement.flow is not None:
            for warning in validate(judgement.flow, platform=self._platform).warnings:
                self._warn(warning.path, warning.code, warning.message, code=warning.code)

    def _warn(self, path: str, name: str, message: str, **detail: Any) -> None:
        self.say(Kind.WARNS, f"{path}: {name}: {message}", path=path, **detail)
