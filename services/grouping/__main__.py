from __future__ import annotations

from services.chassis.cli import main
from services.grouping.app import service

if __name__ == "__main__":
    main(service)
