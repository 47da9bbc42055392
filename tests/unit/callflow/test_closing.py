"""Flows are hung where a flow is open, and nothing else of it changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from reception.callflow import Flow, flow
from reception.callflow.closing import closed
from reception.errors import AppError

END = flow.hangup()


def test_every_node_is_asked_with_its_way_and_depth() -> None:
    asked: list[Any] = []

    def ends(
        module: str,
        data: Mapping[str, Any],
        keys: Collection[str],
        way: tuple[str, ...],
        depth: int,
    ) -> dict[str, Flow]:
        asked.append((module, list(keys), way, depth))
        return {}

    made = flow.play("x").then(flow.menu("m").on("1", flow.user("u").then(END)).then(END))
    assert made == closed(made, ends)
    assert [
        ("play", ["_"], (), 1),
        ("menu", ["1", "_"], (), 2),
        ("user", ["_"], ("1",), 3),
        ("hangup", [], ("1",), 4),
        ("hangup", [], (), 3),
    ] == asked


def test_what_is_hung_comes_behind_what_is_there() -> None:
    def ends(module: str, *_: Any) -> dict[str, Flow]:
        return {"USER_BUSY": END, "_": flow.play("after")} if module == "user" else {}

    before = flow.user("u").on("NO_ANSWER", flow.play("x"))
    after = before.on("USER_BUSY", END).then(flow.play("after"))
    assert after.render() == closed(before, ends).render()


def test_what_is_hung_has_its_say_in_what_the_whole_is() -> None:
    local = flow.pivot("http://localhost/")
    assert closed(flow.play("x"), lambda *_: {"_": local}).is_local
    nested = flow.user("u").on("USER_BUSY", flow.play("x"))
    five = closed(nested, lambda module, *_: {"_": flow.tones([])} if module == "play" else {})
    assert {5} == five.platforms
    only_four = flow.callflow("x", flow={"module": "hangup"})
    with pytest.raises(AppError, match="no version accepts both"):
        closed(only_four, lambda *_: {"_": flow.tones([])})
