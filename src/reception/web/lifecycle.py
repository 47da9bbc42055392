"""
Whether this process takes calls.

One small object that all of `web` looks at and the worker steers. It holds no logic.
"""

from __future__ import annotations


class Lifecycle:
    """
    Not ready → ready → draining; never back.

    While draining every answer carries `Connection: close` and `/readyz` says no, so
    that load balancers and the platform's kept-alive connections move elsewhere.
    """

    __slots__ = ("draining", "is_store_away", "started")

    def __init__(self) -> None:
        self.started = False
        self.draining = False
        # Told by `/readyz`, and no reason to send calls elsewhere: others have no other store.
        self.is_store_away = False

    @property
    def ready(self) -> bool:
        """Does a load balancer do right to send new calls here?"""
        return self.started and not self.draining
