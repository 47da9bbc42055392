"""
The pytest plugin of Reception: the fixture `phone`, and the option ``--chaos``.

pytest loads it wherever Reception is installed, also for projects that have nothing to do
with phones. So nothing of Reception is imported here before a test asks for it; that is why
this is a module beside the package, and not in it.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reception.testing import Phone

_CHAOS = "RECEPTION_TEST_CHAOS_SEED"
_DATABASE = "RECEPTION_TEST_DATABASE_URL"
_HOW = (
    "the fixture `phone` does not know which app it calls: write a fixture `app` that returns"
    " it, mark the test with @pytest.mark.phone(app), or set `reception_app = my_module:app` in"
    " pytest's configuration"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("reception", "Reception")
    group.addoption(
        "--chaos",
        action="store_true",
        help="repeat every request of a `phone`, also at the same time and on another node, and"
        " restart the server between steps",
    )
    group.addoption("--chaos-seed", metavar="N", help="have the same chaos again")
    group.addoption(
        "--reception-database",
        metavar="URL",
        help=f"PostgreSQL to test dialogs with, instead of one of our own (also ${_DATABASE})",
    )
    parser.addini("reception_app", "the app that the fixture `phone` calls: my_module:app")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "phone(app, **settings): which app the fixture `phone` calls, and how"
    )
    option = config.option
    if option.chaos or option.chaos_seed:
        # Also told to processes that pytest-xdist starts: they get the options.
        option.chaos_seed = option.chaos_seed or str(secrets.randbelow(2**32))
        _set(config, _CHAOS, option.chaos_seed)
    if option.reception_database:
        _set(config, _DATABASE, option.reception_database)


def _set(config: pytest.Config, name: str, value: str) -> None:
    """Tell phones by the environment, which needs no import, and take it back at the end."""
    before = os.environ.get(name)
    os.environ[name] = value

    def restore() -> None:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before

    config.add_cleanup(restore)


def pytest_report_header() -> str | None:
    seed = os.environ.get(_CHAOS)
    return (
        f"chaos seed {seed}; the same again: pytest --chaos --chaos-seed={seed}" if seed else None
    )


@pytest.fixture
def phone(request: pytest.FixtureRequest) -> Phone:
    """A phone that calls the app of the test: see `reception.testing.Phone`."""
    app, settings = _app_of(request)
    from reception.testing import Phone

    return Phone(app, **settings)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]  # what the others made
    phones = _open_phones() if report.when == "call" and report.failed else []
    is_told = call.excinfo is not None and call.excinfo.typename == "PhoneFailure"
    for one in phones:
        if one.transcript and not is_told:
            report.sections.append(("The call so far", one.transcript))
        if one.chaos_command and not is_told:
            report.sections.append(("The same chaos again", one.chaos_command))
    return report  # type: ignore[return-value]  # a wrapper returns what it was sent


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    for one in _open_phones():
        one.close()


def pytest_unconfigure() -> None:
    module = sys.modules.get("reception.testing.database")
    if module is not None:
        module.database.stop()


def _open_phones() -> list[Phone]:
    module = sys.modules.get("reception.testing.phone")
    return list(module.open_phones) if module is not None else []


def _app_of(request: pytest.FixtureRequest) -> tuple[Any, dict[str, Any]]:
    marker = request.node.get_closest_marker("phone")
    settings = dict(marker.kwargs) if marker is not None else {}
    if marker is not None and marker.args:
        return marker.args[0], settings
    target = request.config.getini("reception_app")
    try:
        return request.getfixturevalue("app"), settings
    except pytest.FixtureLookupError:
        if not target:
            raise pytest.UsageError(_HOW) from None
    from reception.bootstrap.target import load_app

    return load_app(str(target), request.config.rootpath), settings
