"""Recorded calls without their guests: what goes, what stays, and what is refused."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from datetime import date

import pytest

from reception import Call, Flow, Secret, flow
from reception.bootstrap.determinism import watched
from reception.dialog import Entries
from reception.errors import NeedsHuman
from reception.rehearsal.pseudonyms import Pseudonyms
from reception.rehearsal.recording import RecordedCall, render_recordings
from reception.rehearsal.redacting import redacted
from reception.rehearsal.vocabulary import vocabulary_of
from reception.wire import PivotRequest
from tests.unit.dialog.rig import app_of, nodes
from tests.unit.rehearsal.calls import EPISODE, Recorder, replayed

DAY = date(2026, 1, 2)
# As it would be read of a hotel system: nothing of it stands in this file in one piece.
GUEST = "Grace " + "Hopper"
NUMBER = "+1555" + "1234567"
ROOM = "8" + "31"


@dataclass(frozen=True)
class Stay:
    guest: str
    room: str
    state: str
    leaves: date
    born: date
    owes_minor: int


def find(room: str, number: str) -> Stay:
    return Stay(GUEST, room, "vip", date(2026, 1, 9), date(1906, 12, 9), 1234567)


def refuse(room: str) -> None:
    raise LookupError(f"no {room} for {GUEST}")


def check(pin: Secret) -> bool:
    return pin.reveal() == "47" + "11"


async def welcoming(call: Call) -> Flow:
    room = await call.ask("Room?", max_digits=4)
    stay = await call.step(find, room, call.caller_number)
    await call.enqueue("remind", stay.guest)
    if stay.state == "vip" and stay.leaves.year == 2026:
        await call.say(f"Welcome {stay.guest} of {stay.room}, {call.caller_name}")
    try:
        await call.step(refuse, room)
    except LookupError as error:
        await call.say(str(error))
    if await call.ask("PIN?", max_digits=4, secret=True):
        await call.say("Thank you")
    await call.ask("1 or 2?", valid="12")
    return flow.tts(f"Bye {stay.guest}").then(flow.hangup())


def recorded() -> RecordedCall:
    request = PivotRequest(
        call_id="call-77331@sip.example",
        account_id="fedcba9876543210fedcba9876543210",
        from_=NUMBER,
        caller_id_number=NUMBER,
        caller_id_name=GUEST,
        request="+442071234567",
        language="en-us",
        custom_application_vars={"room": ROOM + "9", "count": 3},
        extra={"nickname": GUEST},
    )
    return Recorder(app_of(welcoming), request=request).call(ROOM, "4711", "2").recorded()


def words(key: bytes = b"k" * 32) -> Pseudonyms:
    code = (Stay, find, refuse, check, welcoming)
    told = vocabulary_of(textwrap.dedent(inspect.getsource(each)) for each in code)
    return Pseudonyms(key, known=told.texts, names=told.names, day=DAY)


def redact(call: RecordedCall, *keep: str) -> RecordedCall:
    return redacted(app_of(welcoming), call, words, keep=keep, sandbox=watched)


def test_nothing_of_the_guest_is_left_in_requests_results_and_replies() -> None:
    call = recorded()
    before, after = (render_recordings([each]).decode() for each in (call, redact(call)))
    for each in (GUEST, "Hopper", "5551234567", "1234567", "77331", "2071234567", ROOM, EPISODE):
        assert each in before
        assert each not in after
    for each in ("1906", "fedcba9876543210"):
        assert each in before
        assert each not in after


def test_a_secret_is_in_no_recording_at_all() -> None:
    assert "4711" not in render_recordings([recorded()]).decode()


def test_what_tells_of_nobody_stays() -> None:
    call, made = recorded(), redact(recorded())
    request = made.steps[0].request
    assert request
    assert "en-us" == request.language
    assert 3 == request.custom_application_vars["count"]
    assert ["nickname"] == list(request.extra)
    assert ["valid", "2"] == made.steps[-1].operations[0].value
    stay = made.steps[1].operations[1].value
    assert ("vip", "2026-01-09") == (stay["state"], stay["leaves"])
    assert [step.at for step in call.steps] == [step.at for step in made.steps]


def test_the_line_that_raised_stays() -> None:
    (failed,) = [
        d for step in redact(recorded()).steps for d in step.operations if d.state == "failed"
    ]
    line = refuse.__code__.co_firstlineno + 1
    assert f"rehearsal/test_redacting.py:{line}" == failed.value[-1]


def test_equal_values_stay_equal_and_keep_their_shape() -> None:
    made = redact(recorded())
    request, stay = made.steps[0].request, made.steps[1].operations[1].value
    assert request
    assert request.from_ == request.caller_id_number
    assert request.caller_id_name == stay["guest"]
    assert (len(NUMBER), "+15") == (len(request.from_ or ""), (request.from_ or "")[:3])
    typed = made.steps[1].operations[0].value[1]
    assert stay["room"] == typed
    assert typed.isdecimal()
    assert 1_000_000 <= stay["owes_minor"] <= 9_999_999
    heard = next(data["text"] for module, data in nodes(made.steps[1].reply) if module == "tts")
    assert heard.startswith(f"Welcome {stay['guest']} of {typed}, {request.caller_id_name}")


def test_the_redacted_call_replays_by_itself() -> None:
    made = redact(recorded())
    assert made.redacted
    assert "agrees" == replayed(app_of(welcoming), made).fate


def test_another_export_has_other_pseudonyms() -> None:
    one, other = words(), words(b"o" * 32)
    assert one.text(GUEST) == one.text(GUEST)
    assert one.text(GUEST) != other.text(GUEST)


def test_what_an_ended_dialog_did_is_redacted_too() -> None:
    async def tidy(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=4)
        call.on_end(find, room, call.caller_number)
        await call.ask("More?")
        return flow.hangup()

    recorder = Recorder(app_of(tidy)).call(ROOM)
    ended: Entries = recorder.end("hangup").entries
    made = redacted(app_of(tidy), recorder.recorded(ended, "hangup"), words, sandbox=watched)
    assert made.end
    assert GUEST not in render_recordings([made]).decode()
    assert "agrees" == replayed(app_of(tidy), made).fate


def test_code_that_does_not_agree_is_refused() -> None:
    async def other(call: Call) -> Flow:
        await call.ask("Which room?", max_digits=4)
        return flow.hangup()

    with pytest.raises(NeedsHuman, match=r"step 0 was call\.ask") as refused:
        redacted(app_of(other), recorded(), words, sandbox=watched)
    assert "export.differs" == refused.value.code


def test_a_dialog_that_depends_on_a_number_says_what_to_keep() -> None:
    async def choosy(call: Call) -> Flow:
        if call.dialled.endswith("567"):
            await call.say("Hello London")
        await call.ask("Room?")
        return flow.hangup()

    call = Recorder(app_of(choosy)).call().recorded()
    with pytest.raises(NeedsHuman, match="With --keep dialled it goes the same way") as refused:
        redacted(app_of(choosy), call, words, sandbox=watched)
    assert "export.depends" == refused.value.code
    made = redacted(app_of(choosy), call, words, keep=["dialled"], sandbox=watched)
    assert made.steps[0].request
    assert made.steps[0].request.request == call.steps[0].request.request  # type: ignore[union-attr]  # it has one


def test_a_guest_in_a_global_of_the_application_is_noticed() -> None:
    async def leaking(call: Call) -> Flow:
        await call.ask(f"Hello {GUEST}, which room?")
        return flow.hangup()

    request = PivotRequest(call_id="c", caller_id_name=GUEST)
    call = Recorder(app_of(leaking), request=request).call().recorded()
    with pytest.raises(NeedsHuman) as refused:
        redacted(app_of(leaking), call, words, sandbox=watched)
    assert "export.leaks" == refused.value.code
