"""Ends with one line when this Python is too old. Runs on any Python 3, so it stays plain."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("Palabre needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12 up" % sys.version_info[:2])  # noqa: UP031
