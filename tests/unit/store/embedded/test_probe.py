"""Asking over a socket never hangs and never raises anything but what it says."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reception.store.embedded.probe import NoAnswer, Refused, ask, connect
from tests.unit.store.embedded.servers import LINUX, running


@contextmanager
def answering(reply: bytes, *, stays: bool = False) -> Iterator[Path]:
    """Listen on a socket, and say `reply` to whoever connects."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "socket"
        listener.bind(str(path))
        listener.listen()
        done = threading.Event()

        def serve() -> None:
            end, _ = listener.accept()
            with end:
                try:
                    end.sendall(reply)
                except OSError:
                    return
                if stays:
                    done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path
        finally:
            done.set()
            thread.join()


def question(path: Path, timeout_s: float = 5.0) -> str | None:
    return ask(path, "SELECT 1", user="u", database="d", timeout_s=timeout_s)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@given(st.binary(max_size=200))
@example(message(b"R", b"\0\0\0\0") + message(b"Z", b"I") + message(b"D", b"\0\1\0\0\0\xff1"))
@example(message(b"D", b"\0\1"))
@example(b"R" + struct.pack("!i", 2**31 - 1))
@example(message(b"E", b"C57P03\0Mno\0\0"))
@settings(max_examples=50)
def test_whatever_answers_there_the_question_ends(reply: bytes) -> None:
    with answering(reply) as path, suppress(NoAnswer, Refused):
        question(path)


def test_who_keeps_silent_is_not_waited_for() -> None:
    begun = time.monotonic()
    with answering(b"", stays=True) as path, pytest.raises(NoAnswer):
        question(path, timeout_s=0.2)
    assert time.monotonic() - begun < 2.0


def test_nobody_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer):
        question(tmp_path / "nobody")


@LINUX
def test_the_kernel_names_who_listens(data_dir: Path) -> None:
    with running(data_dir) as server:
        connection = connect(server.directory.socket, 5.0)
        assert server.pid == connection.pid
        assert "7" == connection.ask("SELECT 7", user="postgres", database="reception")
        connection.close()
        with pytest.raises(Refused) as caught:
            ask(server.directory.socket, "SELECT", user="postgres", database="no", timeout_s=5.0)
        assert "3D000" == caught.value.sqlstate
        assert os.getpid() != server.pid
