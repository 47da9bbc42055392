"""The graph of an application: what is reached, and what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from reception import App, Call, Flow, flow, prompt
from reception.bootstrap.determinism import watched
from reception.dialog.values import Result, failure_written
from reception.rehearsal.exploring import Explorer, Limits
from reception.rehearsal.graph import Graph, Node
from reception.rehearsal.mermaid import as_mermaid
from reception.rehearsal.svg import as_svg
from reception.wire import PivotRequest
from tests.unit.dialog.rig import app_of

USER = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def value(json: Any) -> tuple[str, bytes]:
    raw = msgspec.json.encode(json)
    return raw.decode(), Result(True, msgspec.Raw(raw)).encode()


def graph_of(
    app: App, *, limits: Limits | None = None, **stubs: Sequence[tuple[str, bytes]]
) -> Graph:
    def made() -> Graph:
        return Explorer(
            app,
            request=PivotRequest(call_id="c", request="2000", language="en"),
            now=NOON,
            sandbox=watched,
            stubs=stubs,
            known={"911"},
            prompts=app.catalogue.keys if app.catalogue else (),
            limits=limits,
        ).explore()

    graph = made()
    assert as_mermaid(graph) == as_mermaid(made()), "another graph the second time"
    return graph


def ways(graph: Graph) -> set[tuple[str, str, str]]:
    """Every edge, by what stands at its ends."""
    return {
        (shown(node), label, shown(graph.nodes[target]))
        for node in graph.nodes
        for label, target in node.edges
    }


def shown(node: Node) -> str:
    return " ".join(node.lines)


def find(room: str) -> dict[str, Any] | None:
    raise AssertionError("an effect ran")


async def menu(call: Call) -> Flow:
    choice = await call.ask("Menu", valid="12")
    if choice == "1":
        return flow.user(USER)
    if choice == "2":
        return flow.tts("Two").then(flow.hangup())
    return flow.hangup()


def test_each_key_silence_and_a_wrong_key_are_tried() -> None:
    graph = graph_of(app_of(menu))
    assert {
        ("call to demo", "", "“Menu”"),
        ("“Menu”", "1", f"user {USER}"),
        ("“Menu”", "2", "“Two” hangup"),
        ("“Menu”", "3 (not valid)", "hangup"),
        ("“Menu”", "silence", "hangup"),
    } == ways(graph)
    assert graph.is_whole
    assert [] == graph.findings()


def test_a_place_has_the_line_of_its_question() -> None:
    graph = graph_of(app_of(menu))
    first = menu.__code__.co_firstlineno
    assert f"rehearsal/test_exploring.py:{first + 1}" == graph.nodes[1].place


def test_retries_are_places_of_their_own() -> None:
    async def stubborn(call: Call) -> Flow:
        await call.ask("Menu", valid="1", retries=1, not_valid="No.", nothing_heard="Hello?")
        return flow.hangup()

    graph = graph_of(app_of(stubborn))
    assert ("“Menu”", "silence", "“Hello? Menu” (try 2)") in ways(graph)
    assert ("“Menu”", "2 (not valid)", "“No. Menu” (try 2)") in ways(graph)


def test_a_loop_ends_where_it_began_whatever_was_chosen_before() -> None:
    async def round_and_round(call: Call) -> Flow:
        while True:
            choice = await call.ask("Menu", valid="123")
            if choice == "3":
                return flow.hangup()
            room = await call.ask("Room?", valid="12") if choice == "1" else "none"
            del room

    graph = graph_of(app_of(round_and_round))
    assert 4 == len(graph.nodes)
    assert ("“Room?”", "1", "“Menu”") in ways(graph)
    assert ["endless loop for a caller who says nothing"] == graph.nodes[1].flags


def test_a_loop_that_counts_is_followed_to_its_end() -> None:
    async def patient(call: Call) -> Flow:
        for _ in range(3):
            if await call.ask("Menu", valid="1"):
                return flow.user(USER)
        return flow.hangup()

    graph = graph_of(app_of(patient))
    assert [] == graph.findings()
    assert 3 == sum(node.kind == "ask" for node in graph.nodes)


class Tries:
    def __init__(self) -> None:
        self.count = 0


def test_a_loop_that_counts_in_an_object_is_followed_to_its_end() -> None:
    async def patient(call: Call) -> Flow:
        tries = Tries()
        while tries.count < 3:
            tries.count += 1
            await call.ask("Menu", valid="1")
        return flow.hangup()

    graph = graph_of(app_of(patient))
    assert [] == graph.findings()
    assert 3 == sum(node.kind == "ask" for node in graph.nodes)


def test_an_asynchronous_generator_is_followed_to_its_end() -> None:
    async def rooms(call: Call) -> AsyncIterator[str]:
        for number in range(2):
            yield await call.ask(f"Room {number}?", valid="1")

    async def each(call: Call) -> Flow:
        async for _ in rooms(call):
            await call.ask("Sure?", valid="1")
        return flow.hangup()

    graph = graph_of(app_of(each))
    assert [] == graph.findings()
    assert 2 == sum(shown(node) == "“Sure?”" for node in graph.nodes)


def test_what_depends_on_time_or_chance_is_not_said_to_be_all() -> None:
    async def hours(call: Call) -> Flow:
        if (await call.now()).hour < 18 and await call.random(1, 6) < 4:
            return flow.tts("Open").then(flow.hangup())
        await call.say(prompt("closed"))
        return flow.hangup()

    graph = graph_of(app_of(hours, prompts={"en": 'closed = "Closed"'}))
    assert not graph.is_whole
    assert ["call.now() was 2026-01-01T12:00", "call.random() gave its lowest"] == [
        cut.partition(" all")[0].partition(" number")[0] for cut in graph.cuts
    ]
    assert [] == graph.findings()


def test_a_result_that_a_step_cannot_have_is_told() -> None:
    async def knows(call: Call) -> Flow:
        return flow.tts("Found" if await call.step(find, "1") else "None").then(flow.hangup())

    graph = graph_of(app_of(knows), find=[value({}), value("text")])
    assert 1 == len(graph.nodes[1].edges)
    assert 'find="text" is not what find returns' in graph.cuts[0]


def test_an_entry_that_a_question_cannot_judge_is_a_failure() -> None:
    async def judged(call: Call) -> Flow:
        await call.ask("Room?", max_digits=2, valid=lambda keys: {"1": True}[keys])
        return flow.hangup()

    graph = graph_of(app_of(judged))
    assert ("“Room?”", "silence", "hangup") in ways(graph)
    assert "the dialog fails" in graph.findings()[0]


def test_answers_in_the_middle_of_an_expression_are_told_apart() -> None:
    async def at_once(call: Call) -> Flow:
        match (await call.ask("One", valid="12"), await call.ask("Other", valid="12")):
            case ("1", "2"):
                return flow.user(USER)
            case _:
                pass
        return flow.hangup()

    graph = graph_of(app_of(at_once))
    assert 2 == sum(shown(node) == "“Other”" for node in graph.nodes)
    assert ("“Other”", "2", f"user {USER}") in ways(graph)


def test_a_loop_without_a_way_out_is_told() -> None:
    async def forever(call: Call) -> Flow:
        while True:
            await call.ask("Menu")

    (finding,) = graph_of(app_of(forever)).findings()
    assert "endless loop, nothing leads out: “Menu”" in finding


def test_what_ends_without_a_word_is_a_dead_end() -> None:
    async def abrupt(call: Call) -> Flow:
        if await call.ask("Menu", valid="1"):
            return flow.tts("That is all")
        return flow.menu(USER).on("1", flow.play("/m/x")).then(flow.user(USER))

    found = graph_of(app_of(abrupt)).findings()
    assert 2 == len(found)
    assert "dead end, the caller is hung up without a word: “That is all”" in found[0]
    assert found[1].endswith("play /m/x")


def test_every_branch_of_a_flow_that_comes_back_is_tried() -> None:
    async def ringing(call: Call) -> Flow:
        match await call.run(flow.user(USER)):
            case "USER_BUSY":
                return flow.tts("Busy").then(flow.hangup())
            case "sip:404":
                await call.sleep(2)
            case _:
                pass
        return flow.hangup()

    graph = graph_of(app_of(ringing))
    assert (f"user {USER}", "USER_BUSY", "“Busy” hangup") in ways(graph)
    assert (f"user {USER}", "sip:404", "sleep 2 s silence for 2 s") in ways(graph)
    assert (f"user {USER}", "_", "hangup") in ways(graph)


async def asking_the_world(call: Call) -> Flow:
    guest = await call.step(find, "101")
    if guest is None:
        return flow.tts("Nobody").then(flow.hangup())
    return flow.tts(guest["name"]).then(flow.hangup())


def test_a_step_without_a_result_is_where_a_way_ends() -> None:
    graph = graph_of(app_of(asking_the_world))
    assert ["unknown"] == [node.kind for node in graph.nodes[1:]]
    assert not graph.is_whole
    assert graph.unknown[0].endswith("test_exploring:find")
    assert [] == graph.findings()


def test_all_given_results_of_a_step_are_tried() -> None:
    graph = graph_of(app_of(asking_the_world), find=[value(None), value({"name": "Ada"})])
    assert ("call.step(find)", "null", "“Nobody” hangup") in ways(graph)
    assert ("call.step(find)", '{"name":"Ada"}', "“Ada” hangup") in ways(graph)


def test_a_given_error_is_raised_and_what_nobody_catches_is_a_failure() -> None:
    boom = ("!LookupError gone", failure_written(LookupError("gone")).encode())
    graph = graph_of(app_of(asking_the_world), find=[boom])
    (finding,) = graph.findings()
    assert "the dialog fails: LookupError: gone" in finding
    assert f"test_exploring.py:{asking_the_world.__code__.co_firstlineno + 1}" in finding


def test_steps_at_once_are_tried_in_all_combinations() -> None:
    async def both(call: Call) -> Flow:
        one, other = await call.gather(call.step(find, "1"), call.step(find, "2"))
        return flow.tts(f"{one} {other}").then(flow.hangup())

    graph = graph_of(app_of(both), find=[value(None), value({})])
    heard = {shown(node) for node in graph.nodes if node.kind == "end"}
    assert {f"“{a} {b}” hangup" for a in ("None", "{}") for b in ("None", "{}")} == heard


def test_prompts_that_nobody_hears_are_told() -> None:
    async def speaking(call: Call) -> Flow:
        await call.say(prompt("hello"))
        await call.step(find, "1", while_=prompt("wait"))
        return flow.hangup()

    app = app_of(speaking, prompts={"en": 'hello = "Hi"\nwait = "Wait"\nbye = "Bye"'})
    assert ["prompt 'bye' is never heard"] == graph_of(app, find=[value(None)]).findings()
    # Behind a step whose result is not known there may be more.
    assert [] == graph_of(app).findings()


def test_what_is_too_large_is_cut_and_says_so() -> None:
    async def counting(call: Call) -> Flow:
        count = 0
        while True:
            await call.ask(f"Number {count}", valid="1")
            count += 1

    graph = graph_of(app_of(counting), limits=Limits(most_places=12))
    assert len(graph.nodes) <= 13
    assert ["more than 12 places: see --most-places"] == graph.cuts
    deep = graph_of(app_of(counting), limits=Limits(deepest=3))
    assert ["more than 3 answers in a row: see --deepest"] == deep.cuts


def test_long_entries_are_tried_by_what_the_code_names_and_one_made_up() -> None:
    async def numbers(call: Call) -> Flow:
        number = await call.ask("Number?", max_digits=4, valid=lambda keys: len(keys) > 2)
        return flow.tts("Help").then(flow.hangup()) if number == "911" else flow.hangup()

    graph = graph_of(app_of(numbers))
    assert ("“Number?”", "911", "“Help” hangup") in ways(graph)
    assert ("“Number?”", "1234", "hangup") in ways(graph)


def test_a_secret_is_not_shown() -> None:
    async def hidden(call: Call) -> Flow:
        if await call.ask("PIN?", max_digits=4, secret=True):
            return flow.user(USER)
        return flow.hangup()

    assert ("“PIN?”", "(secret)", f"user {USER}") in ways(graph_of(app_of(hidden)))


def test_an_application_of_one_step_is_its_flow() -> None:
    def plain(call: Call) -> Flow:
        return flow.menu(USER).on("1", flow.user(USER)).then(flow.hangup())

    async def on_the_loop(call: Call) -> Flow:
        return plain(call)

    for handler in (plain, on_the_loop):
        assert {
            ("call to demo", "", f"menu {USER}"),
            (f"menu {USER}", "1", f"user {USER}"),
            (f"menu {USER}", "", "hangup"),
        } == ways(graph_of(app_of(handler)))


def test_urls_of_an_application_are_followed_with_what_was_typed() -> None:
    def stateless(call: Call) -> Flow:
        if call.params.get("at") != "menu":
            asked = flow.tts("Press 1").then(flow.collect_dtmf(collection_name="k", max_digits=1))
            return asked.then(flow.pivot(url=call.pivot_url(at="menu")))
        match call.request.digits.get("k"):
            case "1":
                return flow.user(USER)
            case None:
                return flow.hangup()
            case _:
                return flow.pivot(url=call.pivot_url())

    graph = graph_of(app_of(stateless))
    assert ("“Press 1”", "1", f"user {USER}") in ways(graph)
    assert ("“Press 1”", "silence", "hangup") in ways(graph)
    assert 2 <= sum(node.kind == "flow" for node in graph.nodes)


async def first(call: Call) -> Flow:
    await call.say("First")
    return flow.pivot(next=second)


async def second(call: Call) -> Flow:
    return flow.user(USER) if await call.ask("Second", valid="1") else flow.hangup()


def test_another_handler_goes_on() -> None:
    app = app_of(first)
    app.state(second)
    graph = graph_of(app)
    assert ("“First”", "", "“Second”") in ways(graph)
    assert ("“Second”", "1", f"user {USER}") in ways(graph)


def test_a_dialog_that_fails_is_told_with_its_line() -> None:
    async def broken(call: Call) -> Flow:
        key = await call.ask("Menu", valid="12")
        return {"1": flow.hangup()}[key]

    graph = graph_of(app_of(broken))
    assert ("“Menu”", "2", "KeyError: '2' the caller gets the fallback") in ways(graph)
    place = f"test_exploring.py:{broken.__code__.co_firstlineno + 2}"
    assert all(place in finding for finding in graph.findings())


@pytest.mark.parametrize("draw", [as_mermaid, as_svg])
def test_whatever_an_application_says_is_text_in_a_drawing(draw: Any) -> None:
    async def nasty(call: Call) -> Flow:
        await call.ask('"]; click n1 <script>&`\n%%{init}%%', valid="1")
        return flow.hangup()

    drawn = draw(graph_of(app_of(nasty)))
    assert "<script>" not in drawn
    if draw is as_mermaid:
        assert '"];' not in drawn
        assert "%%{" not in drawn


def test_a_drawing_of_svg_is_well_formed_and_has_every_place() -> None:
    graph = graph_of(app_of(menu))
    root = ET.fromstring(as_svg(graph))
    boxes = [each for each in root if each.tag.endswith("rect")]
    assert 1 + len(graph.nodes) == len(boxes)
