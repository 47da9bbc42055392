"""
The shape of a lint rule, and what every rule gets to see.

A rule is one small pure function. It yields what it found as (JSON path, words) and never
its own code: code, name and summary stand in the one table, `rules/__init__.py`. A rule
tolerates any value under any key: what the platform rejects is reported by the verdict,
so a rule looks only at values of the right type and passes over the rest.

Words to the developer follow one order: what is so, what the platform does with it, what
to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias

from reception.callflow.spec import SPECS, ModuleSpec
from reception.callflow.tree import Place, Tree

Found: TypeAlias = tuple[str, str]
"""A JSON path and the words about it."""

_LONGEST_KEY_COMPARED: Final = 40
_SHORTEST_PART: Final = 3
_SHORTEST_STEM: Final = 4


@dataclass(frozen=True, slots=True)
class Subject:
    """
    One flow under lint.

    Shape:
        root: the decoded JSON, whatever it is.
        tree: its nodes.
        platform: the version whose behaviour counts, 4 or 5.
        duplicate_paths: where the text repeated a key of the same object.
        broken_text_paths: where the bytes were no UTF-8.
    """

    root: object
    tree: Tree
    platform: Literal[4, 5]
    duplicate_paths: tuple[str, ...] = ()
    broken_text_paths: tuple[str, ...] = ()


EachCheck: TypeAlias = Callable[[Place, Subject], Iterator[Found]]
WholeCheck: TypeAlias = Callable[[Subject], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One line of the table.

    Shape:
        code: ``RC1xx``, never given to another rule later.
        name: short, lower case, for headings.
        summary: one sentence, what goes wrong.
        each: looks at one node; `modules` limits it to nodes of these modules.
        whole: looks at the flow as a whole. A rule has exactly one of the two.
    """

    code: str
    name: str
    summary: str
    each: EachCheck | None = None
    modules: frozenset[str] | None = None
    whole: WholeCheck | None = None


def spec_of(place: Place) -> ModuleSpec | None:
    """What is known of the node's module; None for a module that does not exist."""
    return SPECS.get(place.module)


def skipped(place: Place) -> bool:
    """Tell whether the platform passes over this node (``skip_module``)."""
    return place.data.get("skip_module") is True


def answers(place: Place) -> bool:
    """Tell whether running this node answers the call, so that billing starts."""
    spec = spec_of(place)
    if spec is None or not spec.answers or skipped(place):
        return False
    if place.module == "hotdesk":
        return place.data.get("action") == "logout"
    # Early media: the only answering module that can be told not to.
    return not (place.module == "play" and place.data.get("answer") is False)


def answered_before(place: Place) -> bool:
    """Tell whether a node above this one has certainly answered the call."""
    return any(answers(above) for above in place.ancestors())


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """
    Find the known word that `word` was probably meant to be, None if none is near.

    >>> did_you_mean("Timeout", ["timeout", "id"])
    'timeout'
    """
    if len(word) > _LONGEST_KEY_COMPARED:
        return None
    by_shape = {_shape(candidate): candidate for candidate in sorted(known)}
    shape = _shape(word)
    if shape in by_shape:
        return by_shape[shape]
    near = get_close_matches(shape, by_shape, n=1, cutoff=0.75)
    near = near or [part for part in word.split("_") if part in by_shape]
    near = near or [other for other in by_shape if _share_a_stem(shape, other)]
    return by_shape[min(near, key=len)] if near else None


def _share_a_stem(shape: str, other: str) -> bool:
    if len(shape) >= _SHORTEST_PART and (shape in other or other in shape):
        return len(other) >= _SHORTEST_PART
    return shape[:_SHORTEST_STEM] == other[:_SHORTEST_STEM] and len(shape) >= _SHORTEST_STEM


def _shape(word: str) -> str:
    return word.strip().casefold().replace("_", "").replace("-", "")
