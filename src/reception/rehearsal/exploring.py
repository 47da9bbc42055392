"""
Explores a dialog by trying: breadth first over answers, branches and given results.

How it works: each place is reached by running the dialog from its beginning with a journal of
made-up answers, by the engine that serves calls. Nothing happens: results of steps are those
that were given, and a step without one is where its way ends. The clock stands still, chance
gives its lowest number, the platform's tokens are full. Places that are the same (`frames`)
are visited once. One thing really runs: a handler that is no dialog is called as it is.

Bounded by a number of places and of answers in a row; what was cut off is told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from reception.dialog import (
    Arrival,
    Ask,
    Catalogue,
    DialogDrift,
    Effect,
    Effects,
    Entries,
    Facts,
    Journal,
    Operation,
    Outcome,
    Returned,
    Run,
    Sandbox,
    Sleep,
    StepOp,
    Suspended,
    collection_of,
)
from reception.dialog.lines import place_in_traceback
from reception.dialog.prompts import Prompt
from reception.dialog.values import Result, value_read
from reception.errors import AppError
from reception.face.app import App
from reception.face.conversation import Conversation
from reception.rehearsal.answers import SILENCE, Tries, Try, tries_of
from reception.rehearsal.frames import state_of
from reception.rehearsal.graph import Graph, Node, flag_loops, smallest
from reception.rehearsal.own_urls import own_url, step_url
from reception.rehearsal.replies import Exit, grow, heard
from reception.rehearsal.tapped import Tap, tapped
from reception.wire import Digits, PivotRequest

_EPISODE: Final = "explored-episode"
_ANSWER: Final = "(the answer)"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far to go: places in all, and answers in a row."""

    most_places: int = 400
    deepest: int = 40


@dataclass(frozen=True, slots=True)
class Way:
    """How a place is reached: what is in the journal, and what arrives."""

    request: PivotRequest
    arrival: Arrival = field(default_factory=Arrival)
    committed: tuple[bytes, ...] = ()
    before: tuple[bytes, ...] = ()
    results: Mapping[str, bytes] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    answers: int = 0


class _Noted(Catalogue):
    """A catalogue that notes what was heard."""

    __slots__ = ("_inner", "keys_heard")

    def __init__(self, inner: Catalogue) -> None:
        self._inner: Final = inner
        self.keys_heard: Final[set[str]] = set()

    def node(self, key: str, params: Mapping[str, Any], language: str) -> Any:
        self.keys_heard.add(key)
        return self._inner.node(key, params, language)


