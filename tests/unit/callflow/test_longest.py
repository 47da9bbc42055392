"""Nodes are counted along the longest way."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reception.callflow import Flow, flow
from reception.callflow.longest import longest_ways

LEAVES = st.sampled_from([flow.hangup(), flow.play("x"), flow.pivot("https://a.example/")])
FLOWS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: two[0].then(two[1])),
        st.tuples(inner, inner).map(
            lambda two: flow.user("u").on("USER_BUSY", two[0]).then(two[1])
        ),
        inner.map(lambda one: flow.menu("m").on("1", one).on("2", one)),
    ),
    max_leaves=20,
)


@given(FLOWS)
def test_both_ways_are_those_of_the_tree(made: Flow) -> None:
    tree = made.to_dict()
    assert (_longest(tree, "no module"), _longest(tree, "pivot")) == longest_ways(made)


def _longest(node: dict[str, Any], last: str) -> int:
    if node["module"] == last:
        return 1
    return 1 + max((_longest(child, last) for child in node["children"].values()), default=0)


def test_branches_may_hang_as_deep_as_they_like() -> None:
    made = flow.hangup()
    for _ in range(5000):
        made = flow.user("u").on("USER_BUSY", made)
    assert (5001, 5001) == longest_ways(made)
