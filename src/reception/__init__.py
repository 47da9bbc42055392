"""
Reception: the voice application server for QVOICE Platform Pivot.

>>> from reception import App, Call, Flow, flow
"""

from reception.face import App, Call, Flow, flow

__version__ = "0.1.0"
__all__ = ["App", "Call", "Flow", "__version__", "flow"]
