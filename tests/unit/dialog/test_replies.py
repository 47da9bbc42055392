"""What a dialog sends, node by node, and what the platform makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from reception import Call, Secret, flow
from reception.errors import AppError
from reception.simulator.call import CallSetup, CallState, Platform
from reception.simulator.clock import VirtualClock
from reception.simulator.nexts import Outcome
from reception.simulator.phone import Dialled
from reception.simulator.recordings.recording import Recording, read_recording
from reception.simulator.recordings.replaying import Replay
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.transcript import Entry, Kind
from reception.simulator.walk import Walk
from tests.unit.dialog.rig import BASE, FALLBACK, Rig, app_of, collection_in, modules, nodes, pivots

HANGUP = flow.hangup()
BOX: Final = "0123456789abcdef0123456789abcdef"


def call_up(rig: Rig, script: str, platform: Platform = 4) -> tuple[list[Entry], Outcome]:
    """Call the app with the simulator's phone."""
    told: list[Entry] = []
    clock = VirtualClock()
    walk = Walk(
        CallState.begin(CallSetup(call_id="c-1"), platform),
        clock=clock,
        world=ScriptedWorld(parse_script(script), clock),
        transport=rig,
        note=told.append,
    )
    ending = asyncio.run(walk.run(Dialled(BASE).to_flow()))
    return told, ending.outcome


def run_modules(told: list[Entry]) -> list[str]:
    return [entry.detail["module"] for entry in told if entry.kind is Kind.NODE]


def heard(told: list[Entry]) -> str:
    return " ".join(entry.text for entry in told if entry.kind is Kind.HEARS)


# --- ask ------------------------------------------------------------------------------------------


async def two(call: Call) -> Any:
    first = await call.ask(flow.play("/m/p1"), valid="12", timeout_s=1.5, interdigit_s=1)
    second = await call.ask(flow.play("/m/p2"), valid="12", timeout_s=1.5, interdigit_s=1)
    return flow.tts(f"{first}{second}").then(HANGUP)


def test_a_question_is_the_measured_sequence_to_the_last_key() -> None:
    rig = Rig(app_of(two))
    reply = rig.arrive().reply
    name = collection_in(reply)
    assert (
        b'{"module":"collect_dtmf","data":{"collection_name":"rx","max_digits":1,"terminator":"#",'
        b'"timeout":1},"children":{"_":{"module":"play","data":{"id":"/m/p1","terminators":["1","2"]},'
        b'"children":{"_":{"module":"collect_dtmf","data":{"collection_name":"'
        + name.encode()
        + b'",'
        b'"max_digits":1,"terminator":"#","timeout":1500,"interdigit_timeout":1000},"children":{"_":'
        b'{"module":"pivot","data":{"voice_url":"https://app.example/voice?c=tokenoftheepisode&s=1",'
        b'"method":"post","req_format":"kazoo","req_body_format":"json","req_timeout_ms":4000},'
        b'"children":{"_":{"module":"play","data":{"id":"/m/fallback"},"children":{"_":'
        b'{"module":"hangup","data":{},"children":{}}}}}}}}}}}}'
    ) == reply
    assert name.isalnum()
    assert name.islower()


@pytest.mark.needs_shared
@pytest.mark.parametrize(
    ("number", "asks", "digits"),
    [
        ("31_two_questions", two, ["1", "2"]),
        ("31_two_questions_k5", two, ["1", "2"]),
        ("01_no_key", two, [""]),
        ("01_no_key_k5", two, [""]),
        ("04_key_after_prompt", two, ["2"]),
    ],
)
def test_our_replies_run_as_the_recorded_ones(
    number: str, asks: Any, digits: list[str], shared: Path
) -> None:
    """The recording's flow, and ours with its URL and its collection's name, run alike."""
    path = shared / "contract" / "traces" / f"{number}.json"
    recorded = read_recording(path.read_bytes())
    ours = Rig(app_of(asks))
    replies = [ours.arrive().reply]
    replies += [ours.answer(keys).reply for keys in digits[:-1]]
    given = recorded.listed("http_replies")
    theirs = [recorded.flow, *(reply["flow"] for reply in given[: len(digits) - 1])]
    for mine, their in zip(replies, theirs, strict=True):
        assert _unnamed(json.loads(mine)) == _unnamed(their)
    # And with our own bytes in its place, the recorded call is the recorded call.
    swapped = {
        **recorded.given,
        "flow": _renamed(json.loads(replies[0]), recorded.flow),
        "http_replies": [
            {**reply, "flow": _renamed(json.loads(mine), reply["flow"])}
            for mine, reply in zip(replies[1:], given, strict=False)
        ]
        + list(given[len(replies) - 1 :]),
    }
    replay = Replay(Recording(swapped))
    asyncio.run(replay.run())
    assert _nodes(recorded.result) == _nodes(replay.rows)
    requests = [row["body"] for row in recorded.result if row["ev"] == "http_request"]
    assert requests == replay.bodies


