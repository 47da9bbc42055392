"""What a dialog may not touch by itself, and what is said about it."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from time import time as now_s
from typing import Any

import pytest

from reception import Call, flow
from reception.bootstrap.determinism import hidden_loop, watched
from reception.errors import AppError
from tests.unit.dialog.rig import Rig, app_of


def read_file() -> str:
    with open(__file__, encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize(
    ("use", "name", "advice"),
    [
        (time.time, "time.time", "call.now()"),
        (now_s, "time.time", "call.now()"),
        (time.monotonic, "time.monotonic", "call.now()"),
        (lambda: datetime.now(UTC), "datetime.now", "call.now()"),
        (datetime.now, "datetime.now", "call.now()"),
        (dt.date.today, "date.today", "call.now()"),
        (random.random, "random.random", "call.random()"),
        (lambda: random.choice("abc"), "random.choice", "call.random()"),
        (lambda: random.randint(1, 6), "random.randint", "call.random()"),
        (lambda: random.Random(3).random(), "random.random", "call.random()"),
        (uuid.uuid4, "uuid.uuid4", "call.token()"),
        (lambda: token_hex(8), "secrets.token_hex", "call.token()"),
        (lambda: time.sleep(1), "time.sleep", "call.sleep"),
        (socket.socket, "a socket", "call.step"),
        (lambda: socket.create_connection(("127.0.0.1", 9)), "create_connection", "call.step"),
        (read_file, "open", "call.step"),
        (lambda: time.strftime("%H"), "time.strftime", "call.now()"),
        (time.process_time, "time.process_time", "call.now()"),
        (lambda: random.expovariate(1), "random.expovariate", "call.random()"),
        (lambda: random.SystemRandom().random(), "random.random", "call.random()"),
        (lambda: Path(__file__).read_text(encoding="utf-8"), "Path.read_text", "call.step"),
        (lambda: sqlite3.connect(":memory:"), "sqlite3.connect", "call.step"),
        (lambda: subprocess.run(["true"], check=True), "subprocess", "call.step"),
        (lambda: threading.Thread(target=read_file).start(), "a thread", "call.step"),
    ],
)
def test_clocks_chance_and_the_world_say_what_to_use(
    use: Callable[[], Any], name: str, advice: str
) -> None:
    def inside() -> Any:
        return use()

    with pytest.raises(AppError) as caught, watched():
        inside()

    assert name in caught.value.message
    assert advice in caught.value.message
    assert caught.value.message.startswith("test_determinism.py:")


def test_a_dialog_that_reads_the_clock_is_told_so_where_it_does() -> None:
    async def answer(call: Call) -> Any:
        await call.say("hello")
        return flow.tts(str(time.time()))

    with pytest.raises(AppError, match=r"test_determinism.py:\d+: time.time .*call.now") as caught:
        Rig(app_of(answer), sandbox=watched).arrive()
    assert "dialog.not_deterministic" == caught.value.code


def test_the_engine_itself_and_its_steps_may_read_clocks() -> None:
    def plain() -> float:
        return time.time()

    async def answer(call: Call) -> Any:
        await call.now()
        await call.random()
        logging.getLogger("app").info("a log line has a time of its own")
        return flow.tts(str(await call.step(plain) > 0)).then(flow.hangup())

    assert b"True" in Rig(app_of(answer), sandbox=watched).arrive().reply


def test_what_other_threads_do_is_not_looked_at() -> None:
    seen: list[float] = []
    may_go, has_gone = threading.Event(), threading.Event()

    def other() -> None:
        may_go.wait()
        seen.append(time.time())
        has_gone.set()

    thread = threading.Thread(target=other)
    thread.start()
    with watched():
        may_go.set()
        has_gone.wait()
    thread.join()
    assert 1 == len(seen)


def test_a_profiler_that_was_there_is_there_again() -> None:
    def mine(*_: object) -> None: ...

    before = sys.getprofile()
    sys.setprofile(mine)
    try:
        with watched():
            pass
        assert mine is sys.getprofile()
    finally:
        sys.setprofile(before)


def test_the_loop_is_hidden_and_comes_back() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with hidden_loop(), pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop().call_soon(print)
        assert loop is asyncio.get_running_loop()

    asyncio.run(main())
