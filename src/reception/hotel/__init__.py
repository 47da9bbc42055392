"""The hotelier's rules, without input or output: what a hotel system would decide, and why."""
