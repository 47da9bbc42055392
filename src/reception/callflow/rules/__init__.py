"""
The table of lint rules: every code, its short name, what goes wrong, and who finds it.

A code is never given another meaning; a retired one stays free. Each has a page under
``docs/lint``. The tens group them: 100 the document, 110 keys, 120 branches, 130 pivots,
140 questions and time, 150 ringing, 160 variables and hooks, 170 addresses.

A new rule is a function in the file of its theme, one line here and one page there.
"""

from __future__ import annotations

from typing import Final

from reception.callflow.rules import (
    addresses,
    branches,
    dialling,
    keys,
    pivots,
    prompts,
    shape,
    timing,
    variables,
)
from reception.callflow.rules.rule import Rule
from reception.callflow.verdict import PARTS_TAKEN_FOR_MODULES

LIST_CUT_OFF: Final = "RC100"


def _of(*modules: str) -> frozenset[str]:
    return frozenset(modules)


_DOCUMENT: Final = (
    Rule(LIST_CUT_OFF, "list cut off", "There are more findings than are listed."),
    Rule(
        "RC101",
        "duplicate key",
        "A key stands twice in its object; the platform reads the first.",
        whole=shape.duplicate_keys,
    ),
    Rule(
        "RC102",
        "broken text",
        "The bytes are not UTF-8; the platform's worker crashes on them.",
        whole=shape.broken_text,
    ),
    Rule("RC103", "too deep", "The flow has more than 64 levels.", whole=shape.too_deep),
    Rule("RC104", "too large", "The flow has more than 64 KiB.", whole=shape.too_large),
    Rule(
        "RC105",
        "burst of nodes",
        "More nodes follow each other than the call has tokens for; it is hung up.",
        whole=timing.burst,
    ),
    Rule("RC106", "data missing", "A node has no data; {} is filled in.", shape.data_missing),
    Rule(
        "RC107",
        "default filled in",
        "A required key is absent and silently gets its default.",
        shape.default_filled,
        shape.FILLED_MODULES,
    ),
    Rule(
        "RC108",
        "node skipped",
        "skip_module is true: the platform passes over the node.",
        shape.skip_module,
    ),
    Rule(
        "RC109",
        "remote execution",
        "The node asks for another worker, outside the contract.",
        shape.remote_execution,
    ),
)

_KEYS: Final = (
    Rule(
        "RC110",
        "unknown data key",
        "The module has no such key; it is ignored and a default applies.",
        keys.unknown_key,
    ),
    Rule(
        "RC111",
        "key of the other version",
        "Only the other version of the platform knows this key.",
        keys.other_version_key,
    ),
    Rule(
        "RC112",
        "unknown node key",
        "A node has module, data and children; anything beside them is ignored.",
        shape.unknown_node_key,
    ),
    Rule(
        "RC113",
        "required in practice",
        "The schema lets it pass, but without this key the module does nothing.",
        keys.required_in_practice,
        keys.REQUIRING_MODULES,
    ),
    Rule("RC114", "id too long", "No document has an id of this length.", keys.long_id),
    Rule(
        "RC115",
        "application may be absent",
        "Version 5 accepts the module without having code for it.",
        keys.app_may_be_absent,
        keys.ACDC_MODULES,
    ),
    Rule(
        "RC116",
        "no such module",
        "There is a schema of this name, but no module: the node is passed over.",
        keys.no_module,
        PARTS_TAKEN_FOR_MODULES,
    ),
)

_BRANCHES: Final = (
    Rule(
        "RC120",
        "branch never taken",
        "The module never continues to this key.",
        branches.unreachable,
    ),
    Rule(
        "RC121",
        "nodes after the end",
        "The module always ends the flow; its children are never run.",
        branches.after_the_end,
    ),
    Rule(
        "RC122",
        "default branch of a call out",
        "resources and offnet never take the _ child.",
        branches.carrier_default,
        branches.CARRIER_MODULES,
    ),
    Rule(
        "RC123",
        "call out without failure keys",
        "When the call out fails, version 5 leaves the caller in silence.",
        branches.carrier_failure_keys,
        branches.CARRIER_MODULES,
    ),
    Rule(
        "RC124",
        "nothing follows",
        "The node only prepares the next one, and there is none: the caller is hung up.",
        branches.nothing_follows,
        branches.PREPARING_MODULES,
    ),
)

