"""What `reception dev` promises to somebody who saves files."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.unit.bootstrap.processes import APP, Client, ask, children_of, is_alive, program, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def test_saving_reloads_breaking_is_told_and_mending_heals(tmp_path: Path) -> None:
    app = tmp_path / "acme.py"
    app.write_text(APP)
    with program(tmp_path, "dev", "acme:app", "--port", "0") as started:
        port = started.wait_until_up().port
        failures: list[BaseException] = []
        stop = threading.Event()

        def call_all_the_time() -> None:
            while not stop.is_set():
                try:
                    ask(port)
                    time.sleep(0.05)
                except OSError as error:
                    failures.append(error)

        caller = threading.Thread(target=call_all_the_time)
        caller.start()
        try:
            assert b"one" in ask(port)[1]
            app.write_text(APP.replace("match call", "match call call"))
            started.wait_for(r"acme\.py:9: SyntaxError")
            assert until(lambda: ask(port)[0] == 503)
            assert b"acme.py:9: SyntaxError" in ask(port)[1]

            app.write_text("import os\nos._exit(4)\n")
            started.wait_for("ended with status 4 while the application was loaded")
            assert until(lambda: b"status 4" in ask(port)[1])

            app.write_text(APP.replace('"one"', '"two"'))
            started.wait_for("Reloaded")
            assert until(lambda: b"two" in ask(port)[1])
        finally:
            stop.set()
            caller.join()
        assert [] == failures
        started.process.send_signal(signal.SIGINT)
        assert 0 == started.end(3.0)


def test_a_file_that_is_broken_from_the_start_is_waited_for(tmp_path: Path) -> None:
    app = tmp_path / "acme.py"
    app.write_text("1 +\n")
    with program(tmp_path, "dev", "acme:app", "--port", "0") as started:
        started.wait_for(r"acme\.py:1: SyntaxError")
        port = started.wait_until_up().port
        assert 503 == ask(port)[0]
        with Client(port) as client:
            assert 503 == client.get("/readyz")[0]
        app.write_text(APP)
        assert until(lambda: ask(port)[0] == 200)


def test_a_module_that_does_not_exist_ends_with_status_2(tmp_path: Path) -> None:
    with program(tmp_path, "dev", "nowhere:app", "--port", "0") as started:
        assert 2 == started.end()
        assert [f"nowhere:app: there is no module nowhere in {tmp_path}"] == started.printed


def test_a_killed_developer_server_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text(APP)
    with program(tmp_path, "dev", "acme:app", "--port", "0") as started:
        started.wait_until_up()
        (worker,) = children_of(started.process.pid)
        os.kill(started.process.pid, signal.SIGKILL)
        assert until(lambda: not is_alive(worker))
