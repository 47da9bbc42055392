"""A dialog over many requests: answered in order, once, and by whoever is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from reception import App, Call, CallEnded, Flow, StepFailed, current_step, flow
from tests.unit.service.conftest import VOICE, Caller, Node, body_of, node, nodes
from tests.unit.web.asgi import SECRET

USER = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"
FALLBACK = flow.user(USER, timeout=20)


def app_of(handler: Callable[[Call], Awaitable[Flow]]) -> App:
    app = App("acme", fallback=FALLBACK)
    app.answer(handler)
    return app


async def two_questions(call: Call) -> Flow:
    first = await call.ask("Press a key", valid="123")
    second = await call.ask(f"You pressed {first}. Another?", valid="456")
    return flow.tts(f"{first} and {second}").then(flow.hangup())


def serve(dsn: str, app: App, test: Callable[[Node], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        async with node(dsn, app, **settings) as one:
            await test(one)

    asyncio.run(main())


def test_a_dialog_goes_on_where_it_was(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        assert "pivot" in caller.modules
        await caller.press("2")
        await caller.press("5")
        assert "2 and 5" == nodes(caller.replies[-1])[0]["data"]["text"]

    serve(dsn, app_of(two_questions), test)


def test_a_step_without_an_effect_is_one_commit_and_claims_nothing(dsn: str) -> None:
    asked: list[str] = []

    def noted(one: Node, name: str) -> Callable[..., Any]:
        method = getattr(one.steps, name)

        def through(*args: Any) -> Any:
            asked.append(name)
            return method(*args)

        return through

    async def test(one: Node) -> None:
        for name in ("open", "commit", "claim", "finish", "load"):
            setattr(one.steps, name, noted(one, name))
        caller = Caller(one)
        await caller.dial()
        assert ["open"] == asked
        await caller.press("1")
        await caller.press("4")
        assert ["open", "commit", "commit"] == asked

    async def busy(call: Call) -> Flow:
        await call.say(f"It is {await call.now()}")
        await call.enqueue("remind", await call.token())
        return await two_questions(call)

    serve(dsn, app_of(busy), test)


def test_any_node_goes_on_with_any_step(dsn: str) -> None:
    async def main() -> None:
        app = app_of(two_questions)
        async with node(dsn, app) as one, node(dsn, app) as other:
            caller = Caller(one)
            await caller.dial()
            caller.node = other
            await caller.press("1")
            caller.node = one
            await caller.press("6")
            assert "1 and 6" == nodes(caller.replies[-1])[0]["data"]["text"]

    asyncio.run(main())


def test_a_repeated_request_gets_the_stored_bytes(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        for keys in ("2", "5"):
            await caller.press(keys)
            again = await one.post(*caller.last)
            assert caller.replies[-1] == json.loads(again.body)
        assert (await one.post(VOICE, body_of(**{"Custom-Application-Vars": {}}))).status == 200

    serve(dsn, app_of(two_questions), test)


def test_a_changed_copy_gets_the_stored_bytes_and_is_told_of(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.press("2")
        target, body = caller.last
        await one.post(target, body)
        assert "dialog.changed_copy" not in capsys.readouterr().out
        again = await one.post(target, body_of(**{"Caller-ID-Number": "5551234"}))
        assert caller.replies[-1] == json.loads(again.body)
        told = capsys.readouterr().out
        assert "dialog.changed_copy" in told
        assert "5551234" not in told

    serve(dsn, app_of(two_questions), test)


def test_copies_of_a_first_request_open_one_episode(dsn: str) -> None:
    async def test(one: Node) -> None:
        answers = await asyncio.gather(*(one.post() for _ in range(3)))
        assert 1 == len({answer.body for answer in answers})
        assert 200 == answers[0].status

    serve(dsn, app_of(two_questions), test)


def test_concurrent_copies_of_a_step_are_answered_alike(dsn: str) -> None:
    calls = []

    async def handler(call: Call) -> Flow:
        await call.ask("Press a key")
        token = await call.token()
        calls.append(token)
        return flow.tts(token).then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        target, body = caller.url(), body_of(Digits={caller.collection: "1"})
        answers = await asyncio.gather(*(one.post(target, body) for _ in range(8)))
        assert 1 == len({answer.body for answer in answers})

    serve(dsn, app_of(handler), test)


def test_an_effect_runs_once_for_all_copies(dsn: str) -> None:
    ran = []

    async def book(room: str) -> str:
        ran.append(room)
        await asyncio.sleep(0.2)
        return f"booked {room}"

    async def handler(call: Call) -> Flow:
        room = await call.ask("Which room?", max_digits=3, valid={"101"})
        told = await call.step(book, room)
        return flow.tts(told).then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        target, body = caller.url(), body_of(Digits={caller.collection: "101"})
        answers = await asyncio.gather(*(one.post(target, body) for _ in range(6)))
        assert 1 == len({answer.body for answer in answers})
        assert b"booked 101" in answers[0].body
        assert ["101"] == ran

    serve(dsn, app_of(handler), test)


def test_an_effect_at_the_very_beginning_runs_once(dsn: str) -> None:
    ran = []

    def find(number: str) -> str:
        ran.append(number)
        return "Ann"

    async def handler(call: Call) -> Flow:
        name = await call.step(find, call.caller_number)
        await call.ask(f"Hello {name}")
        return flow.hangup()

    async def test(one: Node) -> None:
        answers = await asyncio.gather(*(one.post() for _ in range(3)))
        assert 1 == len({answer.body for answer in answers})
        assert b"Hello Ann" in answers[0].body
        assert 1 == len(ran)

    serve(dsn, app_of(handler), test)


def test_a_failing_effect_raises_in_the_dialog(dsn: str) -> None:
    async def fail() -> None:
        raise ValueError("no such room")

    async def handler(call: Call) -> Flow:
        try:
            await call.step(fail)
        except ValueError as error:
            await call.ask(f"Sorry: {error}")
        return flow.hangup()

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        assert b"Sorry: no such room" in json.dumps(caller.replies[-1]).encode()
        await caller.press("1")
        assert ["hangup"] == caller.modules

    serve(dsn, app_of(handler), test)


def test_a_step_that_fails_a_dialog_is_logged_with_its_own_line(dsn: str) -> None:
    async def fail() -> None:
        raise ValueError("what a guest said")

    async def handler(call: Call) -> Flow:
        await call.step(fail)
        return flow.hangup()

    async def test(one: Node) -> None:
        with capture_logs() as logs:
            await one.post()
        (line,) = [each for each in logs if each["event"] == "voice.handler_failed"]
        raised = fail.__code__.co_firstlineno + 1
        assert f"service/test_dialogs.py:{raised}" == line["raised_in"]
        assert "what a guest said" not in str(logs)

    serve(dsn, app_of(handler), test)


@pytest.mark.parametrize("raised", [asyncio.CancelledError(), SystemExit(3)])
def test_an_effect_that_leaves_in_an_odd_way_has_failed(dsn: str, raised: BaseException) -> None:
    async def leave() -> None:
        raise raised

    async def handler(call: Call) -> Flow:
        try:
            await call.step(leave)
        except StepFailed as error:
            return flow.tts(f"Failed: {error.type_name}").then(flow.hangup())
        return flow.hangup()

    async def test(one: Node) -> None:
        answer = await one.post()
        assert f"Failed: {type(raised).__module__}:{type(raised).__name__}".encode() in answer.body

    serve(dsn, app_of(handler), test)


def test_an_effect_that_takes_too_long_says_so(dsn: str) -> None:
    async def endless() -> None:
        await asyncio.sleep(60)

    async def handler(call: Call) -> Flow:
        try:
            await call.step(endless, timeout_s=0.1)
        except TimeoutError as error:
            return flow.tts(str(error)).then(flow.hangup())
        return flow.hangup()

    async def test(one: Node) -> None:
        assert b"endless took longer than 0.1 s" in (await one.post()).body

    serve(dsn, app_of(handler), test)


def test_what_a_plain_function_hands_on_is_still_the_step(dsn: str) -> None:
    async def key() -> str:
        step = current_step()
        return step.key if step else "no step"

    def decorated() -> Awaitable[str]:
        return key()

    async def handler(call: Call) -> Flow:
        return flow.tts(await call.step(decorated, key="mine")).then(flow.hangup())

    async def test(one: Node) -> None:
        assert b'"mine"' in (await one.post()).body

    serve(dsn, app_of(handler), test)


def test_a_stored_step_does_not_tell_what_was_typed(dsn: str) -> None:
    async def handler(call: Call) -> Flow:
        await call.ask("PIN?", max_digits=4, secret=True)
        await call.ask("Room?")
        return flow.hangup()

    async def test(one: Node) -> None:
        digests = []
        caller = Caller(one)
        for pin in ("4711", "4712"):
            await caller.dial()
            episode = caller.variables["rx_e"]
            # All else that the platform sends is the same.
            await caller.send(
                caller.url(), **{"Digits": {caller.collection: pin}, "Custom-Application-Vars": {}}
            )
            history = await one.steps.load("acme", episode, 1)
            assert history is not None
            digests.append(history.steps[1].digest)
        # Ten thousand tries would find a PIN by a digest that it is a part of.
        assert digests[0] == digests[1]

    serve(dsn, app_of(handler), test)


def test_a_late_effect_plays_the_holding_prompt_and_comes_back(dsn: str) -> None:
    ran = []

    async def slow() -> str:
        ran.append(1)
        await asyncio.sleep(1.5)
        return "ready"

    async def handler(call: Call) -> Flow:
        told = await call.step(slow, while_=flow.play("hold.wav"))
        return flow.tts(told).then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        assert "play" in caller.modules
        await asyncio.sleep(0.7)
        await caller.send(caller.url())
        assert "ready" == nodes(caller.replies[-1])[0]["data"]["text"]
        assert [1] == ran

    serve(dsn, app_of(handler), test)


def test_a_late_effect_without_a_prompt_is_the_fallback_and_stays_it(dsn: str) -> None:
    async def slow() -> str:
        await asyncio.sleep(1.0)
        return "ready"

    async def handler(call: Call) -> Flow:
        await call.ask("Press a key")
        return flow.tts(await call.step(slow)).then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.press("1")
        assert FALLBACK.to_dict() == caller.replies[-1]
        await asyncio.sleep(1.0)
        assert FALLBACK.to_dict() == json.loads((await one.post(*caller.last)).body)

    serve(dsn, app_of(handler), test, deadline_s=0.7)


def test_a_reply_is_held_back_only_while_there_is_time(dsn: str) -> None:
    """The platform's bucket is nearly empty, and an effect has used up the time to wait for it."""

    async def slow() -> str:
        await asyncio.sleep(1.1)
        return "ready"

    async def handler(call: Call) -> Flow:
        await call.ask("Press a key")
        told = await call.step(slow)
        for number in range(6):
            await call.play(flow.play(f"https://media.example/{number}.wav"))
        await call.ask(told)
        return flow.hangup()

    async def test(one: Node) -> None:
        one.clock.is_still = True
        caller = Caller(one)
        await caller.dial()
        await caller.press("1")
        assert "sleep" == caller.modules[0], "it goes out at once, and the platform waits"
        assert "ready" in str(caller.replies[-1])

    serve(dsn, app_of(handler), test)


