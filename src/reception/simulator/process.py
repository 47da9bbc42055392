"""
A module at work: a coroutine with a mailbox.

On the platform every node runs in a process of its own. It gets the call's events from
the executor, one after another, in the order in which they came; those that come while it
does not listen wait. It may be killed at any moment. A module of ours is a coroutine that
waits with `receive` and `pause`; whatever else it awaits (the world: a person who is
asked what a phone does) is passed through to the event loop, and the call's clock stands
still meanwhile.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final

from reception.simulator.events import CallEvent
from reception.simulator.timeline import Timeline, Timer


class Crash(Exception):
    """
    The module dies of its data, as the platform's own does.

    Shape:
        reason: as the platform writes it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


class _Wait:
    """What a module waits for."""

    __slots__ = ("is_deaf", "until_ms")

    def __init__(self, until_ms: int | None, *, is_deaf: bool) -> None:
        self.until_ms = until_ms
        self.is_deaf = is_deaf

    def __await__(self) -> Generator[_Wait, CallEvent | None, CallEvent | None]:
        return (yield self)


class Process:
    """
    One module at work.

    Attributes:
        is_alive: it has neither ended nor been killed.
    """

    __slots__ = ("_coroutine", "_crashed", "_ended", "_mail", "_timeline", "_timer", "_wait")

    def __init__(
        self,
        timeline: Timeline,
        *,
        ended: Callable[[Process, Any], None],
        crashed: Callable[[Process, Crash], None],
    ) -> None:
        self._timeline = timeline
        self._ended = ended
        self._crashed = crashed
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._mail: deque[CallEvent] = deque()
        self._wait: _Wait | None = None
        self._timer: Timer | None = None

    @property
    def is_alive(self) -> bool:
        """It has neither ended nor been killed."""
        return self._coroutine is not None

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Begin, after what was said before."""
        self._coroutine = coroutine
        self._timeline.soon(lambda: self._run(None))

    def kill(self) -> None:
        """End it where it stands."""
        coroutine, self._coroutine = self._coroutine, None
        self._stop_waiting()
        if coroutine is not None:
            coroutine.close()

    def deliver(self, event: CallEvent) -> None:
        """Put an event into its mailbox."""
        if self._coroutine is None:
            return
        self._mail.append(event)
        wait = self._wait
        if wait is not None and not wait.is_deaf:
            self._stop_waiting()
            self._timeline.soon(self._run_with_mail)

    async def receive(self, until_ms: int | None = None) -> CallEvent | None:
        """Take the next event; None once `until_ms` is reached without one."""
        if self._mail:
            return self._mail.popleft()
        return await _Wait(until_ms, is_deaf=False)

    async def pause(self, for_ms: int) -> None:
        """Do nothing for a while; events wait in the mailbox."""
        await _Wait(self._timeline.now_ms + for_ms, is_deaf=True)

    # --- parts ------------------------------------------------------------------------------------

    async def _run_with_mail(self) -> None:
        # Killed in the meantime, or woken once already.
        if self._coroutine is not None and self._mail:
            await self._run(self._mail.popleft())

    async def _run(self, event: CallEvent | None) -> None:
        """Let it go on until it waits for something of the call, or ends."""
        coroutine = self._coroutine
        if coroutine is None:
            return
        try:
            wait = await _until_wait(coroutine, event)
        except Crash as crash:
            self._coroutine = None
            self._crashed(self, crash)
            return
        if self._coroutine is None:
            return
        if isinstance(wait, _Done):
            self._coroutine = None
            self._ended(self, wait.value)
            return
        self._wait = wait
        if wait.until_ms is not None:
            self._timer = self._timeline.at(wait.until_ms, self._time_out)

    def _time_out(self) -> Any:
        self._stop_waiting()
        return self._run(None)

    def _stop_waiting(self) -> None:
        self._wait = None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


@types.coroutine
def _until_wait(
    coroutine: Coroutine[Any, Any, Any], event: CallEvent | None
) -> Generator[Any, Any, _Wait]:
    """
    Run a module up to its next wait or its end, passing through what it awaits of the event loop.
    """
    try:
        asked = coroutine.send(event)
        while not isinstance(asked, _Wait):
            try:
                answer = yield asked
            except BaseException as error:  # noqa: BLE001  a cancelled loop cancels the module
                asked = coroutine.throw(error)
            else:
                asked = coroutine.send(answer)
    except StopIteration as stop:
        return _Done(stop.value)
    return asked


class _Done(_Wait):
    """The module ended."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        super().__init__(None, is_deaf=True)
        self.value = value
