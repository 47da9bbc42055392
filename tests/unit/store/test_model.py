"""Any sequence of requests, through either of two nodes, against a model of one page."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from reception.store.steps import PostgresSteps
from tests.unit.store.conftest import serving
from tests.unit.store.records import NOW, TENANT, opening, step

Action = tuple[Literal["open", "commit", "end"], int, int, int]

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 1), st.integers(0, 1), st.integers(0, 12)),
        st.tuples(st.just("commit"), st.integers(0, 1), st.integers(0, 5), st.integers(0, 4)),
        st.tuples(st.just("end"), st.integers(0, 1), st.integers(0, 5), st.just(0)),
    ),
    min_size=4,
    max_size=25,
)


class Episode:
    """What the model knows of one."""

    def __init__(self, name: str, body: int, at_s: int) -> None:
        self.name, self.body, self.at_s = name, body, at_s
        self.replies = [b"0"]
        self.copies = 0
        self.has_ended = False


class Model:
    """What should happen, in the simplest words."""

    def __init__(self, run: int) -> None:
        self.call = f"call {run}"
        self.prefix = f"r{run}."
        self.episodes: list[Episode] = []
        self.clock_s = 0

    def open(self, body: int) -> tuple[str, str]:
        for each in reversed(self.episodes):
            if each.body == body and self.clock_s - each.at_s <= 10:
                each.copies += 1
                return ("duplicate" if each.copies <= 3 else "too_many"), each.name
        for each in self.episodes:
            each.has_ended = True
        name = f"{self.prefix}{len(self.episodes)}"
        self.episodes.append(Episode(name, body, self.clock_s))
        return "opened", name

    def commit(self, number: int, step_no: int, reply: bytes) -> tuple[str, bytes | None]:
        if number >= len(self.episodes):
            return "refused", None
        episode = self.episodes[number]
        if step_no < len(episode.replies):
            return "duplicate", episode.replies[step_no]
        if episode.has_ended:
            return "ended", None
        if step_no > len(episode.replies):
            return "refused", None
        episode.replies.append(reply)
        return "stored", None

    def end(self, number: int) -> bool:
        if number >= len(self.episodes) or self.episodes[number].has_ended:
            return False
        self.episodes[number].has_ended = True
        return True


async def _compare(nodes: list[PostgresSteps], run: int, actions: list[Action]) -> None:
    model = Model(run)
    for place, (what, node, one, two) in enumerate(actions):
        steps = nodes[node]
        if what == "open":
            model.clock_s += two
            name = f"{model.prefix}{len(model.episodes)}"
            new = opening(name, model.call, digest=bytes([one]), after_s=model.clock_s)
            opened = await steps.open(new, step(name, 0, b"0"))
            assert model.open(one) == (opened.fate, opened.episode)
        elif what == "commit":
            reply = b"%d" % place
            committed = await steps.commit(step(f"{model.prefix}{one}", two, reply))
            stored = committed.step.reply if committed.step else None
            assert model.commit(one, two, reply) == (committed.fate, stored)
        else:
            ended = await steps.end(
                TENANT, f"{model.prefix}{one}", cause="hangup", now=NOW + timedelta(seconds=place)
            )
            assert model.end(one) == ended
    for each in model.episodes:
        history = await nodes[0].load(TENANT, each.name, 0)
        assert history is not None
        assert len(each.replies) == len(history.steps)
        assert each.has_ended == (history.end is not None) == (history.episode.ended_at is not None)


def test_two_nodes_behave_like_the_model(dsn: str) -> None:
    runs = 0

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def connected() -> list[PostgresSteps]:
            return [await stack.enter_async_context(serving(dsn)) for _ in range(2)]

        nodes = runner.run(connected())

        @settings(max_examples=40)
        @given(ACTIONS)
        def compare(actions: list[Action]) -> None:
            nonlocal runs
            runs += 1
            runner.run(_compare(nodes, runs, actions))

        try:
            compare()
        finally:
            runner.run(stack.aclose())