def test_a_failing_dialog_is_the_fallback_and_stays_it(dsn: str) -> None:
    fails = [True]

    async def handler(call: Call) -> Flow:
        await call.ask("Press a key")
        if fails[0]:
            raise ValueError("oops")
        return flow.hangup()

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.press("1")
        assert FALLBACK.to_dict() == caller.replies[-1]
        fails[0] = False
        assert FALLBACK.to_dict() == json.loads((await one.post(*caller.last)).body)

    serve(dsn, app_of(handler), test)


@pytest.mark.parametrize(
    "forge",
    [
        lambda target: target.replace("&s=1", "&s=2"),
        lambda target: target.replace("&c=", "&c=x"),
        lambda target: target[:-1] + ("A" if target[-1] != "A" else "B"),
        lambda target: target + "&o=USER_BUSY",
        lambda target: target.replace("&s=1", "&s=1&s=1"),
        lambda target: target.partition("&k=")[0],
        lambda target: target.replace("APPID=acme", "APPID=other"),
    ],
)
def test_a_forged_step_is_an_unknown_tenant(dsn: str, forge: Callable[[str], str]) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        nowhere = await one.post(VOICE.replace("APPID=acme", "APPID=nobody"))
        answer = await one.post(forge(caller.url()), body_of(Digits={caller.collection: "1"}))
        assert (404, nowhere.body) == (answer.status, answer.body)

    serve(dsn, app_of(two_questions), test)


