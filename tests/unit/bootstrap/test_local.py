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
