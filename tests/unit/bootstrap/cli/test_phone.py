"""`reception phone`: exit codes, transcripts, and a sentence for whatever goes wrong."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.phone import phone

BOX = "0123456789abcdef0123456789abcdef"
HANGUP = {"module": "hangup"}


class Server:
    """A loopback server that gives one reply to everything, and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.reply: Any = HANGUP
        self.bodies: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                body = outer.reply if isinstance(outer.reply, bytes) else json.dumps(outer.reply)
                raw = body if isinstance(body, bytes) else body.encode()
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST  # noqa: N815  # the name is the base class's

            def log_message(self, *_: object) -> None:
                """Keep the tests' output quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/voice?APPID=a"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def dial(*arguments: str, script: str | None = None) -> Result:
    if script is not None:
        arguments = (*arguments, "--script", "-")
    return CliRunner().invoke(phone, arguments, input=script)


def test_a_normal_call_is_told_and_exits_0(server: Server) -> None:
    server.reply = {"module": "tts", "data": {"text": "Welcome"}, "children": {"_": HANGUP}}
    result = dial(server.url)
    assert result.exit_code == 0
    assert 'says "Welcome"' in result.output
    assert "hung up by the flow" in result.output


def test_the_request_is_what_the_options_say(server: Server) -> None:
    options = ["--from", "1001", "--to", "2000", "--name", "Room 1001", "--account-id", "f" * 32]
    assert dial(server.url, *options, "--call-id", "c-7").exit_code == 0
    body = json.loads(server.bodies[0])
    assert ("1001", "2000", "Room 1001", "f" * 32, "c-7") == (
        body["From"],
        body["To"],
        body["Caller-ID-Name"],
        body["Account-ID"],
        body["Call-ID"],
    )


def test_an_anonymous_caller_arrives_as_the_platform_says_it(server: Server) -> None:
    assert dial(server.url, "--anonymous").exit_code == 0
    body = json.loads(server.bodies[0])
    assert ("anonymous", "unknown") == (body["Caller-ID-Number"], body["Caller-ID-Name"])


def test_reports_are_doubled_or_lost_where_that_is_asked_for(server: Server) -> None:
    for mishap, reports in (("doubles=1", 4), ("loses=1", 0)):
        server.bodies.clear()
        assert dial(server.url, "--webhook", server.url, "--mishap", mishap).exit_code == 0
        assert reports == sum(b"hook_event=" in body for body in server.bodies)


def test_a_user_of_the_account_calls_with_variables_and_headers(server: Server) -> None:
    options = ["--user", "u1", "--user", "u2", "--realm", "hotel.example", "--language", "de-de"]
    options += ["--var", "room=101", "--var", "appid=acme", "--sip-header", "X-Room=101=1"]
    assert dial(server.url, *options).exit_code == 0
    body = json.loads(server.bodies[0])
    assert (["u1", "u2"], "hotel.example", "hotel.example", "de-de") == (
        body["User-ID"],
        body["From-Realm"],
        body["To-Realm"],
        body["Language"],
    )
    assert {"room": "101", "appid": "acme"} == body["Custom-Application-Vars"]
    assert {"X-Room": "101=1"} == body["Custom-SIP-Headers"]


def test_a_setting_of_the_platform_can_be_changed(server: Server) -> None:
    assert dial(server.url, "--anonymous", "--quirk", "privacy_number=0000000000").exit_code == 0
    assert "0000000000" == json.loads(server.bodies[0])["Caller-ID-Number"]


def test_the_end_of_the_call_is_reported_where_a_webhook_is_wanted(server: Server) -> None:
    server.reply = {"module": "tts", "data": {"text": "Welcome"}, "children": {"_": HANGUP}}
    result = dial(server.url, "--call-id", "c-7", "--webhook", server.url)
    assert result.exit_code == 0
    assert "CHANNEL_DESTROY POST" in result.output
    reports = [body for body in server.bodies if b"hook_event=" in body]
    events = sorted(body.partition(b"hook_event=")[2].partition(b"&")[0] for body in reports)
    assert [b"channel_answer", b"channel_create", b"channel_destroy"] == events
    assert all(b"call_id=c-7" in body for body in reports)


@pytest.mark.parametrize("form", ["form", "get"])
def test_the_other_encodings_are_sent(server: Server, form: str) -> None:
    assert dial(server.url, "--format", form).exit_code == 0
    assert (b"Api-Version=4.x" in server.bodies[0]) == (form == "form")


@pytest.mark.parametrize("platform", ["4", "5"])
@pytest.mark.parametrize(
    ("status", "reply", "words"),
    [
        (500, b"oops", "status 500"),
        (200, b"", "empty body"),
        (200, b"{", "not JSON"),
        (200, {"module": "nope"}, "unknown_module"),
        (200, [], "no callflow"),
    ],
)
def test_a_bad_reply_is_told_and_exits_1(
    server: Server, platform: str, status: int, reply: Any, words: str
) -> None:
    server.status, server.reply = status, reply
    result = dial(server.url, "--platform", platform)
    assert result.exit_code == 1, result.output
    assert words in result.output
    assert "would lose this call" in result.output


def test_a_script_plays_the_caller(server: Server) -> None:
    server.reply = {
        "module": "user",
        "data": {"id": "u1", "timeout": 20},
        "children": {"USER_BUSY": {"module": "voicemail", "data": {"id": BOX}}},
    }
    result = dial(server.url, script="busy u1\nvoicemail leave 10\n")
    assert result.exit_code == 0
    assert "a message of 10 s is left" in result.output


def test_warnings_of_the_linter_are_shown_once(server: Server) -> None:
    server.reply = {"module": "device", "data": {"id": "d"}}
    output = dial(server.url, script="noanswer").output
    assert output.count("RC") == len({line for line in output.splitlines() if "RC1" in line}) > 0


def test_a_loopback_url_is_warned_of_and_called_all_the_same(server: Server) -> None:
    data = {"voice_url": server.url, "method": "post", "req_body_format": "json"}
    server.reply = {"module": "sleep", "data": {"duration": 5, "unit": "m"}}
    server.reply["children"] = {"_": {"module": "pivot", "data": data}}
    result = dial(server.url)
    assert len(server.bodies) > 2
    assert result.output.count("the platform refuses URLs on localhost") == 1


def test_json_is_one_object_per_line(server: Server) -> None:
    lines = [json.loads(line) for line in dial(server.url, "--json").output.splitlines()]
    assert ["call", "warns", "post", "reply"] == [line["kind"] for line in lines[:4]]
    assert lines[-1]["detail"] == {"ok": True, "outcome": "hangup", "posts": 1}


def test_output_has_no_colours_when_no_terminal_reads_it(server: Server) -> None:
    assert "\x1b" not in dial(server.url).output


def test_a_hostile_reply_cannot_write_to_the_terminal(server: Server) -> None:
    server.reply = {"module": "tts", "data": {"text": "\x1b]0;owned\x07\u202eabc"}}
    output = dial(server.url).output
    assert "\x1b" not in output
    assert "\u202e" not in output


def test_a_server_that_is_down_is_told_in_plain_words() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = dial(f"http://127.0.0.1:{port}/voice")
    assert result.exit_code == 1
    assert "connection refused" in result.output
    assert "10 s of silence" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("ftp://h/x",),
        ("http://",),
        ("http://[::1/x",),
        ("http://h:99999/",),
        ("no_such_module:app",),
        ("http://127.0.0.1:1/", "--platform", "6"),
        ("http://127.0.0.1:1/", "--request-timeout", "5001"),
        ("http://127.0.0.1:1/", "--script", "no/such/file"),
        ("http://127.0.0.1:1/", "--script", "."),
        ("http://127.0.0.1:1/", "--name", "a\udcffb"),
        ("http://127.0.0.1:1/", "--webhook", "nonsense"),
        ("http://127.0.0.1:1/", "--mishap", "nonsense=1"),
        ("http://127.0.0.1:1/", "--mishap", "loses=2"),
        ("http://127.0.0.1:1/", "--mishap", "seed=x"),
        ("http://127.0.0.1:1/", "--var", "room"),
        ("http://127.0.0.1:1/", "--header", "=x"),
        ("http://127.0.0.1:1/", "--quirk", "idle_s"),
        ("http://127.0.0.1:1/", "--quirk", "no_such=1"),
        ("http://127.0.0.1:1/", "--quirk", "idle_s=soon"),
    ],
)
def test_wrong_usage_exits_2_with_a_sentence(arguments: tuple[str, ...]) -> None:
    result = dial(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.output


def test_a_wrong_line_of_a_script_is_named_and_exits_2() -> None:
    result = dial("http://127.0.0.1:1/", script="wait 1\nsing\n")
    assert result.exit_code == 2
    assert "line 2" in result.output


def test_an_app_of_this_folder_is_served_for_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "phoned_app.py").write_text(
        "from reception import App, flow\n"
        'app = App("phoned", fallback=flow.hangup())\n'
        "@app.answer\n"
        "def answer(call):\n"
        '    return flow.tts("It works").then(flow.hangup())\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    result = dial("phoned_app:app")
    assert result.exit_code == 0, result.output
    assert 'says "It works"' in result.output


def test_ctrl_c_ends_the_call_cleanly(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reception.bootstrap.cli.phone.place_call", broken)
    result = dial("http://127.0.0.1:1/")
    assert result.exit_code == 0
    assert "You broke off the call" in result.output
