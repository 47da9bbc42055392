"""
`temporal_route`: a child by the time of day.

The rules are documents of the account, named in the node, by the keys of its children, or
by a set of rules; the first that holds now names the child. What time it is, the world
says; where it does not, or where nobody described the rules, it may say which rule holds.

Source: contract/modules.md, schemas/v5/temporal_rules.json; read in the module, not
recorded. A recurrence is reckoned from the rule's start date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from reception.simulator.steps import Continue, Next, Outcome, Step, Stop
from reception.simulator.transcript import Kind
from reception.simulator.values import whole_number

_ACTIONS: Final = ("menu", "enable", "disable", "reset")
_SET: Final = "rule_set"
_DAY_S: Final = 86_400
# Gregorian seconds of the year 1970, and of the start date that the schema gives a rule.
_EPOCH_S: Final = 62_167_219_200
_START_S: Final = 62_586_115_200
_LATEST_S: Final = 4 * _EPOCH_S
_WEEKDAYS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("monday",),
            ("tuesday",),
            # The platform takes both spellings.
            ("wednesday", "wensday"),
            ("thursday",),
            ("friday",),
            ("saturday",),
            ("sunday",),
        )
    )
    for name in names
}
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}


async def temporal_route(step: Step) -> Next:
    """Choose a child by the rule that holds now, else `_`."""
    action = step.data.get("action")
    if action in _ACTIONS:
        step.answer()
        await step.prompt(f"temporal-{action}")
        return Stop(Outcome.CALLER_HUNG_UP) if step.switch.is_gone else Continue()
    routes = _routes(step)
    holds = step.world.outcome(step.module, step.text(_SET))
    if holds is not None:
        return Continue(dict(routes).get(holds, holds))
    now = step.world.local_time()
    documents = [(key, step.world.document(rule)) for rule, key in routes]
    if now is None or not any(document for _, document in documents):
        step.say(Kind.ASSUMES, "which time rule holds now is not known here: none does")
        return Continue()
    for key, rule in documents:
        if rule is not None and holds_at(rule, now):
            step.say(Kind.SETS, f"it is {now:%a %Y-%m-%d %H:%M}: {key}", rule=key)
            return Continue(key)
    return Continue()


def _routes(step: Step) -> list[tuple[str, str]]:
    """The rules to look at, in order, each with the child that it leads to."""
    listed = step.data.get("rules")
    named = [rule for rule in listed if isinstance(rule, str)] if isinstance(listed, list) else []
    routes = [(rule, rule) for rule in named] + [(key, key) for key in step.child_keys]
    whole_set = step.text(_SET)
    routes += [(rule, _SET) for rule in _of_set(step, whole_set)]
    expanded: list[tuple[str, str]] = []
    for rule, key in routes:
        members = [] if key == _SET else _of_set(step, rule)
        expanded += [(member, key) for member in members] or [(rule, key)]
    return expanded


def _of_set(step: Step, set_id: str) -> Sequence[str]:
    document = step.world.document(set_id) if set_id else None
    rules = (document or {}).get("temporal_rules")
    return [rule for rule in rules if isinstance(rule, str)] if isinstance(rules, list) else []


def holds_at(rule: Mapping[str, Any], now: datetime) -> bool:
    """
    Tell whether a rule holds at a local time.

    >>> office = {"cycle": "weekly", "wdays": ["monday"], "time_window_start": 32400}
    >>> (
    ...     holds_at(office, datetime.fromisoformat("2026-11-23T09:00")),
    ...     holds_at(office, datetime.fromisoformat("2026-11-23T08:00")),
    ... )
    (True, False)
    """
    if isinstance(rule.get("enabled"), bool):
        return bool(rule["enabled"])
    today = now.date()
    start = _day(rule.get("start_date"), _START_S)
    end = rule.get("end_date")
    if today < start or (end is not None and today > _day(end, _START_S)):
        return False
    excluded = rule.get("exclude")
    if isinstance(excluded, list) and f"{today:%Y%m%d}" in excluded:
        return False
    second = now.hour * 3_600 + now.minute * 60 + now.second
    begins = whole_number(rule.get("time_window_start"), 0)
    ends = whole_number(rule.get("time_window_stop"), _DAY_S)
    return begins <= second <= ends and _recurs(rule, start, today)


def _recurs(rule: Mapping[str, Any], start: date, today: date) -> bool:
    interval = max(1, whole_number(rule.get("interval"), 1))
    months = (today.year - start.year) * 12 + today.month - start.month
    match rule.get("cycle"):
        case "date":
            return today == start
        case "daily":
            return (today - start).days % interval == 0
        case "weekly":
            weeks = (_monday(today) - _monday(start)).days // 7
            return weeks % interval == 0 and today.weekday() in _wdays(rule)
        case "monthly":
            return months % interval == 0 and _is_day_of_month(rule, today)
        case "yearly":
            is_month = today.month == whole_number(rule.get("month"), 1)
            years = today.year - start.year
            return is_month and years % interval == 0 and _is_day_of_month(rule, today)
        case _:
            return False


def _is_day_of_month(rule: Mapping[str, Any], today: date) -> bool:
    days = rule.get("days")
    if isinstance(days, list) and days:
        return today.day in days
    if today.weekday() not in _wdays(rule):
        return False
    ordinal = rule.get("ordinal", "first")
    if ordinal == "every":
        return True
    if ordinal == "last":
        return (today + timedelta(days=7)).month != today.month
    return _ORDINALS.get(str(ordinal)) == (today.day - 1) // 7 + 1


def _wdays(rule: Mapping[str, Any]) -> set[int]:
    names = rule.get("wdays")
    among = names if isinstance(names, list) else []
    return {_WEEKDAYS[name] for name in among if isinstance(name, str) and name in _WEEKDAYS}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _day(seconds: object, default_s: int) -> date:
    """Read gregorian seconds as a day; what is none, or beyond all calendars, is the default."""
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
    given_s = seconds if is_number and isinstance(seconds, int) else default_s
    if not _EPOCH_S <= given_s < _LATEST_S:
        given_s = default_s
    return date(1970, 1, 1) + timedelta(days=(given_s - _EPOCH_S) // _DAY_S)
