"""A node from a stencil is the node that would have been made and checked at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.callflow import flow
from reception.callflow.making import node_flow
from reception.callflow.stencil import Stencil
from reception.errors import AppError

PLACES = ("https://a.example/voice", "http://u@p:h/", "http://127.0.0.1:8080/", "http://localhost")


@given(st.sampled_from(PLACES), st.text().filter(lambda text: not _is_broken(text)))
def test_a_pivot_may_leave_its_query_open(place: str, query: str) -> None:
    data = {"voice_url": place, "method": "post", "req_timeout_ms": 4000}
    made = Stencil("pivot", data, "voice_url").filled("?" + query)
    whole = node_flow("pivot", {**data, "voice_url": f"{place}?{query}"})
    assert whole.render() == made.render()
    assert whole.to_dict() == made.to_dict()
    assert (whole.platforms, whole.is_local) == (made.platforms, made.is_local)


@given(st.text().filter(lambda text: not _is_broken(text)))
def test_a_name_without_rules_may_be_open(name: str) -> None:
    data = {"collection_name": "", "max_digits": 1}
    made = Stencil("collect_dtmf", data, "collection_name").filled(name)
    assert node_flow("collect_dtmf", {**data, "collection_name": name}) == made


def test_what_is_rejected_is_no_stencil() -> None:
    with pytest.raises(AppError, match="voice_url"):
        Stencil("pivot", {"voice_url": "ftp://a.example/"}, "voice_url")


def test_a_text_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(AppError, match="surrogate"):
        Stencil("play", {"id": ""}, "id").filled("\ud800")


def test_a_stencil_stays_as_it_is() -> None:
    stencil = Stencil("play", {"id": "/m/"}, "id")
    one, other = stencil.filled("1"), stencil.filled("2")
    assert (flow.play("/m/1"), flow.play("/m/2")) == (one, other)


def _is_broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