def _nodes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["module"] for row in rows if row["ev"] == "node"]


def _unnamed(node: Mapping[str, Any]) -> Any:
    """A flow without what only one server can know: URLs, collections' names, empty children."""
    data = dict(node["data"])
    if "voice_url" in data:
        data["voice_url"] = "…"
    if data.get("collection_name") not in (None, "rx"):
        data["collection_name"] = "…"
    children = node.get("children") or {}
    return [node["module"], list(data.items()), {k: _unnamed(c) for k, c in children.items()}]


def _renamed(mine: Any, theirs: Mapping[str, Any]) -> Any:
    node: Any = mine
    other: Any = theirs
    while node is not None and other is not None:
        for key in ("collection_name", "voice_url"):
            if key in node["data"]:
                node["data"][key] = other["data"][key]
        node, other = node["children"].get("_"), (other.get("children") or {}).get("_")
    return mine


@pytest.mark.parametrize("platform", [4, 5])
def test_a_called_dialog_hears_its_caller(platform: Platform) -> None:
    told, outcome = call_up(Rig(app_of(two)), "press 1\npress 2", platform)
    assert outcome is Outcome.HANGUP
    assert "12" in heard(told)


def test_an_old_key_answers_no_question_unless_typeahead_says_so() -> None:
    def app(typeahead: bool) -> Rig:
        async def answer(call: Call) -> Any:
            await call.play("/m/welcome")
            key = await call.ask(flow.play("/m/p"), valid="12", typeahead=typeahead, timeout_s=1)
            return flow.tts(f"got {key or 'nothing'}").then(HANGUP)

        return Rig(app_of(answer))

    script = "press 1 early\n"
    told, _ = call_up(app(typeahead=False), script)
    assert "got nothing" in heard(told)
    told, _ = call_up(app(typeahead=True), script)
    assert "got 1" in heard(told)


def test_a_secret_is_gone_from_the_platform_after_the_next_reply() -> None:
    async def answer(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=4, secret=True)
        key = await call.ask("Key?")
        return flow.tts(f"{bool(pin)} {key}").then(HANGUP)

    rig = Rig(app_of(answer))
    told, _ = call_up(rig, "press 4711\npress 2")
    assert "True 2" in heard(told)
    assert "4711" in rig.requests[1].digits.collections.values()
    assert "4711" not in rig.requests[2].digits.collections.values()


def test_keys_typed_while_the_caller_is_held_do_not_answer_the_next_question() -> None:
    async def answer(call: Call) -> Any:
        got = await call.step(slowly, while_=flow.play("/m/hold"))
        key = await call.ask("Key?", timeout_s=1)
        return flow.tts(f"{got} {key or 'nothing'}").then(HANGUP)

    rig = Rig(app_of(answer), slow={"0"})
    rig_arrive = rig.arrive

    def second(*args: Any, **kwargs: Any) -> Any:
        if len(rig.steps) == 2:
            rig.slow.clear()
        return rig_arrive(*args, **kwargs)

    rig.arrive = second  # type: ignore[method-assign]  # the effect is done at the third step
    told, _ = call_up(rig, "press 7 early")
    assert "done nothing" in heard(told)


def slowly() -> str:
    return "done"


# --- what may interrupt, what ends ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("valid", "terminator", "interrupting"),
    [
        (None, "#", "1234567890*"),
        ("12", "#", "12"),
        ("12#", "*", "12#"),
        ("1234567890*", "#", "1234567890*"),
        ("1234567890#", "*", "1234567890#"),
        ({"10", "2#"}, "*", "120#"),
        (str.isdigit, "#", "1234567890*"),
    ],
)
def test_the_terminator_is_never_part_of_an_answer(
    valid: Any, terminator: str, interrupting: str
) -> None:
    async def answer(call: Call) -> Any:
        await call.ask("x", max_digits=2, valid=valid)
        return HANGUP

    _, prompt, collect, _ = nodes(Rig(app_of(answer)).arrive().reply)
    assert terminator == collect[1]["terminator"]
    assert set(interrupting) == set(prompt[1]["terminators"])
    assert "terminators" not in collect[1]


