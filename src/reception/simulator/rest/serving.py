"""
The API on a socket of this machine, for as long as a block lasts.

The app under rehearsal needs an address to talk to; this gives it one, on the loopback and
nowhere else.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn

from reception.simulator.rest.app import PlatformApi
from reception.simulator.rest.control import Control

_HOST: Final = "127.0.0.1"


class _Server(uvicorn.Server):
    """Tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up: Final = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.is_up.set()


@asynccontextmanager
async def serving(api: PlatformApi | Control, *, port: int = 0) -> AsyncIterator[str]:
    """
    Serve the API; gives its base URL, such as ``http://127.0.0.1:8000/v2``.

    Shape:
        port: 0 takes any that is free.

    Errors:
        OSError: the port is taken.
    """
    listener = socket.create_server((_HOST, port))
    config = uvicorn.Config(api, log_level="warning", access_log=False, lifespan="off")
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        await server.is_up.wait()
        yield f"http://{_HOST}:{listener.getsockname()[1]}/v2"
    finally:
        server.should_exit = True
        await task
        await api.aclose()
        listener.close()
