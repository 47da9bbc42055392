"""The promises of the voice endpoint, one by one."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from reception.callflow import Flow, flow, validate
from reception.face import Call
from tests.unit.web.asgi import (
    ACCOUNT,
    BODY,
    FALLBACK,
    SECRET,
    USER,
    VOICE,
    request,
    run,
    site,
    tenant,
)

REPLY = flow.set_cid(name="Support", number="+18005551212").then(flow.user(USER, timeout=30))


async def quick(_: Call) -> Flow:
    return REPLY


def outcomes(app: Any) -> dict[str, float]:
    text = app.metrics.render().decode()
    rows = [line for line in text.splitlines() if line.startswith("reception_voice_replies_total{")]
    return {row.split('outcome="')[1].split('"')[0]: float(row.split()[-1]) for row in rows}


def test_an_answer_is_200_json_with_its_length() -> None:
    answer = run(request(site(tenant(quick))))
    assert 200 == answer.status
    assert REPLY.render() == answer.body
    expected = {"content-type": "application/json", "content-length": str(len(answer.body))}
    assert expected == answer.headers


@pytest.mark.parametrize(
    ("target", "method", "body", "content_type"),
    [
        (VOICE, "POST", b"Call-ID=c1&Request=2000&&", b"application/x-www-form-urlencoded"),
        (f"/v1/apps/acme/voice?key={SECRET}", "POST", BODY, b"application/json"),
        (VOICE + "&&&Request=2000&Call-ID=c1", "GET", b"", b""),
    ],
)
def test_form_path_and_get_are_answered_too(
    target: str, method: str, body: bytes, content_type: bytes
) -> None:
    seen: list[tuple[str, str]] = []

    async def answer(call: Call) -> Flow:
        seen.append((call.id, call.dialled))
        return REPLY

    headers = [(b"content-type", content_type)]
    result = run(request(site(tenant(answer)), target, body, method=method, headers=headers))
    assert 200 == result.status
    assert [("c1", "2000")] == seen


def test_a_plain_function_runs_in_a_thread_and_stalls_nobody() -> None:
    names: list[str] = []

    def slow(_: Call) -> Flow:
        names.append(threading.current_thread().name)
        time.sleep(0.2)
        return REPLY

    async def scenario() -> float:
        app = site(tenant(slow), tenant(quick, app_id="fast"))
        began = time.perf_counter()
        waiting = [asyncio.create_task(request(app)) for _ in range(20)]
        await asyncio.sleep(0)
        await request(app, VOICE.replace("acme", "fast"))
        fast_s = time.perf_counter() - began
        answers = await asyncio.gather(*waiting)
        assert [200] * 20 == [answer.status for answer in answers]
        return fast_s

    assert run(scenario()) < 0.2
    assert threading.main_thread().name not in names


def test_a_late_handler_gives_the_fallback_at_the_deadline() -> None:
    stopped: list[bool] = []

    async def late(_: Call) -> Flow:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            stopped.append(True)
            raise
        return REPLY

    app = site(tenant(late), deadline_s=0.1, slow_reply_s=0.05)
    with capture_logs() as logs:
        answer = run(request(app))
    assert (200, FALLBACK.render()) == (answer.status, answer.body)
    assert "close" == answer.headers["connection"]
    assert [True] == stopped
    assert ["voice.deadline"] == [line["event"] for line in logs]
    assert {"deadline": 1.0} == outcomes(app)
    assert 0 == app.voice.load.in_flight


def test_a_handler_that_is_due_when_its_deadline_passes_does_not_end_before_the_answer() -> None:
    async def busy(_: Call) -> Flow:
        while True:  # noqa: ASYNC110  it is to be due at every moment
            await asyncio.sleep(0)

    answer = run(request(site(tenant(busy), deadline_s=0.05)))
    assert FALLBACK.render() == answer.body


def test_a_handler_that_ignores_its_deadline_changes_nothing() -> None:
    async def stubborn(_: Call) -> Flow:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
        return REPLY

    app = site(tenant(stubborn), deadline_s=0.1)
    answer = run(request(app))
    assert FALLBACK.render() == answer.body


def test_a_thread_that_hangs_is_counted_until_it_ends() -> None:
    release = threading.Event()

    def hanging(_: Call) -> Flow:
        release.wait(5)
        return REPLY

    async def scenario() -> None:
        app = site(tenant(hanging), deadline_s=0.1, max_in_flight=1)
        assert FALLBACK.render() == (await request(app)).body
        assert 1 == app.voice.load.in_flight
        assert 503 == (await request(app)).status
        release.set()
        for _ in range(100):
            if not app.voice.load.in_flight:
                break
            await asyncio.sleep(0.01)
        assert 0 == app.voice.load.in_flight

    run(scenario())


@pytest.mark.parametrize(
    "kind", ["raises", "none", "text", "bad dict", "bad node", "local", "exit"]
)
def test_whatever_a_handler_does_wrong_becomes_the_fallback(kind: str) -> None:
    async def wrong(_: Call) -> Any:
        match kind:
            case "raises":
                raise KeyError("+15551234567")
            case "none":
                return None
            case "text":
                return "hangup"
            case "bad dict":
                return {"module": "play", "data": {"id": 5}}
            case "bad node":
                return flow.user(USER, timeout="30")  # type: ignore[arg-type]  # the mistake to catch
            case "local":
                return flow.pivot(url="http://localhost:8080/voice?APPID=acme")
            case _:
                raise SystemError

    app = site(tenant(wrong))
    with capture_logs() as logs:
        answer = run(request(app))
    assert (200, FALLBACK.render()) == (answer.status, answer.body)
    assert 1 == len(logs)
    assert "+15551234567" not in str(logs)
    assert {"error", "invalid"} & outcomes(app).keys()


def test_a_hand_made_dict_is_checked_and_sent() -> None:
    async def plain(_: Call) -> Any:
        return {"module": "hangup", "data": {}}

    answer = run(request(site(tenant(plain))))
    assert {"module": "hangup", "data": {}, "children": {}} == json.loads(answer.body)


def test_every_pivot_gets_the_fallback_child() -> None:
    async def again(call: Call) -> Flow:
        pivot = flow.pivot(url=call.pivot_url(at="menu"))
        return flow.play("https://media.example.com/a.wav").then(pivot)

    app = site(tenant(again))
    answer = run(request(app))
    pivot = json.loads(answer.body)["children"]["_"]
    assert json.loads(FALLBACK.render()) == pivot["children"]["_"]
    assert validate(answer.body).valid
    url = pivot["data"]["voice_url"]
    assert url.startswith("https://voice.example.com/voice?APPID=acme&at=menu&a=")
    assert SECRET not in url


def test_the_url_back_is_admitted_without_the_secret() -> None:
    seen: list[dict[str, str]] = []

    async def again(call: Call) -> Flow:
        seen.append(dict(call.params))
        return flow.pivot(url=call.pivot_url(at="menu"))

    async def scenario() -> None:
        app = site(tenant(again))
        first = await request(app)
        url = json.loads(first.body)["data"]["voice_url"]
        target = url.removeprefix("https://voice.example.com")
        assert 200 == (await request(app, target)).status
        assert 404 == (await request(app, target.replace("menu", "safe"))).status

    run(scenario())
    assert [{}, {"at": "menu"}] == seen


def test_the_forwarded_host_never_reaches_a_url() -> None:
    async def again(call: Call) -> Flow:
        return flow.pivot(url=call.pivot_url())

    headers = [
        (b"content-type", b"application/json"),
        (b"host", b"evil.example"),
        (b"x-forwarded-host", b"evil.example"),
        (b"x-forwarded-proto", b"http"),
    ]
    answer = run(request(site(tenant(again)), headers=headers))
    assert b"evil" not in answer.body


def test_a_foreign_account_is_refused_like_an_unknown_tenant() -> None:
    async def scenario() -> None:
        app = site(tenant(quick, account_ids=frozenset({"0" * 32})))
        pinned = await request(app)
        unknown = await request(app, VOICE.replace("acme", "nobody"))
        nowhere = await request(app, "/nothing")
        assert (404, pinned.body, pinned.headers) == (
            unknown.status,
            unknown.body,
            unknown.headers,
        )
        assert (404, pinned.body) == (nowhere.status, nowhere.body)
        right = site(tenant(quick, account_ids=frozenset({ACCOUNT})))
        assert 200 == (await request(right)).status

    run(scenario())


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{", 400), (b"\xff\xfe{\x00}\x00", 400), (b"x" * 70_000, 413)],
)
def test_an_unreadable_body_is_an_honest_4xx(body: bytes, status: int) -> None:
    with capture_logs() as logs:
        answer = run(request(site(tenant(quick)), body=body))
    assert status == answer.status
    assert json.loads(answer.body)["error"].startswith("pivot.")
    assert ["voice.unreadable"] == [line["event"] for line in logs]


def test_a_body_in_pieces_is_one_body() -> None:
    pieces = [BODY[i : i + 7] for i in range(0, len(BODY), 7)]
    assert 200 == run(request(site(tenant(quick)), body=pieces)).status


def test_a_body_that_never_ends_is_408_at_the_deadline() -> None:
    app = site(tenant(quick), deadline_s=0.1)
    answer = run(request(app, body=[BODY[:10]], stall=True))
    assert (408, "close") == (answer.status, answer.headers["connection"])


def test_too_many_at_once_are_shed_without_retry_after() -> None:
    async def slow(_: Call) -> Flow:
        await asyncio.sleep(0.2)
        return REPLY

    async def scenario() -> None:
        app = site(tenant(slow), max_in_flight=2)
        waiting = [asyncio.create_task(request(app)) for _ in range(2)]
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        shed = await request(app)
        assert time.perf_counter() - began < 0.05
        assert 503 == shed.status
        assert "retry-after" not in shed.headers
        assert [200, 200] == [answer.status for answer in await asyncio.gather(*waiting)]
        assert 200 == (await request(app)).status

    run(scenario())


def test_a_loop_that_is_later_than_the_deadline_sheds() -> None:
    app = site(tenant(quick))
    app.voice.load.lag_s = 2.5
    assert 503 == run(request(app)).status


def test_another_method_is_405() -> None:
    answer = run(request(site(tenant(quick)), method="PUT"))
    assert (405, "POST, GET") == (answer.status, answer.headers["allow"])


def test_answers_while_draining_close_their_connection() -> None:
    app = site(tenant(quick))
    app.lifecycle.draining = True
    answer = run(request(app))
    assert (200, "close") == (answer.status, answer.headers["connection"])


@pytest.mark.parametrize(("mode", "closes"), [("auto", False), ("close", True), ("keep", False)])
def test_the_connection_setting_is_kept(mode: str, closes: bool) -> None:
    answer = run(request(site(tenant(quick), connection=mode)))
    assert closes == ("connection" in answer.headers)


def test_a_static_tenant_needs_no_code_and_no_fallback() -> None:
    answer = run(request(site(tenant(REPLY, fallback=None))))
    assert (200, REPLY.render()) == (answer.status, answer.body)


def test_without_a_fallback_a_failure_is_an_honest_500() -> None:
    async def wrong(_: Call) -> Flow:
        raise ValueError

    answer = run(request(site(tenant(wrong, fallback=None))))
    assert 500 == answer.status


def test_dev_mode_shows_the_findings_instead_of_the_fallback() -> None:
    async def wrong(_: Call) -> Flow:
        return flow.user(USER, timeout="30")  # type: ignore[arg-type]  # the mistake to catch

    answer = run(request(site(tenant(wrong), dev=True)))
    assert 500 == answer.status
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"$.data.timeout" in answer.body
    assert b"test_voice.py" in answer.body


def test_a_flow_for_the_other_version_is_not_sent() -> None:
    async def newer(_: Call) -> Any:
        return {"module": "tones", "data": {}}

    both = run(request(site(tenant(newer))))
    assert FALLBACK.render() == both.body
    five = run(request(site(tenant(newer, platforms=frozenset({5})))))
    assert {"module": "tones", "data": {}, "children": {}} == json.loads(five.body)


def test_no_guest_data_in_logs() -> None:
    canary = b'{"Call-ID":"c1","Caller-ID-Name":"CANARY","Caller-ID-Number":"+4999CANARY"}'

    async def wrong(call: Call) -> Flow:
        raise RuntimeError(call.caller_name + call.caller_number)

    with capture_logs() as logs:
        run(request(site(tenant(wrong)), body=canary))
        run(request(site(tenant(wrong)), body=canary[:-1] + b",CANARY"))
    assert 2 == len(logs)
    assert "CANARY" not in str(logs)


def test_the_log_names_the_line_to_mend_and_no_value() -> None:
    async def wrong(_: Call) -> Flow:
        return flow.set_cid(name="CANARY" * 3, number=4999123)  # type: ignore[arg-type]  # the mistake to catch

    with capture_logs() as logs:
        run(request(site(tenant(wrong))))
    [line] = logs
    assert ["$.data.caller_id_number type"] == line["findings"]
    assert line["where"].startswith("test_voice.py:")
    assert line["where"].endswith(" in wrong")
    assert "CANARY" not in str(logs)
    assert "4999123" not in str(logs)


def test_refusals_are_logged_once_a_second() -> None:
    async def scenario() -> None:
        app = site(tenant(quick))
        for _ in range(50):
            await request(app, VOICE.replace("acme", "nobody"))

    with capture_logs() as logs:
        run(scenario())
    assert ["voice.denied"] == [line["event"] for line in logs]


def test_a_cancellation_of_the_handlers_own_is_a_failure_like_any_other() -> None:
    async def careless(_: Call) -> Flow:
        inner = asyncio.ensure_future(asyncio.sleep(5))
        inner.cancel()
        await inner
        return REPLY

    answer = run(request(site(tenant(careless))))
    assert (200, FALLBACK.render()) == (answer.status, answer.body)


def test_a_handler_that_exits_stops_nobody() -> None:
    async def leaving(_: Call) -> Flow:
        raise SystemExit(3)

    answer = run(request(site(tenant(leaving))))
    assert (200, FALLBACK.render()) == (answer.status, answer.body)


def test_a_result_after_the_deadline_is_the_fallback_even_when_the_loop_was_blocked() -> None:
    async def blocking(_: Call) -> Flow:
        time.sleep(0.15)  # noqa: ASYNC251  # the mistake to catch
        return REPLY

    app = site(tenant(blocking), deadline_s=0.1)
    with capture_logs() as logs:
        answer = run(request(app))
    assert FALLBACK.render() == answer.body
    assert ["voice.deadline"] == [line["event"] for line in logs]


def test_a_request_that_waited_past_the_deadline_is_shed() -> None:
    app = site(tenant(quick))
    answer = run(request(app, arrived_s=time.monotonic() - 2.5))
    assert 503 == answer.status


def test_one_tenant_that_hangs_leaves_room_for_the_others() -> None:
    async def hanging(_: Call) -> Flow:
        await asyncio.sleep(0.3)
        return REPLY

    async def scenario() -> list[int]:
        app = site(tenant(hanging), tenant(quick, app_id="other"), max_in_flight=4)
        waiting = [asyncio.create_task(request(app)) for _ in range(4)]
        await asyncio.sleep(0.05)
        other = await request(app, VOICE.replace("acme", "other"))
        assert 200 == other.status
        return sorted([answer.status for answer in await asyncio.gather(*waiting)])

    assert [200, 200, 503, 503] == run(scenario())


def test_a_plain_function_may_return_what_an_async_one_does() -> None:
    def decorated(call: Call) -> Any:
        return quick(call)

    answer = run(request(site(tenant(decorated))))
    assert REPLY.render() == answer.body


@pytest.mark.parametrize("error", [StopIteration, KeyboardInterrupt, GeneratorExit, BaseException])
@pytest.mark.parametrize("kind", ["async", "plain"])
def test_no_exception_of_any_class_passes_the_fallback_by(
    error: type[BaseException], kind: str
) -> None:
    async def wrong(_: Call) -> Flow:
        raise error

    def plainly_wrong(_: Call) -> Flow:
        raise error

    answer = run(request(site(tenant(wrong if kind == "async" else plainly_wrong))))
    assert (200, FALLBACK.render()) == (answer.status, answer.body)


def test_a_url_back_is_for_the_account_that_it_was_made_for() -> None:
    async def again(call: Call) -> Flow:
        return flow.pivot(url=call.pivot_url())

    async def scenario() -> None:
        app = site(tenant(again))
        url = json.loads((await request(app)).body)["data"]["voice_url"]
        target = url.removeprefix("https://voice.example.com")
        assert 200 == (await request(app, target)).status
        other = BODY.replace(ACCOUNT.encode(), b"0" * 32)
        assert 404 == (await request(app, target, other)).status

    run(scenario())


@pytest.mark.parametrize(
    "header", [(b"transfer-encoding", b"chunked"), (b"content-length", b"70000")]
)
def test_a_refused_request_with_a_long_body_loses_its_connection(
    header: tuple[bytes, bytes],
) -> None:
    app = site(tenant(quick))
    answer = run(request(app, VOICE.replace("acme", "nobody"), headers=[header]))
    assert (404, "close") == (answer.status, answer.headers["connection"])
