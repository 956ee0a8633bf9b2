"""Ends with one line when this Python is too old. It runs on any Python 3, so it says it in old words."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    said = ".".join(map(str, sys.version_info[:2]))
    sys.exit("Palabre needs Python 3.11 or newer; this is " + said + ". Try: make PYTHON=python3.12 up")
