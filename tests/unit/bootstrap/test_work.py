"""Background work beside a running server: done without anybody's help, whoever dies."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.bootstrap.processes import (
    CONFIG,
    Client,
    Program,
    children_of,
    program,
    until,
    work_of,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

APP = """
import os
from reception import App, Call, Flow, flow

app = App("acme", fallback=flow.hangup())

def note(text):
    with open("noted", "a") as file:
        file.write(f"{text} by {os.getpid()}\\n")

@app.answer
async def answer(call: Call) -> Flow:
    if call.params.get("do") == "ask":
        call.on_end(note, f"end of {call.id}")
        await call.ask("Press a key")
    await call.enqueue(note, call.id)
    return flow.tts("noted").then(flow.hangup())
"""


@contextmanager
def serving(folder: Path) -> Iterator[Program]:
    (folder / "acme.py").write_text(APP)
    (folder / "reception.toml").write_text(CONFIG.format(drain_s=0.0, workers=1))
    with program(folder, "serve", "--port", "0") as started:
        yield started.wait_until_up()


def noted(folder: Path) -> list[str]:
    path = folder / "noted"
    return path.read_text().splitlines() if path.exists() else []


def call(port: int, name: str, target: str = "/voice?APPID=acme") -> None:
    body = f'{{"Call-ID":"{name}","Account-ID":"{"0" * 32}","Request":"2000"}}'.encode()
    with Client(port) as client:
        client.send(target, body)
        assert 200 == client.answer()[0]


def test_a_task_is_done_by_a_process_of_its_own_which_is_kept_alive(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        workers = children_of(served.process.pid)
        (background,) = work_of(served.process.pid)
        assert background not in workers
        call(served.port, "c1")
        assert until(lambda: noted(tmp_path) == [f"c1 by {background}"], 10)
        os.kill(background, signal.SIGKILL)
        call(served.port, "c2")
        assert until(lambda: len(noted(tmp_path)) == 2, 10)
        assert noted(tmp_path)[1].startswith("c2 by ")
        assert {background} != work_of(served.process.pid)
        assert workers == children_of(served.process.pid)
        # The platform says that a call is over; its dialog was in the middle of a question.
        call(served.port, "c3", "/voice?APPID=acme&do=ask")
        with Client(served.port) as client:
            report = b'{"hook_event":"channel_destroy","call_id":"c3","account_id":"%s"}' % (
                b"0" * 32
            )
            client.send("/hangup?APPID=acme", report)
            assert (200, b"ok\n") == ((answer := client.answer())[0], answer[2])
        assert until(lambda: len(noted(tmp_path)) == 3, 10)
        assert noted(tmp_path)[2].startswith("end of c3 by ")
        served.process.send_signal(signal.SIGTERM)
        assert 0 == served.end()
        assert not work_of(served.process.pid)
