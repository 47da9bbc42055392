"""
The nodes of the reply language, one class for each module of the platform, by theme.

The rule these files keep: facts only. What a class says (types, bounds, defaults, children)
is what the platform's own schemas and code say, and a test compares the two. What a node is
wise for belongs to lint; how it is checked, to `compiled`.
"""
