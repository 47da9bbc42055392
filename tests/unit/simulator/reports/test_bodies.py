"""Reports byte for byte: against the recorded posts, and against the published samples."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from reception.errors import AppError
from reception.simulator.heads import render_head
from reception.simulator.quirks import QUIRKS
from reception.simulator.reports.bodies import cdr_post, flat_payload, hook_post, signature
from reception.simulator.reports.hooks import Webhook
from tests.conftest import SHARED

CONTRACT: Final = SHARED / "contract"
WIRE: Final = CONTRACT / "wire"
ACCOUNT: Final = "0123456789abcdef0123456789abcdef"
HOOK_ID: Final = "hook0000000000000000000000000001"
EVENT: Final[dict[str, Any]] = {
    "Event-Name": "CHANNEL_DESTROY",
    "Msg-ID": "1",
    "Call-ID": "c-1",
    "Timestamp": 63952243200,
    "Custom-Channel-Vars": {"Account-ID": ACCOUNT},
    "Caller-ID-Name": "",
}
# In these recordings the webhook had custom data, which is not written down beside them.
CUSTOM_DATA: Final = {"29": {"property": "hotel-7", "list": ["a", "b"], "nested": {"k": "v w"}}}


def numbers(folder: str) -> list[str]:
    return sorted(path.stem for path in (WIRE / folder).glob("[0-9]*.json"))


def hook(**settings: Any) -> Webhook:
    return Webhook(**{"id": HOOK_ID, "account_id": ACCOUNT, "uri": "http://h/w", **settings})


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", numbers("cdr"))
@pytest.mark.parametrize("platform", [4, 5])
def test_cdr_post_is_byte_for_byte_the_recorded_one(number: str, platform: Any) -> None:
    event = json.loads((WIRE / "cdr" / f"{number}.json").read_bytes())
    post = cdr_post("http://h/c", event, QUIRKS[platform])
    assert (WIRE / "cdr" / f"{number}.body").read_bytes() == post.body


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", numbers("webhook_form"))
def test_webhook_form_is_byte_for_byte_the_recorded_one(number: str) -> None:
    event = json.loads((WIRE / "webhook_form" / f"{number}.json").read_bytes())
    body = (WIRE / "webhook_form" / f"{number}.body").read_bytes()
    event["Custom-Channel-Vars"] = {**event["Custom-Channel-Vars"], "Account-ID": ACCOUNT}
    cluster_id = body.rpartition(b"cluster_id=")[2].decode()
    sent = hook_post(
        hook(custom_data=CUSTOM_DATA.get(number, {})), event, QUIRKS[4], cluster_id=cluster_id
    )
    assert body == sent.body


@pytest.mark.needs_shared
@pytest.mark.parametrize("number", ["31", "33"])
def test_webhook_json_is_byte_for_byte_the_recorded_one(number: str) -> None:
    # All recorded webhooks but a few were made of one and the same event.
    event = json.loads((WIRE / "webhook_form" / "29.json").read_bytes())
    body = (WIRE / "webhook_json" / f"{number}.json").read_bytes()
    custom_data = {"property": "hotel-7"} if number == "33" else {}
    sent = hook_post(
        hook(format="json", custom_data=custom_data),
        event,
        QUIRKS[4],
        cluster_id=json.loads(body)["cluster_id"],
    )
    assert body == sent.body


@pytest.mark.needs_shared
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("webhook_post_form", {"uri": "http://127.0.0.1:18083/w/02?APPID=acme-crm"}),
        (
            "webhook_post_json",
            {"uri": "http://127.0.0.1:18083/w/31?APPID=acme-crm", "format": "json"},
        ),
        (
            "webhook_get",
            {"uri": "http://127.0.0.1:18083/w/34?APPID=acme-crm", "http_verb": "get"},
        ),
        (
            "webhook_put_form",
            {"uri": "http://127.0.0.1:18083/w/35?APPID=acme-crm", "http_verb": "put"},
        ),
    ],
)
def test_webhook_request_is_byte_for_byte_the_recorded_one(
    name: str, settings: dict[str, Any]
) -> None:
    raw = (WIRE / "http" / f"{name}.raw").read_bytes()
    event = json.loads((WIRE / "webhook_form" / "29.json").read_bytes())
    pairs = raw.replace(b'" : "', b"=").replace(b'"', b"&").replace(b" HTTP", b"&")
    cluster_id = pairs.partition(b"cluster_id=")[2].partition(b"&")[0].decode()
    sent = hook_post(hook(**settings), event, QUIRKS[4], cluster_id=cluster_id)
    assert raw == render_head(sent, urlsplit(sent.url)) + sent.body


SAMPLES: Final = CONTRACT / "hangup_samples"


def sample_event(flat: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """Find the event that a published sample was made of."""
    return {
        "Event-Name": "CHANNEL_DESTROY",
        "Call-ID": flat["call_id"],
        "Call-Direction": flat["call_direction"],
        "Caller-ID-Name": flat["caller_id_name"],
        "Caller-ID-Number": flat["caller_id_number"],
        "Callee-ID-Name": flat["callee_id_name"],
        "Callee-ID-Number": flat["callee_id_number"],
        "Custom-Application-Vars": variables,
        "Custom-Channel-Vars": {
            "Account-ID": flat["account_id"],
            "Authorizing-ID": flat["authorizing_id"],
            "Authorizing-Type": flat["authorizing_type"],
            "Owner-ID": flat["owner_id"],
            "Reseller-ID": flat["reseller_id"],
        },
        "From": flat["from"],
        "To": flat["to"],
        "Request": flat["request"],
        "Other-Leg-Call-ID": flat.get("other_leg_call_id"),
        "Timestamp": flat["timestamp"],
        "Channel-Is-Loopback": False,
        "Hangup-Cause": flat["hangup_cause"],
        "Hangup-Code": flat["hangup_code"],
        "Duration-Seconds": flat["duration_seconds"],
        "Ringing-Seconds": flat["ringing_seconds"],
        "Billing-Seconds": flat["billing_seconds"],
    }


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("webhook_v1_*.form")))
def test_published_form_of_version_5_is_written_byte_for_byte(name: str) -> None:
    body = (SAMPLES / name).read_bytes().rstrip(b"\n")
    flat = dict(parse_qsl(body.decode(), keep_blank_values=True))
    variables = {"appid": "acme", "room": "101"}
    event = sample_event(flat, variables)
    assert body == hook_post(hook(), event, QUIRKS[5], cluster_id=flat["cluster_id"]).body


@pytest.mark.needs_shared
def test_published_json_of_version_5_is_sorted_and_says_the_same() -> None:
    sample = json.loads((SAMPLES / "webhook_v1_A.json").read_bytes())
    event = sample_event(sample, sample["custom_application_vars"])
    sent = hook_post(hook(format="json"), event, QUIRKS[5], cluster_id=sample["cluster_id"])
    assert sample == json.loads(sent.body)
    assert list(sample) == list(json.loads(sent.body))


@pytest.mark.needs_shared
def test_published_promise_of_a_cdr_is_kept_on_request() -> None:
    body = (SAMPLES / "cdr_url_A.form").read_bytes().rstrip(b"\n")
    promised = cdr_post("http://h/c", EVENT, QUIRKS[4].but(keeps_cdr_promise=True)).body
    assert b"Call-ID=c-1" in promised
    assert b"Account-ID=" + ACCOUNT.encode() in promised
    assert b"Call-ID=" in body


def test_a_cdr_has_neither_call_id_nor_account_as_it_was_seen() -> None:
    assert b"Timestamp=63952243200&Caller-ID-Name=" == cdr_post("http://h", EVENT, QUIRKS[4]).body


def test_a_null_in_a_cdr_breaks_the_sender() -> None:
    with pytest.raises(AppError):
        cdr_post("http://h/c", {**EVENT, "To-Tag": None}, QUIRKS[4])


def test_v2_is_an_envelope_signed_by_the_vector_of_the_documentation() -> None:
    assert "z481V/jZHAnFEjNCMORc2FgX03CyzxV+fLV6BWhnY6U=" == signature(
        "123", 63834206532, {"foo": "bar"}
    )
    wanted = hook(format="json", version="v2", sha256_key="k", custom_data={"appid": "a"})
    sent = json.loads(hook_post(wanted, EVENT, QUIRKS[5], now_s=63952243201).body)
    assert ["action", "appid", "data", "hmac", "name", "timestamp"] == list(sent)
    assert ("event", "CHANNEL_DESTROY", 63952243201) == (
        sent["action"],
        sent["name"],
        sent["timestamp"],
    )
    assert ("c-1", ACCOUNT) == (sent["data"]["call_id"], sent["data"]["account_id"])
    assert signature("k", 63952243201, sent["data"]) == sent["hmac"]


def test_version_4_knows_no_v2() -> None:
    sent = json.loads(hook_post(hook(format="json", version="v2"), EVENT, QUIRKS[4]).body)
    assert "action" not in sent


def test_custom_data_wins_and_may_not_change_what_kind_of_message_it_is() -> None:
    wanted = hook(format="json", custom_data={"call_id": "mine", "type": "x", "action": "y"})
    sent = json.loads(hook_post(wanted, EVENT, QUIRKS[4]).body)
    assert "mine" == sent["call_id"]
    assert not {"type", "action"} & sent.keys()


def test_custom_headers_come_last_and_on_version_5_only() -> None:
    wanted = hook(custom_request_headers={"X-Mine": "1"})
    assert "X-Mine" not in hook_post(wanted, EVENT, QUIRKS[4]).headers
    assert ["X-Hook-ID", "X-Account-ID", "X-Mine"] == list(
        hook_post(wanted, EVENT, QUIRKS[5]).headers
    )


def test_a_bridge_names_the_other_legs_number_and_a_lost_channel_is_a_destroyed_one() -> None:
    bridge = {**EVENT, "Event-Name": "CHANNEL_BRIDGE", "Other-Leg-Destination-Number": "2000"}
    assert "2000" == flat_payload(bridge, QUIRKS[4])["other_leg_destination_number"]
    lost = flat_payload({**EVENT, "Event-Name": "CHANNEL_DISCONNECTED"}, QUIRKS[4])
    assert "channel_destroy" == lost["hook_event"]


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ({"From": ""}, "from", ""),
        ({"Caller-ID-Number": 1001}, "caller_id_number", "1001"),
        ({"Request": "2000@hotel.example"}, "request", None),
        ({"Duration-Seconds": "31.5"}, "duration_seconds", 32),
        ({"Duration-Seconds": 31.4}, "duration_seconds", 31),
        ({"Duration-Seconds": "soon"}, "duration_seconds", None),
        ({"Custom-Application-Vars": "none"}, "custom_application_vars", None),
        ({"Custom-SIP-Headers": {"X-Room": "1"}}, "custom_sip_headers", None),
        (
            {"Custom-Channel-Vars": {"Account-ID": ACCOUNT, "Call-Forward": "true"}},
            "call_forwarded",
            True,
        ),
        (
            {"Custom-Channel-Vars": {"Account-ID": ACCOUNT, "Global-Resource": "true"}},
            "local_resource_used",
            False,
        ),
        (
            {"Custom-Channel-Vars": {"Account-ID": ACCOUNT, "Resource-ID": "r"}},
            "local_resource_id",
            "r",
        ),
    ],
)
def test_version_4_reads_an_event_as_its_code_does(
    change: dict[str, Any], key: str, value: object
) -> None:
    assert value == flat_payload({**EVENT, **change}, QUIRKS[4]).get(key)
