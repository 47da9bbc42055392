"""The pytest plugin, in a pytest of its own as a developer runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from reception.store.embedded import EmbeddedServer

# What other plugins of this environment cost is not what is tried here.
LEAN = ("-p", "no:hypothesispytest")
ONE_STEP = """
    from reception import App, flow

    app = App("one", fallback=flow.hangup())

    @app.answer
    def answer(call):
        return flow.tts("Hello").then(flow.hangup())
"""
DIALOG = """
    from reception import App, flow

    app = App("dialog", fallback=flow.hangup())
    memory = {}

    def remember(choice):
        memory["choice"] = choice

    @app.answer
    async def answer(call):
        await call.step(remember, await call.ask("Press a key"))
        await call.ask("Once more")
        return flow.tts("You pressed " + memory["choice"]).then(flow.hangup())
"""
NO_DATABASE = """
    import atexit, sys

    @atexit.register
    def told():
        database = sys.modules.get("reception.testing.database")
        print("SERVER" if database and database.database.is_running else "NO SERVER")
        print("PRODUCT" if "reception" in sys.modules else "NO PRODUCT")
"""


def run(folder: Path, *options: str, **files: str) -> tuple[int, str]:
    """Run pytest over these files; gives its exit status and what it printed."""
    for name, text in files.items():
        suffix = ".ini" if name == "pytest" else ".py"
        (folder / (name + suffix)).write_text(dedent(text), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *LEAN, *options],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_app_in_one_step_takes_a_fixture_and_no_database(tmp_path: Path) -> None:
    test = """
        import pytest
        import desk

        @pytest.fixture
        def app():
            return desk.app

        def test_it(phone):
            phone.dial()
            phone.hear("Hello")
            assert "hangup" == phone.wait_for_end()
    """
    status, text = run(tmp_path, desk=ONE_STEP, test_it=test, conftest=NO_DATABASE)
    assert 0 == status, text
    assert "NO SERVER" in text


def test_tests_without_a_phone_pay_nothing(tmp_path: Path) -> None:
    test = "def test_it(): pass"
    status, text = run(tmp_path, test_it=test, conftest=NO_DATABASE)
    assert 0 == status, text
    assert "NO PRODUCT" in text


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("reception", ("pytest", "reception.store", "reception.testing")),
        ("reception.testing", ("pytest",)),
        ("pytest_reception", ("reception",)),
    ],
)
def test_nobody_loads_what_he_does_not_need(module: str, without: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([name for name in {without!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert "[]" == done.stdout.strip()


def test_the_app_may_be_marked_or_configured_and_a_failure_shows_the_call(tmp_path: Path) -> None:
    test = """
        import pytest
        from reception import App, flow

        other = App("other", fallback=flow.hangup())

        @other.answer
        async def answer(call):
            return flow.tts(f"{call.dialled}").then(flow.hangup())

        def test_configured(phone):
            phone.dial()
            phone.hear("Hello")

        @pytest.mark.phone(other, deadline_s=1.0)
        def test_marked(phone):
            phone.dial("2000")
            phone.hear("2000")

        def test_that_fails(phone):
            phone.dial()
            assert not phone.heard
    """
    ini = "[pytest]\nreception_app = desk:app\n"
    status, text = run(tmp_path, "--strict-markers", desk=ONE_STEP, test_it=test, pytest=ini)
    assert 1 == status, text
    assert "1 failed, 2 passed" in text
    assert "The call so far" in text
    assert 'says "Hello"' in text


def test_a_phone_without_an_app_says_how_to_name_one(tmp_path: Path) -> None:
    status, text = run(tmp_path, test_it="def test_it(phone): pass")
    assert 1 == status
    assert "write a fixture `app`" in text


def test_chaos_finds_what_passes_without_and_prints_how_to_repeat_it(
    tmp_path: Path, server: EmbeddedServer
) -> None:
    test = """
        import importlib
        import desk
        import pytest

        @pytest.fixture
        def app():
            return lambda: importlib.reload(desk).app

        def test_it(phone):
            phone.dial()
            phone.press("1")
            phone.press("2")
            phone.hear("You pressed 1")
    """
    database = ("--reception-database", server.dsn(user="postgres"))
    status, text = run(tmp_path, *database, desk=DIALOG, test_it=test)
    assert 0 == status, text
    status, text = run(tmp_path, *database, "--chaos", "--chaos-seed=17")
    assert 1 == status, text
    assert "KeyError" in text
    assert "chaos seed 17" in text
    assert "pytest test_it.py::test_it --chaos --chaos-seed=17" in text
