"""
Running dialogs where nothing happens: from a recording, or by trying keys. Pure.

The rule this package keeps: no effect ever runs here, nothing is read, written or sent. What a
dialog would get from the world comes out of a recorded call or is made up by whoever explores;
who reads files and the store, and prints, is `bootstrap.cli`.
"""
