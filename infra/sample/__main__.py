"""Writes the sample people as a file: python -m infra.sample > people.csv"""

from __future__ import annotations

import sys

from infra.sample.cast import cast
from infra.sample.table import clean

sys.stdout.buffer.write(clean(cast()))
