"""python -m services.chassis.printing.press: one order on the way in (JSON), one PDF on the way out.

It reads the templates of the house and the fonts of the wheels, and nothing else; typst never reaches the network here,
because no template names a package.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import typst

from services.chassis.printing import fonts

SERVICES = Path(__file__).parent.parent.parent


def main() -> None:
    # People on the pages come first.
    os.nice(5)
    order = json.load(sys.stdin.buffer)
    files = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=list(fonts.folders())
    )
    printed = typst.compile(
        SERVICES / order["template"],
        root=SERVICES,
        font_paths=files,
        ignore_system_fonts=True,
        sys_inputs={"said": json.dumps(order["said"], ensure_ascii=False)},
    )
    sys.stdout.buffer.write(printed)


if __name__ == "__main__":
    main()
