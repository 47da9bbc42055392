"""
Ending a connection without an answer.

The platform repeats a report when the connection is lost, and takes any answer but 200 for the
end of it. So where we can neither store a report nor hold its connection any longer, the
connection has to go, and nothing may be said on it.
"""

from __future__ import annotations

from typing import Any

from reception.web.reading import Send


def drop(send: Send) -> bool:
    """End the connection that `send` writes to; False where the server does not let us."""
    cycle: Any = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    abort = getattr(transport, "abort", None)
    if abort is None:
        return False
    # So that the server does not answer for us.
    cycle.disconnected = True
    abort()
    return True
