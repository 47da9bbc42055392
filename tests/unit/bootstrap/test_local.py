"""`serving` runs an app for as long as a block does, and no longer."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reception.bootstrap.local import serving
from reception.errors import NeedsHuman
from tests.unit.bootstrap.processes import APP, Client


def test_an_app_is_served_while_the_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "served_locally.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with serving("served_locally:app") as url:
        parts = urlsplit(url)
        assert ("127.0.0.1", "/voice", "APPID=acme") == (parts.hostname, parts.path, parts.query)
        port = parts.port or 0
        with Client(port) as client:
            assert 200 == client.ask()[0]
    assert not [thread for thread in threading.enumerate() if thread.name == "reception-local"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_an_app_that_does_not_load_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        pytest.raises(NeedsHuman, match="there is no module nowhere_at_all"),
        serving("nowhere_at_all:app"),
    ):
        pass


DIALOG = """
from reception import App, Call, Flow, flow

app = App("acme", fallback=flow.hangup())


@app.answer
async def answer(call: Call) -> Flow:
    return flow.tts(await call.ask("Press a key")).then(flow.hangup())
"""


def test_an_app_with_dialogs_gets_a_database_that_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dialog_served_locally.py").write_text(DIALOG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with serving("dialog_served_locally:app") as url, Client(urlsplit(url).port or 0) as client:
        status, _, body = client.ask()
        assert 200 == status
        assert b"collect_dtmf" in body
    assert ["dialog_served_locally.py"] == [
        path.name for path in tmp_path.iterdir() if path.name != "__pycache__"
    ]
