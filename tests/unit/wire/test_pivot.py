"""Reading Pivot requests: every encoding gives the same value, and nothing else ever fails."""

from __future__ import annotations

import contextlib
import gzip
import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reception.errors import PeerError
from reception.wire import (
    Digits,
    PivotRequest,
    as_form_sees,
    parse_pivot,
    parse_pivot_query,
    render_form,
    render_pivot_json,
)
from reception.wire.limits import MAX_BODY_BYTES, MAX_VALUE_BYTES
from reception.wire.pivot import _from_json, _read_usual
from tests.unit.wire.sending import FIRST, FORM, JSON, from_form, from_json, refusal
from tests.unit.wire.shapes import any_object, requests, texts

# --- the recorded requests ------------------------------------------------------------------------


def test_recorded_twins_give_the_same_request(twins: list[tuple[str, bytes, bytes]]) -> None:
    assert twins
    for name, source, body in twins:
        expected = parse_pivot(body, FORM)
        assert (name, expected) == (name, as_form_sees(parse_pivot(source, JSON)))
        assert (name, expected) == (name, parse_pivot_query(body))
        assert (name, expected) == (name, parse_pivot(body, None))


def test_recorded_requests_lose_nothing(twins: list[tuple[str, bytes, bytes]]) -> None:
    for _, source, _ in twins:
        fields = json.loads(source)
        request = parse_pivot(source, JSON)
        assert fields["Call-ID"] == request.call_id
        assert fields["Caller-ID-Name"] == request.caller_id_name
        assert fields["From"] == request.from_
        assert fields["Custom-Application-Vars"] == request.custom_application_vars
        assert fields["Custom-SIP-Headers"] == request.custom_sip_headers
        assert {} == request.extra


def test_every_recorded_post_is_read(wire: Path) -> None:
    for path in sorted((wire / "http").glob("pivot_post_*.raw")):
        head, _, body = path.read_bytes().partition(b"\r\n\r\n")
        label = head.decode().partition("content-type: ")[2].partition("\r\n")[0]
        if path.stem == "pivot_post_json_63k":  # a caller's name of 20 000 letters, made on purpose
            assert "pivot.value_too_long" == refusal(body, label).code
            continue
        request = parse_pivot(body, label)
        assert "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0" == request.call_id, path.name
        assert "0123456789abcdef0123456789abcdef" == request.account_id, path.name
        assert "Alice" == request.caller_id_name or "unicode" in path.stem
        assert {} == request.extra, path.name


def test_the_recorded_get_is_read(wire: Path) -> None:
    target = (wire / "http" / "pivot_get.raw").read_bytes().split(b" ")[1]

    request = parse_pivot_query(target.partition(b"?")[2], exclude=frozenset({"APPID"}))

    assert parse_pivot((wire / "pivot_json" / "01.json").read_bytes(), JSON) == request


def test_a_redirected_post_comes_back_without_a_call(wire: Path) -> None:
    assert b"GET /redir " in (wire / "http" / "redirect_302_becomes_get.raw").read_bytes()

    with pytest.raises(PeerError) as caught:
        parse_pivot_query(b"")
    assert "pivot.empty" == caught.value.code


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    [
        JSON,
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/vnd.example+json",
        "text/json",
        "text/plain",
        "text/xml",
        "",
        ";",
        None,
        FORM,
    ],
)
def test_a_body_that_begins_with_a_brace_is_json_whatever_its_label(label: str | None) -> None:
    body = render_pivot_json(FIRST)

    assert parse_pivot(body, JSON) == parse_pivot(body, label)
    assert parse_pivot(body, JSON) == parse_pivot(b" \r\n" + body + b"\n", label)


@pytest.mark.parametrize(
    "label", [FORM, FORM + ";charset=UTF-8", FORM.upper(), "text/plain", JSON, "", None]
)
def test_a_body_that_looks_like_a_form_is_one_whatever_its_label(label: str | None) -> None:
    body = render_form(FIRST)

    assert from_form(FIRST) == parse_pivot(body, label)


