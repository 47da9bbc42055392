"""The walk: order, places, and what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from reception.callflow.tree import walk


def test_nodes_come_in_document_order_parents_first() -> None:
    root = {
        "module": "a",
        "children": {
            "1": {"module": "b", "children": {"_": {"module": "c"}}},
            "2": {"module": "d"},
        },
    }
    places = walk(root).places
    assert ["a", "b", "c", "d"] == [place.module for place in places]
    assert [0, 1, 2, 3] == [place.index for place in places]
    assert ["$", '$.children["1"]', '$.children["1"].children._', '$.children["2"]'] == [
        place.path() for place in places
    ]


def test_a_flow_inside_data_is_walked() -> None:
    root = {
        "module": "pivot",
        "data": {
            "serverless": {"flow_doc": {"module": "callflow", "data": {"flow": {"module": "c"}}}}
        },
    }
    assert ["$", "$.data.serverless.flow_doc", "$.data.serverless.flow_doc.data.flow"] == [
        place.path() for place in walk(root).places
    ]


@pytest.mark.parametrize("root", [None, [], "x", 3])
def test_what_is_no_object_has_no_nodes(root: Any) -> None:
    assert () == walk(root).places


def test_malformed_parts_read_as_empty() -> None:
    (place,) = walk({"module": 3, "data": [], "children": {"_": [], "1": None}}).places
    assert ("", {}, {}) == (place.module, place.data, place.children)
    assert (None, None) == (place.text("id"), place.number("timeout"))
