"""
The simulated platform as a server of its own, for `reception simulate --scenario`.

Only joining: what a scenario may hold is `simulator.scenario`'s, what the server answers
`simulator.rest`'s.
"""

from __future__ import annotations

import asyncio
import signal
import tomllib
from pathlib import Path
from typing import Any

import click

from reception.bootstrap.problems import reason_of
from reception.errors import NeedsHuman
from reception.simulator.client import PlatformClient
from reception.simulator.clock import RealClock, VirtualClock
from reception.simulator.reports.sending import Sender
from reception.simulator.rest.account import Account
from reception.simulator.rest.app import PlatformApi
from reception.simulator.rest.control import Control
from reception.simulator.rest.exchange import Exchange
from reception.simulator.rest.serving import serving
from reception.simulator.scenario import Scenario, read_scenario


def scenario_in(name: str) -> Scenario:
    """
    Read a scenario from a file.

    Errors:
        NeedsHuman: the file cannot be read, or something in it is wrong.
    """
    try:
        data: dict[str, Any] = tomllib.loads(Path(name).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NeedsHuman("simulate.scenario", f"cannot read {name}: {reason_of(error)}") from None
    try:
        return read_scenario(data)
    except NeedsHuman as error:
        lines = "\n".join(f"{name}: {line}" for line in error.message.splitlines())
        raise NeedsHuman(error.code, lines) from None


async def serve(scenario: Scenario, *, port: int) -> None:
    """
    Be the platform until somebody stops it.

    Errors:
        NeedsHuman("simulate.port"): the port is taken.
    """
    client = PlatformClient(scenario.quirks)
    sender = Sender(client, scenario.quirks, mishaps=scenario.mishaps)
    account = _account(scenario, sender)
    control = Control(account, PlatformApi(account), scenario.people)
    clocks = RealClock if scenario.real_time else VirtualClock
    control.use(Exchange(account, client, worlds=control.world, clocks=clocks))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        async with serving(control, port=port) as base:
            for line in _said(scenario, base):
                click.echo(line)
            await stopped.wait()
    except OSError as error:
        raise NeedsHuman("simulate.port", f"port {port}: {reason_of(error)}") from None
    finally:
        await sender.aclose()
        await client.aclose()


def _account(scenario: Scenario, sender: Sender) -> Account:
    account = Account(
        scenario.account_id,
        sender,
        api_key=scenario.api_key,
        realm=scenario.realm,
        cdr_delay_s=scenario.cdr_delay_s,
    )
    account.unregistered.update(scenario.unregistered)
    for kind, name, body in scenario.documents:
        account.add(kind, body, name)
    for number, url in scenario.numbers.items():
        data = {
            "voice_url": url,
            "method": "post",
            "req_format": "kazoo",
            "req_body_format": "json",
        }
        account.add("callflows", {"numbers": [number], "flow": {"module": "pivot", "data": data}})
    return account


def _said(scenario: Scenario, base: str) -> list[str]:
    control = base.removesuffix("/v2") + "/control/calls"
    number = next(iter(scenario.numbers), "100")
    return [
        f"The platform's API   {base}",
        f"  account            {scenario.account_id}, version {scenario.quirks.version}",
        f"Calls placed by hand {control}",
        f'  curl -s {control} -d \'{{"to": "{number}"}}\'',
        "Ctrl-C stops it.",
    ]
