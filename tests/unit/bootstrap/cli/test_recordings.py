"""`reception export`, `replay` and `graph`: from a call in the store to a verdict in CI."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reception import App
from reception.bootstrap.cli import main
from tests.unit.service.conftest import Caller, node
from tests.unit.web.asgi import SECRET

DESK = """
from reception import App, flow

def find(room: str) -> str:
    return "Gr" + "ace of " + room

def boom(room: str) -> str:
    raise LookupError(room)

async def answer(call):
    room = await call.ask("Which room?", max_digits=4)
    guest = await call.step(find, room)
    await call.say(f"{words} {{guest}}, {{call.caller_name}}")
    await call.ask("More?", valid="1")
    return flow.tts("Bye").then(flow.hangup())

app = App("acme", fallback=flow.hangup(), version="{version}")
app.answer(answer)
"""
TOML = """
[store]
embedded = false
database_url = "$TEST_DATABASE"

[tenants.acme]
app = "{module}:app"
secrets = ["$TEST_SECRET"]
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dsn: str) -> str:
    """An application and its configuration, in the present folder; gives the module's name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("TEST_DATABASE", address_of(dsn))
    monkeypatch.setenv("TEST_SECRET", SECRET)
    name = f"desk_{tmp_path.name.replace('-', '_')}"
    write(tmp_path, name)
    (tmp_path / "reception.toml").write_text(TOML.format(module=name), "utf-8")
    return name


def write(folder: Path, name: str, *, words: str = "Hello", version: str = "1") -> None:
    (folder / f"{name}.py").write_text(DESK.format(words=words, version=version), "utf-8")
    importlib.invalidate_caches()


def address_of(dsn: str) -> str:
    """The same address as a URL, as a configuration wants it."""
    from urllib.parse import quote

    from psycopg import conninfo

    parts = conninfo.conninfo_to_dict(dsn)
    host, port = quote(str(parts["host"]), safe=""), parts.get("port", 5432)
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={host}&port={port}"


@pytest.fixture
def called(desk: str, dsn: str) -> str:
    """The same after a call with a guest in it."""
    app: App = importlib.import_module(desk).app

    async def call() -> None:
        async with node(dsn, app) as one:
            caller = Caller(one, call_id="call-4711@sip.example")
            await caller.send(
                f"/voice?APPID=acme&key={SECRET}",
                **{"Caller-ID-Name": "Hopper Junior", "Caller-ID-Number": "+15551234567"},
            )
            await caller.press("8315")
            await caller.press("1")

    asyncio.run(call())
    return desk


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


GUEST = ("8315", "Hopper", "Junior", "5551234567", "Grace")


def test_an_export_is_redacted_and_agrees_with_the_code(called: str) -> None:
    made = run("export", "call-4711@sip.example", "--out", "calls.json")
    assert (0, "1 call written\n") == (made.exit_code, made.stderr)
    text = Path("calls.json").read_text("utf-8")
    assert [] == [word for word in GUEST if word in text]
    replayed = run("replay", "calls.json", f"{called}:app")
    assert (0, "1 call: 1 agree, 0 differ") == (
        replayed.exit_code,
        replayed.stdout.splitlines()[-1],
    )


def test_raw_keeps_all_and_standard_output_is_the_file(called: str) -> None:
    made = run("export", "call-4711@sip.example", "--raw")
    assert 0 == made.exit_code
    (call,) = json.loads(made.stdout)["calls"]
    assert ("call-4711@sip.example", 3) == (call["call_id"], len(call["steps"]))
    assert all(word in made.stdout for word in GUEST)
    assert SECRET not in made.stdout
    assert "&k=" not in made.stdout
    Path("raw.json").write_text(made.stdout, "utf-8")
    assert 0 == run("replay", "raw.json", f"{called}:app").exit_code


def test_calls_are_found_by_episode_and_by_time(called: str) -> None:
    assert called
    raw = json.loads(run("export", "--since", "1h", "--raw").stdout)
    episode = raw["calls"][0]["episode"]
    assert raw == json.loads(run("export", episode, "--tenant", "acme", "--raw").stdout)
    later = datetime.now(UTC).isoformat()
    assert [] == json.loads(run("export", "--since", later, "--raw").stdout)["calls"]


def test_a_call_in_the_store_can_be_replayed_at_once(called: str) -> None:
    result = run("replay", "call-4711@sip.example", f"{called}:app")
    assert (0, "call-4711@sip.example: agrees (3 steps)") == (
        result.exit_code,
        result.stdout.splitlines()[0],
    )


def test_changed_code_is_told_with_step_and_line(called: str, tmp_path: Path) -> None:
    assert 0 == run("export", "--since", "1d", "--raw", "--out", "calls.json").exit_code
    changed = f"{called}_changed"
    write(tmp_path, changed, words="Good morning", version="2")
    # Its steps have the name of their module, which a real change would leave as it is.
    text = Path("calls.json").read_text("utf-8").replace(f"{called}:find", f"{changed}:find")
    Path("calls.json").write_text(text, "utf-8")

    result = run("replay", "calls.json", f"{changed}:app")
    assert 1 == result.exit_code
    assert "differs at step 1, operation 2" in result.stdout
    assert "recorded  call.say()" in result.stdout
    assert f"now       call.say() with other arguments  ({tmp_path.name}/{changed}.py:13)" in (
        result.stdout
    )
    assert "reply     differs" in result.stdout
    (line,) = map(
        json.loads, run("replay", "--json", "calls.json", f"{changed}:app").stdout.splitlines()
    )
    assert ["call", "episode", "fate", "steps", "since", "difference"] == list(line)
    assert ("differs", 1, "2", True) == (
        line["fate"],
        line["difference"]["step"],
        line["difference"]["operation"],
        line["difference"]["reply_differs"],
    )


def test_code_that_does_not_agree_redacts_nothing(called: str, tmp_path: Path) -> None:
    write(tmp_path, f"{called}_other", words="Good morning")
    Path("reception.toml").write_text(TOML.format(module=f"{called}_other"), "utf-8")
    made = run("export", "--since", "1d", "--out", "calls.json")
    assert 1 == made.exit_code
    assert "0 calls written, 1 left out" in made.stderr
    assert "--raw" in made.stderr
    assert [] == json.loads(Path("calls.json").read_text("utf-8"))["calls"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export"], "Say which calls"),
        (["export", "--since", "yesterday"], "neither like"),
        (["export", "x", "--keep", "all"], "--keep"),
        (["replay", "calls.json"], "Name the recordings, then the application"),
        (["replay", "absent.json", "{desk}:app"], "cannot read absent.json"),
        (["replay", "reception.toml", "{desk}:app"], "no file of `reception export`"),
        (["replay", "x.json", "absent_module:app"], "no module absent_module"),
        (["graph", "absent_module:app"], "no module absent_module"),
        (["graph", "{desk}:app", "--step", "find"], "NAME=JSON"),
        (["graph", "{desk}:app", "--step", "find={{"], "no JSON"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_to_do(
    desk: str, arguments: list[str], words: str
) -> None:
    result = run(*(each.format(desk=desk) for each in arguments))
    assert 2 == result.exit_code, result.output
    assert words in result.stderr


def test_a_call_that_is_not_there_is_told(called: str) -> None:
    assert (1, True) == ((made := run("export", "nobody")).exit_code, "nobody" in made.stderr)
    result = run("replay", "nobody", f"{called}:app")
    assert (2, True) == (result.exit_code, "no call or episode nobody" in result.stderr)


def test_a_file_of_a_newer_release_is_refused(desk: str) -> None:
    Path("new.json").write_text('{"format": 2, "reception": "9", "calls": []}', "utf-8")
    result = run("replay", "new.json", f"{desk}:app")
    assert (2, True) == (result.exit_code, "use a newer release" in result.stderr)


def test_a_graph_is_drawn_and_findings_make_the_status(desk: str) -> None:
    drawn = run("graph", f"{desk}:app", "--step", 'find="Ada"')
    assert (0, "") == (drawn.exit_code, drawn.stderr)
    assert drawn.stdout.startswith("flowchart TD\n")
    assert "“Which room?”" in drawn.stdout
    failing = run("graph", f"{desk}:app", "--step", "find=!LookupError 7")
    assert (1, True) == (failing.exit_code, "LookupError: 7" in failing.stderr)
    unknown = run("graph", f"{desk}:app", "--svg", "--out", "desk.svg")
    assert (0, True) == (unknown.exit_code, "--step find=JSON" in unknown.stderr)
    assert Path("desk.svg").read_text("utf-8").startswith("<svg ")
    assert os.path.getsize("desk.svg") > 500
