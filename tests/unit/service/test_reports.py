"""What the platform reports is stored before it is acknowledged, and ends the dialogs of its call."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from reception import App, Call, Flow, flow
from reception.ports import StoredReport
from reception.service.consequences import Consequences
from reception.service.reports import decode_report
from reception.store.due import PostgresJobs
from reception.work.watcher import Watcher
from tests.unit.service.conftest import Caller, Node, node
from tests.unit.store.conftest import rows
from tests.unit.web.asgi import ACCOUNT, SECRET, Answer, request

FALLBACK = flow.user("5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4", timeout=20)
HANGUP = f"/hangup?APPID=acme&key={SECRET}"
REPORT: dict[str, Any] = {
    "hook_event": "channel_destroy",
    "call_id": "c1",
    "account_id": ACCOUNT,
    "billing_seconds": 88,
    "hangup_cause": "NORMAL_CLEARING",
}


def talking() -> App:
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        await call.ask("Press a key")
        return flow.hangup()

    return app


def serve(dsn: str, test: Callable[[Node], Awaitable[None]]) -> None:
    async def main() -> None:
        async with node(dsn, talking()) as one:
            await test(one)

    asyncio.run(main())


async def send(one: Node, target: str = HANGUP, **changes: Any) -> Answer:
    body = json.dumps(REPORT | changes).encode()
    return await request(one.site, target, body)


async def draw(one: Node) -> list[StoredReport]:
    """Draw the consequences of what is new."""
    jobs = PostgresJobs(one.database)
    consequences = Consequences(one.reports, one.steps, jobs, now=one.clock, told=["acme"])
    new = list(await one.reports.new(["acme"], limit=100))
    for report in new:
        await consequences.draw(report)
    return new


def test_a_report_is_acknowledged_when_it_is_stored_and_a_copy_changes_nothing(dsn: str) -> None:
    async def test(one: Node) -> None:
        answers = await asyncio.gather(*(send(one) for _ in range(20)))
        assert {(200, b"ok\n")} == {(answer.status, answer.body) for answer in answers}
        (stored,) = await one.reports.of_leg("acme", "c1")
        assert ("destroy", ACCOUNT) == (stored.event, stored.account_id)
        assert 88 == decode_report(stored.report).billing_s

    serve(dsn, test)


def test_an_altered_copy_is_kept_beside_the_first(dsn: str) -> None:
    async def test(one: Node) -> None:
        await send(one)
        await send(one, billing_seconds=89)
        stored = await one.reports.of_leg("acme", "c1")
        assert [88, 89] == [decode_report(each.report).billing_s for each in stored]

    serve(dsn, test)


@pytest.mark.parametrize(
    "target",
    [
        HANGUP,
        f"/v1/apps/acme/hangup?key={SECRET}",
    ],
)
def test_a_form_by_either_path_is_taken(dsn: str, target: str) -> None:
    async def test(one: Node) -> None:
        form = urlencode(REPORT).encode()
        assert 200 == (await request(one.site, target, form)).status
        assert 1 == len(await one.reports.of_leg("acme", "c1"))

    serve(dsn, test)


def test_a_get_with_a_second_question_mark_is_taken(dsn: str) -> None:
    async def test(one: Node) -> None:
        target = f"{HANGUP}?{urlencode(REPORT)}"
        assert 200 == (await request(one.site, target, b"", method="GET")).status
        (stored,) = await one.reports.of_leg("acme", "c1")
        assert {} == decode_report(stored.report).extra

    serve(dsn, test)


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/hangup?APPID=acme&key=wrongwrongwrongwrongwrongwrongwrong0", None),
        (f"/hangup?APPID=other&key={SECRET}", None),
        ("/hangup?APPID=acme", None),
        (HANGUP, b"{"),
        (HANGUP, b""),
        (HANGUP, b'{"call_id":"a\\u0000b","hook_event":"channel_destroy"}'),
    ],
)
def test_what_is_not_believed_gets_200_and_changes_nothing(
    dsn: str, owner_dsn: str, target: str, body: bytes | None
) -> None:
    async def test(one: Node) -> None:
        sent = json.dumps(REPORT).encode() if body is None else body
        assert (200, b"ok\n") == (
            (answer := await request(one.site, target, sent)).status,
            answer.body,
        )

    serve(dsn, test)
    assert [(0,)] == rows(owner_dsn, "SELECT count(*) FROM reception.leg_report")


def test_a_url_that_leads_a_call_back_lets_no_report_in(dsn: str, owner_dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        target = caller.url("_").replace("/voice", "/hangup")
        assert 200 == (await request(one.site, target, json.dumps(REPORT).encode())).status

    serve(dsn, test)
    assert [(0,)] == rows(owner_dsn, "SELECT count(*) FROM reception.leg_report")


def test_names_of_any_length_are_stored_and_found(dsn: str) -> None:
    # Whoever calls chooses the Call-ID, and an index has a limit.
    long = os.urandom(2000).hex()

    async def test(one: Node) -> None:
        sent: dict[str, Any] = {
            "call_id": long,
            "hook_event": long,
            "account_id": long,
            "call_interaction": {"id": long},
            "custom_application_vars": {"rx_e": long},
        }
        answer = await send(one, **sent)
        assert 200 == answer.status
        await send(one, call_id="carrier", other_leg_call_id=long)
        (stored,) = await one.reports.of_leg("acme", long)
        assert long == decode_report(stored.report).call_id
        both = await one.reports.together("acme", calls=[long], interactions=[], marks=[])
        assert 2 == len(both)
        for by in ("interactions", "marks"):
            named: dict[str, Any] = {"calls": [], "interactions": [], "marks": []} | {by: [long]}
            assert 1 == len(await one.reports.together("acme", **named))
        assert 2 == len(await draw(one))
        assert [] == await draw(one)

    serve(dsn, test)


def test_links_to_recordings_are_not_stored(dsn: str) -> None:
    async def test(one: Node) -> None:
        inside = {"media_recording_id": "r", "kept": [{"Transcription-Text": "t", "a": 1}]}
        sent: dict[str, Any] = {"property": "7", "custom_channel_vars": inside, "deep": inside}
        await send(one, **(sent | {"Media_Recordings": ["a.mp3"], "recording_url": "https://x"}))
        (stored,) = await one.reports.of_leg("acme", "c1")
        report, left = decode_report(stored.report), {"kept": [{"a": 1}]}
        assert {"property": "7", "deep": left} == report.extra
        assert left == report.custom_channel_vars

    serve(dsn, test)


def test_the_end_of_the_calling_leg_ends_its_dialog_once(dsn: str, owner_dsn: str) -> None:
    async def test(one: Node) -> None:
        await Caller(one).dial()
        await send(one, hangup_cause="ORIGINATOR_CANCEL")
        await send(one, hangup_cause="NORMAL_CLEARING")
        assert 2 == len(await draw(one))
        (row,) = await one.steps.of_call("acme", "c1")
        assert (True, "ORIGINATOR_CANCEL") == (row.ended_at is not None, row.end_cause)
        assert [] == await draw(one)

    serve(dsn, test)
    # What settles the dialog, and what tells the application of the call.
    assert [("reception.call_ended",), ("reception.dialog_ended",)] == rows(
        owner_dsn, "SELECT task FROM reception.job ORDER BY task"
    )


def test_a_caller_who_hangs_up_before_the_first_answer_is_stored_is_not_forgotten(
    dsn: str,
) -> None:
    async def test(one: Node) -> None:
        await send(one, hangup_cause="ORIGINATOR_CANCEL")
        await send(one, account_id="0" * 32)
        await send(one, hook_event="channel_answer")
        assert 3 == len(await draw(one))
        await Caller(one).dial()
        jobs = PostgresJobs(one.database)
        drawn = Consequences(one.reports, one.steps, jobs, now=one.clock, told=["acme"]).draw
        watcher = Watcher(one.reports, ["acme"], drawn, now=one.clock)
        watching = asyncio.create_task(watcher.serve())
        async with asyncio.timeout(5):
            while (await one.steps.of_call("acme", "c1"))[0].ended_at is None:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.02)
        watcher.stop()
        await watching
        (row,) = await one.steps.of_call("acme", "c1")
        assert "ORIGINATOR_CANCEL" == row.end_cause
        since = one.clock() - timedelta(minutes=10)
        assert [] == await one.reports.overtaken(["acme"], since=since, limit=9)

    serve(dsn, test)


def test_a_lost_switch_ends_its_calls_too(dsn: str) -> None:
    async def test(one: Node) -> None:
        await Caller(one).dial()
        await send(one, hook_event="channel_disconnected")
        assert 1 == len(await draw(one))
        (row,) = await one.steps.of_call("acme", "c1")
        assert row.ended_at is not None

    serve(dsn, test)


@pytest.mark.parametrize(
    "changes",
    [
        {"account_id": "0" * 32},
        {"call_id": "c2"},
        {"hook_event": "channel_answer"},
        {"call_id": None},
    ],
)
def test_other_reports_end_nothing(dsn: str, changes: dict[str, Any]) -> None:
    async def test(one: Node) -> None:
        await Caller(one).dial()
        await send(one, **changes)
        assert 1 == len(await draw(one))
        (row,) = await one.steps.of_call("acme", "c1")
        assert row.ended_at is None

    serve(dsn, test)


def test_while_the_database_is_away_nothing_is_acknowledged(dsn: str, owner_dsn: str) -> None:
    async def test(one: Node) -> None:
        await one.reports.stop()
        sending = asyncio.create_task(send(one))
        await asyncio.sleep(0.6)
        assert not sending.done()
        one.reports.start()
        assert 200 == (await asyncio.wait_for(sending, 5)).status

    serve(dsn, test)
    assert [(1,)] == rows(owner_dsn, "SELECT count(*) FROM reception.leg_report")
