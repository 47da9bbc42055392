"""What the keeper of the database does when starting goes wrong; the real server is elsewhere."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from reception.bootstrap.database import DATABASE, Keeper, State
from reception.errors import NeedsHuman


class Scripted:
    """A server whose starts go as they are told to."""

    def __init__(self, *starts: NeedsHuman | Exception | int) -> None:
        self._starts = list(starts)
        self.pid: int | None = None
        self.stopped_with: list[float] = []
        self.cancelled = threading.Event()

    def start(self) -> None:
        outcome = self._starts.pop(0) if self._starts else 99
        if isinstance(outcome, int):
            self.pid = outcome
        else:
            raise outcome

    def cancel(self) -> None:
        self.cancelled.set()

    def is_alive(self) -> bool:
        return self.pid is not None

    def keep_log_small(self) -> None:
        pass

    def stop(self, *, timeout_s: float = 8.0) -> None:
        self.pid = None
        self.stopped_with.append(timeout_s)


def until(condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 5.0
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.01)
    return True


Prepare = Callable[[Callable[[], bool]], None]
Begin = Callable[..., Keeper]


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    wake, waker = socket.socketpair()
    with wake, waker:
        yield wake, waker


@pytest.fixture
def begin(sockets: tuple[socket.socket, socket.socket]) -> Iterator[Begin]:
    keepers: list[Keeper] = []

    def begun(server: Scripted, prepare: Prepare = lambda _: None) -> Keeper:
        keepers.append(Keeper(server, prepare, sockets[1]))
        keepers[-1].begin()
        return keepers[-1]

    yield begun
    for keeper in keepers:
        keeper.stop(0.0)
        keeper.join(5.0)


FULL = NeedsHuman("store.no_space", "the disk is full")


def test_what_may_pass_is_tried_again(
    begin: Begin, sockets: tuple[socket.socket, socket.socket]
) -> None:
    server = Scripted(FULL, FULL, 7)
    keeper = begin(server)
    assert until(lambda: keeper.state is State.READY)
    assert "" == keeper.problem
    assert set(sockets[0].recv(100)) == {DATABASE}
    keeper.stop(3.0)
    keeper.join(5.0)
    assert keeper.has_ended
    assert State.STOPPED is keeper.state
    assert [3.0] == server.stopped_with


@pytest.mark.parametrize("code", ["store.in_use", "store.older_major", "store.account"])
def test_what_only_a_human_can_change_ends_it(begin: Begin, code: str) -> None:
    keeper = begin(Scripted(NeedsHuman(code, "do something")))
    assert until(lambda: keeper.has_ended)
    assert (State.REFUSED, "do something") == (keeper.state, keeper.problem)


def test_a_schema_that_does_not_fit_ends_it(begin: Begin) -> None:
    def refuse(_: Callable[[], bool]) -> None:
        raise NeedsHuman("store.schema", "run the newer version")

    server = Scripted()
    keeper = begin(server, refuse)
    assert until(lambda: keeper.has_ended)
    assert (State.REFUSED, "run the newer version") == (keeper.state, keeper.problem)
    assert server.pid is None


@pytest.mark.parametrize(
    "problem", [NeedsHuman("store.left_over", "end it"), OSError(24, "Too many open files")]
)
def test_a_server_that_was_ready_once_is_never_given_up(begin: Begin, problem: Exception) -> None:
    server = Scripted(1, problem, 2)
    prepared: list[int | None] = []
    keeper = begin(server, lambda _: prepared.append(server.pid))
    assert until(lambda: keeper.state is State.READY)
    server.pid = None  # it died
    assert until(lambda: server.pid == 2)
    assert until(lambda: keeper.state is State.READY)
    assert [1] == prepared
    keeper.stop(0.0)
    keeper.join(5.0)


def test_a_server_that_cannot_be_asked_is_not_given_up(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reception.bootstrap.database._ASK_EVERY_S", 0.0)
    server = Scripted(1, 2)
    asked = threading.Event()

    def is_alive() -> bool:
        if not asked.is_set():
            asked.set()
            raise OSError(5, "Input/output error")
        return True

    server.is_alive = is_alive  # type: ignore[method-assign]  # once it cannot be asked
    keeper = begin(server)
    assert asked.wait(5.0)
    assert until(lambda: server.pid == 2)
    assert until(lambda: keeper.state is State.READY)
    assert not keeper.has_ended


def test_a_fault_of_ours_is_told_and_leaves_no_server(begin: Begin) -> None:
    server = Scripted(RuntimeError("a bug"))
    keeper = begin(server)
    assert until(lambda: keeper.has_ended)
    assert State.REFUSED is keeper.state
    assert "RuntimeError" in keeper.problem
    assert server.stopped_with


def test_a_stop_before_it_is_up_cancels_the_start(begin: Begin) -> None:
    server = Scripted()
    waiting = threading.Event()

    def wait(is_cancelled: Callable[[], bool]) -> None:
        waiting.set()
        assert until(is_cancelled)
        raise NeedsHuman("store.schema", "ended in the middle")

    keeper = begin(server, wait)
    assert waiting.wait(5.0)
    keeper.stop(1.0)
    assert server.cancelled.is_set()
    keeper.join(5.0)
    assert State.STOPPED is keeper.state
    assert "" == keeper.problem
