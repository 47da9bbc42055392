"""Whatever becomes of a connection, the lane on it ends, and says so as an outage."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Self

import psycopg
import pytest

from reception.store import commits, outage
from reception.store.commits import Commits, entry_of
from reception.store.database import Database
from reception.store.embedded import EmbeddedServer
from tests.unit.store.records import opening, step

Mishap = Literal["none", "cut", "garbled", "garbled and cut"]
_PATIENCE_S: Final = 0.2


class Relay:
    """Stands between a lane and the server; from `arm` on, something becomes of its answer."""

    def __init__(self, server: Path, here: Path) -> None:
        self._server = server
        self._here = here / server.name
        self._mishap: Mishap = "none"
        self._at = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None
        self.passed = 0

    def arm(self, mishap: Mishap, at: int) -> None:
        self._mishap, self._at, self.passed = mishap, at, 0

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_unix_server(self._serve, self._here)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.create_task(self._relay(near_in, near_out)))

    async def _relay(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_unix_connection(self._server)
        asking = asyncio.create_task(self._copied(near_in, far_out))
        self._tasks.add(asking)
        try:
            while data := await far_in.read(65536):
                near_out.write(self._changed(data))
                if self._has_happened and self._mishap.endswith("cut"):
                    break
        finally:
            asking.cancel()
            near_out.close()
            far_out.close()

    async def _copied(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)

    @property
    def _has_happened(self) -> bool:
        return self._mishap != "none" and self.passed > self._at

    def _changed(self, data: bytes) -> bytes:
        place, self.passed = self._at - self.passed, self.passed + len(data)
        if self._mishap == "none" or not 0 <= place < len(data):
            return data
        if self._mishap == "cut":
            return data[:place]
        changed = bytearray(data)
        changed[place] ^= 1 + random.Random(self._at).randrange(255)
        return bytes(changed[: place + 1] if self._mishap == "garbled and cut" else changed)


@pytest.fixture
def here(server: EmbeddedServer, tmp_path: Path) -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    link = Path(f"/tmp/lane-{random.randrange(10**9)}")
    link.symlink_to(tmp_path)
    yield link
    link.unlink()


@pytest.mark.parametrize("mishap", ["cut", "garbled", "garbled and cut"])
def test_a_broken_conversation_is_an_outage_and_never_hangs(
    server: EmbeddedServer,
    owner_dsn: str,
    here: Path,
    mishap: Mishap,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reception.store.database.ANSWER_S", _PATIENCE_S)

    async def committed(relay: Relay, mishap: Mishap, at: int) -> BaseException | None:
        """Commit an episode's first step while it happens at this byte of the answer."""
        database = Database(f"host={here} port=5432 user=reception_app dbname=reception")
        relay.arm("none", 0)
        lane = await database.lane(commits.STATEMENTS)
        relay.arm(mishap, at)
        episode = f"{mishap} {at}"
        try:
            await asyncio.wait_for(
                Commits().run(lane, [entry_of(step(episode, 0), opening(episode, episode))]), 5
            )
        except Exception as error:  # noqa: BLE001  it is what is looked at
            return error
        finally:
            await lane.close()
        return None

    async def scenario() -> list[BaseException]:
        async with Relay(server.directory.socket, here) as relay:
            assert await committed(relay, "none", 0) is None
            length = relay.passed
            found = [await committed(relay, mishap, at) for at in range(0, length, 3)]
        return [error for error in found if error is not None]

    errors = asyncio.run(scenario())
    assert len(errors) > 10
    for error in errors:
        assert outage.kind(error) in ("away", "confused"), repr(error)
    assert any(type(error) is psycopg.DatabaseError for error in errors) or mishap != "garbled"
