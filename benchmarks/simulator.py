"""
Measure how many calls the simulated platform carries, in processor time of one core.

``python -m benchmarks.simulator``: calls of three requests each, on the virtual clock, answered once
by ready replies and once by an application in process. Targets: 2,000 calls a second; 10,000 calls
in less than 60 s.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from reception import App, Call, Flow, flow
from reception.bootstrap.garbage import collect_seldom
from reception.simulator.call import CallSetup
from reception.simulator.clock import VirtualClock
from reception.simulator.phone import Dialled, carry_call
from reception.simulator.reading import Reply, Response
from reception.simulator.request import Outgoing
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.steps import Transport
from reception.testing.ledger import Ledger
from reception.testing.line import Line
from reception.testing.server import PUBLIC, LeaseClock, Server

CALLS: Final = 3_000
_SCRIPT: Final = parse_script("press 1\npress 2\n")
_PIVOT: Final = {"voice_url": f"{PUBLIC}/voice", "method": "post", "req_format": "kazoo"}

app = App("bench", fallback=flow.hangup())


@app.answer
async def answer(call: Call) -> Flow:
    """Ask twice, by way of a URL of its own: nothing is stored."""
    step = int(call.params.get("step", "0"))
    if step == 2:
        return flow.tts("Good-bye.").then(flow.hangup())
    collect = flow.collect_dtmf(max_digits=1, collection_name=f"m{step}", timeout=3000)
    again = flow.pivot(url=call.pivot_url(step=str(step + 1)))
    return flow.tts("Press a key.").then(collect).then(again)


class _Ready:
    """Gives one reply after the other."""

    def __init__(self) -> None:
        self._replies: Final = iter(_REPLIES)

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """Take any request."""
        return Response(200, (("content-type", "application/json"),), next(self._replies))


def _asking(name: str) -> bytes:
    pivot: dict[str, Any] = {"module": "pivot", "data": _PIVOT | {"req_body_format": "json"}}
    collect = {"max_digits": 1, "collection_name": name, "timeout": 3000}
    children = {"_": {"module": "collect_dtmf", "data": collect, "children": {"_": pivot}}}
    return json.dumps({"module": "tts", "data": {"text": "Press"}, "children": children}).encode()


_BYE: Final = (
    b'{"module":"tts","data":{"text":"Bye"},"children":{"_":{"module":"hangup","data":{}}}}'
)
_REPLIES: Final = (_asking("m0"), _asking("m1"), _BYE)


def main() -> None:
    """Run it and print the best of three."""
    collect_seldom()
    asyncio.run(_measured("ready replies", _Ready))
    asyncio.run(_in_process())


async def _in_process() -> None:
    ledger, leases = Ledger(), LeaseClock()

    def server() -> Server:
        return Server(app, ledger, now=lambda: datetime.now(UTC), leases=leases)

    line = Line(server, ledger, chaos=None, leases=leases, with_store=lambda: None)

    def transport() -> Transport:
        line.posted.clear()
        return line

    await _measured("an app in process", transport)
    await line.stop()


async def _measured(name: str, transport: Callable[[], Transport]) -> None:
    took: list[float] = []
    for _ in range(3):
        began = time.process_time()
        for number in range(CALLS):
            clock = VirtualClock()
            ending = await carry_call(
                Dialled(f"{PUBLIC}/voice?APPID={app.name}"),
                CallSetup(call_id=f"c-{number}"),
                platform=4,
                clock=clock,
                world=ScriptedWorld(_SCRIPT, clock),
                note=None,
                transport=transport(),
            )
            assert ending.outcome.ok, ending
        took.append((time.process_time() - began) / CALLS)
    print(
        f"{name}: {1 / min(took):,.0f} calls a second and core, 10,000 in {10_000 * min(took):.1f} s"
    )


if __name__ == "__main__":
    main()
