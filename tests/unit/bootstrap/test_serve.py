"""What a running server promises while workers and supervisors come, go and die."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.bootstrap.processes import (
    APP,
    CONFIG,
    Client,
    ask,
    children_of,
    is_alive,
    pid_of,
    program,
    server,
    until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def test_drain_answers_idle_connections_and_what_is_in_flight(tmp_path: Path) -> None:
    with server(tmp_path, drain_s=1.5) as served:
        with Client(served.port) as idle, Client(served.port) as slow, Client(served.port) as late:
            assert (200, None) == tuple_of(idle.ask())
            assert 200 == late.get("/readyz")[0]
            begun = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            assert (503, "close") == tuple_of(late.get("/readyz"))
            with Client(served.port) as fresh:
                assert (200, "close") == tuple_of(fresh.ask())
            assert (200, "close") == tuple_of(idle.ask())
            assert idle.is_closed()
            time.sleep(max(0.0, begun + 0.9 - time.monotonic()))
            slow.send("/voice?APPID=acme&do=slow")  # ends 0.4 s after listening has
            assert (200, "close") == tuple_of(slow.answer())
        assert 0 == served.end()
        assert 1.5 <= time.monotonic() - begun < 5.0
        with pytest.raises(ConnectionError):
            Client(served.port)


def tuple_of(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str | None]:
    return answer[0], answer[1].get("connection")


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with server(tmp_path, drain_s=5.0) as served:
        served.process.send_signal(signal.SIGINT)
        time.sleep(0.7)
        begun = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        assert 1 == served.end(3.0)
        assert time.monotonic() - begun < 2.0


def test_a_signal_to_the_whole_group_drains_all_the_same(tmp_path: Path) -> None:
    with server(tmp_path, drain_s=0.5) as served:
        (worker,) = children_of(served.process.pid)
        for pid in (worker, served.process.pid):
            os.kill(pid, signal.SIGTERM)
        with Client(served.port) as client:
            assert (200, "close") == tuple_of(client.ask())
        assert 0 == served.end()


def test_a_killed_worker_comes_back_and_costs_nobody_else(tmp_path: Path) -> None:
    with server(tmp_path, workers=2) as served, ExitStack() as clients:
        pids: dict[int, Client] = {}
        while len(pids) < 2:
            client = clients.enter_context(Client(served.port))
            pids.setdefault(pid_of(client.ask("pid")), client)
        (victim, _), (survivor, bystander) = pids.items()
        bystander.send("/voice?APPID=acme&do=slow")
        os.kill(victim, signal.SIGKILL)
        assert 200 == ask(served.port)[0]
        assert 200 == bystander.answer()[0]
        assert until(lambda: len(children_of(served.process.pid)) == 2)
        assert survivor in children_of(served.process.pid)
        assert victim not in children_of(served.process.pid)
        served.wait_for("worker.ready")


def test_a_worker_that_dies_while_another_loads_is_no_failed_start(tmp_path: Path) -> None:
    slow = "\nimport pathlib\nif pathlib.Path('second').exists():\n    time.sleep(1.0)\n"
    (tmp_path / "acme.py").write_text(APP + slow + "pathlib.Path('second').touch()\n")
    (tmp_path / "reception.toml").write_text(CONFIG.format(drain_s=0.0, workers=2))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with program(tmp_path, "serve", "--port", str(port)) as started:
        assert until(lambda: _is_open(port), within_s=10.0)
        with pytest.raises(ConnectionError):
            ask(port, "die")
        started.wait_until_up()
        assert 200 == ask(port)[0]
        assert 2 == len(children_of(started.process.pid))


def test_a_worker_that_dies_again_and_again_is_started_with_patience(tmp_path: Path) -> None:
    with server(tmp_path) as served:
        delays = []
        for _ in range(2):
            with Client(served.port) as client:
                client.send("/voice?APPID=acme&do=die")
                line = served.wait_for(r'"delay_s": ([0-9.]+)')
                delays.append(float(line[1]))
        assert [0.0, 0.25] == delays
        assert 200 == ask(served.port)[0]


def test_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    with server(tmp_path, workers=2) as served:
        workers = children_of(served.process.pid)
        environ = Path(f"/proc/{min(workers)}/environ").read_text()
        metrics = Path(environ.partition("PROMETHEUS_MULTIPROC_DIR=")[2].partition("\0")[0])
        assert metrics.is_dir()
        with Client(served.port) as client:
            # One worker idles, and the event loop of the other is blocked for a second.
            client.send("/voice?APPID=acme&do=block")
            time.sleep(0.1)
            served.process.send_signal(signal.SIGKILL)
            assert 200 == client.answer()[0]
        assert until(lambda: not any(is_alive(pid) for pid in workers))
        assert until(lambda: not metrics.exists(), 1.0)
        assert until(lambda: is_refused(served.port), 1.0)


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_hup_replaces_the_workers_without_a_refused_call(tmp_path: Path) -> None:
    with server(tmp_path, drain_s=0.3) as served:
        before = pid_of(ask(served.port, "pid"))
        app = tmp_path / "acme.py"
        app.write_text(app.read_text().replace('"one"', '"two"'))
        statuses: list[int] = []
        stop = threading.Event()

        def call_all_the_time() -> None:
            while not stop.is_set():
                statuses.append(ask(served.port)[0])
                time.sleep(0.02)

        caller = threading.Thread(target=call_all_the_time)
        caller.start()
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("worker.ready")
        assert until(lambda: b"two" in ask(served.port)[1])
        assert until(lambda: not is_alive(before))
        stop.set()
        caller.join()
        assert {200} == set(statuses)


def test_a_stop_while_a_successor_loads_is_no_failure(tmp_path: Path) -> None:
    with server(tmp_path, drain_s=0.1) as served:
        app = tmp_path / "acme.py"
        app.write_text("print('loading', flush=True)\nimport time\ntime.sleep(60)\n")
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("^loading$")
        served.process.send_signal(signal.SIGTERM)
        assert 0 == served.end()


def test_hup_with_a_broken_configuration_changes_nothing(tmp_path: Path) -> None:
    with server(tmp_path) as served:
        before = pid_of(ask(served.port, "pid"))
        (tmp_path / "reception.toml").write_text("[server\n")
        served.process.send_signal(signal.SIGHUP)
        line = served.wait_for("worker.not_loaded")
        assert "is not TOML" in line.string
        assert before == pid_of(ask(served.port, "pid"))


def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (tmp_path / "hello.json").write_text('{"module":"hangup","data":{},"children":{}}')
        (tmp_path / "reception.toml").write_text(
            f'[server]\nport = {port}\n[tenants.a]\nflow = "hello.json"\ninsecure_no_secret = true\n'
        )
        with program(tmp_path, "serve") as started:
            assert 1 == started.end()
            assert [
                f"Port {port} of 127.0.0.1 is taken by another program: stop that one, or choose"
                f" another port with --port {port + 1}"
            ] == started.printed


def test_configuration_errors_come_all_at_once_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "reception.toml").write_text(
        '[server]\nprot = 1\n[tenants.a]\napp = "acme:app"\nsecrets = ["$NOT_SET_ANYWHERE"]\n'
    )
    with program(tmp_path, "serve") as started:
        assert 2 == started.end()
        expected = [
            'reception.toml: server.prot: is no setting of Reception; did you mean "port"?',
            "reception.toml: tenants.a.secrets[0]: names $NOT_SET_ANYWHERE, which is not set: ",
            "reception.toml: tenants.a.app: acme.py:1: ModuleNotFoundError: No module named ",
        ]
        assert len(expected) == len(started.printed)
        for begin, line in zip(expected, started.printed, strict=True):
            assert line.startswith(begin)


def test_a_worker_that_cannot_start_is_reported(tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text("import os\nos._exit(3)\n")
    (tmp_path / "reception.toml").write_text(
        '[tenants.a]\napp = "acme:app"\ninsecure_no_secret = true\n'
    )
    with program(tmp_path, "serve", "--port", "0") as started:
        assert 1 == started.end()
        assert ["A worker cannot start: it ended with status 3."] == started.printed


def test_the_printed_curl_line_works_as_it_stands(tmp_path: Path) -> None:
    with server(tmp_path) as served:
        (line,) = [text for text in served.printed if "curl -s" in text]
        words = shlex.split(line.strip().removeprefix("curl").strip())
        answer = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True)
        assert '{"module":"tts"' == answer.stdout[:15]
        # On the same occasion: the supervisor has loaded nothing that answers requests.
        assert "httptools" not in Path(f"/proc/{served.process.pid}/maps").read_text()


def _is_open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False
