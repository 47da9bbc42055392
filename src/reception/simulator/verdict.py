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
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final
from xml.parsers import expat

from reception.callflow import verdict as rejections_of
from reception.callflow.client_url import is_local_url
from reception.callflow.findings import Rejection
from reception.callflow.reading import Reading, read
from reception.simulator.quirks import QUIRKS, Platform, Quirks
from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.transcript import printable

_SUCCESS: Final = frozenset({200, 206})
_NO_STATUS: Final = 600
_UNAVAILABLE: Final = 503
_LONGEST_PAUSE: Final = 2
_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})
_JSON_TYPE: Final = "application/json"
_ELSEWHERE: Final = "loopback.invalid"


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
        lives_on: the platform's Pivot process outlives this answer, and reports the end of
            the call where the node has a cdr_url.
    """

    verdict: Verdict
    why: str
    flow: Mapping[str, Any] | None = None
    rejections: tuple[Rejection, ...] = ()
    lives_on: bool = False


def judge(
    reply: Reply,
    platform: Platform,
    *,
    quirks: Quirks | None = None,
    local_urls_ok: bool = False,
    has_cdr_url: bool = False,
) -> Judgement:
    """
    Judge one reply.

    Shape:
        quirks: of the platform, where they are not those of the version.
        local_urls_ok: let a flow pass that is rejected for nothing but URLs of this very
            machine, as a rehearsal on loopback needs it. The rejections are still given.
        has_cdr_url: the node that asked has a cdr_url.

    Errors:
        none, whatever the server sent.
    """
    quirks = quirks or QUIRKS[platform]
    if isinstance(reply, NoReply):
        return _no_reply(reply, quirks)
    status = reply.status
    if status >= _NO_STATUS:
        return Judgement(
            Verdict.LATE, f"status {status} is unknown to the platform's client", lives_on=True
        )
    asked = reply.header("retry-after") if status == _UNAVAILABLE else None
    if asked is not None and len(asked) <= _LONGEST_PAUSE:
        return _try_again(asked, quirks)
    if status not in _SUCCESS:
        return Judgement(Verdict.FAILED, f"status {status}: only 200 is success{_hint(status)}")
    judgement = _success(reply, quirks, local_urls_ok=local_urls_ok)
    return _kept_alive(judgement) if has_cdr_url and not quirks.hangs_up_with_cdr_url else judgement


def _no_reply(reply: NoReply, quirks: Quirks) -> Judgement:
    why = reply.trouble.value + (f" ({printable(reply.detail)})" if reply.detail else "")
    match reply.trouble:
        case Trouble.UNSENDABLE:
            return Judgement(Verdict.FAILED, why)
        case Trouble.UNANSWERED:
            return Judgement(Verdict.LATE, why, lives_on=True)
        case _:
            return Judgement(_lost(quirks), why, lives_on=True)


def _try_again(asked: str, quirks: Quirks) -> Judgement:
    if not asked.isascii() or not asked.isdigit():
        return Judgement(_lost(quirks), "a Retry-After that is no number", lives_on=True)
    return Judgement(
        Verdict.LATE,
        "503 with Retry-After: the platform's client sends the same POST again every second"
        " (101 times were seen), long after the call moved on. Never send Retry-After",
        lives_on=True,
    )


def _lost(quirks: Quirks) -> Verdict:
    """Version 4 sits out its ten seconds; version 5 hears of the failure at once."""
    return Verdict.FAILED if quirks.notices_lost_replies else Verdict.LATE


def _kept_alive(judgement: Judgement) -> Judgement:
    """
    With a cdr_url, version 4 forgets to hang up after an empty or a bad 200.

    A bad one was said to have failed before that, so the callflow goes on at once; of an
    empty one nobody hears.
    """
    match judgement.verdict:
        case Verdict.HUNG_UP:
            return replace(judgement, verdict=Verdict.LATE)
        case Verdict.FAILED_AND_HUNG_UP:
            return replace(judgement, verdict=Verdict.FAILED)
        case _:
            return judgement


def _hint(status: int) -> str:
    if status in range(201, 300):
        return " (the platform treats every other 2xx as a failure)"
    return ""


def _success(reply: Response, quirks: Quirks, *, local_urls_ok: bool) -> Judgement:
    body = reply.body
    if not body:
        return Judgement(Verdict.HUNG_UP, "200 with an empty body", lives_on=True)
    content_type = reply.header("content-type")
    kind = None if content_type is None else content_type.split(";", 1)[0].strip(" ")
    may_be_xml, may_be_json = kind != _JSON_TYPE, kind is not None and kind not in _XML_TYPES
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return Judgement(Verdict.FAILED, "the body is no UTF-8 (compressed, or another charset)")
    if may_be_xml and _is_twiml(body):
        return Judgement(Verdict.TWIML, "the body is TwiML, not a callflow", lives_on=True)
    failed_too = quirks.says_failed_before_hanging_up
    bad = Verdict.FAILED_AND_HUNG_UP if failed_too else Verdict.HUNG_UP
    if not may_be_json:
        named = "no Content-Type" if kind is None else f"Content-Type {printable(kind)}"
        why = f"{named} means XML to the platform, and the body is none"
        return Judgement(bad, why, lives_on=True)
    reading = read(body)
    if isinstance(reading, Rejection):
        return Judgement(bad, reading.message, lives_on=True)
    return _flow(reading, quirks.version, local_urls_ok=local_urls_ok)


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
