"""
The test kit: a `Phone` that calls an app in process, and records of what came of it.

With pytest it brings the fixture `phone` (the module `pytest_reception`). This package knows
nothing of pytest, so that it serves any test runner.
"""

from reception.testing.failure import PhoneFailure
from reception.testing.ledger import Failure
from reception.testing.phone import Phone
from reception.testing.records import Effect, Heard, Job, Posted, Rang

__all__ = ["Effect", "Failure", "Heard", "Job", "Phone", "PhoneFailure", "Posted", "Rang"]
