"""
A run in a few words: which nodes ran, what the app was asked, how the call ended.

The rule: it reads nothing but the rows, so it sums up a recorded run and ours alike.

Source: contract/traces, the `summary` of its files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reception.simulator.rows import Row


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Sum a run up as the recordings do."""
    nodes = [row["module"] for row in rows if row["ev"] == "node"]
    ends = [row for row in rows if row.get("event") == "CHANNEL_DESTROY" and "by" in row]
    exits = [row for row in rows if row["ev"] == "executor_exit"]
    return {
        "nodes_run": nodes,
        "nodes_run_count": len(nodes),
        "posts": [_post(row) for row in rows if row["ev"] == "http_request"],
        "pivot_verdicts": [row["verdict"] for row in rows if row["ev"] == "pivot_verdict"],
        "modules_crashed": [row["module"] for row in rows if row.get("op") == "module_crashed"],
        "token_check_failed_ms": [
            row["ms"] for row in rows if row.get("op") == "token_check_failed"
        ],
        "media_started": [row["media"] for row in rows if row["ev"] == "media"],
        "call_ended": {
            "ms": ends[0]["ms"],
            "by": ends[0]["by"],
            "cause": ends[0]["hangup_cause"],
        }
        if ends
        else None,
        "outcome": f"executor ended: {exits[0]['reason']}" if exits else _alive(rows),
    }


def _alive(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how an executor that is still there is: with a module at work, or without."""
    accepted = [row for row in rows if row["ev"] in ("node", "pivot_verdict")]
    is_idle = bool(accepted) and accepted[-1]["ev"] == "pivot_verdict"
    state = "NO module running (silence)" if is_idle else "a module is still running"
    return f"executor still alive at end of observation, {state}"


def _post(row: Mapping[str, Any]) -> dict[str, Any]:
    body = row["body"] if isinstance(row["body"], Mapping) else {}
    shown = {key: body.get(key) for key in ("Call-ID", "Digits", "Custom-Application-Vars")}
    return {"n": row["n"], "path": row["path"], **shown}
