"""
Measure the durable voice path: dialogs, each of whose steps is on disk before its answer.

``python -m benchmarks.durable`` starts the embedded database in a temporary directory (TMPDIR
says where) and one worker, and lets 64 connections make calls of four steps each: dial, then
answer three questions. In the same rounds the bare floor and the FastAPI app that stores
nothing are measured. Then calls at a fixed rate of steps, latencies counted from when a step
was due. wrk makes the load where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import load
from benchmarks.apps import DIALOG_STEPS, DIALOG_TARGET
from benchmarks.server import Server, serving
from reception.store.embedded import EmbeddedServer
from reception.store.migrations import migrate

CONNECTIONS: Final = 64
_URL: Final = re.compile(rb"https://bench\.example\.com(/voice\?[^\"]*)")
_NAME: Final = re.compile(rb'"collection_name":"(e[0-9a-f]+s[0-9]+)"')

# A way back that one connection was given is taken by whichever is next; when there is none,
# a new call begins.
_LUA: Final = """
local waiting, calls, seed = {}, 0, %d
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local function body(call, digits)
  return '{"Call-ID":"' .. call .. '","Account-ID":"0123456789abcdef0123456789abcdef",' ..
    '"From":"1001","From-Realm":"hotel.example","To":"2000","To-Realm":"hotel.example",' ..
    '"Request":"2000","Request-Realm":"hotel.example","Api-Version":"4.x",' ..
    '"Direction":"inbound","Caller-ID-Name":"Alice","Caller-ID-Number":"+15551234567",' ..
    '"Language":"en-us","Digits":' .. digits .. '}'
end
request = function()
  local back = table.remove(waiting)
  if back then
    return wrk.format("POST", back[1], nil, body(back[3], '{"' .. back[2] .. '":"1"}'))
  end
  calls = calls + 1
  return wrk.format("POST", "%s", nil, body(seed .. "-" .. calls, "{}"))
end
response = function(status, headers, text)
  if status ~= 200 then return end
  local url = text:match('https://bench%%.example%%.com(/voice%%?[^"]*)')
  local name = text:match('"collection_name":"(e[0-9a-f]+s[0-9]+)"')
  local call = text:match('Call ([%%d-]+),')
  if url and name then table.insert(waiting, 1, {url, name, call}) end
end
done = function(s, l, r)
  local bad = s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout
  io.write(string.format('\\n{"requests":%%d,"us":%%d,"p50":%%f,"p99":%%f,"failed":%%d}\\n',
    s.requests, s.duration, l:percentile(50), l:percentile(99), bad))