def test_a_call_comes_back_by_the_shape_of_url_that_it_came_by(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial(f"/v1/apps/acme/voice?key={SECRET}")
        assert caller.url().startswith("/v1/apps/acme/voice?c=")
        assert SECRET not in caller.url()
        await caller.press("2")
        assert caller.url().startswith("/v1/apps/acme/voice?c=")
        by_query = caller.url().replace("/v1/apps/acme/voice?", "/voice?APPID=acme&")
        await caller.send(by_query, Digits={caller.collection: "5"})
        assert "2 and 5" in str(caller.replies[-1]), (
            "the MAC covers what it means, not how it looks"
        )

    serve(dsn, app_of(two_questions), test)


def test_a_step_of_another_account_is_refused(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        foreign = body_of(**{"Account-ID": "0" * 32})
        assert 404 == (await one.post(caller.url(), foreign)).status
        await caller.press("1")

    serve(dsn, app_of(two_questions), test)


def test_a_step_expires_after_a_day(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        one.clock.ahead = timedelta(hours=24, minutes=1)
        assert 404 == (await one.post(caller.url(), body_of())).status
        one.clock.ahead = timedelta(hours=23)
        await caller.press("1")
        assert 200 == (await one.post(*caller.last)).status
        one.clock.ahead = timedelta(hours=24, minutes=1)
        assert 404 == (await one.post(*caller.last)).status, "also when it is stored"

    serve(dsn, app_of(two_questions), test)


def test_after_the_end_no_step_runs_and_a_stored_one_is_told_for_a_minute(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.press("1")
        stored = caller.last
        episode = caller.variables["rx_e"]
        assert await one.steps.end("acme", episode, cause="hangup", now=one.clock())
        assert 404 == (await one.post(caller.url(), body_of())).status
        assert 200 == (await one.post(*stored)).status
        one.clock.ahead = timedelta(seconds=61)
        assert 404 == (await one.post(*stored)).status

    serve(dsn, app_of(two_questions), test)


def test_a_second_dialog_in_a_call_ends_the_first(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        first, way_back = caller.variables["rx_e"], caller.url()
        await caller.dial()
        assert first != caller.variables["rx_e"]
        assert 404 == (await one.post(way_back, body_of())).status
        await caller.press("1")

    serve(dsn, app_of(two_questions), test)


def test_a_renamed_call_goes_on_and_its_name_is_kept(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        caller.call_id = "renamed"
        await caller.press("1")
        await asyncio.sleep(0.1)
        (found,) = await one.steps.of_call("acme", "renamed")
        assert caller.variables["rx_e"] == found.episode

    serve(dsn, app_of(two_questions), test)


def test_a_handler_that_asks_in_a_function_is_found_out(dsn: str) -> None:
    async def asks(call: Call) -> str:
        return await call.ask("Press a key")

    began = []

    async def handler(call: Call) -> Flow:
        began.append(call.id)
        return flow.tts(await asks(call)).then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        # It was not begun anew for being a dialog.
        assert 1 == len(began)
        await caller.press("7")
        assert "7" == nodes(caller.replies[-1])[0]["data"]["text"]

    serve(dsn, app_of(handler), test, runs="loop")


def test_a_running_call_keeps_its_keys_through_a_rotation(dsn: str) -> None:
    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        keys = one.keys._keys
        await keys.rotate("acme", after=1, secret=b"x" * 32, now=one.clock())
        one.clock.ahead = timedelta(minutes=2)
        await caller.press("1")
        await caller.press("4")

    serve(dsn, app_of(two_questions), test)


def test_what_was_drawn_before_an_effect_counts_for_every_copy(dsn: str) -> None:
    ran = []

    async def book(token: str) -> str:
        ran.append(token)
        await asyncio.sleep(0.1)
        return token

    async def handler(call: Call) -> Flow:
        await call.ask("Press a key")
        drawn = await call.token()
        booked = await call.step(book, drawn)
        return flow.tts(f"{drawn} {booked}").then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        target, body = caller.url(), body_of(Digits={caller.collection: "1"})
        answers = await asyncio.gather(*(one.post(target, body) for _ in range(6)))
        (text,) = {json.loads(answer.body)["data"]["text"] for answer in answers}
        assert f"{ran[0]} {ran[0]}" == text
        assert 1 == len(ran)

    serve(dsn, app_of(handler), test)


def test_a_step_that_a_dead_worker_began_goes_on_with_what_it_drew(dsn: str) -> None:
    ran: list[str] = []

    async def book(token: str) -> str:
        ran.append(token)
        if len(ran) == 1:
            await asyncio.sleep(30)
        return token

    async def handler(call: Call) -> Flow:
        await call.ask("Press a key")
        drawn = await call.token()
        return flow.tts(await call.step(book, drawn)).then(flow.hangup())

    async def main() -> None:
        app = app_of(handler)
        async with node(dsn, app) as other:
            async with node(dsn, app) as one:
                caller = Caller(one)
                await caller.dial()
                target, body = caller.url(), body_of(Digits={caller.collection: "1"})
                dying = asyncio.create_task(one.post(target, body))
                await asyncio.sleep(0.3)
                dying.cancel()
            # Its lease runs out.
            other.clock.ahead = timedelta(seconds=31)
            answer = await other.post(target, body)
            assert json.loads(answer.body)["data"]["text"] == ran[0] == ran[1]

    asyncio.run(main())


def test_an_effect_before_a_failure_is_not_run_again_at_the_end(dsn: str) -> None:
    ran = []

    async def book() -> str:
        ran.append("booked")
        return "booked"

    async def handler(call: Call) -> Flow:
        await call.ask("Press a key")
        await call.step(book)
        raise ValueError("oops")

    async def test(one: Node) -> None:
        caller = Caller(one)
        app = one.apps["acme"]
        await caller.dial()
        await caller.press("1")
        assert FALLBACK.to_dict() == caller.replies[-1]
        episode = caller.variables["rx_e"]
        await one.steps.end("acme", episode, cause="hangup", now=one.clock())
        await one.endings.settle("acme", app, episode, fallback=FALLBACK)
        assert ["booked"] == ran

    serve(dsn, app_of(handler), test)


def test_the_end_reaches_the_dialog_once_where_it_waits(dsn: str) -> None:
    told = []

    def tell(what: str) -> None:
        told.append(what)

    async def handler(call: Call) -> Flow:
        call.on_end(tell, "cleaned up")
        try:
            await call.ask("Press a key")
        except CallEnded as ended:
            await call.step(tell, ended.cause)
        return flow.hangup()

    async def test(one: Node) -> None:
        caller = Caller(one)
        app = one.apps["acme"]
        await caller.dial()
        episode = caller.variables["rx_e"]
        assert await one.steps.end("acme", episode, cause="hangup", now=one.clock())
        for _ in range(2):
            await one.endings.settle("acme", app, episode, fallback=FALLBACK)
        assert ["hangup", "cleaned up"] == told

    serve(dsn, app_of(handler), test)


async def second(call: Call) -> Flow:
    pressed = await call.ask("And now?")
    return flow.tts(f"second heard {pressed}").then(flow.hangup())


def test_a_dialog_with_a_url_of_its_own_is_settled(dsn: str) -> None:
    settled: list[str] = []

    async def handler(call: Call) -> Flow:
        back = flow.pivot(url=call.pivot_url(at="busy"))
        call.on_end(settled.append, "end")
        await call.run(flow.user(USER).on("USER_BUSY", back))
        await call.ask("Go on?")
        return flow.hangup()

    app = app_of(handler)

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.send(caller.url())
        episode = caller.variables["rx_e"]
        await one.steps.end("acme", episode, cause="hangup", now=one.clock())
        assert await one.endings.settle("acme", app, episode, fallback=FALLBACK) is None
        assert ["end"] == settled

    serve(dsn, app, test)


def test_a_handler_hands_the_call_over_to_another(dsn: str) -> None:
    app = App("acme", fallback=FALLBACK)
    app.state(second)

    async def first(call: Call) -> Flow:
        return flow.tts("Hello").then(flow.pivot(next=second))

    app.answer(first)

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.send(caller.url())
        await caller.press("9")
        assert "second heard 9" == nodes(caller.replies[-1])[0]["data"]["text"]

    serve(dsn, app, test)


def test_a_flow_that_runs_and_comes_back_tells_by_which_branch(dsn: str) -> None:
    async def handler(call: Call) -> Flow:
        outcome = await call.run(flow.user(USER, timeout=10))
        return flow.tts(f"came back by {outcome}").then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.send(caller.url())
        assert nodes(caller.replies[-1])[0]["data"]["text"].startswith("came back by ")

    serve(dsn, app_of(handler), test)


def test_a_node_that_has_missed_a_step_tells_what_is_stored(dsn: str) -> None:
    ran = []

    async def book(room: str) -> str:
        ran.append(room)
        return f"booked {room} as {len(ran)}"

    async def handler(call: Call) -> Flow:
        first = await call.ask("Which room?")
        told = await call.step(book, first)
        await call.ask(told)
        return flow.tts("Good-bye").then(flow.hangup())

    async def main() -> None:
        app = app_of(handler)
        async with node(dsn, app) as one, node(dsn, app) as other:
            caller = Caller(one)
            await caller.dial()
            caller.node = other
            await caller.press("4")
            told = caller.replies[-1]
            again = await one.post(*caller.last)
            assert told == json.loads(again.body)
            caller.node = one
            await caller.press("1")
            assert ["tts", "hangup"] == caller.modules
            assert ["4"] == ran

    asyncio.run(main())


def test_a_developer_sees_what_is_wrong_with_a_dialog_and_where(dsn: str) -> None:
    async def handler(call: Call) -> Flow:
        call.say("Hello")  # type: ignore[unused-awaitable]  # that is the mistake
        await call.ask("Press a key")
        return flow.hangup()

    async def test(one: Node) -> None:
        answer = await one.post()
        page = answer.body.decode()
        assert 500 == answer.status
        assert page.startswith("This dialog cannot go on.")
        assert "test_dialogs.py:" in page
        assert "await call.say" in page

    serve(dsn, app_of(handler), test, dev=True)


def test_a_developer_sees_the_line_that_asked_for_what_cannot_be(dsn: str) -> None:
    async def handler(call: Call) -> Flow:
        await call.ask("Press a key", valid="x")
        return flow.hangup()

    async def test(one: Node) -> None:
        page = (await one.post()).body.decode()
        line = handler.__code__.co_firstlineno + 1
        assert f"At test_dialogs.py:{line} in handler" in page

    serve(dsn, app_of(handler), test, dev=True)


def test_a_store_that_is_only_busy_is_asked_again_while_there_is_time(
    dsn: str, owner_dsn: str
) -> None:
    async def test(one: Node) -> None:
        async with await psycopg.AsyncConnection.connect(owner_dsn) as other:
            await other.execute("LOCK TABLE reception.episode IN EXCLUSIVE MODE")
            asking = asyncio.create_task(one.post())
            # Longer than the store waits for a lock, and shorter than the caller waits for us.
            await asyncio.sleep(0.6)
            await other.rollback()
        answer = await asking
        assert b"pivot" in answer.body

    serve(dsn, app_of(two_questions), test)


def test_an_effect_is_claimed_when_the_store_is_not_busy_any_more(dsn: str, owner_dsn: str) -> None:
    async def book(room: str) -> str:
        return f"booked {room}"

    async def handler(call: Call) -> Flow:
        room = await call.ask("Which room?")
        return flow.tts(await call.step(book, room)).then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        async with await psycopg.AsyncConnection.connect(owner_dsn) as other:
            await other.execute("LOCK TABLE reception.effect IN EXCLUSIVE MODE")
            asking = asyncio.create_task(caller.press("7"))
            await asyncio.sleep(0.6)
            await other.rollback()
        await asking
        assert "booked 7" == nodes(caller.replies[-1])[0]["data"]["text"]

    serve(dsn, app_of(handler), test)


def test_a_dialog_sees_the_parameters_of_its_url_at_every_step(dsn: str) -> None:
    async def handler(call: Call) -> Flow:
        shop = call.params.get("shop", "none")
        await call.ask(f"Welcome to {shop}")
        return flow.tts(f"Goodbye from {call.params.get('shop', 'none')}").then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial(VOICE + "&shop=north")
        await caller.press("1")
        assert "Goodbye from north" == nodes(caller.replies[-1])[0]["data"]["text"]

    serve(dsn, app_of(handler), test)


def test_who_waits_for_an_effect_goes_on_waiting_where_the_store_is_busy(
    dsn: str, owner_dsn: str
) -> None:
    began = asyncio.Event()

    async def book(room: str) -> str:
        began.set()
        await asyncio.sleep(0.5)
        return f"booked {room}"

    async def handler(call: Call) -> Flow:
        room = await call.ask("Which room?")
        return flow.tts(await call.step(book, room)).then(flow.hangup())

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        target, body = caller.url(), body_of(Digits={caller.collection: "7"})
        copies = [asyncio.create_task(one.post(target, body)) for _ in range(2)]
        await began.wait()
        await asyncio.sleep(0.2)  # by now the other one waits
        async with await psycopg.AsyncConnection.connect(owner_dsn) as other:
            # Nobody can even read it.
            await other.execute("LOCK TABLE reception.effect IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(0.6)
            await other.rollback()
        answers = [await copy for copy in copies]
        assert 1 == len({answer.body for answer in answers})
        assert b"booked 7" in answers[0].body

    serve(dsn, app_of(handler), test)
