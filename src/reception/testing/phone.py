"""
`Phone`: calls an app in process, as the platform would, and says what came of it.

The rule this file keeps: what a caller can do is a method that blocks until the call stands
still again, and raises where the app failed meanwhile. What is asserted is asserted here,
with the transcript in the failure. How the call, the line and the server work is elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NoReturn, Self

import msgspec

from reception.callflow import Flow, flow
from reception.errors import AppError
from reception.face.app import App
from reception.simulator.call import CallSetup, Platform
from reception.simulator.reading import Response
from reception.simulator.script import parse_script
from reception.simulator.world import Ring
from reception.testing.caller import Act, GoAway, Listen, Press, WaitUntil
from reception.testing.failure import PhoneFailure, shortened, told, transcript_of
from reception.testing.ledger import Failure
from reception.testing.line import difference, same
from reception.testing.machine import machine
from reception.testing.records import Effect, Heard, Job, Posted, Rang, heard_in, rang_in
from reception.testing.trial import Trial

Function = Callable[..., Any] | str
Text = str | re.Pattern[str]

_KEYS: Final = re.compile(r"[0-9*#]+")
open_phones: Final[set[Phone]] = set()
"""Every phone that was not closed yet, for whoever ends a test."""


class Phone:
    """
    A phone that calls `app`, without sockets; time passes only where the call needs it.

    Every method that lets the call go on returns where it stands still: at a prompt, a
    question, a ringing phone, or its end. One that finds something else than it was asked
    for raises `PhoneFailure`, an `AssertionError` with the transcript. So does an app that
    raises, or whose reply the platform would reject (see `expecting_failure`).

    Args:
        app: the app; or a function that makes one, which is called anew for every server, so
            that nothing of the app's survives a restart either.
        at: when the first call begins, aware; the server's clock follows. Now, if left out.
        deadline_s: within which the app must answer, in real seconds.
    """

    def __init__(
        self, app: App | Callable[[], App], *, at: datetime | None = None, deadline_s: float = 2.0
    ) -> None:
        self._trial: Final = Trial(
            app, at=_aware(at) if at is not None else None, deadline_s=deadline_s
        )
        self._heard_at = (0, 0)
        self._rang_at = 0
        self._expected: list[Failure] | None = None
        open_phones.add(self)

    # --- what the caller does ---------------------------------------------------------------------

    def dial(
        self,
        number: str = "+15559876543",
        *,
        caller: str | None = "+15551234567",
        caller_name: str | None = None,
        user: str | None = None,
        language: str = "en-us",
        variables: Mapping[str, Any] | None = None,
        sip_headers: Mapping[str, Any] | None = None,
        platform: Platform = 4,
        at: datetime | None = None,
    ) -> None:
        """
        Call the app; returns where the caller first hears something, or something rings.

        Args:
            number: what is dialled; caller: who calls, None for a withheld number.
            caller_name: as the network sends it.
            user: the owner of the calling device; outside callers have none.
            language: of the account.
            variables, sip_headers: the call's application variables and SIP headers.
            platform: the version to imitate.
            at: when the call begins, aware; else when the last one ended, or now.
        """
        __tracebackhide__ = True
        if self.is_on_call:
            self._fail("The last call is still on: hang up first")
        open_phones.add(self)  # closed at the end of a test, and used in the next
        self._rang_at = 0
        self._heard_at = (0, 0)
        setup = CallSetup(
            call_id=f"test-{os.urandom(8).hex()}",
            from_number=caller or "anonymous",
            to_number=number,
            caller_name=caller_name,
            caller_number=caller,
            user_ids=(user,) if user else (),
            language=language,
            sip_headers=sip_headers or {},
            application_vars=variables or {},
        )
        self._trial.begin(_aware(at) if at is not None else None)
        machine().do(self._trial.place(setup, platform, Listen(lambda: True)))
        self._check()

    def press(self, keys: str, *, at_once: bool = False) -> None:
        """
        Press keys: when the caller is next asked for some; with `at_once` here and now.

        Prompts before the question are heard to their end. To interrupt a prompt, `hear` it
        and press `at_once`.
        """
        __tracebackhide__ = True
        if not _KEYS.fullmatch(keys):
            raise ValueError(f"{keys!r} cannot be typed: use 0-9, * and #")
        if not at_once:
            self._go_to_question(f"Nobody asks for a key, so {keys} is not pressed")
        self._go(Press(keys), f"press {keys}")

    def say_nothing(self) -> None:
        """Let the next question pass without a key."""
        __tracebackhide__ = True
        self._go_to_question("Nobody asks for a key")
        self._go(Press(""), "say nothing")

    def wait(self, seconds: float) -> None:
        """Let time pass, whatever happens meanwhile."""
        __tracebackhide__ = True
        self._go(WaitUntil(self._trial.now_ms + _ms(seconds)), "wait")

    def hang_up(self) -> None:
        """Hang up, here and now; the dialog hears of it before this returns."""
        __tracebackhide__ = True
        self._go(GoAway(), "hang up")

    def wait_for_end(self) -> str:
        """Stay on the line without pressing a key until the call ends; gives `outcome`."""
        __tracebackhide__ = True
        if self.is_on_call or self.outcome is None:
            self._go(Listen(lambda: False, past_questions=True), "wait")
        if self.outcome is None:
            self._fail("The call does not end by itself")
        return self.outcome

    # --- what the caller finds --------------------------------------------------------------------

    def hear(self, what: Text) -> str:
        """
        Listen until this is heard: part of a spoken text, or of a recording's id or URL.

        What was heard before the last key, or before what `hear` found last, does not count.

        Gives the whole of what was heard, and leaves the caller in the middle of it.
        """
        __tracebackhide__ = True
        if self._found(what) is None and self.is_on_call:
            self._go(Listen(lambda: self._found(what) is not None), "listen")
        found = self._found(what)
        if found is None:
            since = self.heard[self._heard_at[0] :]
            heard = "\n".join(f"  {one.text!r}" for one in since) or "  nothing"
            self._fail(
                f"The caller does not hear {_quoted(what)}.\n\nHeard instead:\n{heard}\n\n"
                f"Now: {self._trial.state}"
            )
        index, end = found
        self._heard_at = index, end
        return self.heard[index].text

    def has_heard(self, what: Text) -> bool:
        """Was this heard in this call? Lets no time pass."""
        return any(_end_of(what, one.text, 0) is not None for one in self.heard)

    def rings(self, who: str) -> Rang:
        """Let the call go on until this user, device or number rings; stops while it rings."""
        __tracebackhide__ = True
        if self._rung(who) is None and self.is_on_call:
            self._go(Listen(lambda: self._rung(who) is not None), "listen")
        index = self._rung(who)
        if index is None:
            rang = "\n".join(f"  {one.kind} {one.id}" for one in self.rang) or "  nothing"
            self._fail(f"{who} does not ring.\n\nRang:\n{rang}\n\nNow: {self._trial.state}")
        self._rang_at = index + 1
        return self.rang[index]

    def ran(self, function: Function, *args: Any) -> Any:
        """
        Give what a function given to ``call.step`` returned, which ran once in this call.

        Args:
            function: itself, or its name.
            args: what it must have been called with; not looked at where there are none.
        """
        __tracebackhide__ = True
        found = self._runs_of(function)
        if len(found) != 1:
            times = "did not run" if not found else f"ran {len(found)} times"
            self._fail(f"{_name(function)} {times}.\n\nRan:\n{self._effects_shown()}")
        (run,) = found
        if args and args != run.args:
            self._fail(f"{run.name} ran with other arguments: {run.args!r}, not {args!r}")
        if run.error is not None:
            self._fail(f"{run.name} raised {run.error!r} (see `phone.effects`)")
        if not run.is_done:
            self._fail(f"{run.name} is still running")
        return run.result

    def did_not_run(self, function: Function) -> None:
        """See that a function was not run by ``call.step`` in this call."""
        __tracebackhide__ = True
        if self._runs_of(function):
            self._fail(f"{_name(function)} ran.\n\nRan:\n{self._effects_shown()}")

    def enqueued(self, task: Function, *args: Any, **kwargs: Any) -> Job:
        """Give the one job for `task` that ``call.enqueue`` has committed in this call."""
        __tracebackhide__ = True
        found = [job for job in self.jobs if job.is_of(task)]
        asked_for = args or kwargs
        if len(found) != 1 or (asked_for and (args, kwargs) != (found[0].args, found[0].kwargs)):
            shown = "\n".join(f"  {_called(job.task, job.args, job.kwargs)}" for job in self.jobs)
            asked = _called(_name(task), args, kwargs) if asked_for else _name(task)
            shown = shown or "  nothing"
            self._fail(f"{asked} was not enqueued once.\n\nEnqueued:\n{shown}")
        return found[0]

    @contextmanager
    def expecting_failure(self) -> Iterator[list[Failure]]:
        """
        Within, the app may fail, and the caller gets what a caller gets then.

        Gives the list of failures, and raises where there was none.
        """
        __tracebackhide__ = True
        expected: list[Failure] = []
        self._expected = expected
        try:
            yield expected
        finally:
            self._expected = None
        if not expected:
            self._fail("The app was expected to fail, and did not")

    # --- what the others do -----------------------------------------------------------------------

    def answers(self, who: str = "", *, after_s: float = 3.0, talk_s: float = 10.0) -> None:
        """
        Have this phone answer when it rings, and talk.

        `who` is an id or a number; "" every phone without a line of its own. Further calls
        for the same phone count one after another, the last one for good. Of phones that
        nobody spoke of it is assumed that they answer.
        """
        ring = Ring(_ms(after_s), answered=True, talk_ms=_ms(talk_s))
        self._trial.script.rings.setdefault(who, []).append(ring)

    def busy(self, who: str = "") -> None:
        """Have this phone be busy."""
        self.given(f"busy {who}")

    def no_answer(self, who: str = "") -> None:
        """Have nobody answer this phone."""
        self.given(f"noanswer {who}")

    def rejects(self, who: str = "") -> None:
        """Have somebody reject the call at this phone."""
        self.given(f"reject {who}")

    def given(self, *lines: str) -> None:
        """
        Say what phones, mailboxes, menus and recordings do, in the lines of a phone script.

        ``phone.given("missing 101", "lasts welcome.wav 2.5", "voicemail leave 10")``: see
        ``reception phone --help``.
        """
        read = parse_script("\n".join(lines))
        if read.actions:
            raise ValueError("what the caller does is a method of the phone, not a line")
        script = self._trial.script
        for who, rings in read.rings.items():
            script.rings.setdefault(who, []).extend(rings)
        script.mailboxes += read.mailboxes
        script.media_ms.update(read.media_ms)
        script.menus.update(read.menus)

    # --- the server -------------------------------------------------------------------------------

    def restart_server(self) -> None:
        """
        Replace the server by a new one: nothing that it had in its memory survives.

        As in a deployment, effects that are running come to their end first. Variables of
        your modules live on, since the process does: give `Phone` a function that makes the
        app where that matters.
        """
        __tracebackhide__ = True
        machine().do(self._trial.line.restart())
        self._check()

    def duplicate_last(self, copies: int = 1) -> None:
        """
        Send the last request again, so many times at once: each must get the same bytes.

        A first request counts as a copy for 10 s of the call's clock, and three times at
        most; after that it is another call of the dialog, as on a real server.
        """
        __tracebackhide__ = True
        if not self.requests:
            self._fail("There was no request yet")
        last = self.requests[-1]
        first = Response(last.status, (), last.reply)
        for reply in machine().do(self._trial.line.again(copies)):
            if not same(first, reply):
                self._fail(
                    "A copy of the last request was answered differently.\n"
                    + difference(first, reply)
                )
        self._check()

    # --- what is known ----------------------------------------------------------------------------

    @property
    def is_on_call(self) -> bool:
        """Is a call going on?"""
        return self._trial.is_on_call

    @property
    def outcome(self) -> str | None:
        """How the call ended: ``hangup``, ``bridged``, ``caller_hung_up`` …; None before."""
        ending = self._trial.ending
        return ending.outcome.name.lower() if ending is not None else None

    @property
    def now(self) -> datetime:
        """The time, for the call and for the server: aware, UTC."""
        return self._trial.now

    @property
    def flow(self) -> Flow:
        """The callflow of the last reply."""
        __tracebackhide__ = True
        if not self.requests:
            self._fail("There was no reply yet")
        last = self.requests[-1]
        try:
            return flow.raw(msgspec.json.decode(last.reply))
        except (AppError, msgspec.DecodeError, TypeError) as error:
            raise PhoneFailure(self._told(f"The last reply is no callflow: {last}")) from error

    @property
    def heard(self) -> list[Heard]:
        """Everything the caller heard in this call."""
        return heard_in(self._trial.entries)

    @property
    def rang(self) -> list[Rang]:
        """Everything that rang in this call."""
        return rang_in(self._trial.entries)

    @property
    def effects(self) -> list[Effect]:
        """Every run of a function given to ``call.step``, in this call."""
        return list(self._trial.ledger.effects)

    @property
    def jobs(self) -> list[Job]:
        """Every job that ``call.enqueue`` has committed in this call."""
        return list(self._trial.ledger.jobs)

    @property
    def requests(self) -> list[Posted]:
        """Every request that the platform made in this call, with its reply."""
        return list(self._trial.line.posted)

    @property
    def transcript(self) -> str:
        """The call so far, a line for each thing that happened."""
        return transcript_of(self._trial.entries)

    @property
    def chaos_command(self) -> str:
        """How to have the same chaos again; "" where there is none."""
        chaos = self._trial.chaos
        return chaos.command if chaos is not None else ""

    # --- the life of the phone --------------------------------------------------------------------

    def close(self) -> None:
        """Put the phone away: what is going on is dropped, and the server stopped."""
        open_phones.discard(self)
        machine().do(self._trial.drop())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Phone of {self._trial.name}>"

    # --- parts ------------------------------------------------------------------------------------

    def _go_to_question(self, otherwise: str) -> None:
        """Let the call go on to a question; from there on counts what is heard."""
        __tracebackhide__ = True
        if not self._trial.is_asked:
            self._go(Listen(lambda: False), "listen")
        if not self._trial.is_asked:
            self._fail(f"{otherwise}.\n\nNow: {self._trial.state}")

    def _go(self, act: Act, words: str) -> None:
        __tracebackhide__ = True
        trial = self._trial
        if not trial.is_on_call:
            ended = f"has ended ({self.outcome})" if self.outcome else "was not dialled"
            self._fail(f"The caller cannot {words}: the call {ended}")
        if not isinstance(act, Listen | WaitUntil):
            self._heard_at = len(self.heard), 0
        machine().do(trial.go(act))
        self._check()

    def _check(self) -> None:
        """Raise what went wrong on the other side, unless that is expected."""
        __tracebackhide__ = True
        failures = self._trial.new_failures()
        if self._expected is not None:
            self._expected += failures
        elif failures:
            first = failures[0]
            if first.error is None:
                self._fail(first.words)
            notes = "".join(f"\n({note})" for note in getattr(first.error, "__notes__", ()))
            words = f"{first.words}: {type(first.error).__name__}: {first.error}{notes}"
            raise PhoneFailure(self._told(words)) from shortened(first.error)

    def _fail(self, words: str) -> NoReturn:
        __tracebackhide__ = True
        raise PhoneFailure(self._told(words))

    def _told(self, words: str) -> str:
        return told(words, self._trial.entries, self.chaos_command)

    def _found(self, what: Text) -> tuple[int, int] | None:
        """Where it was heard, after what counts no more: which one, and where in it it ends."""
        first, begin = self._heard_at
        for index, one in enumerate(self.heard[first:], first):
            end = _end_of(what, one.text, begin if index == first else 0)
            if end is not None:
                return index, end
        return None

    def _rung(self, who: str) -> int | None:
        for index, one in enumerate(self.rang[self._rang_at :], self._rang_at):
            if one.is_of(who):
                return index
        return None

    def _runs_of(self, function: Function) -> list[Effect]:
        return [run for run in self.effects if run.is_of(function)]

    def _effects_shown(self) -> str:
        shown = (
            f"  {_called(run.name, run.args, {})} → {run.error if run.error is not None else run.result!r}"
            for run in self.effects
        )
        return "\n".join(shown) or "  nothing"


def _end_of(what: Text, text: str, begin: int) -> int | None:
    if isinstance(what, str):
        at = text.find(what, begin)
        return at + len(what) if at >= 0 else None
    found = what.search(text, begin)
    return found.end() if found else None


def _called(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    told = [*map(repr, args), *(f"{key}={value!r}" for key, value in kwargs.items())]
    return f"{name}({', '.join(told)})"


def _quoted(what: Text) -> str:
    return repr(what if isinstance(what, str) else what.pattern)


def _name(function: Function) -> str:
    if isinstance(function, str):
        return function
    return getattr(function, "__name__", None) or type(function).__name__


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("give a time that knows its zone: datetime(…, tzinfo=UTC)")
    return at.astimezone(UTC)
