#!/bin/sh
# Make the virtual environment in .venv, or keep the one that is there.
#
# Called by the Makefile with the Python to use (or nothing, then one is looked for). It needs only
# a POSIX shell and Python 3.11 or later, changes nothing outside .venv, and where something is
# missing it says what to install instead of showing a traceback. What goes into the environment
# is none of its business: the Makefile installs that from the locks.
set -eu

venv=.venv
mark=$venv/.made-in
wanted='import sys; sys.exit(sys.version_info < (3, 11))'

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$@" >&2; exit 1; }

works() { "$1" -c "$wanted" >/dev/null 2>&1; }

find_python() {
    for candidate in ${1:+"$1"} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if works "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
}

# An environment holds absolute paths: one that came along when the folder was copied or moved
# still points to where it was. One without our mark was made by hand and may stay.
if works $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1; then
    if [ ! -e $mark ] || [ "$(cat $mark)" = "$PWD" ]; then
        printf '%s' "$PWD" >$mark
        exit 0
    fi
fi

python=$(find_python "${1:-}")
if [ -z "$python" ]; then
    fail "Reception needs Python 3.11 or later, and none was found on the PATH." \
        "  python3 here is: $(python3 --version 2>&1 || true)" \
        "  Debian, Ubuntu:  apt install python3 python3-venv" \
        "  Fedora, RHEL:    dnf install python3.12" \
        "  macOS:           brew install python@3.12" \
        "Or name one yourself:  make $(printf '%s' "${MAKECMDGOALS:-test}") PYTHON=/path/to/python3.12"
fi
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    fail "$python (Python $version) cannot make virtual environments: its venv or ensurepip is missing." \
        "  Debian, Ubuntu:  apt install python$version-venv" \
        "Or name another Python:  make $(printf '%s' "${MAKECMDGOALS:-test}") PYTHON=/path/to/python3"
fi

say "Making a virtual environment in $venv with $python (Python $version) ..."
if ! "$python" -m venv --clear $venv; then
    fail "$python could not make the virtual environment; the message above says why."
fi
printf '%s' "$PWD" >$mark
