"""What the files and modules of a configuration must hold before a port opens."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reception import App, Call, Flow, flow
from reception.bootstrap.loading import how_it_runs, load
from reception.bootstrap.problems import ConfigError
from reception.bootstrap.target import TargetError, load_app

GOOD = 'from reception import App, flow\napp = App("a", fallback=flow.hangup())\n'
ANSWERS = "@app.answer\nasync def answer(call):\n    return flow.hangup()\n"
HANGUP = '{"module":"hangup","data":{},"children":{}}'
PIVOT = (
    '{"module":"pivot","data":{"voice_url":"%s","method":"post","req_format":"kazoo",'
    '"req_body_format":"json"},"children":{}}'
)
_names = itertools.count()


@pytest.fixture(autouse=True)
def _modules_of_a_test_are_forgotten() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("made_up"):
            del sys.modules[name]


def module(folder: Path, code: str) -> str:
    name = f"made_up_{next(_names)}"
    (folder / f"{name}.py").write_text(code)
    return name


def problems_of(folder: Path, tenant: str, server: str = "") -> list[str]:
    (folder / "reception.toml").write_text(
        f"[server]\n{server}\n[tenants.a]\ninsecure_no_secret = true\n{tenant}\n"
    )
    with pytest.raises(ConfigError) as raised:
        load(folder / "reception.toml", environ={})
    return [str(problem) for problem in raised.value.problems]


def test_apps_and_flows_become_tenants(tmp_path: Path) -> None:
    name = module(tmp_path, GOOD + ANSWERS)
    (tmp_path / "night.json").write_text(HANGUP)
    (tmp_path / "reception.toml").write_text(
        f'[tenants.a]\napp = "{name}:app"\ninsecure_no_secret = true\n'
        '[tenants.b]\nflow = "night.json"\ninsecure_no_secret = true\nplatform = 4\n'
    )
    app, static = load(tmp_path / "reception.toml", environ={}).tenants
    assert ("a", "loop", frozenset({4, 5})) == (app.app_id, app.runs, app.platforms)
    assert flow.hangup() == app.fallback
    assert ("b", "static", None) == (static.app_id, static.runs, static.fallback)
    assert flow.hangup() == static.answer
    assert frozenset({4}) == static.platforms


def test_a_configured_fallback_replaces_that_of_the_app(tmp_path: Path) -> None:
    name = module(tmp_path, GOOD + ANSWERS)
    (tmp_path / "safe.json").write_text('{"module":"park","data":{},"children":{}}')
    (tmp_path / "reception.toml").write_text(
        f'[tenants.a]\napp = "{name}:app"\ninsecure_no_secret = true\nfallback = "safe.json"\n'
    )
    (tenant,) = load(tmp_path / "reception.toml", environ={}).tenants
    assert flow.raw({"module": "park", "data": {}, "children": {}}) == tenant.fallback


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1 / 0\n", "{file}:1: ZeroDivisionError: division by zero"),
        ("def f():\n    raise ValueError('a\\nb')\nf()\n", "{file}:2: ValueError: a b"),
        ("x = (\n", "{file}:1: SyntaxError: '(' was never closed"),
        (
            "import no_such_thing\n",
            "{file}:1: ModuleNotFoundError: No module named 'no_such_thing'",
        ),
        ("raise SystemExit(3)\n", "{file}:1: SystemExit: 3"),
        ("from reception import App\nApp('a b', fallback=None)\n", "{file}:2: "),
        ("ap = 1\n", "{module} has no 'app'; did you mean \"ap\"?"),
        ("app = 1\n", "{module}:app is a int, and must be a reception.App"),
        (GOOD, "App a answers no calls yet"),
    ],
)
def test_an_app_that_does_not_load_is_told_in_one_line(
    tmp_path: Path, code: str, expected: str
) -> None:
    name = module(tmp_path, code)
    expected = expected.format(file=f"{name}.py", module=name)
    (problem,) = problems_of(tmp_path, f'app = "{name}:app"')
    begin = f"reception.toml: tenants.a.app: {expected}"
    assert begin == problem[: len(begin)]
    assert "\n" not in problem


def test_a_missing_module_is_told_apart_from_a_missing_import(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="there is no module made_up_none in") as raised:
        load_app("made_up_none.sub:app", tmp_path)
    assert raised.value.is_absent
    name = module(tmp_path, "import made_up_none\n")
    with pytest.raises(TargetError) as raised:
        load_app(f"{name}:app", tmp_path)
    assert not raised.value.is_absent


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "reception.toml: tenants.a.flow: names f.json, which cannot be read: No such file"),
        ("{", "f.json: $: This is not JSON that the platform can read"),
        ('{"module":"no_such"}', "f.json: $"),
        ('{"module":"voicemail","data":{"id":"short"}}', "f.json: $.data.id: "),
        (" " * 300_000, "reception.toml: tenants.a.flow: names f.json, which has more than 262144"),
        (
            PIVOT % "https://voice.example.com/voice?APPID=a",
            "reception.toml: tenants.a.fallback: is required, since f.json has a pivot",
        ),
    ],
)
def test_a_flow_that_cannot_be_served_is_told(
    tmp_path: Path, content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / "f.json").write_text(content)
    assert expected == problems_of(tmp_path, 'flow = "f.json"')[0][: len(expected)]


@pytest.mark.parametrize(
    "content",
    [
        PIVOT % "https://voice.example.com/voice?APPID=a",
        '{"module":"callflow","data":{"id":"0123456789abcdef0123456789abcdef"}}',
    ],
)
def test_a_fallback_that_can_fail_itself_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "f.json").write_text(HANGUP)
    (tmp_path / "safe.json").write_text(content)
    (problem,) = problems_of(tmp_path, 'flow = "f.json"\nfallback = "safe.json"')
    assert "safe.json: fallback: " == problem[: len("safe.json: fallback: ")]


def test_localhost_urls_pass_on_loopback_only(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(PIVOT % "http://127.0.0.1:8080/voice")
    (tmp_path / "safe.json").write_text(HANGUP)
    tenant = 'flow = "f.json"\nfallback = "safe.json"'
    (tmp_path / "reception.toml").write_text(f"[tenants.a]\ninsecure_no_secret = true\n{tenant}\n")
    assert 1 == len(load(tmp_path / "reception.toml", environ={}).tenants)
    problems = problems_of(tmp_path, tenant, 'public_url = "https://voice.example.com"')
    assert any(problem.startswith("f.json: $.data.voice_url: ") for problem in problems)


async def _async(call: Call) -> Flow:
    return flow.hangup()


def _plain(call: Call) -> Flow:
    return flow.hangup()


class _Object:
    async def __call__(self, call: Call) -> Flow:
        return flow.hangup()


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (_async, "loop"),
        (_plain, "thread"),
        (functools.partial(_async), "loop"),
        (_Object(), "loop"),
        (lambda call: flow.hangup(), "thread"),
    ],
)
def test_coroutine_functions_run_on_the_loop_and_others_in_a_thread(
    handler: Any, expected: str
) -> None:
    app = App("a", fallback=flow.hangup())
    app.answer(handler)
    assert expected == how_it_runs(app)


async def _asking(call: Call) -> Flow:
    return flow.tts(await call.ask("Press a key"))


def test_a_handler_that_asks_is_a_dialog_and_so_is_an_app_with_several_handlers() -> None:
    app = App("a", fallback=flow.hangup())
    app.answer(_asking)
    assert "dialog" == how_it_runs(app)
    app = App("a", fallback=flow.hangup())
    app.answer(_plain)
    app.state(_async)
    assert "dialog" == how_it_runs(app)


def test_the_name_of_the_app_is_the_appid_where_nothing_else_is_said() -> None:
    assert "b" == App("b", fallback=flow.hangup()).name
