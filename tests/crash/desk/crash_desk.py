"""
The application of the crash tests: every caller brings the plan of its dialog along.

A plan is the caller's name, a letter for each thing that the dialog does. What each of them
came to is a word, and every reply speaks all words so far: so a replay that remembers something
else than was said before shows in the reply. Effects write what they do into a ledger, on disk
before they return, and their word names the line: so a word that nobody did shows too.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reception import App, Call, Flow, current_step, flow
from reception.service import effects
from reception.store.database import Database
from reception.store.embedded import EmbeddedServer
from reception.store.steps import PostgresSteps

FRONT_DESK = "0123456789abcdef0123456789abcdef"
HOLD = "One moment, please. I am looking that up for you."
LEDGER = os.environ.get("CRASH_LEDGER", os.devnull)
DATA_DIR = os.environ.get("CRASH_DATA_DIR", ".")

# The short proof has no time for leases of half a minute.
if lease_s := float(os.environ.get("CRASH_LEASE_S", "0")):
    effects.LEASE = timedelta(seconds=lease_s)  # type: ignore[misc]  # it is final for everybody else
    effects._RENEW_S = lease_s / 3  # type: ignore[misc]  # as the line above

app = App("desk", fallback=flow.user(FRONT_DESK, timeout=20), version="1")


@app.answer
async def answer(call: Call) -> Flow:
    if call.params.get("do") == "pid":
        return flow.tts(str(os.getpid())).then(flow.hangup())
    words: list[str] = []
    # Drawn in the episode: so a key that is not the same for every attempt would show.
    token = await call.token()
    for number, letter in enumerate(call.caller_name):
        key = f"{token}.{number}"
        match letter:
            case "a":
                pressed = await call.ask(" ".join(words) or "Hello", valid="123456789")
                words.append(f"a{pressed}")
            case "c":
                words.append(f"c{token}")
            case "n":
                words.append(f"n{(await call.now()).timestamp():.6f}")
            case "j":
                await call.enqueue("crash.note", call.id, number, after_s=60)
            case "e":
                words.append(await call.step(quick, key=key))
            case "t":
                words.append(await call.step(in_thread, key=key))
            case "g":
                one = call.step(quick, key=f"{key}.0")
                other = call.step(quick, key=f"{key}.1")
                words.extend(await call.gather(one, other))
            case "s":
                words.append(await call.step(slow, key=key, while_=HOLD))
            case "x":
                await call.step(hang_up, call.caller_number)
            case _:
                pass
    return flow.tts(" ".join(words) or "Goodbye").then(flow.hangup())


async def quick() -> str:
    nonce = _begun()
    await asyncio.sleep(random.choice((0.0, 0.0, 0.01, 0.05)))
    return await asyncio.to_thread(_done, nonce)


def in_thread() -> str:
    nonce = _begun()
    time.sleep(random.choice((0.0, 0.01, 0.05)))
    return _done(nonce)


async def slow() -> str:
    nonce = _begun()
    await asyncio.sleep(random.uniform(1.1, 2.2))
    return await asyncio.to_thread(_done, nonce)


async def hang_up(call_id: str) -> int:
    """End the call's episodes, as a report of its end will."""
    database = Database(EmbeddedServer(Path(DATA_DIR)).dsn(user="reception_app"))
    steps = PostgresSteps(database)
    steps.start()
    try:
        ended = 0
        for row in await steps.of_call("desk", call_id):
            ended += await steps.end("desk", row.episode, cause="hangup", now=datetime.now(UTC))
        return ended
    finally:
        await steps.stop()
        await database.close()


def _begun() -> str:
    nonce = uuid.uuid4().hex[:8]
    _write("begun", nonce)
    return nonce


def _done(nonce: str) -> str:
    _write("done", nonce)
    step = current_step()
    assert step is not None  # only a step comes here
    return f"e{step.key}#{step.attempt}#{nonce}"


def _write(what: str, nonce: str) -> None:
    step = current_step()
    assert step is not None  # only a step comes here
    line = f"{what} {step.key} {step.attempt} {nonce} {os.getpid()} {time.time():.6f}\n"
    ledger = os.open(LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(ledger, line.encode())
        os.fsync(ledger)
    finally:
        os.close(ledger)