end
"""


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durable", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds a run (default 5)")
    parser.add_argument("--rate", type=float, default=500.0, help="steps a second (default 500)")
    parser.add_argument("--steady", type=float, default=10.0, help="seconds at that rate")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rcpt"))
        database = EmbeddedServer(Path(folder) / "data")
        database.start()
        stack.callback(database.stop, timeout_s=0.0)
        migrate(database.dsn(user="postgres"))
        os.environ["RECEPTION_BENCH_DSN"] = database.dsn(user="reception_app")
        floor, dialogs, fastapi = (
            stack.enter_context(serving(name, app))
            for name, app in (
                ("floor", "floor"),
                ("dialogs", "dialog_app"),
                ("fastapi", "fastapi_app"),
            )
        )
        runs = [
            run
            for number in range(options.rounds)
            for run in (
                one_run(floor, options.seconds, number, load.saturate),
                one_run(dialogs, options.seconds, number, saturate),
                one_run(fastapi, options.seconds, number, load.saturate),
            )
        ]
        rates = {
            name: median(run["rate"] for run in runs if run["app"] == name)
            for name in ("floor", "dialogs", "fastapi")
        }
        print(
            f"dialogs / floor {rates['dialogs'] / rates['floor']:.2f} (target 0.35), "
            f"dialogs / fastapi {rates['dialogs'] / rates['fastapi']:.2f} (target 1.5)"
        )
        before = dialogs.memory_mib()
        steady = load.undisturbed(at_rate(dialogs.port, options.rate, options.steady))
        print(
            f"at {options.rate:.0f} steps/s for {options.steady:.0f} s: p50 {steady.p50_ms:.2f} "
            f"p99 {steady.p99_ms:.2f} ms, failed {steady.failed}, "
            f"memory {before:.1f} to {dialogs.memory_mib():.1f} MiB"
        )
    if options.json:
        figures = {"runs": runs, "rates": rates, "steady": steady.__dict__}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def one_run(server: Server, seconds: float, number: int, saturated: Any) -> dict[str, Any]:
    """Saturate one server."""
    saturated(server.port, 1)
    cpu_s = server.cpu_s()
    full = saturated(server.port, seconds)
    cpu_us = (server.cpu_s() - cpu_s) / full.requests * 1e6
    print(
        f"  round {number + 1} {server.name:10s} {full.rate:8.0f} req/s p50 {full.p50_ms:6.2f} "
        f"p99 {full.p99_ms:6.2f} ms, {cpu_us:5.1f} µs CPU; failed {full.failed}",
        flush=True,
    )
    return {"app": server.name, "rate": full.rate, "cpu_us": cpu_us, "failed": full.failed}


def saturate(port: int, seconds: float) -> load.Result:
    """As many steps as 64 connections get."""
    if not shutil.which("wrk"):
        return load.undisturbed(_calls(port, seconds))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "calls.lua")
        script.write_text(_LUA % (time.time_ns() % 10**9, DIALOG_TARGET))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
        output = subprocess.run(
            [*command, "-s", str(script), f"http://127.0.0.1:{port}/"],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        ).stdout
    data = json.loads(output.strip().splitlines()[-1])
    return load.Result(
        data["requests"] / data["us"] * 1e6,
        data["p50"] / 1000,
        data["p99"] / 1000,
        data["failed"],
        data["requests"],
    )


async def _calls(port: int, seconds: float) -> load.Result:
    latencies: list[float] = []
    failures = [0]
    until = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        connection = await asyncio.open_connection("127.0.0.1", port)
        calls = 0
        while time.perf_counter() < until:
            calls += 1
            call = f"{time.time_ns()}-{number}-{calls}"
            target, digits = DIALOG_TARGET, "{}"
            while target:
                if connection[0].at_eof():
                    connection = await asyncio.open_connection("127.0.0.1", port)
                began = time.perf_counter()
                target, digits = await _step(connection, port, call, target, digits, failures)
                latencies.append(time.perf_counter() - began)
        connection[1].close()

    began = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(CONNECTIONS)))
    return load.result_of(latencies, failures[0], time.perf_counter() - began)


async def at_rate(port: int, rate: float, seconds: float) -> load.Result:
    """Begin calls at a fixed rate, each step due 100 ms after the last was."""
    latencies: list[float] = []
    failures = [0]
    idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS * 2):
        idle.put_nowait(None)

    async def call(due: float, number: int) -> None:
        target, digits = DIALOG_TARGET, "{}"
        call_id = f"{time.time_ns()}-{number}"
        while target:
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            connection = await idle.get()
            if connection is None or connection[0].at_eof():
                connection = await asyncio.open_connection("127.0.0.1", port)
            target, digits = await _step(connection, port, call_id, target, digits, failures)
            # A slow answer closes its connection.
            idle.put_nowait(None if connection[0].at_eof() else connection)
            latencies.append(time.perf_counter() - due)
            due += 0.1

    began = time.perf_counter()
    tasks: set[asyncio.Task[None]] = set()
    for number in range(int(rate * seconds / DIALOG_STEPS)):
        due = began + number * DIALOG_STEPS / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(call(due, number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return load.result_of(latencies, failures[0], time.perf_counter() - began)


async def _step(
    connection: Any, port: int, call: str, target: str, digits: str, failures: list[int]
) -> tuple[str, str]:
    """Ask for one step; where to go on and with which digits, "" at the end of the call."""
    reader, writer = connection
    body = (
        f'{{"Call-ID":"{call}","Account-ID":"0123456789abcdef0123456789abcdef","Request":"2000",'
        f'"Request-Realm":"hotel.example","Caller-ID-Number":"+15551234567","Digits":{digits}}}'
    )
    writer.write(
        f"POST {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    text = await reader.readexactly(length)
    if b"connection: close" in head.lower():
        reader.feed_eof()
    if not head.startswith(b"HTTP/1.1 200"):
        failures[0] += 1
        return "", ""
    url, name = _URL.search(text), _NAME.search(text)
    if url is None or name is None:
        return "", ""
    return url[1].decode(), f'{{"{name[1].decode()}":"1"}}'


if __name__ == "__main__":
    main()
