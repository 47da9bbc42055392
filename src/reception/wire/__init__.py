"""
The platform's bytes: codecs without I/O.

`parse_pivot` and `parse_pivot_query` read what the platform sends, `render_pivot_json`,
`render_form` and `render_pretty_json` write it byte for byte as the platform does (for the
simulator). `parse_report` and `parse_report_query` read what it says at the end of a call.

The rule: every key, spelling and limit of the platform's requests is here and nowhere
else. Nothing here opens a socket, reads a clock or knows what a call should hear.
"""

from reception.wire.form import form_text, render_form
from reception.wire.json_text import render_pivot_json
from reception.wire.leg_report import LegReport
from reception.wire.limits import MAX_BODY_BYTES
from reception.wire.pivot import as_form_sees, parse_pivot, parse_pivot_query
from reception.wire.pretty_json import render_pretty_json
from reception.wire.report import parse_report, parse_report_query
from reception.wire.request import Digits, PivotRequest

__all__ = [
    "MAX_BODY_BYTES",
    "Digits",
    "LegReport",
    "PivotRequest",
    "as_form_sees",
    "form_text",
    "parse_pivot",
    "parse_pivot_query",
    "parse_report",
    "parse_report_query",
    "render_form",
    "render_pivot_json",
    "render_pretty_json",
]
