"""
What an operator can set about answering, as one frozen record.

Reading files and environment is `bootstrap`'s work; here are only the values, their
units and the reasons of their defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Literal

Network = IPv4Network | IPv6Network
LOOPBACK: Final[tuple[Network, ...]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class WebSettings:
    """
    How voice requests are answered.

    Attributes:
        public_url: scheme and authority (and a path prefix, if any) under which the
            platform reaches this server, without a trailing slash. URLs back to an
            application are built from it, never from what a request claims.
        loopback: Reception listens on loopback only. Only then do localhost URLs pass
            in a flow and may a tenant go without a secret.
        deadline_s: from the arrival of a request to its answer. The platform gives up
            at 5 s, some versions silently until 10 s, and the caller hears silence.
        slow_reply_s: a slower answer closes its connection in mode "auto", since the
            platform queues other calls behind it on a warm one.
        connection: "auto" as above, "close" after every voice reply, "keep" never.
        max_in_flight: voice requests a worker works on at once; more are shed with 503.
        body_limit_bytes: largest request body.
        trusted_proxies: proxies whose `X-Forwarded-For` is believed when a network stands in
            for a secret.
        metrics_allow_from: networks that may read `/metrics`.
        dev: show findings and tracebacks to whoever asks; for loopback only.
    """

    public_url: str
    loopback: bool = False
    deadline_s: float = 2.0
    slow_reply_s: float = 0.25
    connection: Literal["auto", "close", "keep"] = "auto"
    max_in_flight: int = 256
    body_limit_bytes: int = 64 * 1024
    trusted_proxies: tuple[Network, ...] = ()
    metrics_allow_from: tuple[Network, ...] = LOOPBACK
    dev: bool = False