@pytest.mark.parametrize(
    ("valid", "typed", "result"),
    [
        ("12", "1", "1"),
        ("12", "3", ""),
        ({"101", "202"}, "101", "101"),
        ({"101", "202"}, "102", ""),
        (lambda keys: len(keys) == 3, "123", "123"),
        (lambda keys: len(keys) == 3, "12", ""),
        (None, "9*", "9*"),
    ],
)
def test_only_valid_answers_are_given(valid: Any, typed: str, result: str) -> None:
    async def answer(call: Call) -> Any:
        key = await call.ask("x", max_digits=3, valid=valid)
        return flow.tts(f"<{key}>")

    rig = Rig(app_of(answer))
    rig.arrive()
    assert f"<{result}>" == nodes(rig.answer(typed).reply)[0][1]["text"]


def test_retries_say_what_was_wrong_and_give_up_with_nothing() -> None:
    async def answer(call: Call) -> Any:
        key = await call.ask(
            "One or two?", valid="12", retries=2, nothing_heard="Nothing.", not_valid="Not that."
        )
        return flow.tts(f"<{key}>")

    rig = Rig(app_of(answer))
    texts = [nodes(rig.arrive().reply)[1][1]["text"]]
    texts.append(nodes(rig.answer("").reply)[1][1]["text"])
    texts.append(nodes(rig.answer("7").reply)[1][1]["text"])
    assert ["One or two?", "Nothing. One or two?", "Not that. One or two?"] == texts
    assert "<>" == nodes(rig.answer("").reply)[0][1]["text"]


class Desk:
    def remind(self, room: str) -> None: ...

    def __call__(self, room: str) -> None: ...


