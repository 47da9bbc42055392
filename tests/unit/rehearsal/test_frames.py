"""Where a dialog stands: what makes two places one, and what keeps them apart."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

from reception.rehearsal.frames import state_of
from reception.rehearsal.liveness import live_at


class Pause:
    """Something to wait at."""

    def __await__(self) -> Generator[None, Any, Any]:
        answer = yield
        return answer


def use(*values: object) -> None:
    """Read variables."""


def standing(function: Callable[..., Coroutine[Any, Any, Any]], *answers: Any) -> Any:
    """The state after these answers."""
    coroutine = function()
    coroutine.send(None)
    for answer in answers:
        coroutine.send(answer)
    state = state_of(coroutine)
    coroutine.close()
    return state


async def looping() -> None:
    kept = await Pause()
    while True:
        choice = await Pause()
        use(choice, kept)


async def counting() -> None:
    for _ in range(3):
        await Pause()


async def listing() -> None:
    for each in ["a", "a", "a"]:
        await Pause()
        use(each)


async def adding() -> None:
    use(await Pause(), await Pause())


async def calling() -> None:
    async def inner(level: int) -> None:
        await Pause()
        use(level)

    await inner(1)
    await inner(2)


def test_a_variable_that_is_written_before_it_is_read_does_not_count() -> None:
    assert standing(looping, "k", "1") == standing(looping, "k", "2")
    assert standing(looping, "k", "1") == standing(looping, "k", "2", "3")


def test_a_variable_that_is_read_later_counts() -> None:
    assert standing(looping, "k", "1") != standing(looping, "other", "1")


@pytest.mark.parametrize("function", [counting, listing, calling])
def test_a_loop_and_a_called_function_are_somewhere_else_each_time(
    function: Callable[..., Coroutine[Any, Any, Any]],
) -> None:
    assert standing(function, None) == standing(function, None)
    assert standing(function) != standing(function, None)


def test_the_middle_of_an_expression_counts() -> None:
    assert standing(adding, "1") == standing(adding, "1")
    assert standing(adding, "1") != standing(adding, "2")


def test_objects_that_do_not_tell_themselves_apart_count_by_their_class() -> None:
    async def holding() -> None:
        thing = object()
        await Pause()
        use(thing)

    assert standing(holding) == standing(holding)


def test_a_place_that_is_not_known_has_every_variable() -> None:
    assert {"choice", "kept"} == live_at(looping.__code__, 10_000)
