"""
Recordings of the platform's own executor, run again by this one.

`recording` reads a file, `replaying` plays the caller, the phones and the app as the file
says, `summing` sums the run up, and `comparing` finds the first difference. A recording is
what the simulator is judged by: it says what the real platform did, step by step.

The rule: nothing here knows a single recording.
"""
