"""
What the callers heard, and whether it can be explained.

Callers write down every answer; the checks compare that with what the store holds and with
what the effects wrote into their ledger. Here is no I/O: everything checked is a record, so
that a test can plant each kind of mistake and see it found.

What is held:

- whoever was acknowledged a step finds it stored, with the same bytes;
- a repeated request hears the same bytes;
- what was said once (a token, a time, a result, a key pressed) is said the same ever after;
- an effect runs again only when the process that ran it had died, and nothing of it was stored;
- no result is heard, or stored, that no effect has written;
- jobs are those of stored steps, each once; each end has one job and takes the last number.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import pairwise

Step = tuple[str, int]
"""Episode and number."""

RESULT = re.compile(r"e([^ \"#]+)#(\d+)#([0-9a-f]{8})")
LATE_S = 1.55
"""So long a caller waits before the service gives up what is not stored: its deadline less 0.4 s."""
_MOST_PROBLEMS = 50


@dataclass
class History:
    """
    Everything that callers heard.

    Attributes:
        acknowledged: digest of the reply, by step.
        results: words of effects that were heard.
        fallbacks: steps (or first requests, by their digest) that heard the fallback, and whether the
            deadline or an outage explains it.
        fallback: its digest.
        refused: steps that were refused although the caller came back as it was told.
        is_outage: there is no database just now, or it is about to come or to go.
        counts: what happened how often.
        problems: what cannot be explained.
    """

    acknowledged: dict[Step, bytes] = field(default_factory=dict)
    results: set[str] = field(default_factory=set)
    fallbacks: dict[Step, bool] = field(default_factory=dict)
    fallback: bytes = b""
    refused: set[Step] = field(default_factory=set)
    is_outage: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    say: Callable[[str], None] = field(default=lambda _: None, repr=False)
    _unchecked: set[Step] = field(default_factory=set)

    def problem(self, text: str) -> None:
        """Note what must not be."""
        self.counts["problems"] += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)
            self.say(f"PROBLEM {text}")

    def heard(self, step: Step, body: bytes) -> None:
        """Note the reply of a step; heard again, it must be the same."""
        digest = hashlib.sha256(body).digest()
        known = self.acknowledged.setdefault(step, digest)
        if known != digest:
            self.problem(f"step {step}: the reply has changed: {body[:300]!r}")
        else:
            self._unchecked.add(step)

    def fell_back(self, step: Step, body: bytes, took_s: float) -> None:
        """Note a fallback."""
        self.fallback = hashlib.sha256(body).digest()
        is_explained = self.is_outage or took_s >= LATE_S
        self.fallbacks[step] = self.fallbacks.get(step, False) or is_explained
        self.counts["fallbacks heard"] += 1

    def take_unchecked(self) -> set[Step]:
        """The steps that were acknowledged since this was asked the last time."""
        steps, self._unchecked = self._unchecked, set()
        return steps


@dataclass
class Conversation:
    """One call's words: they only ever grow."""

    history: History
    call_id: str
    words: tuple[str, ...] = ()

    def said(self, words: Sequence[str], pressed: str) -> None:
        """Compare a reply with what was said before it; `pressed` is the key that led to it."""
        spoken = tuple(words)
        before = len(self.words)
        if spoken[:before] != self.words:
            self.history.problem(f"call {self.call_id}: {self.words} became {spoken}")
        elif pressed and spoken[before : before + 1] != (f"a{pressed}",):
            self.history.problem(f"call {self.call_id}: the key {pressed} led to {spoken}")
        self.history.results.update(word for word in spoken[before:] if word.startswith("e"))
        self.words = spoken


def check_replies(
    history: History, steps: Iterable[Step], stored: Mapping[Step, bytes]
) -> Iterable[str]:
    """Whoever was acknowledged a step finds it stored, with the same bytes (their digest)."""
    for step in steps:
        digest = stored.get(step)
        if digest is None:
            yield f"step {step}: acknowledged, and not stored"
        elif digest != history.acknowledged[step]:
            yield f"step {step}: acknowledged with other bytes than are stored"


def check_fallbacks(history: History, stored: Mapping[Step, bytes]) -> Iterable[str]:
    """Where a fallback was heard no other reply is stored, unless the deadline or an outage says why."""
    for step, is_explained in history.fallbacks.items():
        digest = stored.get(step)
        kind = (
            "itself"
            if digest == history.fallback
            else "nothing"
            if digest is None
            else "another reply"
        )
        history.counts[f"fallbacks, in the store: {kind}"] += 1
        if kind == "another reply" and not is_explained:
            yield f"step {step}: the fallback was heard, another reply is stored"