def test_a_byte_order_mark_is_no_reason_to_drop_a_caller() -> None:
    assert from_json(FIRST) == parse_pivot(b"\xef\xbb\xbf" + render_pivot_json(FIRST), JSON)
    assert from_form(FIRST) == parse_pivot(b"\xef\xbb\xbf" + render_form(FIRST), FORM)


# --- refusals -------------------------------------------------------------------------------------

BODY = render_pivot_json(FIRST)


@pytest.mark.parametrize(
    ("body", "label", "code", "status"),
    [
        (b"", JSON, "pivot.empty", 400),
        (b"", None, "pivot.empty", 400),
        (b" \r\n\t", JSON, "pivot.empty", 400),
        (b"&&", FORM, "pivot.empty", 400),
        (b"hello", FORM, "pivot.not_form", 400),
        (b"hello", JSON, "pivot.not_json", 400),
        (b"hello", None, "pivot.not_json", 400),
        (b"hello", "text/plain", "pivot.unsupported_type", 415),
        (b"<Response/>", "text/xml", "pivot.unsupported_type", 415),
        (b'<a b="c"/>', "text/xml", "pivot.unsupported_type", 415),
        (b'--x\r\nname="a"', "multipart/form-data", "pivot.unsupported_type", 415),
        (b"null", JSON, "pivot.not_object", 400),
        (b"[]", JSON, "pivot.not_object", 400),
        (b'"a=b"', JSON, "pivot.not_object", 400),
        (b"[1]", None, "pivot.not_object", 400),
        (BODY[:-1], JSON, "pivot.not_json", 400),
        (BODY + BODY, JSON, "pivot.not_json", 400),
        (b'{"a":1}{', FORM, "pivot.not_json", 400),
        (b'{"From":NaN}', JSON, "pivot.not_json", 400),
        (b'{"From":-Infinity}', JSON, "pivot.not_json", 400),
        (b'{"From":1e999}', JSON, "pivot.not_json", 400),
        (b'{"From":' + b"9" * 5_000 + b"}", JSON, "pivot.value_too_long", 400),
        (b'{"From":"' + b"9" * 5_000 + b'"}', JSON, "pivot.value_too_long", 400),
        (b"From=" + b"%41" * 5_000, FORM, "pivot.value_too_long", 400),
        (b'{"From":"\\ud83d"}', JSON, "pivot.not_utf8", 400),
        (b'{"\\ud83d":"a"}', JSON, "pivot.not_utf8", 400),
        (b'{"From":"\xed\xa0\xbd"}', JSON, "pivot.not_utf8", 400),
        (b'{"From":"\xff"}', JSON, "pivot.not_utf8", 400),
        (b"From=%ED%A0%BD", FORM, "pivot.not_utf8", 400),
        (b"From=\xff", FORM, "pivot.not_utf8", 400),
        (BODY.decode().encode("utf-16"), JSON, "pivot.not_utf8", 400),
        (BODY.decode().encode("utf-16-le"), JSON, "pivot.not_utf8", 400),
        (BODY.decode().encode("utf-16-be"), None, "pivot.not_utf8", 400),
        (BODY.decode().encode("utf-32-be"), FORM, "pivot.not_utf8", 400),
        (gzip.compress(BODY), JSON, "pivot.compressed", 415),
        (b'{"a":' + b"[" * 100_000, JSON, "pivot.too_large", 413),
        (b"[" * 60_000, JSON, "pivot.too_deep", 400),
        (b'{"a":' * 10_000, JSON, "pivot.too_deep", 400),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", JSON, "pivot.too_deep", 400),
        (b"a" + b"[" * 60_000 + b"=1", FORM, "pivot.value_too_long", 400),
        (b"a" + b"[b]" * 20_000 + b"=1", FORM, "pivot.too_deep", 400),
        (b"a" + b"[]" * 30_000 + b"=1", FORM, "pivot.too_deep", 400),
        (b"&".join(b"k%d=1" % n for n in range(257)), FORM, "pivot.too_many_keys", 400),
        (b"&".join(b"k[%d]=1" % n for n in range(257)), FORM, "pivot.too_many_keys", 400),
        (b"&".join(b"Digits[%d]=1" % n for n in range(1_025)), FORM, "pivot.too_many_keys", 400),
        (b"=" * (MAX_BODY_BYTES + 1), FORM, "pivot.too_large", 413),
    ],
)
def test_what_cannot_be_read_is_refused(
    body: bytes, label: str | None, code: str, status: int
) -> None:
    error = refusal(body, label)

    assert (code, status) == (error.code, error.status)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("text", ['{"To":"1"}', "To=1&From=2"])
