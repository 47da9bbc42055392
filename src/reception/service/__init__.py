"""
Use cases: what happens when something comes in, each in a file of its own.

A use case joins the rules below it (the engine, the face) with what the world is asked to do
through the ports. It knows no HTTP and no SQL, and decides nothing that the rules decide.
"""