def check_refusals(history: History, begun_anew: AbstractSet[str]) -> Iterable[str]:
    """
    A step is refused only where the same first request arrived once more, too late for a copy.

    That begins a new episode. It happens when no worker takes connections for ten seconds: what
    somebody has sent and given up waiting for is still read by the next one.
    """
    for episode, number in history.refused:
        if episode not in begun_anew:
            yield f"step {(episode, number)}: refused"


# --- effects --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One line of the ledger: an attempt has begun, or is done."""

    what: str
    key: str
    attempt: int
    nonce: str
    pid: int
    at: float

    @classmethod
    def read(cls, text: str) -> Line:
        what, key, attempt, nonce, pid, at = text.split()
        return cls(what, key, int(attempt), nonce, int(pid), float(at))


@dataclass(frozen=True)
class StoredEffect:
    """One effect in the store; `result` is the word that it returned, "" while it is running."""

    key: str
    state: str
    attempts: int
    result: str


def check_effects(
    ledger: Sequence[Line], effects: Sequence[StoredEffect], deaths: Mapping[int, float]
) -> Iterable[str]:
    """An effect runs again only when its process had died with nothing of it stored."""
    stored = {effect.key: effect for effect in effects}
    if len(stored) != len(effects):
        yield "two effects of one key are stored"
    runs: dict[str, list[Line]] = defaultdict(list)
    done = {(line.key, line.attempt, line.nonce) for line in ledger if line.what == "done"}
    for line in ledger:
        if line.what == "begun":
            runs[line.key].append(line)
    for key, begun in runs.items():
        effect = stored.get(key)
        if effect is None:
            yield f"effect {key}: it ran, and nobody had claimed it"
            continue
        begun.sort(key=lambda line: line.attempt)
        if len({line.attempt for line in begun}) != len(begun):
            yield f"effect {key}: an attempt was run twice"
        if begun[-1].attempt > effect.attempts:
            yield f"effect {key}: attempt {begun[-1].attempt} ran, {effect.attempts} are stored"
        for run, following in pairwise(begun):
            if deaths.get(run.pid, float("inf")) > following.at:
                yield f"effect {key}: attempt {following.attempt} began while {run.pid} lived"
        if effect.state != "running" and effect.result:
            last = begun[-1]
            if effect.result != f"e{key}#{last.attempt}#{last.nonce}":
                yield f"effect {key}: run again although {effect.result} was stored"
    for effect in effects:
        found = RESULT.fullmatch(effect.result)
        if found and (found[1], int(found[2]), found[3]) not in done:
            yield f"effect {effect.key}: {effect.result} is stored, and nobody did it"


def check_results(heard: Iterable[str], effects: Iterable[StoredEffect]) -> Iterable[str]:
    """What a caller was told is what is stored (and, by `check_effects`, was done)."""
    stored = {effect.result for effect in effects}
    yield from (f"{word} was heard, and is not stored" for word in heard if word not in stored)


def runs_again(ledger: Sequence[Line]) -> tuple[int, int, int]:
    """How many effects ran, how many were begun again, and how many of those came to an end twice."""
    begun = Counter(line.key for line in ledger if line.what == "begun")
    done = Counter(line.key for line in ledger if line.what == "done")
    return len(begun), sum(n > 1 for n in begun.values()), sum(n > 1 for n in done.values())


# --- episodes, jobs and ends ----------------------------------------------------------------------


@dataclass(frozen=True)
class StoredEpisode:
    """
    One episode in the store.

    Shape:
        steps: for each number what its journal enqueued: how many jobs.
        jobs: (number, task), as stored.
        end: the number of the row of the end; None where there is none.
        after_end: how many jobs its journal says that the ended dialog enqueued.
    """

    episode: str
    has_ended: bool
    steps: Mapping[int, int]
    jobs: Sequence[tuple[int, str]]
    end: int | None
    after_end: int = 0


def check_episode(row: StoredEpisode, *, end_task: str) -> Iterable[str]:
    """Numbers have no gaps; jobs are those of the steps; an end is whole, and the last."""
    numbers = sorted(row.steps)
    if numbers != list(range(len(numbers))):
        yield f"episode {row.episode}: its steps are {numbers}"
    wanted = Counter({number: count for number, count in row.steps.items() if count})
    if row.end is not None and row.after_end:
        wanted[row.end] += row.after_end
    found = Counter(number for number, task in row.jobs if task != end_task)
    if wanted != found:
        yield f"episode {row.episode}: jobs {dict(found)}, its steps say {dict(wanted)}"
    ends = [number for number, task in row.jobs if task == end_task]
    if row.has_ended != (row.end is not None) or ends != ([] if row.end is None else [row.end]):
        yield f"episode {row.episode}: ended {row.has_ended}, row {row.end}, jobs of ends {ends}"
    if row.end is not None and row.end != len(numbers):
        yield f"episode {row.episode}: the end is number {row.end} of {len(numbers)} steps"