@pytest.mark.parametrize("label", [JSON, FORM, None])
def test_wide_characters_are_not_taken_for_text(encoding: str, text: str, label: str) -> None:
    assert "pivot.not_utf8" == refusal(text.encode(encoding), label).code


def test_a_body_of_exactly_the_limit_is_read() -> None:
    filler = MAX_BODY_BYTES - len(b'{"To":"1"}')

    assert "1" == parse_pivot(b'{"To":"1"' + b" " * filler + b"}", JSON).to
    assert "pivot.too_large" == refusal(b'{"To":"1"' + b" " * (filler + 1) + b"}").code


def test_a_refusal_never_quotes_the_request() -> None:
    secret = "4111111111111111"

    for body in (
        f'{{"{secret}',
        f'{{"a":"{secret}\\ud800"}}',
        f'"{secret}"',
        f'{{"a":{secret}e999}}',
    ):
        assert secret not in str(refusal(body.encode()))


def test_repeated_keys_count_as_they_stood_first() -> None:
    body = b'{"To":"1","Digits":{"a":"1","a":"2"},"To":"2","Digits":{"a":"3"}}'

    assert PivotRequest(to="1", digits=Digits({"a": "1"})) == parse_pivot(body, JSON)
    assert PivotRequest(to="1") == parse_pivot(b"To=1&To=2", FORM)


# --- the query of a GET ---------------------------------------------------------------------------


def test_a_query_is_read_without_the_keys_of_the_url() -> None:
    query = b"APPID=acme-crm&lang=de&" + render_form(FIRST)

    request = parse_pivot_query(query, exclude=frozenset({"APPID", "lang"}))

    assert from_form(FIRST) == request


@pytest.mark.parametrize("query", [b"", b"&", b"APPID=x", b"&&APPID=x&"])
def test_a_query_that_says_nothing_of_a_call_is_empty(query: bytes) -> None:
    with pytest.raises(PeerError) as caught:
        parse_pivot_query(query, exclude=frozenset({"APPID"}))

    assert "pivot.empty" == caught.value.code


# --- for any request ------------------------------------------------------------------------------


@given(requests())
@example(FIRST)
@example(FIRST | {"Custom-Application-Vars": {"legs": [{"a": 1}, {}], "e": {"f": {}}, "": "x"}})
def test_json_form_and_query_give_the_same_request(fields: dict[str, Any]) -> None:
    expected = as_form_sees(from_json(fields))

    assert expected == from_form(fields)
    assert expected == parse_pivot_query(
        b"APPID=x&" + render_form(fields), exclude=frozenset({"APPID"})
    )
    assert expected == as_form_sees(expected)


@given(requests(nested_extra=False))
def test_attributes_keep_the_types_of_json(fields: dict[str, Any]) -> None:
    read, seen = from_json(fields), from_form(fields)

    for name in PivotRequest.__struct_fields__:
        if name not in {"custom_application_vars", "custom_sip_headers", "extra"}:
            assert getattr(seen, name) == getattr(read, name)