async def asks(call: Any) -> bool:
    return bool(await call.ask("x"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda call: call.ask("x", valid="1234567890*#"), "all twelve keys"),
        (lambda call: call.ask("x", valid="12", terminator="1"), "cannot be the terminator"),
        (lambda call: call.ask("x", valid="1a"), "not 'a'"),
        (lambda call: call.ask("x", valid={"12"}, max_digits=1), "max_digits is 1"),
        (lambda call: call.ask("x", max_digits=0), "max_digits=0"),
        (lambda call: call.ask("x", timeout_s=0), "timeout_s=0"),
        (lambda call: call.ask(flow.user("u")), "call.run"),
        (lambda call: call.ask("x" * 1001), "1001"),
        (lambda call: call.play(flow.play("x", endless_playback=True)), "endless_playback"),
        (lambda call: call.play("Good morning"), "call.say"),
        (lambda call: call.say("https://media.example.com/a.wav"), "flow.play"),
        (lambda call: call.ask("https://media.example.com/a.wav"), "flow.play"),
        (lambda call: call.tag(rx_e="x"), "another name"),
        (lambda call: call.sleep(0), "0.001"),
        (lambda call: call.run(HANGUP), "never come back"),
        (lambda call: call.run(flow.tts("x").then(flow.transfer("1"))), "never come back"),
        (lambda call: call.run(flow.menu("m"), outcomes=("x",)), "'x'"),
        (lambda call: call.step("find"), "takes a function"),
        (lambda call: call.enqueue(lambda: None), "by its name"),
        (lambda call: call.random(6, 1), "two whole numbers"),
        (lambda call: call.step(divmod, 1, y=2), "call.step(partial(fn, y=…), …)"),
        (lambda call: call.step(divmod, 7, 2, timeout=3), "timeout_s"),
        (lambda call: call.on_end(asks(call)), "call.on_end takes a function"),
        (lambda call: call.on_end(print, Secret("1")), "gone"),
        (lambda call: call.enqueue(Desk().remind, "1"), "no such object"),
        (lambda call: call.enqueue(Desk(), "1"), "no such object"),
        (lambda call: call.enqueue("task", date(2026, 1, 2)), "args[0] is a date"),
        (lambda call: call.enqueue("task", {7: "x"}), "the key 7"),
        (lambda call: call.enqueue("task", room="1"), "call.enqueue(partial(fn, room=…), …)"),
        (lambda call: call.enqueue(partial(print, Secret("1"))), "cannot be stored"),
        (lambda call: call.gather([call.now()]), "call.gather(*operations)"),
        (lambda call: call.gather(asks(call)), "awaited by itself"),
        (lambda call: call.gather(call.gather(call.now())), "one call.gather"),
        (lambda call: call.ask("x", valid=[1, 2]), '"123"'),
        (lambda call: call.ask("x", valid=3), '"123"'),
        (lambda call: call.ask("x", valid=asks), "plain function"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(
    make: Callable[[Any], Any], words: str
) -> None:
    async def answer(call: Call) -> Any:
        await make(call)
        return HANGUP

    with pytest.raises(AppError) as caught:
        Rig(app_of(answer)).arrive()
    assert words in caught.value.message
    assert any("test_replies.py" in str(entry.path) for entry in caught.traceback)


def test_a_function_that_cannot_read_an_entry_does_not_take_it() -> None:
    async def answer(call: Call) -> Any:
        guests = await call.ask("x", max_digits=2, valid=lambda keys: int(keys) < 13, retries=1)
        return flow.tts(f"<{guests}>")

    rig = Rig(app_of(answer))
    rig.arrive()
    assert "collect_dtmf" in modules(rig.answer("1*").reply)
    assert "<12>" == nodes(rig.answer("12").reply)[0][1]["text"]


# --- run ------------------------------------------------------------------------------------------


def ways(ran: Any, **options: Any) -> dict[str, str]:
    async def answer(call: Call) -> Any:
        await call.run(ran, **options)
        return HANGUP

    return pivots(Rig(app_of(answer)).arrive().reply)


def test_a_flow_comes_back_from_every_open_leaf() -> None:
    assert {"_": "_"} == ways(flow.record_call())
    assert {"_/_": "_"} == ways(flow.play("x").then(flow.voicemail(BOX)))
    # What the developer wrote stays, also where it does not come back.
    busy = flow.user("u").on("USER_BUSY", HANGUP).then(flow.voicemail(BOX))
    assert {"_/_": "_"} == ways(busy)
    bridged = ways(flow.user("u").on("USER_BUSY", flow.play("x")))
    assert "USER_BUSY" == bridged["USER_BUSY/_"]
    assert "NO_ANSWER" == bridged["NO_ANSWER"]
    assert "_" == bridged["_"]
    assert {"match": "match", "nomatch": "nomatch", "_": "_"} == ways(flow.check_cid())
    assert {"ON_FAX", "ON_VOICE", "_"} == set(ways(flow.fax_detect()))
    assert {"night", "_"} == set(ways(flow.temporal_route(rules=["night"])))
    assert {"1", "2", "timeout", "max_retries", "_"} == set(
        ways(flow.menu("m"), outcomes=("1", "2"))
    )


def test_carriers_come_back_by_every_measured_key_and_never_by_the_default() -> None:
    expected = {
        *("NO_ANSWER", "USER_BUSY", "CALL_REJECTED", "UNALLOCATED_NUMBER", "NO_RESOURCES"),
        *("NORMAL_TEMPORARY_FAILURE", "sip:404", "sip:480", "sip:486", "sip:503"),
    }
    assert expected == set(ways(flow.resources("+15551234567")))
    nested = ways(flow.resources("+15551234567").on("USER_BUSY", flow.user("u")))
    assert "USER_BUSY/NO_ANSWER" == nested["USER_BUSY/NO_ANSWER"]


@pytest.mark.parametrize("platform", [4, 5])
@pytest.mark.parametrize(
    ("script", "result"),
    [("busy", "USER_BUSY"), ("noanswer", "NO_ANSWER"), ("reject", "CALL_REJECTED")],
)
def test_a_call_that_nobody_takes_comes_back_with_the_reason(
    platform: Platform, script: str, result: str
) -> None:
    async def answer(call: Call) -> Any:
        why = await call.run(flow.resources("+15557654321", timeout=20))
        return flow.tts(f"because {why}").then(HANGUP)

    told, outcome = call_up(Rig(app_of(answer)), f"{script} +15557654321", platform)
    assert f"because {result}" in heard(told)
    assert outcome is Outcome.HANGUP


def test_a_call_that_is_taken_ends_the_dialog() -> None:
    async def answer(call: Call) -> Any:
        await call.run(flow.user("u", timeout=20))
        return HANGUP

    rig = Rig(app_of(answer))
    call_up(rig, "answer u")
    assert 1 == len(rig.steps)


# --- the rest -------------------------------------------------------------------------------------


def test_sleep_is_one_node_and_a_way_back() -> None:
    async def answer(call: Call) -> Any:
        await call.say("One moment.")
        await call.sleep(3)
        await call.sleep(0.25)
        return HANGUP

    rig = Rig(app_of(answer))
    assert [{"duration": 3, "unit": "s"}] == [
        d for m, d in nodes(rig.arrive().reply) if m == "sleep"
    ]
    assert {"duration": 250, "unit": "ms"} == nodes(rig.arrive().reply)[0][1]
    assert ["hangup"] == modules(rig.arrive().reply)


def test_the_first_reply_tags_the_call_and_later_ones_only_what_changed() -> None:
    async def answer(call: Call) -> Any:
        await call.tag(room="0101")
        await call.ask("x")
        await call.ask("y")
        await call.tag(room="0102")
        return flow.set_variables({"vip": True}).then(HANGUP)

    rig = Rig(app_of(answer), tags={"rx_e": "e1"})
    assert {
        "custom_application_vars": {"rx_e": "e1", "room": "0101"},
        "export": True,
    } == nodes(rig.arrive().reply)[0][1]
    assert "set_variables" not in modules(rig.answer("1").reply)
    last = rig.answer("1").reply
    assert ["set_variables", "hangup"] == modules(last)
    assert {"room": "0102", "vip": True} == nodes(last)[0][1]["custom_application_vars"]


def test_a_language_of_its_own_keeps_texts_apart_and_long_ones_stay_apart() -> None:
    async def answer(call: Call) -> Any:
        await call.say("Guten Tag.", language="de-de")
        await call.say("a" * 600)
        await call.ask("b" * 600)
        return HANGUP

    reply = Rig(app_of(answer)).arrive().reply
    assert ["tts", "tts", "collect_dtmf", "tts", "collect_dtmf", "pivot"] == modules(reply)
    terminators = [d["terminators"] for m, d in nodes(reply) if m == "tts"]
    assert [[], []] == terminators[:2]
    assert terminators[2]


def test_only_the_last_prompt_of_a_question_is_interrupted_and_explicit_keys_are_kept() -> None:
    async def answer(call: Call) -> Any:
        await call.play(flow.play("/m/skippable", terminators=["#"]))
        await call.ask(flow.play("/m/a").then(flow.play("/m/b")), valid="1")
        return HANGUP

    found = [d["terminators"] for m, d in nodes(Rig(app_of(answer)).arrive().reply) if m == "play"]
    assert [["#"], [], ["1"]] == found


async def second_state(call: Call) -> Any:
    key = await call.ask("Second?")
    return flow.tts(f"second {key}").then(HANGUP)


async def first_state(call: Call) -> Any:
    key = await call.ask("First?")
    await call.say("Going on.")
    return flow.pivot(next=second_state) if key else HANGUP


def test_a_pivot_hands_the_call_to_another_handler_with_a_journal_of_its_own() -> None:
    app = app_of(first_state)
    app.state(second_state)
    rig = Rig(app)
    told, outcome = call_up(rig, "press 1\npress 2")
    assert "second 2" in heard(told)
    assert outcome is Outcome.HANGUP
    assert 4 == len(rig.steps)
    (pivot,) = [d for m, d in nodes(rig.steps[1].reply) if m == "pivot"]
    assert "o=next%3Atests.unit.dialog.test_replies%3Asecond_state" in pivot["voice_url"]
    assert "start" == rig.entries(2)[0].kind
    ops = [e.op for step in range(4) for e in rig.entries(step)]
    assert sorted(set(ops), key=int) == [str(n) for n in range(len(set(ops)))]


def test_a_handler_that_is_not_registered_is_named() -> None:
    rig = Rig(app_of(first_state))
    rig.arrive()
    with pytest.raises(AppError, match=r"test_replies:second_state.*@app\.state"):
        rig.answer("1")


def test_every_pivot_has_time_for_our_deadline_and_the_fallback_under_it() -> None:
    reply = json.loads(Rig(app_of(two)).arrive().reply)
    while reply["module"] != "pivot":
        reply = reply["children"]["_"]
    assert FALLBACK.to_dict() == reply["children"]["_"]