_PIVOTS: Final = tuple(
    Rule(code, name, summary, check, _of("pivot"))
    for code, name, summary, check in (
        (
            "RC130",
            "pivot without POST and JSON",
            "The next request would come as GET, as a form, or in another dialect.",
            pivots.not_post_json,
        ),
        (
            "RC131",
            "pivot without fallback",
            "If the next request fails, the caller is hung up.",
            pivots.no_fallback,
        ),
        (
            "RC132",
            "pivot at once",
            "Nothing before the pivot takes time; to its own app it is an endless loop.",
            pivots.comes_back_at_once,
        ),
        (
            "RC133",
            "request timeout too short",
            "The app gets no time to answer.",
            pivots.short_timeout,
        ),
        (
            "RC134",
            "debug stores guest data",
            "Requests and answers are kept in the account's database.",
            pivots.stores_bodies,
        ),
        (
            "RC135",
            "cdr_url is never called",
            "After an answer that is a callflow, no report goes to cdr_url.",
            pivots.cdr_never_sent,
        ),
        (
            "RC136",
            "address cannot be requested",
            "The request to this address never leaves the platform.",
            pivots.url_never_leaves,
        ),
    )
)

_QUESTIONS: Final = (
    Rule(
        "RC140",
        "terminators without terminator",
        "The list is never used: # is filled in as terminator and beats it.",
        prompts.dead_terminators,
        _of("collect_dtmf"),
    ),
    Rule(
        "RC141",
        "prompts in a row",
        "A key interrupts one prompt only; the next one starts all the same.",
        prompts.prompts_in_a_row,
        _of("collect_dtmf"),
    ),
    Rule(
        "RC142",
        "no such key",
        "An entry of terminators is no key of a phone.",
        prompts.no_such_key,
        prompts.TERMINATED_MODULES,
    ),
    Rule(
        "RC143",
        "wait too short",
        "The unit is milliseconds; nobody presses a key in this time.",
        prompts.suspicious_wait,
        _of("collect_dtmf"),
    ),
    Rule(
        "RC144",
        "flush_dtmf on version 4",
        "It does nothing there; earlier keys answer the next question.",
        prompts.flush_does_nothing,
        _of("flush_dtmf"),
    ),
    Rule(
        "RC145",
        "audio_macro list",
        "Whether the platform accepts a given list is not known.",
        prompts.macro_list,
        _of("audio_macro"),
    ),
    Rule(
        "RC146",
        "one key only",
        "Without max_digits a collection ends after one key.",
        prompts.one_key_only,
        _of("collect_dtmf"),
    ),
    Rule(
        "RC147",
        "length of a sleep",
        "The sleep does nothing, or lasts longer than any caller waits.",
        prompts.sleep_length,
        _of("sleep"),
    ),
    Rule(
        "RC148",
        "response after the answer",
        "The call is answered already; a SIP response means nothing any more.",
        prompts.late_response,
        _of("response"),
    ),
)

_RINGING: Final = (
    Rule(
        "RC150",
        "number not in E.164",
        "The number called out is not in international form.",
        dialling.not_e164,
        branches.CARRIER_MODULES,
    ),
    Rule(
        "RC151",
        "no number to call",
        "Without to_did the number that the caller dialled is called.",
        dialling.dialled_number_kept,
        branches.CARRIER_MODULES,
    ),
    Rule(
        "RC152",
        "rings for no time",
        "The ring time is 0, for a device or route_to_cid also where it is left out.",
        dialling.rings_for_no_time,
        dialling.RINGING_MODULES,
    ),
    Rule(
        "RC153",
        "rings too long",
        "The ring time is in seconds; this looks like milliseconds.",
        dialling.rings_too_long,
        dialling.RINGING_MODULES,
    ),
    Rule(
        "RC154",
        "group answers first",
        "group answers the caller before anybody picks up; billing starts.",
        dialling.group_answers_first,
        _of("group"),
    ),
    Rule(
        "RC155",
        "disa without a pin",
        "Every caller may dial out at the account's cost.",
        dialling.open_relay,
        _of("disa"),
    ),
    Rule(
        "RC156",
        "caller id erased",
        "set_cid without name or number takes back what an earlier one has set.",
        dialling.caller_id_erased,
        _of("set_cid"),
    ),
)

_VARIABLES: Final = (
    Rule(
        "RC160",
        "empty variable",
        "An empty value or null is never sent; it erases the variable.",
        variables.empty_values,
        _of("set_variables"),
    ),
    Rule(
        "RC161",
        "variable that cannot be set",
        "set_variable knows call_priority only.",
        variables.unmapped_variable,
        _of("set_variable"),
    ),
    Rule(
        "RC162",
        "variable not seen",
        "branch_variable does not see what set_variables sets.",
        variables.variable_not_seen,
        _of("branch_variable"),
    ),
    Rule(
        "RC163",
        "webhook retries",
        "The number of retries is outside 1 to 4.",
        variables.retries,
        _of("webhook"),
    ),
)

_ADDRESSES: Final = (
    Rule(
        "RC170",
        "address out of reach",
        "The platform cannot reach your server under this address.",
        addresses.unreachable_host,
        addresses.ADDRESSED_MODULES,
    ),
)

RULES: Final[tuple[Rule, ...]] = (
    *_DOCUMENT,
    *_KEYS,
    *_BRANCHES,
    *_PIVOTS,
    *_QUESTIONS,
    *_RINGING,
    *_VARIABLES,
    *_ADDRESSES,
)
"""Every rule, by code."""
