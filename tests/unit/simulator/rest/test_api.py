"""The API's promises: envelopes, tokens, allowance, documents, webhooks, messages."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.reports.sending import Attempt
from reception.simulator.request import Outgoing
from reception.simulator.rest.asked import ApiError
from reception.simulator.rest.tokens import Login
from tests.unit.simulator.rest.asking import ACCOUNT, Asking, asking

FLOW: Final = {"module": "pivot", "data": {"voice_url": "https://app.example/voice"}}
HOOK: Final = {"name": "hangups", "hook": "channel_destroy", "uri": "https://app.example/hangup"}


def play(story: Callable[[Asking], Awaitable[None]], **settings: Any) -> None:
    async def run() -> None:
        ask = asking(**settings)
        try:
            await ask.log_in()
            await story(ask)
        finally:
            await ask.api.aclose()
            await ask.account.sender.aclose()

    asyncio.run(run())


# --- envelope and tokens --------------------------------------------------------------------------


def test_a_success_says_all_that_an_envelope_says() -> None:
    async def story(ask: Asking) -> None:
        told = await ask("PUT", "/A/users", {"first_name": "A", "last_name": "B"})
        assert 201 == told.status
        assert {
            *("data", "metadata", "auth_token", "revision", "request_id"),
            *("timestamp", "version", "node", "status"),
        } == told.body.keys()
        assert "success" == told.body["status"]
        assert f'"{told.body["revision"]}"' == told.headers["etag"]
        assert str(ask.account.now()) == told.body["timestamp"]

    play(story)


def test_a_refusal_has_its_code_as_text_and_the_fault_under_its_field() -> None:
    async def story(ask: Asking) -> None:
        told = await ask("PUT", "/A/webhooks", {"hook": "channel_destroy"})
        assert (400, "400", "invalid data", "error") == (
            told.status,
            told.body["error"],
            told.body["message"],
            told.body["status"],
        )
        assert {"name", "uri"} == told.data.keys()
        assert "required" in told.data["uri"]

    play(story)


def test_without_a_token_or_with_a_worn_one_the_answer_is_the_same_401() -> None:
    async def story(ask: Asking) -> None:
        ask.time[0] += 3_599
        assert 200 == (await ask("GET", "/A/users")).status
        ask.time[0] += 3_599
        assert 200 == (await ask("GET", "/A/users")).status
        ask.time[0] += 3_601
        for token in (ask.token, None, "nonsense"):
            ask.token = token
            told = await ask("GET", "/A/users")
            assert (401, "invalid_credentials") == (told.status, told.body["message"])

    play(story)


def test_a_token_may_come_as_bearer_or_in_the_envelope() -> None:
    async def story(ask: Asking) -> None:
        token, ask.token = ask.token, None
        ask.headers["authorization"] = f"Bearer {token}"
        assert 200 == (await ask("GET", "/A/users")).status
        ask.headers.clear()
        assert 200 == (await ask("POST", "/A/users?verb=GET", auth_token=token)).status

    play(story)


def test_an_envelope_is_read_whatever_it_is_called() -> None:
    async def story(ask: Asking) -> None:
        ask.headers["content-type"] = "application/x-www-form-urlencoded"
        assert 201 == (await ask("PUT", "/A/users", {"first_name": "A", "last_name": "B"})).status
        ask.headers["content-type"] = "audio/mp3"
        assert 400 == (await ask("PUT", "/A/users", body=b"ID3")).status

    play(story)


@pytest.mark.parametrize("method", ["md5", "sha"])
def test_a_user_logs_in_with_a_hash_and_the_accounts_name(method: str) -> None:
    digest = hashlib.sha1 if method == "sha" else hashlib.md5

    async def story(ask: Asking) -> None:
        credentials = digest(b"ann:secret").hexdigest()
        data = {"credentials": credentials, "account_name": "rehearsal", "method": method}
        told = await ask("PUT", "/v2/user_auth", data)
        assert (201, "u-1", ACCOUNT) == (
            told.status,
            told.data["owner_id"],
            told.data["account_id"],
        )
        for wrong in ({"account_name": "other"}, {"credentials": "0" * 32}, {"account_name": None}):
            assert 401 == (await ask("PUT", "/v2/user_auth", {**data, **wrong})).status

    play(story, logins=[Login("ann", "secret", "u-1")])


def test_a_restricted_token_reaches_what_it_may_and_no_more() -> None:
    async def story(ask: Asking) -> None:
        await ask.log_in(restrictions={"get": ["cdrs/#", "users/*"]})
        assert 200 == (await ask("GET", "/A/cdrs")).status
        assert 200 == (await ask("GET", "/A/cdrs/interaction")).status
        assert 404 == (await ask("GET", "/A/users/u")).status
        for method, path in (("GET", "/A/users"), ("PUT", "/A/users"), ("GET", "/A/menus/m/x")):
            assert 403 == (await ask(method, path)).status

    play(story)


def test_the_allowance_runs_dry_and_comes_back_for_each_client() -> None:
    async def story(ask: Asking) -> None:
        codes = [(await ask("GET", "/A/users")).status for _ in range(105)]
        assert (99, 429) == (codes.count(200), codes[-1])
        told = await ask("GET", "/A/users")
        assert "too_many_requests" == told.body["message"]
        assert "retry-after" not in told.headers
        ask.time[0] += 1
        assert 10 == [(await ask("GET", "/A/users")).status for _ in range(12)].count(200)
        ask.client = "192.0.2.2"
        assert 200 == (await ask("GET", "/A/users")).status

    play(story)


def test_trouble_of_the_platform_can_be_ordered() -> None:
    async def story(ask: Asking) -> None:
        ask.account.fail_next(ApiError(503, "datastore_fault", is_fatal=True), times=2)
        codes = [(await ask("GET", "/A/users")) for _ in range(3)]
        assert [503, 503, 200] == [told.status for told in codes]
        assert "fatal" == codes[0].body["status"]

    play(story)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v3/accounts", 404),
        ("GET", "/", 404),
        ("TRACE", "/A/users", 405),
        ("POST", "/A/users", 405),
        ("GET", "/A/nonsense", 404),
        ("GET", "/A/users/nobody", 404),
        ("GET", "/v2/accounts/other/users", 403),
        ("GET", "/A/users?page_size=0", 400),
        ("GET", "/A/users?start_key=nonsense", 400),
    ],
)
def test_what_is_not_there_is_refused_in_an_envelope(method: str, path: str, status: int) -> None:
    async def story(ask: Asking) -> None:
        told = await ask(method, path)
        assert (status, str(status)) == (told.status, told.body["error"])

    play(story)


@given(
    st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE"]),
    st.lists(
        st.sampled_from(["users", "webhooks", "cdrs", "channels", "vmboxes", "messages", "é", "x"]),
        max_size=4,
    ),
    st.binary(max_size=60)
    | st.dictionaries(st.text(), st.none()).map(lambda d: json.dumps(d).encode()),
)
def test_every_request_gets_an_envelope(method: str, parts: list[str], body: bytes) -> None:
    async def story(ask: Asking) -> None:
        told = await ask(method, "/A/" + "/".join(parts), body=body)
        assert told.body["status"] in {"success", "error"}

    play(story)


# --- documents ------------------------------------------------------------------------------------


def test_a_document_is_made_read_merged_replaced_and_deleted() -> None:
    async def story(ask: Asking) -> None:
        made = await ask(
            "PUT", "/A/devices", {"name": "101", "caller_id": {"internal": {"name": "x"}}}
        )
        path = f"/A/devices/{made.data['id']}"
        patch = {"do_not_disturb": {"enabled": True}, "caller_id": {"internal": {"number": "101"}}}
        merged = await ask("PATCH", path, patch)
        assert {"name": "x", "number": "101"} == merged.data["caller_id"]["internal"]
        assert made.body["revision"] != merged.body["revision"]
        gone = await ask("PATCH", path, {"caller_id": None})
        assert "caller_id" not in gone.data
        replaced = await ask("POST", path, {"name": "102"})
        assert {"name": "102", "id": made.data["id"]} == replaced.data
        assert 200 == (await ask("DELETE", path)).status
        assert 404 == (await ask("GET", path)).status

    play(story)


def test_an_old_revision_is_a_conflict() -> None:
    async def story(ask: Asking) -> None:
        made = await ask("PUT", "/A/devices", {"name": "101"})
        path, revision = f"/A/devices/{made.data['id']}", made.body["revision"]
        assert 200 == (await ask("PATCH", path, {"name": "102", "_rev": revision})).status
        told = await ask("PATCH", path, {"name": "103", "_rev": revision})
        assert (409, "conflicting documents") == (told.status, told.body["message"])

    play(story)


def test_lists_go_on_from_a_key_until_there_is_none() -> None:
    async def story(ask: Asking) -> None:
        for number in range(120):
            ask.account.add("devices", {"name": str(number)})
        names: list[str] = []
        path, pages = "/A/devices", 0
        while True:
            told = await ask("GET", path)
            names += [row["name"] for row in told.data]
            pages += 1
            key = told.body.get("next_start_key")
            if key is None:
                break
            path = f"/A/devices?start_key={key}"
        assert (3, [str(number) for number in range(119, -1, -1)]) == (pages, names)
        few = await ask("GET", "/A/devices?filter_name=7")
        assert ["7"] == [row["name"] for row in few.data]

    play(story)


def test_a_number_belongs_to_one_callflow() -> None:
    async def story(ask: Asking) -> None:
        first = await ask("PUT", "/A/callflows", {"numbers": ["7001"], "flow": FLOW})
        told = await ask("PUT", "/A/callflows", {"numbers": ["7002", "7001"], "flow": FLOW})
        assert 400 == told.status
        assert first.data["id"] == told.data["numbers"]["unique"]["cause"]
        path = f"/A/callflows/{first.data['id']}"
        assert 200 == (await ask("PATCH", path, {"numbers": ["7001", "7003"]})).status

    play(story)


def test_a_callflow_is_judged_and_completed_as_answers_are() -> None:
    async def story(ask: Asking) -> None:
        told = await ask("PUT", "/A/callflows", {"numbers": ["1"], "flow": {"module": "nope"}})
        assert (400, ["unknown_module"]) == (told.status, list(told.data["flow.module"]))
        made = await ask("PUT", "/A/callflows", {"numbers": ["1"], "flow": FLOW})
        assert ("get", "kazoo") == (
            made.data["flow"]["data"]["method"],
            made.data["flow"]["data"]["req_format"],
        )
        local = {"module": "pivot", "data": {"voice_url": "http://127.0.0.1:8080/voice"}}
        assert 201 == (await ask("PUT", "/A/callflows", {"numbers": ["2"], "flow": local})).status
        ask.account.on_loopback = False
        assert 400 == (await ask("PUT", "/A/callflows", {"numbers": ["3"], "flow": local})).status

    play(story)


def test_version_5_wants_a_flow_and_version_4_does_not() -> None:
    async def story_4(ask: Asking) -> None:
        assert 201 == (await ask("PUT", "/A/callflows", {"numbers": ["1"]})).status

    async def story_5(ask: Asking) -> None:
        assert 400 == (await ask("PUT", "/A/callflows", {"numbers": ["1"]})).status

    play(story_4)
    play(story_5, platform=5)


def test_a_number_costs_and_is_bought_only_by_who_agrees() -> None:
    async def story(ask: Asking) -> None:
        told = await ask("PUT", "/A/phone_numbers/+15551230000", {})
        assert (402, "accept charges") == (told.status, told.body["message"])
        bought = await ask("PUT", "/A/phone_numbers/+15551230000", {}, accept_charges=True)
        assert 201 == bought.status

    play(story)


# --- webhooks -------------------------------------------------------------------------------------


def test_a_webhook_that_is_made_is_sent_and_one_that_is_changed_is_sent_otherwise() -> None:
    async def story(ask: Asking) -> None:
        made = await ask("PUT", "/A/webhooks", {**HOOK, "custom_data": {"appid": "acme"}})
        hook = ask.account.sender.hooks[made.data["id"]]
        assert ("post", "form-data", 2, {"appid": "acme"}) == (
            hook.http_verb,
            hook.format,
            hook.retries,
            hook.custom_data,
        )
        await ask("PATCH", f"/A/webhooks/{made.data['id']}", {"format": "json", "retries": 4})
        changed = ask.account.sender.hooks[made.data["id"]]
        assert ("json", 4) == (changed.format, changed.retries)
        await ask("DELETE", f"/A/webhooks/{made.data['id']}")
        assert {} == ask.account.sender.hooks

    play(story)


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"http_verb": "delete"}, "http_verb", "enum"),
        ({"format": "xml"}, "format", "enum"),
        ({"retries": 5}, "retries", "maximum"),
        ({"retries": "2"}, "retries", "type"),
        ({"uri": "ftp://h/"}, "uri", "format"),
        ({"custom_data": {"n": 1}}, "custom_data", "type"),
    ],
)
def test_a_wrong_webhook_is_refused_with_its_fault(
    change: dict[str, Any], field: str, rule: str
) -> None:
    async def story(ask: Asking) -> None:
        told = await ask("PUT", "/A/webhooks", {**HOOK, **change})
        assert 400 == told.status
        assert rule in told.data[field]

    play(story)


def test_a_webhook_that_was_switched_off_says_so_and_can_be_switched_on_again() -> None:
    async def story(ask: Asking) -> None:
        made = await ask("PUT", "/A/webhooks", HOOK)
        sender, hook_id = ask.account.sender, made.data["id"]
        for _ in range(6):
            sender._failures.note(sender.hooks[hook_id], ask.time[0])
            request = Outgoing("POST", HOOK["uri"])
            sender.attempts.append(
                Attempt(hook_id, "CHANNEL_DESTROY", request, ask.time[0], ok=False, status=500)
            )
        ask.time[0] += 16
        told = await ask("GET", f"/A/webhooks/{hook_id}")
        assert (False, True) == (told.data["enabled"], bool(told.data["disable_message"]))
        tried = await ask("GET", f"/A/webhooks/{hook_id}/attempts")
        assert ["500"] * 6 == [row["response_code"] for row in tried.data]
        on = await ask("PATCH", "/A/webhooks", {"re-enable": True})
        assert {hook_id: "success"} == on.data
        assert sender.hooks[hook_id].enabled
        again = await ask("GET", f"/A/webhooks/{hook_id}")
        assert (True, False) == (again.data["enabled"], "disable_message" in again.data)

    play(story)


def test_kinds_and_samples_of_webhooks_are_told_without_an_account() -> None:
    async def story(ask: Asking) -> None:
        assert "channel_destroy" in [row["id"] for row in (await ask("GET", "/v2/webhooks")).data]
        assert 200 == (await ask("GET", "/v2/webhooks/samples/webhooks_channel_answer")).status
        assert 404 == (await ask("GET", "/v2/webhooks/samples/nonsense")).status

    play(story)


# --- messages, presence ---------------------------------------------------------------------------


def test_messages_are_listed_moved_heard_and_deleted() -> None:
    async def story(ask: Asking) -> None:
        box = ask.account.add("vmboxes", {"name": "101", "mailbox": "101"}).id
        one, other = (ask.account.mailboxes.leave(box, length=n) for n in (1_000, 2_000))
        path = f"/A/vmboxes/{box}/messages"
        assert [1_000, 2_000] == [row["length"] for row in (await ask("GET", path)).data]
        keyed = await ask("GET", f"{path}?paginate=true")
        assert [[one], [other]] == [list(row) for row in keyed.data]
        moved = await ask("POST", path, {"folder": "saved", "messages": [one, "nonsense"]})
        assert ([one], [{"nonsense": "not_found"}]) == (
            moved.data["succeeded"],
            moved.data["failed"],
        )
        assert {"new": 1, "saved": 1} == ask.account.mailboxes.counts(box)
        raw = await ask("GET", f"{path}/{one}/raw")
        assert (200, "audio/x-wav") == (raw.status, raw.headers["content-type"])
        assert 200 == (await ask("DELETE", path)).status
        assert [] == (await ask("GET", path)).data
        assert 404 == (await ask("GET", "/A/vmboxes/nonsense/messages")).status

    play(story)


def test_presence_is_set_and_reset_and_phones_say_whether_they_are_there() -> None:
    async def story(ask: Asking) -> None:
        assert (
            200
            == (await ask("POST", "/A/presence/101", {"action": "set", "state": "early"})).status
        )
        assert {"101": "early"} == (await ask("GET", "/A/presence")).data
        assert 400 == (await ask("POST", "/A/presence/101", {"action": "set"})).status
        await ask("POST", "/A/presence/101", {"action": "reset"})
        assert {} == (await ask("GET", "/A/presence")).data
        device = ask.account.add("devices", {"name": "x"}).id
        ask.account.unregistered.add(device)
        status = await ask("GET", "/A/devices/status")
        assert [{"device_id": device, "registered": False}] == status.data
        assert 200 == (await ask("POST", f"/A/devices/{device}/sync")).status

    play(story)