class Explorer:
    """
    Explores one application, once.

    Args:
        stubs: by name of a function (``module:name`` or ``name``), what it may return: results
            as `dialog.Effect` writes them; all are tried.
        known: texts of the application's code, as entries to try.
        now: what `call.now` gives.
    """

    def __init__(
        self,
        app: App,
        *,
        request: PivotRequest,
        now: datetime,
        sandbox: Sandbox,
        stubs: Mapping[str, Sequence[tuple[str, bytes]]] | None = None,
        known: Collection[str] = (),
        prompts: Collection[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self._tap: Final = Tap()
        self._app: Final = tapped(app, self._tap)
        self._request: Final = request
        self._now: Final = now
        self._sandbox: Final = sandbox
        self._stubs: Final = stubs or {}
        self._known: Final = known
        self._prompts: Final = prompts
        self._limits: Final = limits or Limits()
        self._noted: Final = _Noted(app.catalogue) if app.catalogue is not None else None
        self._graph: Final = Graph()
        self._places: Final[dict[Hashable, int]] = {}
        self._waiting: Final[deque[tuple[Way, int, str]]] = deque()
        self._outcomes: list[str] = []
        self._unknown: Final[dict[str, None]] = {}
        self._cuts: Final[dict[str, None]] = {}

    def explore(self) -> Graph:
        """Explore; the same application gives the same graph every time."""
        graph = self._graph
        graph.nodes.append(Node("start", (f"call to {self._app.name}",)))
        self._waiting.append((Way(self._request), 0, ""))
        while self._waiting:
            way, came_from, label = self._waiting.popleft()
            number = self._arrived(way)
            graph.nodes[came_from].edges.append((label, number))
        graph.unknown = tuple(self._unknown)
        graph.cuts = list(self._cuts)
        if self._noted is not None:
            graph.unheard = tuple(sorted(set(self._prompts) - self._noted.keys_heard))
        small = smallest(graph)
        flag_loops(small)
        return small

    # --- one place --------------------------------------------------------------------------------

    def _arrived(self, way: Way) -> int:
        """Run the dialog to a place; gives its number, and has what follows be tried."""
        if len(self._graph.nodes) >= self._limits.most_places:
            self._cuts[f"more than {self._limits.most_places} places: see --most-places"] = None
            return self._cut()
        if way.answers > self._limits.deepest:
            self._cuts[f"more than {self._limits.deepest} answers in a row: see --deepest"] = None
            return self._cut()
        self._tap.clear()
        self._outcomes.clear()
        conversation: Conversation | None = None
        try:
            conversation = self._conversation(way)
            outcome = self._outcome(conversation)
            where = state_of(self._tap.coroutine) if not isinstance(outcome, Returned) else ()
        except Exception as error:  # noqa: BLE001  whatever the application raises is shown
            return self._failed(error)
        finally:
            if conversation is not None:
                conversation.park()
        self._note_holding_prompts()
        self._note_assumptions()
        if isinstance(outcome, Effects):
            return self._at_effects(way, outcome, where)
        assert isinstance(outcome, (Suspended, Returned))  # nothing else comes of a pivot
        # Steps have numbers, and places have none.
        told = outcome.reply.render().decode()
        told = told.replace(collection_of(_EPISODE, way.arrival.step_no + 1), _ANSWER)
        reply = msgspec.json.decode(told)
        committed = (*way.committed, outcome.entries.encode())
        if isinstance(outcome, Returned):
            return self._at_return(way, outcome, reply, committed)
        return self._at_question(way, reply, committed, (told, where))

    def _at_question(
        self, way: Way, reply: Any, committed: tuple[bytes, ...], key: Hashable
    ) -> int:
        operation = self._tap.last
        lines = heard(reply)
        following = way.arrival.step_no + 1
        if isinstance(operation, Run):
            number, is_new = self._place(("run", key), Node("run", lines, _line(operation)))
            if is_new:
                for outcome in dict.fromkeys(self._outcomes):
                    label = outcome or "_"
                    self._try(way, number, label, Arrival(following, {}, outcome), committed)
            return number
        if isinstance(operation, Sleep):
            node = Node("sleep", (*lines, f"silence for {operation.seconds} s"), _line(operation))
            number, is_new = self._place(("sleep", key), node)
            if is_new:
                self._try(way, number, "", Arrival(following), committed)
            return number
        assert isinstance(operation, Ask)  # nothing else suspends
        lines = lines or ("(a question without words)",)
        if operation.label:
            lines = (*lines, f"({operation.label})")
        number, is_new = self._place(("ask", key), Node("ask", lines, _line(operation)))
        if not is_new:
            return number
        node = self._graph.nodes[number]
        try:
            tries = tries_of(operation, self._known)
        except AppError as error:
            node.edges.append(("an entry", self._failed(error)))
            tries = Tries((Try(SILENCE, ""),))
        if tries.is_guess:
            node.lines = (*node.lines, "(no entry was found that is valid)")
            self._cuts["a question for which no valid entry was found"] = None
        if tries.left_out:
            node.lines = (*node.lines, f"({tries.left_out} more valid answers)")
            self._cuts["a question with too many valid answers"] = None
        for label, keys in tries.tries:
            digits = {collection_of(_EPISODE, following): keys} if keys else {}
            self._try(way, number, label, Arrival(following, digits), committed)
        return number

    def _at_effects(self, way: Way, outcome: Effects, where: Hashable) -> int:
        effect = outcome.effects[0]
        label = next(
            (each.label for each in self._steps() if each.function is effect.function), effect.op
        )
        values = self._stubs.get(label, self._stubs.get(label.partition(":")[2], ()))
        # What is in the reply so far goes out later, so it belongs to the place.
        pending = [
            (entry.kind, entry.label, entry.digest, bytes(entry.value))
            for entry in Entries.decode(effect.before).entries
        ]
        place = _line(self._tap.last)
        shown = f"call.step({label.partition(':')[2]})"
        # Of a gather, what is in already.
        family = effect.op.partition(".")[0] + "."
        beside = [result for op, result in sorted(way.results.items()) if op.startswith(family)]
        key = ("step", label, tuple(pending), where, tuple(beside))
        if not values:
            self._unknown[label] = None
            return self._place(key, Node("unknown", (shown, "its result is not known"), place))[0]
        number, is_new = self._place(key, Node("step", (shown,), place))
        if is_new:
            for words, result in values:
                if self._is_misfit(label, words, result, effect):
                    continue
                results = {**way.results, effect.op: result}
                before = (*way.before, effect.before)
                self._waiting.append((replace(way, results=results, before=before), number, words))
        return number

    def _is_misfit(self, label: str, words: str, result: bytes, effect: Effect) -> bool:
        """Is this nothing that the step could have returned?"""
        given = Result.decode(result)
        try:
            if given.is_ok:
                value_read(given.value, effect.function)
        except (msgspec.MsgspecError, TypeError, ValueError) as problem:
            name = label.partition(":")[2]
            self._cuts[f"--step {name}={words} is not what {name} returns: {problem}"] = None
            return True
        return False

    def _at_return(
        self, way: Way, outcome: Returned, reply: Any, committed: tuple[bytes, ...]
    ) -> int:
        entries = outcome.entries.entries
        key = ("return", msgspec.json.encode(reply), outcome.comes_back and bool(entries))
        known = self._places.get(key)
        if known is not None:
            return known
        number, exits = grow(self._graph, reply, self._line_of_return())
        self._places[key] = number
        for each in exits:
            self._leave(way, each, committed)
        return number

    def _leave(self, way: Way, leaving: Exit, committed: tuple[bytes, ...]) -> None:
        """Go where a pivot in a returned flow goes: to another handler, or to our own URL."""
        for label, typed in leaving.tries():
            digits = Digits(typed)
            request = msgspec.structs.replace(way.request, digits=digits)
            if leaving.params is None:
                arrival = Arrival(way.arrival.step_no + 1, typed, leaving.outcome)
                onward = Way(request, arrival, committed, answers=way.answers + 1)
            else:
                onward = Way(
                    request, Arrival(0, typed), params=leaving.params, answers=way.answers + 1
                )
            self._waiting.append((onward, leaving.number, label))

    # --- parts ------------------------------------------------------------------------------------

    def _try(
        self, way: Way, number: int, label: str, arrival: Arrival, committed: tuple[bytes, ...]
    ) -> None:
        onward = Way(way.request, arrival, committed, params=way.params, answers=way.answers + 1)
        self._waiting.append((onward, number, label))

    def _place(self, key: Hashable, node: Node) -> tuple[int, bool]:
        known = self._places.get(key)
        if known is not None:
            return known, False
        self._graph.nodes.append(node)
        number = self._places[key] = len(self._graph.nodes) - 1
        return number, True

    def _cut(self) -> int:
        return self._place("cut", Node("cut", ("not explored any further",)))[0]

    def _failed(self, error: Exception) -> int:
        trace = error.__traceback__
        while trace is not None and _is_ours(trace.tb_frame.f_globals.get("__name__")):
            trace = trace.tb_next
        place = place_in_traceback(trace, trace.tb_frame.f_code.co_filename) if trace else None
        line = error.line if isinstance(error, DialogDrift) else str(place or "")
        words = f"{type(error).__name__}: {error}".partition("\n")[0]
        node = Node("fails", (words, "the caller gets the fallback"), line, ["the dialog fails"])
        return self._place(("fails", words, line), node)[0]

    def _steps(self) -> list[StepOp[Any]]:
        found: list[StepOp[Any]] = []
        for operation in self._tap.operations:
            parts: Sequence[Operation[Any]] = getattr(operation, "parts", (operation,))
            found += [part for part in parts if isinstance(part, StepOp)]
        return found

    def _note_holding_prompts(self) -> None:
        if self._noted is not None:
            for step in self._steps():
                if isinstance(step.while_, Prompt):
                    self._noted.keys_heard.add(step.while_.key)

    def _note_assumptions(self) -> None:
        """Time and chance have one value here, and more in life."""
        kinds = {operation.kind for operation in self._tap.operations}
        if "now" in kinds:
            self._cuts[f"call.now() was {self._now:%Y-%m-%dT%H:%M} all the time: see --now"] = None
        if "random" in kinds:
            self._cuts["call.random() gave its lowest number all the time"] = None

    def _line_of_return(self) -> str:
        return _line(self._tap.last)

    def _outcome(self, conversation: Conversation) -> Outcome:
        if conversation.runs == "thread":
            value = conversation.call()
            if hasattr(value, "__await__"):
                value = asyncio.run(_awaited(value))
            return conversation.finish(value)
        if conversation.runs == "loop":
            return asyncio.run(conversation.open())
        return conversation.advance()

    def _conversation(self, way: Way) -> Conversation:
        journal = Journal.load(way.committed, before_effects=way.before, results=dict(way.results))
        return Conversation(
            self._app,
            way.request,
            history=journal,
            arrival=way.arrival,
            facts=self._facts(way),
            pivot_url=own_url,
            params=way.params,
            call_id=way.request.call_id,
        )

    def _facts(self, way: Way) -> Facts:
        return Facts(
            episode=_EPISODE,
            url=self._url,
            fallback=self._app.fallback,
            now=lambda: self._now,
            entropy=bytes,
            language=way.request.language or "",
            catalogue=self._noted,
            app_version=self._app.version,
            sandbox=self._sandbox,
        )

    def _url(self, step_no: int, outcome: str) -> str:
        self._outcomes.append(outcome)
        return step_url(0, outcome)


async def _awaited(value: Any) -> Any:
    return await value


def _line(operation: Operation[Any] | None) -> str:
    return str(operation.place) if operation is not None and operation.place else ""


def _is_ours(module: object) -> bool:
    return str(module).startswith("reception.") and not str(module).startswith(
        "reception.frontdesk"
    )
