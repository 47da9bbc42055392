"""Whatever callers do, the example applications answer with flows that the platform runs."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import pytest

from examples.acme_crm import app as acme_crm
from examples.table_booking import app as table_booking
from reception import App
from reception.simulator.call import CallSetup, Platform
from reception.simulator.clock import VirtualClock
from reception.simulator.nexts import Outcome
from reception.simulator.phone import Dialled, carry_call
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.testing.ledger import Ledger
from reception.testing.line import Line
from reception.testing.server import PUBLIC, LeaseClock, Server

SEEDS: Final = 200
_KEYS: Final = "0123456789*#"


def script_of(chance: random.Random) -> str:
    """What one caller does, and what rings on the way."""
    lines = []
    for _ in range(chance.randrange(8)):
        keys = "".join(chance.choices(_KEYS, k=chance.choice([1, 1, 1, 2, 4, 12])))
        when = chance.choice(["", "", " early", " now"])
        lines.append(f"press {keys}{when}")
        if chance.random() < 0.4:
            lines.append(f"wait {chance.choice([0, 1, 3, 7, 40])}")
    if chance.random() < 0.4:
        lines.append("hangup")
    # Not "missing": an account without the documents that a flow names loses calls by itself.
    rings = ["answer after 5 for 60", "busy", "noanswer", "reject", "nothing"]
    return "\n".join([*lines, chance.choice(rings)])


def outcomes_of(app: App, address: str, platform: Platform) -> Counter[Outcome]:
    """Let all seeds call; gives how their calls ended."""
    found: Counter[Outcome] = Counter()

    async def main() -> None:
        ledger, leases = Ledger(), LeaseClock()

        def server() -> Server:
            return Server(
                app, ledger, now=lambda: datetime.now(UTC), leases=leases, address=address
            )

        line = Line(server, ledger, chaos=None, leases=leases, with_store=lambda: None)
        for seed in range(SEEDS):
            chance = random.Random(seed)
            script = script_of(chance)
            clock = VirtualClock()
            number = str(2000 + chance.randrange(7))
            line.posted.clear()
            ending = await carry_call(
                Dialled(f"{PUBLIC}/voice?APPID={app.name}"),
                CallSetup(call_id=f"{seed}-{platform}", to_number=number),
                platform=platform,
                clock=clock,
                world=ScriptedWorld(parse_script(script), clock),
                note=None,
                transport=line,
            )
            found[ending.outcome] += 1
            told = f"seed {seed}, platform {platform}: {ending.outcome}\n{script}"
            assert ending.outcome.ok, told
            assert line.posted, told
            assert {200} == {posted.status for posted in line.posted}, told
        await line.stop()

    asyncio.run(main())
    return found


@pytest.mark.parametrize("platform", [4, 5])
@pytest.mark.parametrize("app", [acme_crm, table_booking], ids=lambda app: app.name)
def test_no_caller_is_dropped_and_no_answer_is_invalid(
    app: App, platform: Platform, dsn: str
) -> None:
    found = outcomes_of(app, dsn, platform)
    # They did not all do the same.
    assert len(found) > 1
    assert SEEDS == sum(found.values())
