"""The API on a real socket, asked with the platform's own client."""

from __future__ import annotations

import asyncio
import json

from reception.simulator.client import PlatformClient
from reception.simulator.reading import Response
from reception.simulator.request import JSON_TYPE, Outgoing
from reception.simulator.rest.serving import serving
from tests.unit.simulator.rest.asking import KEY, asking


def test_the_api_answers_on_the_loopback_while_its_block_lasts() -> None:
    async def run() -> None:
        ask = asking()
        client = PlatformClient()
        async with serving(ask.api) as base:
            body = json.dumps({"data": {"api_key": KEY}}).encode()
            reply = await client.call(Outgoing("PUT", f"{base}/api_auth", body, JSON_TYPE))
            assert isinstance(reply, Response)
            assert 201 == reply.status
            token = json.loads(reply.body)["auth_token"]
            path = f"{base}/accounts/{ask.account.account_id}/users"
            listed = await client.call(Outgoing("GET", path, headers={"X-Auth-Token": token}))
            assert isinstance(listed, Response)
            assert (200, []) == (listed.status, json.loads(listed.body)["data"])
        await client.aclose()
        gone = await PlatformClient().call(Outgoing("GET", path))
        assert not isinstance(gone, Response)

    asyncio.run(run())
