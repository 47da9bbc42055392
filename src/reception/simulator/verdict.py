"""
What the platform makes of a reply: the judgement, without any waiting.

A pure function of status, headers, body and version. The platform's rules are stranger
than one would write them: only 200 and 206 are success, anything that went wrong after a
200 loses the caller instead of taking the way out, and a reply whose flow is invalid
leaves the call in silence. How long the silences last is the walk's business.

Source: contract/observed.md section 4, contract/wire/responses/INDEX.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from xml.parsers import expat

from reception.callflow import verdict as rejections_of
from reception.callflow.client_url import is_local_url
from reception.callflow.findings import Rejection
from reception.callflow.reading import Reading, read
from reception.simulator.call import Platform
from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.transcript import printable

_SUCCESS: Final = frozenset({200, 206})
_INFORMATIONAL: Final = range(100, 200)
_KNOWN_STATUS: Final = range(200, 600)
_UNAVAILABLE: Final = 503
_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})
_JSON_TYPE: Final = "application/json"
_ELSEWHERE: Final = "loopback.invalid"
_VERSION_5: Final = 5


class Verdict(Enum):
    """What becomes of the call."""

    ACCEPTED = "the flow runs"
    FAILED = "the step failed: on to the pivot's own `_`"
    HUNG_UP = "the platform hangs up"
    FAILED_AND_HUNG_UP = "the step failed and the platform hangs up"
    SILENT = "silence until the caller hangs up; `_` is not taken"
    LATE = "10 s of silence, then on to the pivot's own `_`"
    TWIML = "the platform runs it as TwiML"


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    A verdict with its reason.

    Shape:
        why: one printable sentence.
        flow: the decoded flow, present with ACCEPTED only; defaults are not in it.
        rejections: why the flow is invalid (SILENT), or the local URLs that were let pass.
    """

    verdict: Verdict
    why: str
    flow: Mapping[str, Any] | None = None
    rejections: tuple[Rejection, ...] = ()


def judge(reply: Reply, platform: Platform, *, local_urls_ok: bool = False) -> Judgement:
    """
    Judge one reply.

    Shape:
        local_urls_ok: let a flow pass that is rejected for nothing but URLs of this very
            machine, as a rehearsal on loopback needs it. The rejections are still given.

    Errors:
        none, whatever the server sent.
    """
    if isinstance(reply, NoReply):
        return _no_reply(reply, platform)
    status = reply.status
    if status in _INFORMATIONAL:
        return Judgement(_lost(platform), f"status {status} is no final answer")
    if status not in _KNOWN_STATUS:
        return Judgement(Verdict.LATE, f"status {status} is unknown to the platform's client")
    if status == _UNAVAILABLE and reply.header("retry-after") is not None:
        return Judgement(
            Verdict.LATE,
            "503 with Retry-After: the platform's client sends the same POST again every second"
            " (101 times were seen), long after the call moved on. Never send Retry-After",
        )
    if status not in _SUCCESS:
        return Judgement(Verdict.FAILED, f"status {status}: only 200 is success{_hint(status)}")
    return _success(reply, platform, local_urls_ok=local_urls_ok)


def _no_reply(reply: NoReply, platform: Platform) -> Judgement:
    why = reply.trouble.value + (f" ({printable(reply.detail)})" if reply.detail else "")
    if reply.trouble is Trouble.UNSENDABLE:
        return Judgement(Verdict.FAILED, why)
    return Judgement(_lost(platform), why)


def _lost(platform: Platform) -> Verdict:
    """Version 4 sits out its ten seconds; version 5 hears of the failure at once."""
    return Verdict.FAILED if platform == _VERSION_5 else Verdict.LATE


def _hint(status: int) -> str:
    if status in range(201, 300):
        return " (the platform treats every other 2xx as a failure)"
    return ""


def _success(reply: Response, platform: Platform, *, local_urls_ok: bool) -> Judgement:
    body = reply.body
    if not body:
        return Judgement(Verdict.HUNG_UP, "200 with an empty body")
    content_type = reply.header("content-type")
    kind = None if content_type is None else content_type.split(";", 1)[0].strip()
    may_be_xml, may_be_json = kind != _JSON_TYPE, kind is not None and kind not in _XML_TYPES
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return Judgement(Verdict.FAILED, "the body is no UTF-8 (compressed, or another charset)")
    if may_be_xml and _is_twiml(body):
        return Judgement(Verdict.TWIML, "the body is TwiML, not a callflow")
    reading = read(body)
    bad = Verdict.HUNG_UP if platform == _VERSION_5 else Verdict.FAILED_AND_HUNG_UP
    if not may_be_json:
        named = "no Content-Type" if kind is None else f"Content-Type {printable(kind)}"
        return Judgement(bad, f"{named} means XML to the platform, and the body is none")
    if isinstance(reading, Rejection):
        return Judgement(bad, reading.message)
    return _flow(reading, platform, local_urls_ok=local_urls_ok)


def _flow(reading: Reading, platform: Platform, *, local_urls_ok: bool) -> Judgement:
    root = reading.root
    if not isinstance(root, dict):
        return Judgement(Verdict.SILENT, "the JSON is no object, so it is no callflow")
    rejections = rejections_of(root, platform)
    if not rejections:
        return Judgement(Verdict.ACCEPTED, "a valid flow", root)
    if local_urls_ok and not rejections_of(_as_if_public(root), platform):
        return Judgement(Verdict.ACCEPTED, "valid but for URLs of this machine", root, rejections)
    return Judgement(Verdict.SILENT, "the flow is invalid", rejections=rejections)


def _as_if_public(root: Any) -> Any:
    """Copy a tree with the platform's forbidden hosts replaced, without recursion."""
    top: list[Any] = [root]
    open_places: list[tuple[Any, Any]] = [(top, 0)]
    while open_places:
        holder, key = open_places.pop()
        value = holder[key]
        if isinstance(value, dict):
            holder[key] = copied = dict(value)
            open_places += [(copied, name) for name in copied]
        elif isinstance(value, list):
            holder[key] = listed = list(value)
            open_places += [(listed, index) for index in range(len(listed))]
        elif isinstance(value, str) and is_local_url(value):
            holder[key] = f"http://{_ELSEWHERE}/"
    return top[0]


class _NotTwiml(Exception):
    """Stops the XML parser."""


def _is_twiml(body: bytes) -> bool:
    """Tell whether a body is well-formed XML with a Response at its root; none is executed."""
    if not body.lstrip().startswith(b"<"):
        return False
    roots: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        roots.append(name) if not roots else None

    def refuse(*_: object) -> None:
        # A document type may declare entities that grow without bound.
        raise _NotTwiml

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, _NotTwiml, ValueError):
        return False
    return roots[:1] == ["Response"]
