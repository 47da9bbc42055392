"""
What a server prints when it is up: where every tenant is, and how to try it.

Pure text. Tenants that need no secret get lines that work as they stand; of the others
only the URL is shown, with the place of the secret, never the secret.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from typing import Final

import reception
from reception.bootstrap.control import Message
from reception.bootstrap.listen import origin

# A call as the published contract describes it, with made-up parties.
EXAMPLE_CALL: Final = {
    "Call-ID": "try-1@pbx.example.com",
    "Account-ID": "00000000000000000000000000000000",
    "From": "1001",
    "From-Realm": "pbx.example.com",
    "To": "2000",
    "To-Realm": "pbx.example.com",
    "Request": "2000",
    "Request-Realm": "pbx.example.com",
    "Api-Version": "4.x",
    "Direction": "inbound",
    "Caller-ID-Name": "Alice",
    "Caller-ID-Number": "+15551234567",
    "Language": "en-us",
}


def banner(told: Message, port: int) -> str:
    """
    Write it.

    Shape:
        told: what the first worker told of its configuration (`worker.Planned.described`).
        port: the port that is really listened on.
    """
    here = origin(_reachable(told["host"]), port)
    tenants = told["tenants"]
    lines = [
        f"Reception {reception.__version__} on {origin(told['host'], port)}, "
        + _counted(told["workers"], "worker")
        + (f", {_counted(len(tenants), 'tenant')}" if tenants else ""),
    ]
    for tenant in tenants:
        target = f"/voice?APPID={tenant['app_id']}"
        url = here + target
        lines += ["", tenant["app_id"]]
        if tenant["is_open"]:
            body = json.dumps(EXAMPLE_CALL, separators=(",", ":"))
            lines += [
                f"  URL    {url}",
                f"  curl   curl -s -H 'Content-Type: application/json' '{url}' -d '{body}'",
                f"  phone  {_command()} phone '{url}'",
            ]
        else:
            public = told["public_url"] or here
            lines.append(f"  URL    {public}{target}&key=SECRET")
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # a look-up


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _command() -> str:
    """Give the command that calls us in this shell, also where no script is on its path."""
    if shutil.which("reception"):
        return "reception"
    python = sys.executable
    if python.startswith(os.getcwd() + os.sep):
        python = os.path.relpath(python)
    return f"{shlex.quote(python)} -m reception"
