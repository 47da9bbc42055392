"""
Every module, and every way on from it that the platform has.

One entry a branch of contract/modules.md: the node's data, the keys of its children, what the
script says, and which child runs.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from reception.callflow.spec import SPECS
from reception.simulator.call import Platform
from reception.simulator.modules import MODULES
from reception.simulator.nexts import Outcome
from tests.unit.simulator.calls import node, pivot, ring_up
from tests.unit.simulator.modules.branches import ELSEWHERE, ID, NORMALISED, ended, taken

TAKEN = Outcome.TAKEN_OVER
GONE = Outcome.CALLER_HUNG_UP

# Modules that do something at once and go on.
AT_ONCE: Final[dict[str, dict[str, Any]]] = {
    "acdc_agent": {"action": "login"},
    "acdc_queue": {"action": "login", "id": ID},
    "after_bridge": {"action": "hangup"},
    "answer": {},
    "detect_speech": {"action": "start"},
    "edr": {},
    "flush_dtmf": {},
    "language": {"language": "fr-FR"},
    "lookupcidname": {"lists": [ID]},
    "manual_presence": {"presence_id": "100"},
    "missed_call_alert": {"recipients": []},
    "noop": {},
    "notification": {"recipients": []},
    "prepend_cid": {"caller_id_name_prefix": "x"},
    "record_call": {"action": "start"},
    "send_dtmf": {"digits": "12"},
    "set": {},
    "set_alert_info": {"alert_info": "x"},
    "set_cid": {"caller_id_name": "x"},
    "set_variable": {"variable": "call_priority", "value": "1"},
    "set_variables": {"custom_application_vars": {"a": "1"}},
    "skel": {},
    "webhook": {"uri": "https://app.example/hook"},
}

# Modules that take time, and go on.
IN_TIME: Final[dict[str, dict[str, Any]]] = {
    "audio_macro": {"macros": [{"macro": "prompt", "id": "hi"}, {"macro": "tts", "text": "x"}]},
    "call_forward": {"action": "toggle"},
    "call_waiting": {"action": "toggle"},
    "collect_dtmf": {"collection_name": "q"},
    "do_not_disturb": {"action": "toggle"},
    "fax_detect": {"duration": 1},
    "hotdesk": {"action": "login", "id": ID},
    "menu": {"id": ID},
    "play": {"id": "/m/p"},
    "record_caller": {"time_limit": 10},
    "ring_group_toggle": {"action": "login", "callflow_id": ID},
    "sleep": {"duration": 5},
    "tones": {"tones": [{}]},
    "tts": {"text": "x"},
}

# Modules that give the call away, or keep it: no child of theirs ever runs.
NEVER_ON: Final = sorted(name for name, spec in SPECS.items() if spec.ends == "always")

FEATURES: Final = ("call_forward", "call_waiting", "do_not_disturb")

USER: Final = {"id": "u", "timeout": 20}
GROUP: Final = {"endpoints": [{"endpoint_type": "user", "id": "u"}]}


def test_every_module_of_the_platform_is_here() -> None:
    assert set(SPECS) == set(MODULES)


@pytest.mark.parametrize("platform", [4, 5])
@pytest.mark.parametrize("module", sorted(AT_ONCE | IN_TIME))
def test_module_goes_on(module: str, platform: Platform) -> None:
    data = (AT_ONCE | IN_TIME)[module]
    assert (["_"], Outcome.FLOW_ENDED) == ended(module, data, platform=platform)


@pytest.mark.parametrize("module", sorted(IN_TIME))
def test_a_caller_who_hangs_up_meanwhile_ends_the_flow(module: str) -> None:
    assert ([], GONE) == ended(module, IN_TIME[module], script="wait 0.01\nhangup")


@pytest.mark.parametrize("platform", [4, 5])
@pytest.mark.parametrize("module", NEVER_ON)
def test_module_never_goes_on(module: str, platform: Platform) -> None:
    children, outcome = ended(module, {"id": ID, "target": "1"}, platform=platform)
    assert [] == children
    assert outcome in {TAKEN, GONE, Outcome.HANGUP, Outcome.RESPONDED}


@pytest.mark.parametrize(
    ("module", "data", "keys", "script", "runs"),
    [
        # queues
        ("acdc_member", {"id": ID}, ["_"], "", ["_"]),
        ("acdc_member", {"id": ID}, ["_"], "outcome acdc_member answered", []),
        ("acdc_wait_time", {"id": ID}, ["60", "120", "_"], "outcome acdc_wait_time 90", ["60"]),
        ("acdc_wait_time", {"id": ID}, ["60", "_"], "outcome acdc_wait_time 30", ["_"]),
        ("acdc_wait_time", {"id": ID}, ["60", "_"], "", ["_"]),
        # variables
        ("branch_variable", {"variable": "Account-ID"}, [ID, "_"], "", [ID]),
        ("branch_variable", {"variable": "Account-ID"}, ["x", "_"], "", ["_"]),
        ("branch_variable", {"variable": "none"}, ["x", "_"], "", ["_"]),
        (
            "branch_variable",
            {"variable": ["a", "b"], "scope": "doc", "id": "d"},
            ["7", "_"],
            'document d {"a": {"b": 7}}',
            ["7"],
        ),
        # settings of the caller's phone
        *((name, {}, ["_"], f"outcome {name} unknown", []) for name in FEATURES),
        # other flows
        ("callflow", {"id": "f"}, ["_"], f"document f {ELSEWHERE}", ["edr", "_"]),
        ("callflow", {"id": "f"}, ["_"], "", ["_"]),
        ("function", {"id": "f"}, ["_"], f"document f {ELSEWHERE}", ["edr", "_"]),
        ("function", {"id": "f"}, ["_"], "", ["_"]),
        # fax
        ("fax_detect", {}, ["ON_FAX", "_"], "outcome fax_detect ON_FAX", ["ON_FAX"]),
        ("fax_detect", {}, ["ON_FAX", "ON_VOICE"], "", ["ON_VOICE"]),
        ("fax_detect", {}, ["ON_FAX", "_"], "", ["_"]),
        # lists
        (
            "cidlistmatch",
            {"id": "l"},
            ["match", "nomatch"],
            "outcome cidlistmatch match",
            ["match"],
        ),
        (
            "cidlistmatch",
            {"id": "l"},
            ["match", "nomatch"],
            'document l {"entries": {"a": {"number": "+1555"}}}',
            ["match"],
        ),
        (
            "cidlistmatch",
            {"id": "l"},
            ["match", "nomatch"],
            'document l {"entries": {"a": {"regexp": "^.555999"}}}',
            ["nomatch"],
        ),
        ("cidlistmatch", {"id": "l"}, ["match", "_"], "", ["_"]),
        # time
        ("temporal_route", {}, ["day", "night", "_"], "outcome temporal_route night", ["night"]),
        ("temporal_route", {}, ["day", "_"], "", ["_"]),
        ("temporal_route", {"action": "enable"}, ["day", "_"], "", ["_"]),
        (
            "temporal_route",
            {"rule_set": "s", "rules": ["day"]},
            ["rule_set", "_"],
            "outcome temporal_route rule_set",
            ["rule_set"],
        ),
        # scores
        ("nomorobo", {}, ["0", "5", "8", "_"], "outcome nomorobo 7", ["5"]),
        ("nomorobo", {}, ["5", "_"], "", ["_"]),
        # parking
        ("park", {"slot": "7"}, ["7", "_"], "", ["7"]),
        ("park", {}, ["7", "_"], "", ["_"]),
        ("park", {"slot": "7"}, ["MAX_SLOT_EXCEEDED"], "outcome park full", ["MAX_SLOT_EXCEEDED"]),
        ("park", {"action": "retrieve"}, ["_"], "", ["_"]),
        ("park", {"action": "retrieve", "slot": "7"}, ["_"], "outcome park call", []),
        ("park", {"slot": "7"}, ["7", "_"], "outcome park fetched", []),
        # menus
        ("menu", {"id": "m"}, ["1", "timeout", "_"], "press 1#", ["1"]),
        ("menu", {"id": "m"}, ["1", "timeout", "_"], "", ["timeout"]),
        ("menu", {"id": "m"}, ["1", "max_retries", "_"], "", ["max_retries"]),
        ("menu", {"id": "m"}, ["1", "_"], "press 9#", ["_"]),
        (
            "menu",
            {"id": "m"},
            ["1", "_"],
            f'press 100#\ndocument m {{"hunt": true}}\ndocument f {ELSEWHERE}',
            ["edr", "_"],
        ),
        (
            "menu",
            {"id": "m"},
            ["1", "_"],
            f'press 100#\ndocument m {{"hunt": true, "hunt_deny": "^1", "retries": 1}}\n'
            f"document f {ELSEWHERE}",
            ["_"],
        ),
        # phones
        ("user", USER, ["_"], "answer", []),
        ("user", USER, ["USER_BUSY", "_"], "busy", ["USER_BUSY"]),
        ("user", USER, ["sip:486", "_"], "busy", ["sip:486"]),
        ("user", USER, ["NO_ANSWER", "_"], "noanswer", ["NO_ANSWER"]),
        ("user", USER, ["x", "_"], "reject", ["_"]),
        ("user", USER, ["x", "_"], "nothing", ["_"]),
        ("user", USER, ["NOT_FOUND", "_"], "missing", ["_"]),
        ("device", USER, ["_"], "answer", []),
        ("device", USER, ["CALL_REJECTED", "_"], "reject", ["CALL_REJECTED"]),
        ("device", USER, ["x", "_"], "busy", ["_"]),
        ("device", USER, ["NOT_FOUND", "_"], "missing", ["_"]),
        ("route_to_cid", {"timeout": 20}, ["_"], "answer", []),
        ("route_to_cid", {"timeout": 20}, ["USER_BUSY", "_"], "busy", ["USER_BUSY"]),
        ("route_to_cid", {"timeout": 20}, ["_"], "missing", ["_"]),
        ("hotdesk", {"action": "bridge", "id": "u"}, ["_"], "answer", ["_"]),
        ("hotdesk", {"action": "bridge", "id": "u"}, ["USER_BUSY", "_"], "busy", ["USER_BUSY"]),
        ("hotdesk", {"action": "bridge", "id": "u"}, ["x", "_"], "busy", ["_"]),
        ("hotdesk", {"action": "bridge", "id": "u"}, ["_"], "missing", ["_"]),
        ("hotdesk", {"action": "logout"}, ["_"], "press 100#", ["_"]),
        ("hotdesk", {"action": "toggle", "id": "u"}, ["_"], "outcome hotdesk unknown", ["_"]),
        # groups
        ("ring_group", GROUP, ["_"], "answer", []),
        ("ring_group", GROUP, ["USER_BUSY", "_"], "busy", ["USER_BUSY"]),
        ("ring_group", GROUP, ["x", "_"], "busy", ["_"]),
        ("ring_group", GROUP, ["NO_ENDPOINTS", "_"], "missing", ["_"]),
        ("ring_group", {"group_id": ID}, ["_"], "answer", []),
        ("group", {"id": "g"}, ["_"], "answer", []),
        ("group", {"id": "g"}, ["USER_BUSY", "_"], "busy", ["USER_BUSY"]),
        ("group", {"id": "g"}, ["x", "_"], "busy", ["_"]),
        ("group", {"id": "g"}, ["_"], 'document g {"endpoints": {}}', ["_"]),
        ("group", {"id": "g"}, ["_"], 'answer d\ndocument g {"endpoints": {"d": {}}}', []),
        ("group", GROUP, ["USER_BUSY", "_"], "busy", ["USER_BUSY"]),
        ("page_group", GROUP, ["_"], "answer after 1", []),
        ("page_group", GROUP, ["_"], "busy", ["_"]),
        ("page_group", {"endpoints": []}, ["_"], "", ["_"]),
        # carriers
        ("resources", {"to_did": "+1"}, ["_"], "answer", []),
        ("resources", {"to_did": "+1"}, ["NO_ANSWER", "_"], "fail +1 NO_ANSWER", ["NO_ANSWER"]),
        ("resources", {"to_did": "+1"}, ["sip:503", "_"], "fail +1 X sip:503", ["sip:503"]),
        ("resources", {"to_did": "+1"}, ["x", "_"], "busy", []),
        ("offnet", {"to_did": "+1"}, ["_"], "answer", []),
        ("offnet", {"to_did": "+1"}, ["USER_BUSY", "_"], "busy", ["USER_BUSY"]),
        ("offnet", {"to_did": "+1"}, ["_"], "busy", []),
        # mailboxes
        ("voicemail", {"id": ID}, ["_"], "voicemail leave 3", ["_"]),
        ("voicemail", {"id": ID}, ["_"], "voicemail hangup 3", []),
        ("voicemail", {"id": ID}, ["_"], "wait 1\nhangup", []),
        ("voicemail", {"id": ID, "action": "check"}, ["_"], "voicemail leave 3", ["_"]),
        ("voicemail", {"id": ID, "action": "check"}, ["_"], "voicemail hangup", []),
        ("voicemail", {"id": ID, "action": "other"}, ["_"], "", ["_"]),
        (
            "voicemail",
            {"id": ID},
            ["_"],
            f'press 0 now\ndocument {ID} {{"operator_number": "100"}}\ndocument f {ELSEWHERE}',
            ["edr", "_"],
        ),
        # dialogs of the platform
        ("directory", {"id": ID}, ["_"], f"press 100#\ndocument f {ELSEWHERE}", ["edr", "_"]),
        ("directory", {"id": ID}, ["_"], "outcome directory empty", ["_"]),
        ("directory", {"id": ID}, ["_"], "", []),
        ("directory", {"id": ID}, ["_"], "outcome directory unknown", ["_"]),
        (
            "disa",
            {"pin": "12"},
            ["_"],
            f"press 12\npress 100#\ndocument f {ELSEWHERE}",
            ["edr", "_"],
        ),
        ("disa", {"pin": "12", "retries": 1}, ["_"], "press 12", ["_"]),
        ("disa", {"pin": "12", "retries": 1}, ["_"], "press 34", []),
        ("disa", {"retries": 1}, ["_"], f"press 100#\ndocument f {ELSEWHERE}", ["edr", "_"]),
        ("disa", {}, ["_"], f"press 5559876543#\ndocument f {NORMALISED}", ["edr", "_"]),
        ("dynamic_cid", {"action": "static"}, ["_"], "", ["_"]),
        ("dynamic_cid", {"action": "manual"}, ["_"], "press 100#", ["_"]),
        ("dynamic_cid", {"action": "static"}, ["_"], "outcome dynamic_cid invalid", []),
        ("doorman", {"id": "u"}, ["_"], "answer", []),
        ("doorman", {"id": "u"}, ["_"], "busy", []),
        ("doorman", {"id": "u", "failover_strategy": "voicemail"}, ["_"], "busy", ["_"]),
        # crashes
        ("collect_dtmf", {"max_digits": 0}, ["_"], "", ["_"]),
        ("collect_dtmf", {"terminator": "x"}, ["_"], "", ["_"]),
        ("prepend_cid", {"apply_to": "x"}, ["_"], "", ["_"]),
        ("prepend_cid", {"action": "reset"}, ["_"], "", ["_"]),
        ("ring_group_toggle", {}, ["_"], "outcome ring_group_toggle unknown", ["_"]),
        # the rest
        ("collect_dtmf", {"max_digits": 2}, ["_"], "press 12", ["_"]),
        ("play", {}, ["_"], "", ["_"]),
        ("set_variable", {"variable": "other"}, ["_"], "", ["_"]),
        ("transfer", {"target": "1"}, ["_"], "outcome transfer nothing", []),
        ("faxbox", {"id": ID}, ["_"], "", []),
        ("move", {}, ["_"], "outcome move none", []),
    ],
)
def test_branch_is_taken(
    module: str, data: dict[str, Any], keys: list[str], script: str, runs: list[str]
) -> None:
    assert runs == taken(module, data, keys, script=script)


@pytest.mark.parametrize(
    ("module", "data", "keys", "script", "runs"),
    [
        ("branch_bnumber", {}, ["100", "_"], "", ["100"]),
        ("branch_bnumber", {}, ["200", "_"], "", ["_"]),
        ("branch_bnumber", {"hunt": True}, ["_"], f"document f {ELSEWHERE}", ["edr", "_"]),
        ("branch_bnumber", {"hunt": True}, ["_"], "", ["_"]),
        (
            "branch_bnumber",
            {"hunt": True, "hunt_deny": "^1"},
            ["_"],
            f"document f {ELSEWHERE}",
            ["_"],
        ),
        ("privacy", {}, ["_"], f"document f {ELSEWHERE}", ["edr", "_"]),
        ("privacy", {}, ["_"], "", []),
        ("intercom", {}, ["_"], f"document f {ELSEWHERE}", ["edr", "_"]),
        ("intercom", {}, ["_"], "", ["_"]),
    ],
)
def test_what_the_number_caught_decides(
    module: str, data: dict[str, Any], keys: list[str], script: str, runs: list[str]
) -> None:
    assert runs == taken(module, data, keys, script=script, caught="100")


@pytest.mark.parametrize(("module", "runs"), [("branch_bnumber", ["_"]), ("privacy", ["_"])])
def test_a_number_that_caught_nothing_goes_on(module: str, runs: list[str]) -> None:
    assert runs == taken(module, {})


def test_a_caller_who_becomes_somebody_else_is_so_in_the_next_request_but_one() -> None:
    who = {"external": {"name": "B", "number": "+15550009"}}
    data = {"caller_id": who, "user_id": ID}
    flow = {"module": "check_cid", "data": data, "children": {"match": node("edr", then=pivot())}}
    told = ring_up(stored=flow)
    assert ("B", "+15550009") == (
        told.bodies()[0]["Caller-ID-Name"],
        told.bodies()[0]["Caller-ID-Number"],
    )


def test_an_intercom_without_a_caught_number_stops() -> None:
    assert ([], Outcome.NOT_REACHED) == ended("intercom", {})


@pytest.mark.parametrize(
    ("data", "keys", "runs"),
    [
        ({}, ["match", "nomatch"], ["match"]),
        ({}, ["nomatch", "_"], ["_"]),
        ({"regex": r"^\+1666"}, ["match", "nomatch"], ["nomatch"]),
        ({"regex": r"^\+1666"}, ["match", "_"], ["_"]),
        ({"regex": "("}, ["match", "nomatch", "_"], ["_"]),
        ({"use_absolute_mode": True}, ["+15550001", "match"], ["+15550001"]),
        ({"use_absolute_mode": True}, ["match", "nomatch", "_"], ["_"]),
        ({"user_id": ID}, ["match"], ["match"]),
    ],
)
def test_the_callers_number_decides(data: dict[str, Any], keys: list[str], runs: list[str]) -> None:
    assert runs == taken("check_cid", data, keys, number="+15550001")


@pytest.mark.parametrize(
    ("module", "data", "keys", "script", "runs"),
    [
        ("user", USER, ["NOT_FOUND", "_"], "missing", ["NOT_FOUND"]),
        ("user", USER, ["UNSPECIFIED", "_"], "fail u X sip:500", ["_"]),
        ("user", USER, ["sip:487", "_"], "fail u ORIGINATOR_CANCEL sip:487", []),
        ("ring_group", GROUP, ["NO_ENDPOINTS", "_"], "missing", ["NO_ENDPOINTS"]),
        ("callflow", {"flow": {"module": "edr"}}, ["_"], "", ["edr", "_"]),
        (
            "callflow",
            {"doc_id": "d", "path": ["a"]},
            ["_"],
            'document d {"a": {"module": "edr"}}',
            ["edr", "_"],
        ),
        (
            "menu",
            {"id": "m"},
            ["_"],
            f'press 100#\ndocument m {{"hunt": true}}\ndocument f {ELSEWHERE}',
            ["edr"],
        ),
        (
            "menu",
            {"id": "m"},
            ["_"],
            f'press 100#\ndocument m {{"hunt": true, "branch_extension": true}}\ndocument f {ELSEWHERE}',
            ["edr", "_"],
        ),
    ],
)
def test_version_5_does_it_its_own_way(
    module: str, data: dict[str, Any], keys: list[str], script: str, runs: list[str]
) -> None:
    assert runs == taken(module, data, keys, script=script, platform=5)


@pytest.mark.parametrize(
    ("module", "data"),
    [
        ("call_pickup", {"target_call_id": "x"}),
        ("camping_feature", {}),
        ("eavesdrop", {"user_id": ID}),
        ("eavesdrop_feature", {"group_id": ID}),
        ("group_pickup", {"group_id": ID}),
        ("group_pickup_feature", {"type": "extension"}),
        ("intercept", {"user_id": ID}),
        ("intercept_feature", {"type": "user"}),
        ("move", {}),
        ("receive_fax", {"owner_id": ID}),
    ],
)
def test_where_there_is_nothing_to_take_the_flow_stops(module: str, data: dict[str, Any]) -> None:
    assert ([], Outcome.NOT_REACHED) == ended(module, data, script=f"outcome {module} none")


def test_an_answered_ring_group_stops_what_is_stacked_on_version_5_only() -> None:
    flow = '{"module": "ring_group", "data": {"endpoints": [{"endpoint_type": "user", "id": "u"}]}}'
    script = f'answer\ndocument f {{"flow": {flow}}}'
    for platform, runs in ((4, ["ring_group", "_"]), (5, ["ring_group"])):
        assert runs == taken("callflow", {"id": "f"}, script=script, platform=platform)
