"""
Records the histories of a release: the sample dialogs on a real store, exported as files.

Run by hand, once for each release: `python -m tests.replay.record NAME`, which writes
`histories/NAME-<dialog>.json` and refuses to touch a file that is there. The guests are made
up, so the files are not redacted.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from reception.bootstrap.recordings import take
from reception.rehearsal.recording import RecordedCall, render_recordings
from reception.testing.database import database
from tests.replay.apps import APPS, FALLBACK
from tests.unit.service.conftest import PUBLIC, Caller, Node, node, nodes
from tests.unit.web.asgi import SECRET

HISTORIES = Path(__file__).parent / "histories"

_go_on = threading.Event()


def let_it_take_long() -> None:
    """What the slow step waits for."""
    _go_on.wait(10)


async def _booked(caller: Caller) -> None:
    await caller.press("1")
    await caller.press("101")
    await caller.press("1")
    await caller.press("")


async def _mistyped(caller: Caller) -> None:
    await caller.press("7")
    await caller.press("")
    await caller.press("2")


async def _nobody(caller: Caller) -> None:
    await caller.press("1")
    await caller.press("999")


async def _silent(caller: Caller) -> None:
    for _ in range(3):
        await caller.press("")


async def _pin(caller: Caller) -> None:
    await caller.press("12")
    await caller.press("")
    await caller.press("4711")


async def _rang(caller: Caller) -> None:
    await caller.send(_way(caller, "USER_BUSY"))
    await caller.send(_way(caller, "_"))
    await caller.send(_way(caller, "3"))


def _way(caller: Caller, key: str) -> str:
    """The way back by a branch of the last node of the reply that has branches."""
    found = ""
    for each in nodes(caller.replies[-1]):
        child = each["children"].get(key)
        if child is not None and child["module"] == "pivot":
            found = child["data"]["voice_url"]
    assert found, f"no way back by {key}"
    return found.removeprefix(PUBLIC)


async def _once(caller: Caller) -> None:
    await caller.press("1")


async def _held(caller: Caller) -> None:
    await caller.press("")
    _go_on.set()
    await caller.press("")
    await caller.press("1")


async def _over(caller: Caller) -> None:
    await caller.press("1")
    await caller.press("2")
    await caller.send(caller.url())


async def _handed(caller: Caller) -> None:
    await caller.press("1")
    await caller.send(caller.url())
    await caller.press("2")
    await caller.send(caller.url())


async def _hung_up(caller: Caller) -> None:
    await caller.press("1")


CALLS: dict[str, list[Callable[[Caller], Awaitable[None]]]] = {
    "booking": [_booked, _mistyped, _nobody, _silent],
    "pin": [_pin],
    "ring": [_rang],
    "together": [_once],
    "holding": [_held],
    "handing_over": [_handed],
    "failing": [_once, _silent],
    "ended": [_hung_up],
    "guarded": [_once],
}
_ENDS = {"ended"}


async def recorded(address: str, name: str) -> list[RecordedCall]:
    """Make the calls of one dialog, and give them as they were stored."""
    app = APPS[name]
    calls = []
    async with node(address, app) as one:
        for number, way in enumerate(CALLS[name]):
            _go_on.clear()
            caller = Caller(one, call_id=f"{name}-{number}@example.com")
            await caller.dial(f"/voice?APPID={name}&key={SECRET}")
            try:
                await way(caller)
            except AssertionError:
                # The fallback does not come back: that is the end of this call.
                if name != "failing":
                    raise
            (row,) = await one.steps.of_call(name, caller.call_id)
            if name in _ENDS:
                await _end(one, name, row.episode)
            calls.append(await take(one.steps, name, row.episode))
    return calls


async def _end(one: Node, name: str, episode: str) -> None:
    await one.steps.end(name, episode, cause="hangup", now=datetime.now(UTC))
    await one.endings.settle(name, one.apps[name], episode, fallback=FALLBACK)


def main(release: str) -> None:
    """Write the files."""
    server = database.server()
    try:
        address = server.dsn(user="reception_app")
        for name in APPS:
            path = HISTORIES / f"{release}-{name}.json"
            with path.open("xb") as file:
                file.write(render_recordings(asyncio.run(recorded(address, name))))
    finally:
        database.stop()


if __name__ == "__main__":
    # As the dialogs know it: the slow step waits for the event of this very module.
    from tests.replay import record

    record.main(sys.argv[1])
