"""Our judgement of replies against the platform's own, and the rules by themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.call import Platform
from reception.simulator.client import PlatformClient
from reception.simulator.quirks import QUIRKS
from reception.simulator.reading import (
    LARGEST_HEAD,
    NoReply,
    Reply,
    Response,
    Trouble,
    Unreadable,
    read_response,
)
from reception.simulator.request import Outgoing
from reception.simulator.verdict import Verdict, judge
from tests.conftest import SHARED
from tests.unit.simulator.servers import http, raw_server, sends

FOLDER: Final = SHARED / "contract" / "wire" / "responses"
FLOW: Final = {"module": "play", "data": {"id": "/welcome.wav"}}
BODY: Final = json.dumps(FLOW).encode()
PLATFORMS: Final[tuple[Platform, ...]] = (4, 5)

WORDS: Final = {
    "FLOW_ACCEPTED": Verdict.ACCEPTED,
    "FAILED (callflow continues)": Verdict.FAILED,
    "FAILED_AND_HANGUP": Verdict.FAILED_AND_HUNG_UP,
    "HANGUP": Verdict.HUNG_UP,
    "PROCESSING_THEN_FAILED (callflow already handed over; nobody drives the call)": Verdict.SILENT,
    "SILENCE_10S_THEN_CALLFLOW_CONTINUES": Verdict.LATE,
    "TWIML_EXECUTED": Verdict.TWIML,
}
REDIRECTS: Final = range(56, 62)
TIMED: Final = (*range(87, 95),)


def recorded() -> list[Mapping[str, Any]]:
    if not FOLDER.is_dir():
        return []
    rows: list[Mapping[str, Any]] = json.loads((FOLDER / "INDEX.json").read_bytes())
    return [row for row in rows if isinstance(row["n"], int)]


def readable() -> list[Mapping[str, Any]]:
    """The replies that need no connection; the others have tests of their own below."""
    return [row for row in recorded() if row["n"] not in {*REDIRECTS, *TIMED}]


def expected(row: Mapping[str, Any], platform: Platform) -> Verdict:
    return WORDS[row["kazoo4" if platform == 4 else "kazoo5_pivot_call"]]


async def read(raw: bytes) -> Reply:
    reader = asyncio.StreamReader(limit=LARGEST_HEAD)
    reader.feed_data(raw)
    reader.feed_eof()
    try:
        return await read_response(reader)
    except Unreadable as error:
        return NoReply(error.trouble)


@pytest.mark.needs_shared
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("row", readable(), ids=lambda row: f"{row['n']:03}")
def test_reply_is_judged_as_the_platform_judged_it(
    row: Mapping[str, Any], platform: Platform
) -> None:
    if row["n"] == 53:
        flow = {**FLOW, "extra": "x" * 1_000_000}
        raw = http("200 OK", json.dumps(flow).encode(), Content_Type="application/json")
    else:
        raw = (FOLDER / row["raw"]).read_bytes()
    judgement = judge(asyncio.run(read(raw)), platform)
    assert expected(row, platform) == judgement.verdict, row["name"]


async def over_the_wire(*pieces: bytes, timeout_ms: int, **how: Any) -> Reply:
    async with raw_server(sends(*pieces, **how)) as server:
        client = PlatformClient(QUIRKS[4].but(retry_after_posts=1))
        try:
            return await client.send(Outgoing("POST", server.url()), timeout_ms=timeout_ms)
        finally:
            await client.aclose()


HEADERS, REST = http("200 OK", BODY, Content_Type="application/json").split(b"\r\n\r\n")
DRIPPED: Final = [bytes([byte]) for byte in HEADERS + b"\r\n\r\n" + REST]


# The recordings' waits, shortened a hundred times where only their order counts.
SCENES: Final[Mapping[int, Mapping[str, Any]]] = {
    87: {"pieces": (b"",), "close": True, "timeout_ms": 2000},
    88: {"pieces": (b"HTTP/1.1 2",), "close": True, "timeout_ms": 2000},
    89: {"pieces": (HEADERS[:30], HEADERS[30:] + b"\r\n\r\n" + REST), "pause_s": 0.05},
    90: {"pieces": (HEADERS + b"\r\n\r\n", REST), "pause_s": 0.05},
    91: {"pieces": (HEADERS + b"\r\n\r\n" + REST,), "pause_s": 0.1},
    92: {"pieces": (HEADERS + b"\r\n\r\n" + REST,), "pause_s": 0.3, "timeout_ms": 100},
    93: {"pieces": (HEADERS + b"\r\n\r\n", REST), "pause_s": 0.2, "timeout_ms": 300},
    94: {"pieces": DRIPPED, "pause_s": 0.01, "timeout_ms": 200},
}


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", SCENES)
def test_timing_is_judged_as_the_platform_judged_it(number: int) -> None:
    row = next(row for row in recorded() if row["n"] == number)
    scene = dict(SCENES[number])
    pieces = scene.pop("pieces")
    reply = asyncio.run(over_the_wire(*pieces, **{"timeout_ms": 2000, **scene}))
    for platform in PLATFORMS:
        assert expected(row, platform) == judge(reply, platform).verdict, row["name"]


@pytest.mark.needs_shared
@pytest.mark.parametrize("row", readable(), ids=lambda row: f"{row['n']:03}")
def test_reply_is_judged_the_same_when_it_comes_over_the_wire(row: Mapping[str, Any]) -> None:
    if row["n"] == 53:
        raw = http("200 OK", BODY[:-1] + b" " * 1_000_000 + b"}", Content_Type="application/json")
    else:
        raw = (FOLDER / row["raw"]).read_bytes()
    closes = "close" in row["name"]
    reply = asyncio.run(over_the_wire(raw, timeout_ms=300, close=closes))
    for platform in PLATFORMS:
        assert expected(row, platform) == judge(reply, platform).verdict, row["name"]


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", [85, 86])
def test_bytes_that_are_no_http_keep_the_platform_waiting(number: int) -> None:
    raw = (FOLDER / f"{number:03}.raw").read_bytes()
    reply = asyncio.run(over_the_wire(raw, timeout_ms=200))
    assert isinstance(reply, NoReply)
    assert Trouble.TIMED_OUT is reply.trouble
    assert 200 <= reply.elapsed_ms < 2000


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", REDIRECTS)
def test_redirects_lead_to_the_verdict_of_their_target(number: int) -> None:
    row = next(row for row in recorded() if row["n"] == number)
    raw = (FOLDER / row["raw"]).read_bytes()

    async def run() -> Reply:
        async def answer(writer: asyncio.StreamWriter, count: int) -> None:
            here = f"127.0.0.1:{server.port}".encode()
            first = raw.replace(b"127.0.0.1:18081", here)
            writer.write(first if count == 1 else HEADERS + b"\r\n\r\n" + REST)
            await writer.drain()

        async with raw_server(answer) as server:
            client = PlatformClient()
            try:
                return await client.send(Outgoing("POST", server.url()), timeout_ms=2000)
            finally:
                await client.aclose()

    reply = asyncio.run(run())
    assert len(reply.hops) == 1
    for platform in PLATFORMS:
        assert expected(row, platform) == judge(reply, platform).verdict


def answered(
    body: bytes, status: int = 200, content_type: str | None = "application/json"
) -> Response:
    headers = () if content_type is None else (("content-type", content_type),)
    return Response(status, headers, body)


def test_accepted_flow_is_given_back() -> None:
    judgement = judge(answered(BODY), 5)
    assert (Verdict.ACCEPTED, FLOW) == (judgement.verdict, judgement.flow)


@pytest.mark.parametrize("status", [201, 202, 204, 304, 404, 500, 503])
def test_any_status_but_200_takes_the_way_out(status: int) -> None:
    assert Verdict.FAILED is judge(answered(BODY, status), 4).verdict


def test_503_with_retry_after_is_told_as_the_trap_it_is() -> None:
    reply = Response(503, (("retry-after", "1"),), b"")
    judgement = judge(reply, 5)
    assert Verdict.LATE is judgement.verdict
    assert "every second" in judgement.why


@pytest.mark.parametrize(
    ("asked", "on_4", "on_5"),
    [
        ("1", Verdict.LATE, Verdict.LATE),
        ("99", Verdict.LATE, Verdict.LATE),
        ("100", Verdict.FAILED, Verdict.FAILED),
        ("Wed, 21 Oct 2026 07:28:00 GMT", Verdict.FAILED, Verdict.FAILED),
        ("x", Verdict.LATE, Verdict.FAILED),
        ("", Verdict.LATE, Verdict.FAILED),
    ],
)
def test_only_a_short_retry_after_is_the_trap(asked: str, on_4: Verdict, on_5: Verdict) -> None:
    reply = Response(503, (("retry-after", asked),), b"")
    assert [on_4, on_5] == [judge(reply, platform).verdict for platform in PLATFORMS]


@pytest.mark.parametrize("status", [0, 99, 205, 300, 399, 599])
def test_below_600_every_other_status_fails(status: int) -> None:
    assert {Verdict.FAILED} == {judge(answered(BODY, status), p).verdict for p in PLATFORMS}


@pytest.mark.parametrize("status", [600, 999])
def test_from_600_on_nobody_hears_of_a_status(status: int) -> None:
    assert {Verdict.LATE} == {judge(answered(BODY, status), p).verdict for p in PLATFORMS}


def test_of_two_content_types_the_first_counts() -> None:
    json_type, xml_type = ("content-type", "application/json"), ("content-type", "text/xml")
    assert Verdict.ACCEPTED is judge(Response(200, (json_type, xml_type), BODY), 5).verdict
    assert Verdict.HUNG_UP is judge(Response(200, (xml_type, json_type), BODY), 5).verdict


def test_a_request_without_timeout_costs_ten_seconds_on_both() -> None:
    reply = NoReply(Trouble.UNANSWERED)
    assert {Verdict.LATE} == {judge(reply, platform).verdict for platform in PLATFORMS}


def test_with_a_cdr_url_version_4_forgets_to_hang_up() -> None:
    empty, bad = answered(b""), answered(b"{oops")
    assert Verdict.LATE is judge(empty, 4, has_cdr_url=True).verdict
    assert Verdict.FAILED is judge(bad, 4, has_cdr_url=True).verdict
    assert Verdict.HUNG_UP is judge(empty, 5, has_cdr_url=True).verdict
    assert Verdict.HUNG_UP is judge(bad, 5, has_cdr_url=True).verdict
    assert Verdict.ACCEPTED is judge(answered(BODY), 4, has_cdr_url=True).verdict


@pytest.mark.parametrize(
    ("reply", "lives_on"),
    [
        (answered(BODY), False),
        (answered(b'{"module":"nope"}'), False),
        (answered(b"\xff"), False),
        (answered(BODY, 404), False),
        (answered(BODY, 201), False),
        (answered(b""), True),
        (answered(b"{oops"), True),
        (answered(b"<Response/>", content_type="text/xml"), True),
        (NoReply(Trouble.TIMED_OUT), True),
        (NoReply(Trouble.CLOSED), True),
        (NoReply(Trouble.UNSENDABLE), False),
    ],
)
def test_the_end_is_reported_only_where_the_pivot_process_outlives_the_answer(
    reply: Reply, lives_on: bool
) -> None:
    for platform in PLATFORMS:
        assert lives_on == judge(reply, platform, has_cdr_url=True).lives_on


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEADERS + b"\r\n\r\n" + REST, 200),
        (b"HTTP/1.1 101 S\r\n\r\n" + HEADERS + b"\r\n\r\n" + REST, 200),
        (b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404),
        (b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", 200),
    ],
)
def test_odd_replies_that_the_platform_understands(raw: bytes, status: int) -> None:
    reply = asyncio.run(read(raw))
    assert isinstance(reply, Response)
    assert status == reply.status


@pytest.mark.parametrize(
    "raw",
    [
        b"foo bar\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 OK OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/byteranges; x\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n\r\n" + HEADERS + b"\r\n\r\n" + REST,
    ],
)
def test_what_breaks_the_client_is_noticed_at_once(raw: bytes) -> None:
    reply = asyncio.run(over_the_wire(raw, timeout_ms=2000))
    assert isinstance(reply, NoReply)
    assert Trouble.UNREADABLE is reply.trouble
    assert reply.elapsed_ms < 1500


def test_silence_of_the_server_costs_ten_seconds_on_4_and_none_on_5() -> None:
    lost = NoReply(Trouble.REFUSED)
    assert Verdict.LATE is judge(lost, 4).verdict
    assert Verdict.FAILED is judge(lost, 5).verdict


def test_invalid_flow_is_silence_with_the_reasons() -> None:
    judgement = judge(answered(b'{"module":"tts","data":{}}'), 4)
    assert Verdict.SILENT is judgement.verdict
    assert judgement.rejections


def test_local_urls_pass_only_where_the_rehearsal_is_local() -> None:
    local = {"module": "pivot", "data": {"voice_url": "http://127.0.0.1:8080/voice"}}
    flow = {**FLOW, "children": {"_": local}}
    reply = answered(json.dumps(flow).encode())
    assert Verdict.SILENT is judge(reply, 4).verdict
    passed = judge(reply, 4, local_urls_ok=True)
    assert Verdict.ACCEPTED is passed.verdict
    assert passed.rejections
    assert flow == passed.flow


def test_a_local_url_does_not_excuse_other_faults() -> None:
    body = b'{"module":"pivot","data":{"voice_url":"http://localhost/","method":"put"}}'
    assert Verdict.SILENT is judge(answered(body), 4, local_urls_ok=True).verdict


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.integers(0, 999),
    st.lists(st.tuples(st.sampled_from(["content-type", "retry-after", "x"]), st.text())),
    st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(PLATFORMS),
    st.booleans(),
)
def test_every_reply_gets_a_verdict(
    status: int,
    headers: list[tuple[str, str]],
    body: bytes,
    platform: Platform,
    local_urls_ok: bool,
) -> None:
    judgement = judge(Response(status, tuple(headers), body), platform, local_urls_ok=local_urls_ok)
    assert (judgement.flow is not None) == (judgement.verdict is Verdict.ACCEPTED)


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"module":' * 50_000, b'{"a":1e999}', b"9" * 5_000, b'"\\ud800"']
)
def test_hostile_json_gets_a_verdict(body: bytes) -> None:
    assert judge(answered(body), 4).verdict in {Verdict.FAILED_AND_HUNG_UP, Verdict.SILENT}
