"""
One call, as the code of an application sees it.

A `Call` is made anew for every request and holds nothing that must outlive it. It reads
what the platform sent, and makes the operations that a dialog awaits: each method below says
what it asks for, checks it on the developer's line, and leaves the rest to the engine. It
knows no transport: how a URL back to this application looks is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal, TypeVar, TypeVarTuple, Unpack, overload
from urllib.parse import urlencode

from reception import dialog
from reception.callflow import Flow, flow
from reception.dialog import Operation, Prompt, PromptLike, Secret, Stage, Valid
from reception.dialog.asking import question_of
from reception.dialog.lines import caller
from reception.dialog.running import within
from reception.errors import AppError
from reception.face import refusals
from reception.wire import PivotRequest

PivotUrl = Callable[[Mapping[str, str]], str]

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
Ts = TypeVarTuple("Ts")


class Call:
    """
    The call that asks "what next?".

    What is awaited is an operation of the dialog: its answer is journaled, and the same on
    every replay. A dialog awaits nothing else (see the tutorial on dialogs).

    Attributes:
        request: everything the platform sent (`PivotRequest`). In a dialog that is what it
            began with, at every step; what came since is what `ask` and `run` gave.
        params: what the URL carried beside the tenant and its credentials, as
            `pivot_url` put it there or as the voice URL was configured; names and
            values are text, the first of a repeated name counts.
    """

    __slots__ = ("_id", "_pivot_url", "_stage", "params", "request")

    def __init__(
        self,
        request: PivotRequest,
        *,
        params: Mapping[str, str],
        pivot_url: PivotUrl,
        stage: Stage | None = None,
        call_id: str | None = None,
    ) -> None:
        self.request: Final = request
        self.params: Final = params
        self._pivot_url = pivot_url
        self._stage = stage
        self._id = call_id

    # --- what the platform sent -------------------------------------------------------------------

    @property
    def id(self) -> str:
        """
        The platform's Call-ID of the caller's leg; "" when it sent none.

        In a dialog it is the one that it began with, also after a transfer renamed the call.
        """
        return self._id if self._id is not None else self.request.call_id or ""

    @property
    def caller_number(self) -> str:
        """Who calls, as the platform sent it: often E.164, "anonymous" when withheld."""
        return self.request.caller_id_number or ""

    @property
    def caller_name(self) -> str:
        """The caller's name as sent by the network; text from a stranger."""
        return self.request.caller_id_name or ""

    @property
    def dialled(self) -> str:
        """The number that was dialled (Request): E.164 for outside numbers, else an extension."""
        return self.request.request or ""

    @property
    def language(self) -> str:
        """The language of the call, like "en-us"; "" when the platform sent none."""
        return self.request.language or ""

    def pivot_url(self, **params: str) -> str:
        """
        The absolute URL that brings this call back to this application.

        Give it to `flow.pivot(url=…)`. The given `params` are in `call.params` of the
        next request. They travel in a URL, which the platform logs: no names, no
        numbers, no digits that a caller typed.

        Errors:
            AppError("app.pivot_url"): a parameter name that Reception keeps for itself.
        """
        url = self._pivot_url(params)
        if self._stage is not None:
            self._stage.own_urls[url] = f"own:{urlencode(sorted(params.items()))}"
        return url

    # --- talking to the caller --------------------------------------------------------------------

    @overload
    def ask(
        self,
        prompt: PromptLike | None = None,
        *,
        max_digits: int = 1,
        valid: Valid = None,
        terminator: str | None = None,
        timeout_s: float = 5.0,
        interdigit_s: float = 2.0,
        typeahead: bool = False,
        retries: int = 0,
        nothing_heard: PromptLike | None = None,
        not_valid: PromptLike | None = None,
        secret: Literal[False] = False,
    ) -> Operation[str]: ...
    @overload
    def ask(
        self,
        prompt: PromptLike | None = None,
        *,
        max_digits: int = 1,
        valid: Valid = None,
        terminator: str | None = None,
        timeout_s: float = 5.0,
        interdigit_s: float = 2.0,
        typeahead: bool = False,
        retries: int = 0,
        nothing_heard: PromptLike | None = None,
        not_valid: PromptLike | None = None,
        secret: Literal[True],
    ) -> Operation[Secret]: ...
    def ask(
        self,
        prompt: PromptLike | None = None,
        *,
        max_digits: int = 1,
        valid: Valid = None,
        terminator: str | None = None,
        timeout_s: float = 5.0,
        interdigit_s: float = 2.0,
        typeahead: bool = False,
        retries: int = 0,
        nothing_heard: PromptLike | None = None,
        not_valid: PromptLike | None = None,
        secret: bool = False,
    ) -> Operation[Any]:
        """
        Ask the caller for keys: ``choice = await call.ask("Press 1 or 2", valid="12")``.

        Gives the keys, or "" when after all retries nothing valid was typed. Answers the
        call: from here on the caller pays.

        Args:
            prompt: a text to speak, ``flow.play(…)``, ``flow.tts(…)``, several of them in a
                row, or ``prompt("key")`` of the catalogue. Valid keys interrupt it.
            max_digits: with so many keys the entry is complete.
            valid: the keys that an answer may hold (``"12"``), whole answers
                (``{"101", "102"}``), or a function of the entry that is true for good ones.
            terminator: the key that ends an entry early, and is no part of it. Left out, it
                is ``#``, or another key where ``#`` is valid.
            timeout_s: how long to wait for the first key. After keys pressed during the
                prompt it is waited for anew.
            interdigit_s: how long to wait for each further key.
            typeahead: let keys count that were pressed before the question. Without it they
                are dropped, so that an old key cannot answer a new question.
            retries: how often to ask again; prompt and waiting begin anew.
            nothing_heard, not_valid: what to say before asking again.
            secret: gives a `Secret`: never journaled, never logged, erased on the platform
                with the next reply. Hand it to ``call.step(verify, secret)`` at once.

        Errors:
            AppError: keys that cannot be typed, no key left to end the entry, a prompt that
            is none: raised where it is called.
            CallEnded: the caller has gone.
        """
        stage = self._on_stage("ask")
        question = question_of(
            prompt,
            max_digits,
            valid,
            terminator,
            timeout_s,
            interdigit_s,
            typeahead,
            retries,
            nothing_heard,
            not_valid,
            secret,
        )
        return dialog.Ask(stage, question, valid)

    def play(self, prompt: Flow | Prompt | str) -> Operation[None]:
        """
        Queue media for the next reply: ``await call.play(WELCOME)``; no extra round trip.

        Args:
            prompt: a media id or URL, ``flow.play(…)`` (or several prompts in a row), or
                ``prompt("key")``. No key interrupts it unless it names ``terminators``.
        """
        stage = self._on_stage("play")
        if isinstance(prompt, str):
            refusals.check_media(prompt)
            prompt = flow.play(prompt)
        return dialog.Play(stage, dialog.checked(prompt, "call.play"))

    def say(
        self, text: str | Prompt, *, language: str | None = None, voice: str | None = None
    ) -> Operation[None]:
        """
        Queue a text for the next reply, 1 to 1,000 characters; no extra round trip.

        Texts that follow one another, and the text of a question behind them, are spoken as
        one.
        """
        stage = self._on_stage("say")
        if isinstance(text, str) and (language is not None or voice is not None):
            return dialog.Say(stage, flow.tts(text, language=language, voice=voice))
        return dialog.Say(stage, dialog.checked(text, "call.say"))

    def run(self, flow: Flow, *, outcomes: Sequence[str] = ()) -> Operation[str]:
        """
        Run a flow and come back: ``why = await call.run(flow.user(AGENT, timeout=20))``.

        Gives the branch by which it came back: ``"USER_BUSY"``, ``"NO_ANSWER"`` …, ``"_"``
        where there is only the default one, and ``"NO_ANSWER/USER_BUSY"`` through a branch
        that you wrote. A call that was answered does not come back: the dialog ends.

        Args:
            flow: any flow; where the platform would have nothing to go on with, it comes back.
            outcomes: further branches to come back from, as the keys of a menu: ``("1", "2")``.

        Errors:
            AppError("dialog.no_way_back"): the flow always ends the call: return it instead.
            CallEnded: the caller has gone.
        """
        stage = self._on_stage("run")
        refusals.check_run(flow, outcomes)
        return dialog.Run(stage, flow, tuple(outcomes))

    def sleep(self, seconds: float) -> Operation[None]:
        """Let the caller wait in silence, 0.001 s to a day; keys pressed meanwhile are lost."""
        stage = self._on_stage("sleep")
        refusals.check_sleep(seconds)
        return dialog.Sleep(stage, seconds)

    def tag(self, **values: Any) -> Operation[None]:
        """
        Set application variables with the next reply.

        They come back with every later request, in webhooks and in the call's record: no
        guest data. "" and None erase a name.
        """
        stage = self._on_stage("tag")
        refusals.check_tag(values)
        flow.set_variables(values)
        return dialog.Tag(stage, values)

    # --- the world --------------------------------------------------------------------------------

    @overload
    def step(
        self,
        fn: Callable[[Unpack[Ts]], Awaitable[T]],
        /,
        *args: *Ts,
        key: str | None = None,
        while_: PromptLike | None = None,
        while_max_s: float = 60.0,
        timeout_s: float | None = None,
    ) -> Operation[T]: ...
    @overload
    def step(
        self,
        fn: Callable[[Unpack[Ts]], T],
        /,
        *args: *Ts,
        key: str | None = None,
        while_: PromptLike | None = None,
        while_max_s: float = 60.0,
        timeout_s: float | None = None,
    ) -> Operation[T]: ...
    def step(
        self,
        fn: Callable[[Unpack[Ts]], Any],
        /,
        *args: *Ts,
        key: str | None = None,
        while_: PromptLike | None = None,
        while_max_s: float = 60.0,
        timeout_s: float | None = None,
        **named: object,
    ) -> Operation[Any]:
        """
        Do something to the world, and journal the result: ``await call.step(crm.find, number)``.

        `fn` runs outside of the dialog: an ``async def`` on the event loop, a ``def`` in a
        thread. What it returns or raises is what every replay gets, in the type that it says
        it returns; without one only plain JSON values pass.

        It runs **at least once**: once in all ordinary cases, also when the request comes
        twice; again when the process dies after it began and before its result was stored.
        What must not happen twice has to recognise `key`.

        Args:
            args: for `fn`, by position (`functools.partial` gives it others).
            key: names the effect, the same for every attempt; Reception makes one where it
                is left out. `fn` finds it in ``current_step().key``; give it to systems that
                de-duplicate by such a key.
            while_: what the caller hears when it takes longer than the deadline, 2 s or more
                of it; repeated until the result is there. Without it that is the fallback.
            while_max_s: how long the caller is held at most; then the fallback.
            timeout_s: how long one attempt may take, a minute if left out; then it raises
                TimeoutError here. An ``async def`` is cancelled; a ``def`` cannot be, and goes on
                in its thread, although nobody hears of its result.
        """
        stage = self._on_stage("step")
        if named:
            raise refusals.named("step", named, "key, while_, while_max_s and timeout_s")
        refusals.check_step(fn, key, while_, while_max_s, timeout_s)
        return dialog.StepOp(
            stage,
            fn,
            args,
            key=key,
            while_=while_,
            while_max_s=while_max_s,
            timeout_s=timeout_s,
        )

    @overload
    def enqueue(
        self, task: Callable[[Unpack[Ts]], object], /, *args: *Ts, after_s: float = 0.0
    ) -> Operation[None]: ...
    @overload
    def enqueue(self, task: str, /, *args: object, after_s: float = 0.0) -> Operation[None]: ...
    def enqueue(
        self,
        task: Callable[[Unpack[Ts]], object] | str,
        /,
        *args: *Ts,
        after_s: float = 0.0,
        **named: object,
    ) -> Operation[None]:
        """
        Have work done in the background: committed with this step, done at least once.

        Args:
            task: a function that can be found by its name, or the name of a task.
            args: plain JSON values, by position (`functools.partial` gives it others).
            after_s: how long to wait first.
        """
        stage = self._on_stage("enqueue")
        if named:
            raise refusals.named("enqueue", named, "after_s")
        found: Callable[..., object] | str = task
        given: tuple[Any, ...] = args
        by_name: dict[str, Any] = {}
        # A worker finds the function by its name: what a partial holds must travel with it.
        while isinstance(found, partial):
            given, by_name = (*found.args, *given), {**found.keywords, **by_name}
            found = found.func
        refusals.check_task(found, given, by_name, after_s)
        return dialog.Enqueue(stage, found, given, by_name, after_s)

    @overload
    def gather(self, /) -> Operation[tuple[()]]: ...
    @overload
    def gather(self, a: Operation[T1], b: Operation[T2], /) -> Operation[tuple[T1, T2]]: ...
    @overload
    def gather(
        self, a: Operation[T1], b: Operation[T2], c: Operation[T3], /
    ) -> Operation[tuple[T1, T2, T3]]: ...
    @overload
    def gather(
        self, a: Operation[T1], b: Operation[T2], c: Operation[T3], d: Operation[T4], /
    ) -> Operation[tuple[T1, T2, T3, T4]]: ...
    @overload
    def gather(self, /, *operations: Operation[T]) -> Operation[tuple[T, ...]]: ...
    def gather(self, /, *operations: Operation[Any]) -> Operation[Any]:
        """
        Run several steps at once: ``a, b = await call.gather(call.step(f), call.step(g))``.

        Gives their results in order, ``()`` where there are none. When some fail, all are
        waited for, and the first one's error is raised.

        Errors:
            AppError("dialog.gather"): an operation that waits for the caller is among them.
        """
        stage = self._on_stage("gather")
        refusals.check_gather(operations)
        return dialog.Gather(stage, operations)

    def now(self) -> Operation[datetime]:
        """The time: aware, UTC, journaled."""
        return dialog.Now(self._on_stage("now"))

    @overload
    def random(self) -> Operation[float]: ...
    @overload
    def random(self, low: int, high: int) -> Operation[int]: ...
    def random(self, low: int | None = None, high: int | None = None) -> Operation[Any]:
        """A number by chance, journaled: in [0, 1), or from `low` to `high`, both included."""
        stage = self._on_stage("random")
        return dialog.Random(stage, refusals.bounds(low, high))

    def token(self) -> Operation[str]:
        """32 hexadecimal digits that nobody can guess, journaled: for ids and keys."""
        return dialog.Token(self._on_stage("token"))

    # --- the life of the dialog -------------------------------------------------------------------

    def on_end(self, fn: Callable[[Unpack[Ts]], object], /, *args: *Ts) -> None:
        """
        Have `fn` run when the call has ended, as a `step`: once it is over, however it ended.

        The last one registered runs first. This is the place for clean-up: a ``finally`` runs
        at every question, because the dialog is put away there.
        """
        stage = self._on_stage("on_end")
        refusals.check_end(fn, args)
        stage.on_end.append((fn, args))

    @property
    def ending(self) -> bool:
        """Whether the call is over, so that only settling is left: for use in a ``finally``."""
        return self._stage is not None and self._stage.is_ending

    def changed(self, name: str) -> bool:
        """
        Guard a change of the code: ``if call.changed("vip menu"): new … else: old …``.

        True for calls that reach this point first with the new code, False for those that
        have passed it with the old one. No ``await``.
        """
        return self._on_stage("changed").changed(name)

    def _on_stage(self, method: str) -> Stage:
        stage = self._stage
        if stage is None:
            raise AppError(
                "dialog.not_here",
                f"call.{method} works in a dialog: an `async def` handler of an app that is"
                " served with a store. A plain `def` answers in one step, and so does what a"
                " decorator without functools.wraps makes of a dialog",
            )
        if within() is not None:
            raise AppError(
                "dialog.inside_step",
                f"call.{method} cannot be used inside a step, which runs once and outside of the"
                " dialog: await the function that asks by itself, as in `await book(call)`, and"
                " give call.step what talks to the world",
            )
        # Whoever called the method that calls this one.
        frame = caller(2)
        stage.spot = (frame.f_code, frame.f_lasti)
        return stage

    def __repr__(self) -> str:
        # Never the request: it holds what a caller said, and reprs end up in logs.
        return f"<Call {self.id!r}>"
