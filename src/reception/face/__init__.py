"""What a developer imports: `App`, `Call`, `Flow` and the callflow builders in `flow`."""

from reception.callflow import Flow, flow
from reception.face.app import App
from reception.face.call import Call

__all__ = ["App", "Call", "Flow", "flow"]