@given(any_object | requests())
def test_the_short_road_and_the_long_one_arrive_at_the_same(fields: dict[str, Any]) -> None:
    body = render_pivot_json(fields)
    usual = _read_usual(body)

    if usual is not None:
        assert usual == _from_json(body.decode())


def test_a_usual_request_takes_the_short_road(twins: list[tuple[str, bytes, bytes]]) -> None:
    long = {name for name, source, _ in twins if _read_usual(source) is None}

    # Transcriptions, and variables that are not plain text.
    assert {"19", "27", "29"} == long
    assert _read_usual(render_pivot_json(FIRST | {"Digits": {"e1s1": "1"}, "User-ID": "u"}))


@given(texts)
@example("".join(map(chr, range(0x20))) + '"\\/\x7f\u2028')
def test_the_short_road_rests_on_text_written_as_short_as_can_be(text: str) -> None:
    assert len(msgspec.json.encode(text)) == len(render_pivot_json({"": text})) - len(b'{"":}')


@given(requests(), st.data())
def test_a_damaged_body_is_read_the_same_on_both_roads(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    body = bytearray(render_pivot_json(FIRST | fields))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from(
                [b"", b" ", b'"', b'"To":"3",', b"\\u0041", b"null", b"\xff", b"]", b"1e5"]
            )
        )
    usual = _read_usual(bytes(body))

    if usual is not None:
        assert usual == _from_json(body.decode())


BODIES = (
    st.binary(max_size=80)
    | st.text('{}[]":,\\ud80aetrfnl019.-+= &%', max_size=80).map(str.encode)
    | any_object.map(render_pivot_json)
    | st.builds(lambda a, b: a + b, any_object.map(render_pivot_json), st.binary(max_size=3))
)


@given(BODIES, st.sampled_from([JSON, FORM, "text/plain", "", None]))
def test_any_bytes_are_a_request_or_refused(body: bytes, label: str | None) -> None:
    for is_query in (False, True):
        try:
            request = parse_pivot_query(body) if is_query else parse_pivot(body, label)
        except PeerError:
            continue
        assert isinstance(request, PivotRequest)
        assert as_form_sees(request) == as_form_sees(as_form_sees(request))


def work(body: bytes, label: str) -> int:
    """Count the lines of Reception that run: a measure of time that no busy machine changes."""
    lines = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace if "reception" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with contextlib.suppress(PeerError):
            parse_pivot(body, label)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize(
    "piece",
    [b"&", b"[", b"]", b"%", b"=", b"a[b]=1&", b"a[]=1&", b"a[b][c][d]=1&", b"%41", b"a%5B%5D=%&"],
)
def test_work_on_a_form_grows_no_faster_than_its_length(piece: bytes) -> None:
    small, large = (piece * (size // len(piece)) for size in (3_000, 30_000))

    assert work(large, FORM) <= 11 * work(small, FORM)


@pytest.mark.parametrize(
    "piece", [b"[", b'{"a":', b'"a":1,', b'["a"],', b'"\\u0041",', b"1,", b"\\"]
)
@pytest.mark.parametrize(("start", "end"), [(b"{", b"}"), (b'{"a":[', b"1]}"), (b'{"a":"', b'"}')])
def test_work_on_json_grows_no_faster_than_its_length(
    piece: bytes, start: bytes, end: bytes
) -> None:
    small, large = (start + piece * (size // len(piece)) + end for size in (3_000, 30_000))

    assert work(large, JSON) <= 11 * work(small, JSON)


def test_a_value_is_bounded_in_either_encoding() -> None:
    for fields in ({"To": "é" * (MAX_VALUE_BYTES // 2)}, {"To": "a" * MAX_VALUE_BYTES}):
        assert fields["To"] == from_json(fields).to == from_form(fields).to
        longer = {"To": fields["To"] + "a"}
        assert "pivot.value_too_long" == refusal(render_pivot_json(longer), JSON).code
        assert "pivot.value_too_long" == refusal(render_form(longer), FORM).code
