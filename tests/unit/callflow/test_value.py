"""A flow is a value: it never changes, and it is what it says."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.callflow import SPECS, Flow, flow
from reception.callflow.value import in_a_row
from reception.errors import AppError

BOX = "b" * 32
LEAF = '{"module":"hangup","data":{},"children":{}}'


def test_then_continues_at_the_end() -> None:
    made = flow.answer().then(flow.noop()).then(flow.hangup())

    assert made == flow.answer().then(flow.noop().then(flow.hangup()))
    inner = '{"module":"noop","data":{},"children":{"_":' + LEAF + "}}"
    assert '{"module":"answer","data":{},"children":{"_":' + inner + "}}" == made.render().decode()


def test_on_hangs_a_branch_under_the_nearest_node_that_can_take_it() -> None:
    made = (
        flow.user("a")
        .then(flow.tts("nobody"))
        .on("USER_BUSY", flow.hangup())
        .then(flow.voicemail(BOX))
    )

    tree = made.to_dict()
    assert "hangup" == tree["children"]["USER_BUSY"]["module"]
    assert "tts" == tree["children"]["_"]["module"]
    assert "voicemail" == tree["children"]["_"]["children"]["_"]["module"]


def test_on_prefers_the_later_of_two_nodes() -> None:
    made = flow.user("a").then(flow.user("b")).on("USER_BUSY", flow.hangup())

    assert ["USER_BUSY"] == list(made.to_dict()["children"]["_"]["children"])


def test_on_hangs_under_the_last_node_where_none_can_take_the_key() -> None:
    made = flow.answer().then(flow.tts("x")).on("7", flow.hangup())

    assert ["7"] == list(made.to_dict()["children"]["_"]["children"])


def test_on_the_default_key_is_then() -> None:
    assert flow.answer().then(flow.hangup()) == flow.answer().on("_", flow.hangup())


def test_a_branch_is_not_lost_silently() -> None:
    menu = flow.menu("m").on("1", flow.hangup())

    with pytest.raises(AppError, match="menu has a branch '1' already"):
        menu.on("1", flow.answer())


@pytest.mark.parametrize("wrong", [None, {"module": "hangup"}, b"{}", "hangup"])
def test_only_flows_can_be_joined(wrong: Any) -> None:
    with pytest.raises(AppError, match=r"then\(\) takes a Flow"):
        flow.answer().then(wrong)
    with pytest.raises(AppError, match=r"on\(\) takes a Flow"):
        flow.answer().on("1", wrong)


@pytest.mark.parametrize("key", [1, None, "\ud800"])
def test_the_key_of_a_branch_is_text(key: Any) -> None:
    with pytest.raises(AppError, match="must be text"):
        flow.menu("m").on(key, flow.hangup())


def test_joining_leaves_its_parts_as_they_were() -> None:
    first, second = flow.menu("m"), flow.hangup()
    before = first.render(), second.render()

    first.then(second)
    first.on("1", second)

    assert before == (first.render(), second.render())
    assert flow.menu("m") == first


def test_a_flow_cannot_be_changed() -> None:
    made = flow.answer()

    for name in ("platforms", "is_local", "_spine", "fresh"):
        with pytest.raises(AttributeError):
            setattr(made, name, 1)


def test_a_flow_does_not_share_what_it_was_made_of() -> None:
    names, tree = {"room": ["0101"]}, {"module": "set", "data": {"a": {"b": 1}}}
    made, raw = flow.set_variables(names), flow.raw(tree)
    before = made.render(), raw.render()

    names["room"].append("x")
    tree["data"] = {}
    made.to_dict()["data"]["custom_application_vars"]["room"].append("y")

    assert before == (made.render(), raw.render())
    assert ["0101"] == made.to_dict()["data"]["custom_application_vars"]["room"]


def test_what_is_said_of_a_module_belongs_to_who_asked() -> None:
    keys = SPECS["play"].defaults(5)["terminators"]

    keys.append("x")

    assert "x" not in SPECS["play"].defaults(5)["terminators"]
    assert "x" not in SPECS["tts"].defaults(5)["terminators"]


def test_flows_are_equal_by_what_they_mean() -> None:
    one = flow.raw({"module": "set", "data": {"a": 1, "b": {"c": 2, "d": 3}}})
    other = flow.raw({"data": {"b": {"d": 3, "c": 2}, "a": 1}, "module": "set", "children": {}})

    assert one == other
    assert hash(one) == hash(other)
    assert flow.menu("m").on("1", flow.answer()).on("2", flow.hangup()) == flow.menu("m").on(
        "2", flow.hangup()
    ).on("1", flow.answer())
    assert one != flow.set({"a": 1})
    assert flow.answer() != {"module": "answer"}
    assert 2 == len({one, other, flow.answer()})


def test_a_raw_mapping_is_the_same_flow_as_the_built_one() -> None:
    built = flow.set_cid(name="VIP", number="+15551234567").then(
        flow.user("u", timeout=20).on("USER_BUSY", flow.voicemail(BOX)).then(flow.hangup())
    )

    assert built == flow.raw(built.to_dict())
    assert built.render() == flow.raw(built.to_dict()).render()


def test_raw_keeps_everything_it_was_given() -> None:
    tree = {
        "module": "play",
        "name": "Wëlcome",
        "data": {"id": "x", "loops": 3, "more": {"a": [None, 1.5]}},
        "children": {"7": {"module": "hangup", "data": {}, "children": {}, "x": 1}},
    }

    made = flow.raw(tree)

    assert tree == made.to_dict()
    assert tree == json.loads(made.render())
    assert made.render().isascii()


def test_raw_always_emits_data_and_children() -> None:
    assert LEAF == flow.raw({"module": "hangup"}).render().decode()


def test_raw_is_checked_all_the_same() -> None:
    tree = {"module": "play", "children": {"_": {"module": "user", "data": {"timeout": "x"}}}}

    with pytest.raises(AppError, match=r"\$\.children\._\.data\.timeout: .*whole number") as caught:
        flow.raw(tree)
    assert "flow.rejected" == caught.value.code


def test_raw_names_the_place_of_what_json_cannot_say() -> None:
    child = {"module": "set", "data": {"a": [1, float("nan")]}}

    with pytest.raises(AppError, match=r'\$\.children\["1"\]\.data\.a\[1\]: JSON has no NaN'):
        flow.raw({"module": "menu", "data": {"id": "m"}, "children": {"1": child}})


@pytest.mark.parametrize(
    "wrong",
    [[], None, "play", {"module": "play", "children": {"": 5}}, {"module": "play", 1: 2}],
)
def test_raw_takes_nothing_that_is_no_flow(wrong: Any) -> None:
    with pytest.raises(AppError):
        flow.raw(wrong)


def test_versions_are_those_that_accept_every_node() -> None:
    assert {4, 5} == flow.answer().platforms
    assert {5} == flow.tones([]).platforms
    assert {5} == flow.answer().then(flow.tones([])).platforms
    assert {5} == flow.menu("m").on("1", flow.tones([])).platforms
    assert {4} == flow.callflow("x", flow={"module": "hangup"}).platforms
    # Version 4 ignores the key `flow`, with whatever is in it.
    assert {4, 5} == flow.callflow(flow=flow.tones([])).platforms


def test_parts_for_different_versions_cannot_be_joined() -> None:
    four = flow.callflow("x", flow={"module": "hangup"})

    with pytest.raises(AppError, match="no version accepts both"):
        four.then(flow.tones([]))


def test_a_url_of_this_machine_is_told_and_does_not_change_the_versions() -> None:
    here = flow.pivot(url="http://127.0.0.1:8080/voice")

    assert here.is_local
    assert {4, 5} == here.platforms
    assert flow.answer().then(here).is_local
    assert flow.menu("m").on("1", here).is_local
    assert flow.raw(here.to_dict()).is_local
    assert flow.callflow(flow=here).is_local
    assert flow.webhook("http://localhost/x").is_local
    assert not flow.pivot(url="https://127.0.0.2/").is_local


def test_bytes_are_ascii_whatever_is_said() -> None:
    text = 'Grüße 😀 \x7f \u2028 " \\'
    made = flow.menu("m").on("ключ", flow.tts(text))

    rendered = made.render()

    assert rendered.isascii()
    assert text == json.loads(rendered)["children"]["ключ"]["data"]["text"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1000))
def test_every_text_survives_rendering(text: str) -> None:
    rendered = flow.tts(text).render()

    assert rendered.isascii()
    assert text == json.loads(rendered)["data"]["text"]


def test_bytes_are_remembered() -> None:
    made = flow.answer().then(flow.hangup())

    assert made.render() is made.render()


def test_a_flow_can_be_pickled_and_copied() -> None:
    made = flow.menu("m").on("1", flow.set({"a": [1]})).then(flow.pivot(url="http://localhost/"))

    back = pickle.loads(pickle.dumps(made))  # our own bytes

    assert made == back
    assert (made.platforms, made.is_local) == (back.platforms, back.is_local)
    assert copy.deepcopy(made) is made
    assert copy.copy(made) is made


def test_many_threads_may_share_a_flow() -> None:
    made = flow.menu("m")
    for key in "123456":
        made = made.on(key, flow.tts(key).then(flow.hangup()))

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(lambda _: (made.render(), hash(made)), range(200)))

    assert 1 == len(results)


@pytest.mark.parametrize("key", ["_", "1"])
def test_a_deep_flow_is_held_written_and_forgotten(key: str) -> None:
    tree: dict[str, Any] = {"module": "hangup"}
    for _ in range(3000):
        tree = {"module": "menu", "data": {"id": "m"}, "children": {key: tree}}

    made = flow.raw(tree)

    assert made.render().count(b"menu") == 3000
    assert made == flow.raw(made.to_dict())


def test_the_fallback_is_hung_under_every_open_pivot() -> None:
    pivot = flow.pivot(url="https://a.example/")
    mine = pivot.then(flow.answer())
    made = flow.menu("m").on("1", pivot).on("2", mine).then(pivot)

    tree = made.with_fallback(flow.hangup()).to_dict()["children"]

    assert "hangup" == tree["_"]["children"]["_"]["module"]
    assert "hangup" == tree["1"]["children"]["_"]["module"]
    assert "answer" == tree["2"]["children"]["_"]["module"]
    assert mine.with_fallback(flow.hangup()) is mine


def test_a_flow_says_what_it_is_without_what_it_holds() -> None:
    made = flow.tts("secret").then(flow.menu("m").on("1", flow.hangup()))

    assert "<Flow tts → menu[1]>" == repr(made)


def test_there_is_a_builder_for_every_module() -> None:
    assert {*SPECS, "raw"} == set(flow.__all__)
    assert all(getattr(flow, name).__name__ == name for name in SPECS)
    assert all(isinstance(getattr(flow, name).__doc__, str) for name in SPECS)
    assert isinstance(flow.answer(), Flow)


def test_what_hangs_where_the_platform_does_not_look_harms_no_builder() -> None:
    for loose in (5, {"children": 5}, {"module": "pivot", "data": 5}):
        made = flow.callflow(flow={"module": "play", "children": {"": loose}})
        assert not made.is_local


def test_flows_in_a_row_are_one_after_the_other() -> None:
    parts = [flow.answer().then(flow.tones([])), flow.play("x"), flow.pivot("http://localhost/")]
    chained, joined = parts[0].then(parts[1]).then(parts[2]), in_a_row(parts)
    assert chained.render() == joined.render()
    assert (frozenset({5}), True) == (joined.platforms, joined.is_local)
    with pytest.raises(AppError, match="no version accepts both"):
        in_a_row([flow.play("x"), flow.tones([]), flow.callflow("x", flow={"module": "hangup"})])
