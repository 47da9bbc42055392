"""
Two load generators.

`saturate` keeps a fixed number of connections busy (wrk where it is installed, else
Python) and tells the highest rate. `at_rate` sends at a fixed rate whatever the answers
do, and counts a latency from the moment a request was due: a stalled server cannot slow
its own measurement down.
"""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.apps import REQUEST, TARGET

CONNECTIONS = 32


@dataclass(frozen=True)
class Result:
    """What one run showed: requests a second, latencies in ms, and failed requests."""

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int
    requests: int


def head(port: int) -> bytes:
    """The request as the platform sends it."""
    return (
        f"POST {TARGET} HTTP/1.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(REQUEST)}\r\nte: \r\nhost: 127.0.0.1:{port}\r\n"
        "connection: keep-alive\r\n\r\n"
    ).encode() + REQUEST


def saturate(port: int, seconds: float) -> Result:
    """The highest rate over `CONNECTIONS` kept-alive connections."""
    if shutil.which("wrk"):
        return _wrk(port, seconds)
    return undisturbed(_saturate(port, seconds))


def at_rate(port: int, rate: float, seconds: float) -> Result:
    """Latencies at a fixed rate, corrected for coordinated omission."""
    return undisturbed(_at_rate(port, rate, seconds))


def undisturbed(load: Coroutine[Any, Any, Result]) -> Result:
    """Run a generator of load whose own garbage collection is not taken for the server's pauses."""
    gc.collect()
    gc.disable()
    try:
        return uvloop.run(load)
    finally:
        gc.enable()


_LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
done = function(s, l, r)
  local bad = s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout
  io.write(string.format('\\n{"requests":%%d,"us":%%d,"p50":%%f,"p99":%%f,"failed":%%d}\\n',
    s.requests, s.duration, l:percentile(50), l:percentile(99), bad))
end
"""


def _wrk(port: int, seconds: float) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "post.lua")
        script.write_text(_LUA % json.dumps(REQUEST.decode()))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s"]
        output = subprocess.run(
            [*command, str(script), f"http://127.0.0.1:{port}{TARGET}"],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        ).stdout
    data = json.loads(output.strip().splitlines()[-1])
    return Result(
        data["requests"] / data["us"] * 1e6,
        data["p50"] / 1000,
        data["p99"] / 1000,
        data["failed"],
        data["requests"],
    )


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> bool:
    writer.write(request)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return answer.startswith(b"HTTP/1.1 200")


async def _saturate(port: int, seconds: float) -> Result:
    request = head(port)
    latencies: list[float] = []
    failed = 0
    until = time.perf_counter() + seconds

    async def one() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < until:
            failed += not await _exchange(reader, writer, request)
            latencies.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return result_of(latencies, failed, time.perf_counter() - began)


async def _at_rate(port: int, rate: float, seconds: float) -> Result:
    request = head(port)
    idle: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    latencies: list[float] = []
    failed = 0
    began = time.perf_counter()

    async def one(due: float) -> None:
        nonlocal failed
        connection = await idle.get()
        try:
            failed += not await _exchange(*connection, request)
            latencies.append(time.perf_counter() - due)
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
        finally:
            idle.put_nowait(connection)

    tasks: list[asyncio.Task[None]] = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - began
    while not idle.empty():
        idle.get_nowait()[1].close()
    return result_of(latencies, failed, took)


def result_of(latencies: list[float], failed: int, seconds: float) -> Result:
    """Sum up latencies in seconds."""
    ordered = sorted(latencies) or [0.0]
    return Result(
        len(ordered) / seconds,
        ordered[len(ordered) // 2] * 1000,
        ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000,
        failed,
        len(ordered),
    )
