"""What a step returned comes back as the same, or is refused by name."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, Optional
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from reception.dialog.failures import error_read
from reception.dialog.values import Result, digest_of, value_read, value_written
from reception.dialog.values import failure_written as failed
from reception.errors import AppError, NeedsHuman


@dataclass
class Guest:
    name: str
    since: date
    rooms: list[str]


@dataclass
class Room:
    name: str


class Model(msgspec.Struct):
    number: int


class Pair(NamedTuple):
    one: int
    two: str


class Colour(enum.Enum):
    RED = "red"


class LikePydantic:
    def __init__(self, value: int) -> None:
        self.value = value

    def model_dump(self, *, mode: str) -> dict[str, int]:
        return {"value": self.value}

    @classmethod
    def model_validate(cls, data: dict[str, int]) -> LikePydantic:
        return cls(data["value"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LikePydantic) and other.value == self.value

    __hash__ = None  # type: ignore[assignment]  # it is compared only


def returning(kind: Any) -> Any:
    def function() -> Any: ...

    function.__annotations__["return"] = kind
    return function


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Guest, Guest("Ada", date(2026, 1, 2), ["0101"])),
        (Optional[Guest], None),  # noqa: UP045  as older code says it
        (list[Guest], [Guest("Ada", date(2026, 1, 2), [])]),
        (Model, Model(3)),
        (Pair, Pair(1, "x")),
        (Colour, Colour.RED),
        (Decimal, Decimal("1.10")),
        (UUID, UUID(int=7)),
        (bytes, b"\x00\xff"),
        (datetime, datetime(2026, 1, 2, tzinfo=UTC)),
        (timedelta, timedelta(seconds=3)),
        (tuple[int, str], (1, "x")),
        (set[int], {1, 2}),
        (frozenset[str], frozenset({"x"})),
        (dict[int, str], {1: "x"}),
        (LikePydantic, LikePydantic(3)),
        (Guest | Room, Room("0101")),
        (Guest | Room | None, None),
        (Guest | LikePydantic | None, LikePydantic(3)),
        (Guest | list[Room] | str, [Room("0101")]),
        (None, None),
        (Awaitable[int], 3),
        (Any, {"a": [1, 2.5, "x", None, True]}),
    ],
)
def test_a_value_comes_back_in_the_type_that_was_promised(kind: Any, value: Any) -> None:
    function = returning(kind)
    result = Result.decode(value_written(function, value).encode())
    assert result.is_ok
    back = value_read(result.value, function)
    assert value == back
    assert type(value) is type(back)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Guest("Ada", date(2026, 1, 2), []), "annotate what it returns, as in `-> Guest`"),
        (Decimal(1), "-> Decimal"),
        ({1: "x"}, "-> dict"),
        (object(), "-> object"),
    ],
)
def test_without_a_promise_only_plain_values_pass(value: Any, words: str) -> None:
    result = value_written(returning(Any), value)
    assert not result.is_ok
    error = error_read(result.value)
    assert isinstance(error, AppError)
    assert words in error.message


@pytest.mark.parametrize(
    ("kind", "value"), [(object, object()), (int, "three"), (str, "\ud800"), (list[int], ["x"])]
)
def test_what_cannot_be_kept_or_breaks_its_promise_is_named(kind: Any, value: Any) -> None:
    result = value_written(returning(kind), value)
    assert not result.is_ok
    assert "dialog.step_result" == getattr(error_read(result.value), "code", "")


class Base(msgspec.Struct):
    name: str


class Derived(Base):
    room: str


@dataclass
class Row:
    extra: dict[str, Any]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (dict[str, Any], {"price": Decimal("1.5")}, "['price'] is a Decimal and comes back as str"),
        (dict[str, Any], {"at": datetime(2026, 1, 2, tzinfo=UTC)}, "['at'] is a datetime"),
        (dict[str, Any], {"rooms": [{"101"}]}, "['rooms'][0] is a set and comes back as list"),
        (dict[str, Any], {"by_room": {101: "x"}}, "the key 101 of ['by_room']"),
        (dict, {"a": Colour.RED}, "['a'] is a Colour"),
        (list, [b"x"], "[0] is a bytes"),
        (object, Decimal(1), "it is a Decimal"),
        (list[Any], [Pair(1, "x")], "[0] is a Pair and comes back as list"),
        (Row, Row({"day": date(2026, 1, 2)}), ".extra['day'] is a date"),
        (Base, Derived("a", "b"), "it is a Derived and comes back as Base"),
    ],
)
def test_what_the_annotation_does_not_name_is_not_changed_quietly(
    kind: Any, value: Any, words: str
) -> None:
    result = value_written(returning(kind), value)
    assert not result.is_ok
    error = error_read(result.value)
    assert isinstance(error, AppError)
    assert "dialog.step_result" == error.code
    assert words in error.message


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (float, 3),
        (Sequence[int], (1, 2)),
        (dict[str, Any], {"a": (1, 2.5, None, True, {"b": "c"})}),
        (str, "x"),
        (Mapping[date, Decimal], {date(2026, 1, 2): Decimal(1)}),
        (datetime, datetime(2026, 1, 2, tzinfo=ZoneInfo("Europe/Berlin"))),
    ],
)
def test_what_the_annotation_asks_for_is_no_loss(kind: Any, value: Any) -> None:
    function = returning(kind)
    result = value_written(function, value)
    assert result.is_ok, error_read(result.value)


class Odd(Exception):
    def __init__(self, *, room: str, handle: object) -> None:
        super().__init__(f"no {room}", handle)
        self.room = room
        self.handle = handle


@pytest.mark.parametrize(
    ("error", "check"),
    [
        (ValueError("x", 1), lambda e: e.args == ("x", 1)),
        (TimeoutError(), lambda e: e.args == ()),
        (KeyError("room"), lambda e: str(e) == "'room'"),
        (
            NeedsHuman("a.b", "text"),
            lambda e: (e.code, e.message, str(e)) == ("a.b", "text", "text"),
        ),
        (Odd(room="7", handle=object()), lambda e: e.room == "7" and not hasattr(e, "handle")),
        (OSError(2, "gone"), lambda e: e.args == (2, "gone")),
        (LookupError(object), lambda e: "object" in str(e)),
        (ValueError("\ud800"), lambda e: str(e) == "\\ud800"),
    ],
)
def test_an_error_comes_back_as_its_own_class(error: Exception, check: Any) -> None:
    back = error_read(Result.decode(failed(error).encode()).value)
    assert type(error) is type(back)
    assert check(back)


def test_an_error_whose_class_is_gone_still_says_what_it_was() -> None:
    def make() -> Exception:
        class Gone(Exception):
            pass

        return Gone("room 7")

    data = failed(make()).value
    data = msgspec.Raw(bytes(data).replace(b"Gone", b"Went"))
    back = error_read(data)
    assert "Went: room 7" in str(back)


def test_a_partial_and_a_method_have_the_type_of_their_function() -> None:
    class Client:
        def find(self, number: str) -> Guest:
            raise NotImplementedError

    guest = Guest("Ada", date(2026, 1, 2), [])
    for function in (Client().find, partial(Client().find, "x")):
        assert guest == value_read(value_written(function, guest).value, function)


def test_equal_arguments_have_equal_digests_and_others_have_not() -> None:
    assert digest_of(({"a": 1, "b": 2},)) == digest_of(({"b": 2, "a": 1},))
    assert digest_of(("1",)) != digest_of((1,))
    assert digest_of((object(),)) == digest_of((object(),))
    assert 16 == len(digest_of(()))
