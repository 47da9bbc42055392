"""
What a developer cannot ask of a call, said on the line that asks.

The rule this file keeps: each check raises an AppError that says what to write instead, and
changes nothing. What only the journal or the platform can tell is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CoroutineType, MethodType
from typing import Any, Final

import msgspec

from reception.callflow import Flow
from reception.callflow.handing_over import NEXT_URL
from reception.dialog import (
    EPISODE_TAG,
    LONGEST_SLEEP_S,
    Operation,
    PromptLike,
    Secret,
    checked,
)
from reception.dialog.coming_back import with_ways_back
from reception.dialog.keeping import loss
from reception.dialog.lines import name_of, plain_function
from reception.errors import AppError

_WAITING = frozenset({"ask", "run", "sleep"})


def check_media(media: str) -> None:
    """No id and no URL has a space in it; a text has."""
    if " " in media.strip():
        raise AppError(
            "dialog.prompt",
            f"call.play takes a media id or a URL, not {media!r}: use call.say for a text",
        )


def check_tag(values: Mapping[str, object]) -> None:
    """One variable is ours: by it a call is known to come back."""
    if EPISODE_TAG in values:
        raise AppError(
            "dialog.tag", f"call.tag: {EPISODE_TAG} is Reception's own: take another name"
        )


def check_run(flow: object, outcomes: Sequence[str]) -> None:
    """Only a flow that can come back can be run."""
    if not isinstance(flow, Flow):
        raise AppError(
            "dialog.run", f"call.run takes a flow, as flow.user(…) makes one, not {_kind(flow)}"
        )
    if isinstance(outcomes, str):
        raise AppError("dialog.outcome", 'call.run: write outcomes=("1", "2"), a tuple of branches')
    rendered, given = flow.render(), tuple(outcomes)
    if (rendered, given) in _runnable:
        return
    if NEXT_URL.encode() in rendered:
        raise AppError(
            "dialog.run", "call.run: flow.pivot(next=…) hands over for good: return that flow"
        )
    with_ways_back(flow, lambda outcome: flow, given)
    if len(_runnable) >= _MOST_KNOWN:
        _runnable.clear()
    _runnable.add((rendered, given))


# A dialog asks again at every replay, and its flows are few.
_MOST_KNOWN: Final = 1_000
_runnable: Final[set[tuple[bytes, tuple[str, ...]]]] = set()


def check_sleep(seconds: object) -> None:
    """The platform sleeps a millisecond to a day."""
    if not _is_number(seconds) or not 0.001 <= seconds <= LONGEST_SLEEP_S:  # type: ignore[operator]  # a number
        raise AppError(
            "dialog.sleep", f"call.sleep({seconds!r}): seconds must be 0.001 to {LONGEST_SLEEP_S}"
        )


def check_step(
    fn: object,
    key: object,
    while_: PromptLike | None,
    while_max_s: object,
    timeout_s: object,
) -> None:
    """A step takes a function, not what calling it gave."""
    _check_function("step", fn)
    if key is not None and (not isinstance(key, str) or not 0 < len(key) <= 255):
        raise AppError("dialog.step", "call.step: key must be a text of 1 to 255 characters")
    if while_ is not None:
        checked(while_, "call.step(while_=)")
    if not _is_number(while_max_s) or not 0 < while_max_s <= 3600:  # type: ignore[operator]  # a number
        raise AppError("dialog.step", "call.step: while_max_s must be seconds, up to 3600")
    if timeout_s is not None and (not _is_number(timeout_s) or timeout_s <= 0):  # type: ignore[operator]  # a number
        raise AppError("dialog.step", "call.step: timeout_s must be seconds, more than 0")


def check_end(fn: object, args: tuple[Any, ...]) -> None:
    """What runs at the end is a step, and what was typed is not there any more."""
    _check_function("on_end", fn)
    if any(isinstance(arg, Secret) for arg in args):
        raise AppError(
            "dialog.on_end",
            "call.on_end: a Secret is gone when the call has ended; use it in a call.step where it"
            " arrives",
        )


def _check_function(method: str, fn: object) -> None:
    if callable(fn):
        return
    _is_closed(fn)
    raise AppError(
        "dialog.step",
        f"call.{method} takes a function and its arguments, as in call.{method}(crm.find, number),"
        f" not {_kind(fn)}",
    )


def check_task(
    task: Callable[..., object] | str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    after_s: object,
) -> None:
    """A worker must find the task by its name, and its arguments must survive being stored."""
    name = task if isinstance(task, str) else name_of(task) if callable(task) else ""
    if not name or "<" in name:
        raise AppError(
            "dialog.task",
            f"call.enqueue({name or task!r}): a worker finds a task by its name, so give a function"
            " that stands in a module, not a lambda or an inner one",
        )
    if callable(task) and _is_of_an_object(task):
        raise AppError(
            "dialog.task",
            f"call.enqueue({name}): a worker finds a task by its name, and has no such object: give a"
            " function that stands in a module, and what it needs as arguments",
        )
    if not _is_number(after_s) or after_s < 0:  # type: ignore[operator]  # a number
        raise AppError("dialog.task", "call.enqueue: after_s must be seconds, 0 or more")
    if any(isinstance(arg, Secret) for arg in (*args, *kwargs.values())):
        raise AppError("dialog.task", "call.enqueue: a Secret cannot be stored; use call.step")
    try:
        back_args, back_kwargs = msgspec.json.decode(msgspec.json.encode((args, kwargs)))
    except (TypeError, ValueError, OverflowError, RecursionError) as problem:
        raise AppError(
            "dialog.task", f"call.enqueue({name}): its arguments cannot be stored: {problem}"
        ) from None
    lost = loss(args, back_args, "args") or loss(kwargs, back_kwargs)
    if lost is not None:
        raise AppError(
            "dialog.task",
            f"call.enqueue({name}): its arguments are stored as JSON, and {lost}: give a text or a"
            " number, and make of it what you need in the task",
        )


def _is_of_an_object(task: Callable[..., object]) -> bool:
    plain = plain_function(task)
    owner = getattr(task, "__self__", None)
    is_bound = isinstance(task, MethodType) and not isinstance(owner, type)
    return is_bound or not hasattr(plain, "__qualname__")


def check_gather(operations: tuple[object, ...]) -> None:
    """Only what does not wait for the caller can happen at once."""
    for operation in operations:
        if not isinstance(operation, Operation):
            raise AppError("dialog.gather", _no_operation(operation))
        if operation.kind == "gather":
            raise AppError(
                "dialog.gather",
                "call.gather: a call.gather stands in it: give all operations to one call.gather",
            )
        if operation.kind in _WAITING:
            raise AppError(
                "dialog.gather",
                f"call.gather: call.{operation.kind} waits for the caller, who can do one thing at"
                " a time: await it by itself",
            )
    if len(set(map(id, operations))) < len(operations):
        raise AppError("dialog.gather", "call.gather: the same operation stands there twice")


def _no_operation(given: object) -> str:
    takes = f"call.gather takes call.step(…) and the like, not {_kind(given)}"
    if isinstance(given, (list, tuple, set, Iterator)):
        return f"{takes}: write call.gather(*operations)"
    if _is_closed(given):
        return (
            f"{takes}: a function that awaits operations of `call` is awaited by itself, and one that"
            " does not is given to call.step"
        )
    return takes


def named(method: str, given: Mapping[str, object], known: str) -> AppError:
    """Arguments for a function go by position, so that they cannot be taken for our own."""
    name = next(iter(given))
    return AppError(
        "dialog.named_argument",
        f"call.{method} has no {name!r}: it takes {known}. An argument of that name for the"
        f" function goes in by functools.partial: call.{method}(partial(fn, {name}=…), …)",
    )


def bounds(low: object, high: object) -> tuple[int, int] | None:
    """The bounds of a random number."""
    if low is None and high is None:
        return None
    if type(low) is not int or type(high) is not int or low > high:
        raise AppError("dialog.random", "call.random takes nothing, or two whole numbers: (1, 6)")
    return low, high


def _is_closed(given: object) -> bool:
    """Close a coroutine that nobody will await; False where it is none."""
    if not isinstance(given, CoroutineType):
        return False
    given.close()
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return "a coroutine" if isinstance(value, CoroutineType) else type(value).__name__
