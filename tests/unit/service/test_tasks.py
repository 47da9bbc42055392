"""Background work of a dialog: its end is settled, and its tasks are run with their key."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from reception import App, Call, CallEnded, Flow, current_step, flow
from reception.bootstrap.target import find_function
from reception.errors import NeedsHuman
from reception.ports import END_TASK, DueJob
from reception.service.conversations import Conversations
from reception.service.tasks import DialogEnded, Owner, Tasks, key_of
from tests.unit.service.conftest import Caller, Node, node

FALLBACK = flow.user("5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4", timeout=20)
ran: list[object] = []


async def note(room: str, *, urgent: bool = False) -> None:
    step = current_step()
    ran.append((room, urgent, step.key if step else "", step.attempt if step else 0))


def note_plainly(room: str) -> None:
    ran.append(room)


def fails() -> None:
    raise ValueError("no")


def silent() -> App:
    app = App("acme", fallback=FALLBACK)
    app.answer(lambda call: flow.hangup())
    return app


def due(task: str, args: bytes = b"[[],{}]", episode: str = "e", attempts: int = 1) -> DueJob:
    return DueJob("acme", episode, 1, 0, task, args, attempts)


def tasks_of(one: Node) -> Tasks:
    owners = {name: Owner(app, FALLBACK) for name, app in one.apps.items()}
    conversations = Conversations(one.reports, one.steps, now=one.clock)
    return Tasks(owners, one.endings, conversations, one.effects, find_function)


def test_a_task_gets_its_arguments_and_its_key(dsn: str) -> None:
    async def main() -> None:
        async with node(dsn, silent()) as one:
            name = f"{__name__}:note"
            job = due(name, b'[["101"],{"urgent":true}]', attempts=3)
            await tasks_of(one).run(job)
            await tasks_of(one).run(due(f"{__name__}:note_plainly", b'[["102"],{}]'))
            with pytest.raises(ValueError, match="no"):
                await tasks_of(one).run(due(f"{__name__}:fails"))
            assert [("101", True, key_of(job), 3), "102"] == ran

    ran.clear()
    asyncio.run(main())


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("note", 'must be "module:function"'),
        ("no_such_module:note", "no_such_module"),
        ("json:no_such", "has no function no_such"),
        ("json:__doc__", "has no function"),
    ],
)
def test_a_task_that_is_not_there_says_what_is_missing(task: str, words: str) -> None:
    with pytest.raises(NeedsHuman, match=words):
        find_function(task)


def test_the_end_of_a_dialog_is_settled_by_its_job(dsn: str) -> None:
    heard: list[str] = []
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        try:
            await call.ask("Press a key")
        except CallEnded as ended:
            heard.append(ended.cause)
            raise
        return flow.hangup()

    async def main() -> None:
        async with node(dsn, app) as one:
            await Caller(one).dial()
            (row,) = await one.steps.of_call("acme", "c1")
            await one.steps.end(
                "acme", row.episode, cause="ORIGINATOR_CANCEL", now=datetime.now(UTC)
            )
            for _ in range(2):
                await tasks_of(one).run(due(END_TASK, b"", row.episode))
            assert ["ORIGINATOR_CANCEL"] == heard

    asyncio.run(main())


def test_a_dialog_that_fails_at_its_end_is_not_run_for_ever(dsn: str) -> None:
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        try:
            await call.ask("Press a key")
        finally:
            if call.ending:
                raise ValueError("clean-up")
        return flow.hangup()

    async def main() -> None:
        async with node(dsn, app) as one:
            await Caller(one).dial()
            (row,) = await one.steps.of_call("acme", "c1")
            await one.steps.end("acme", row.episode, cause="", now=datetime.now(UTC))
            with pytest.raises(DialogEnded):
                await tasks_of(one).run(due(END_TASK, b"", row.episode))
            await tasks_of(one).run(due(END_TASK, b"", row.episode))

    asyncio.run(main())
