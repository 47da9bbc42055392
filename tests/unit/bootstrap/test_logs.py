"""What a log line may hold, and how it looks."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from reception.bootstrap import logs


@pytest.fixture(autouse=True)
def _loggers_are_put_back() -> Iterator[None]:
    names = ("uvicorn.error", "asyncio")
    before = [(logging.getLogger(name).handlers, logging.getLogger(name).level) for name in names]
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    for name, (handlers, level) in zip(names, before, strict=True):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = handlers, True
        logger.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    printed = capsys.readouterr()
    assert "" == printed.out
    return [json.loads(line) for line in printed.err.splitlines()]


def test_a_line_is_one_json_object_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(worker=3)
    structlog.get_logger().warning("voice.deadline", tenant="acme", call="c-1", ms=2000.1)
    (line,) = lines(capsys)
    assert line.pop("time")
    assert {
        "event": "voice.deadline",
        "level": "warning",
        "tenant": "acme",
        "call": "c-1",
        "ms": 2000.1,
        "worker": 3,
    } == line


def test_a_key_that_is_not_listed_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger().error("voice.x", caller_name="Ann", url="/?key=s", body=b"x", code="a.b")
    (line,) = lines(capsys)
    assert {"event", "level", "time", "code"} == set(line)


def test_a_logger_that_was_used_follows_the_next_set_up() -> None:
    logs.configure()
    logger = structlog.stdlib.get_logger("reception.server")
    logger.warning("server.first")
    logs.configure()
    with capture_logs() as captured:
        logger.warning("server.second")
    assert ["server.second"] == [event["event"] for event in captured]


def test_what_libraries_say_comes_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    try:
        raise ValueError("a guest's name")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Failed for %s", "a guest's name")
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 1)
    (line,) = lines(capsys)
    assert "Failed for %s" == line["text"]
    assert "ValueError" == line["error"]
    assert str(line["where"]).startswith("test_logs.py:")
    assert "guest's" not in json.dumps(line)
