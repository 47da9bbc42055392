"""
The journal of one run: what is compared with the past, and what this step adds to it.

The rule this file keeps: an operation is looked up by its number, and either it is what the
journal has there or the dialog has drifted. What is new is appended once; what an effect of
this very step has written before (`Journal.unsent`) is appended again, because only the
step's own commit counts.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from reception.dialog.endings import DialogDrift
from reception.dialog.facts import Arrival
from reception.dialog.journal import Entries, Entry, Journal, State
from reception.dialog.lines import Place
from reception.dialog.operations import Operation
from reception.dialog.values import written
from reception.errors import AppError
from reception.wire import PivotRequest

# Far above any dialog between two questions: what runs on is a loop that asks nobody.
_MOST_NEW: Final = 1_000


class Recording:
    """
    The past of an episode, and the entries of the step that is being answered.

    Attributes:
        next_number: of the operation that comes next.
    """

    __slots__ = (
        "_arrival",
        "_journal",
        "_new",
        "_noted",
        "_request",
        "_version",
        "next_number",
    )

    def __init__(
        self,
        journal: Journal,
        arrival: Arrival,
        app_version: str,
        request: PivotRequest | None = None,
    ) -> None:
        self._request: Final = request
        self._journal: Final = journal
        self._arrival: Final = arrival
        self._version: Final = app_version
        self._new: Final[list[Entry]] = []
        self._noted: Final[set[str]] = set()
        for op in journal.unsent:
            entry = journal.entries[op]
            if entry.kind == "start":
                self._new.append(entry)
                self._noted.add(op)
        self.next_number = journal.base

    @property
    def has_started(self) -> bool:
        """Whether a handler took over in this very step, before an effect."""
        return any(entry.kind == "start" for entry in self._new)

    def start(self, handler: str | None, why: str) -> None:
        """Note that a handler begins here: ``next``, ``restart`` or ``drift`` is why."""
        number = max(self.next_number, self._journal.next_op())
        self._append(Entry(str(number), "start", handler or "", "", "done", written({"why": why})))
        self.next_number = number + 1

    def number(self) -> str:
        """Take the next number."""
        taken = self.next_number
        self.next_number += 1
        return str(taken)

    def known(self, op: str, operation: Operation[Any]) -> Entry | None:
        """
        What the journal has at a number.

        Errors:
            DialogDrift: something else.
        """
        entry = self._journal.entries.get(op)
        if entry is not None:
            self.compare(entry, operation)
        return entry

    def compare(self, entry: Entry, operation: Operation[Any]) -> None:
        """
        See that an operation is what the journal has.

        Errors:
            DialogDrift: it is something else.
        """
        if (
            entry.kind == operation.kind
            and entry.label == operation.label
            and entry.digest == operation.digest()
        ):
            return
        actual = operation.shown()
        if actual == entry.shown():
            actual += " with other arguments"
        raise self.drift(entry.op, entry.shown(), actual, operation.place)

    def peek(self) -> Entry | None:
        """What the journal has at the next number."""
        return self._journal.entries.get(str(self.next_number))

    def again(self, entry: Entry) -> None:
        """Append an entry of this step that an effect has written before."""
        if entry.op in self._journal.unsent:
            self._append(entry)

    def note(self, op: str, operation: Operation[Any], state: State, value: Any = None) -> Entry:
        """Append what is new."""
        raw = value if isinstance(value, msgspec.Raw) else written(value)
        entry = Entry(op, operation.kind, operation.label, operation.digest(), state, raw)
        self._append(entry)
        return entry

    def mark(self, entry: Entry) -> None:
        """Append an entry of the engine's own."""
        self._append(entry)

    def _append(self, entry: Entry) -> None:
        if entry.op in self._noted and entry.kind != "hold":
            self._new[:] = [old for old in self._new if old.op != entry.op or old.kind == "hold"]
        self._noted.add(entry.op)
        self._new.append(entry)
        if len(self._new) > _MOST_NEW:
            raise AppError(
                "dialog.endless",
                f"The dialog made {_MOST_NEW} operations without asking the caller anything: is"
                " there a loop that never ends?",
            )

    def entries(self, *more: Entry) -> Entries:
        """What this step adds, so far."""
        entries = (*self._new, *more)
        return Entries(self._arrival.step_no, self._version, entries, request=self._request)

    def rest(self) -> Entry | None:
        """The first entry of the present handler that was not asked for, if there is one."""
        return self.peek()

    def drift(self, op: str, recorded: str, actual: str, place: Place | None) -> DialogDrift:
        """Make the error for an operation that is not what the journal has."""
        line = str(place) if place else ""
        then, now = self._journal.app_version, self._version
        versions = f" The journal is of version {then!r}, this is {now!r}." if then != now else ""
        return DialogDrift(
            f"{line + ': ' if line else ''}step {self._arrival.step_no}, operation {op}: the"
            f" journal has {recorded}, and the code does {actual}.{versions} Either the code was"
            " changed while the call was under way (guard an intended change with"
            " `if call.changed('name'):`), or it depends on what the journal does not know: a"
            " clock, chance, a global (use call.now(), call.random(), call.step(…))",
            step_no=self._arrival.step_no,
            op=op,
            recorded=recorded,
            actual=actual,
            line=line,
        )
