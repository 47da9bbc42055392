"""`reception load`: what it prints and writes, and the status it ends with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.load import load

FLOW = b'{"module":"hangup","data":{},"children":{}}'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(500 if "fail" in self.path else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(FLOW)))
        self.end_headers()
        self.wfile.write(FLOW)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/voice?APPID=a&key=secret-secret-secret"
        server.shutdown()


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(load, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_load_is_summed_up_and_written(url: str, tmp_path: Path) -> None:
    page, figures = tmp_path / "load.html", tmp_path / "load.json"
    script = tmp_path / "caller.txt"
    script.write_text("press 1\n")
    result = run(
        url,
        *("--rate", "20", "--duration", "0.5", "--seed", "3"),
        *("--script", f"{script}=2", "--script", str(script)),
        *("--html", str(page), "--json", str(figures)),
    )
    assert 0 == result.exit_code, result.output
    assert "10 calls, 0 lost; 10 requests, 0 without a 200" in result.output
    told = json.loads(figures.read_text())
    assert (10, 0, 3) == (told["calls"], told["failed"], told["seed"])
    assert told["latency_ms"]["p50"] <= told["latency_ms"]["p99"] <= told["latency_ms"]["max"]
    html = page.read_text()
    assert 3 == html.count("<svg")
    for text in (html, figures.read_text(), result.output):
        assert "secret-secret" not in text


def test_failures_end_with_1_and_say_what_they_were(url: str) -> None:
    result = run(url.replace("/voice", "/fail"), "--rate", "20", "--duration", "0.3", "--json", "-")
    assert 1 == result.exit_code
    told = json.loads(result.stdout)
    assert 6 == told["failed"] == told["errors"]["answered 500"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ftp://x"], "reception load: ftp://x"),
        (["http://127.0.0.1:9/voice", "--script", "nowhere"], "cannot read nowhere"),
        (["http://127.0.0.1:9/voice", "--script", "nowhere=0"], "a weight is a number above 0"),
        (["http://127.0.0.1:9/voice", "--rate", "0"], "--rate"),
    ],
)
def test_wrong_usage_says_what_is_right(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert (2, True) == (result.exit_code, words in result.output), result.output
