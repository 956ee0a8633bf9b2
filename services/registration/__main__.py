"""python -m services.registration serve | work | relay | migrate | owner-link [ADDRESS] | sample | …"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from services.chassis.cli import Command, main
from services.chassis.db import Database
from services.chassis.settings import Settings
from services.registration import addresses, sample, sign_ins
from services.registration.app import service
from services.registration.links import Links


def owner_link(database: Database, settings: Settings, args: list[str]) -> int:
    """Print a link by which an organiser comes in once: the one of this address, or the eldest."""
    now = datetime.now(UTC)
    try:
        with database.transaction() as session:
            if args:
                token = sign_ins.first_link(session, args[0], now)
                link = Links.of(settings).sign_in(token)
            else:
                link = sign_ins.owner_link(session, settings, now=now)
    except addresses.NotAnAddress:
        sys.stderr.write(f"{args[0]} is not an e-mail address\n")
        return 2
    sys.stdout.write(link + "\n")
    return 0


def load_sample(database: Database, settings: Settings, _args: list[str]) -> int:
    """Make the sample gathering unless it is there."""
    with database.transaction() as session:
        sample.load(session, settings, now=datetime.now(UTC))
    sys.stdout.write(f"{settings.public_url}/r/{sample.SLUG}\n")
    return 0


if __name__ == "__main__":
    main(
        service,
        Command("owner-link", "print a link that lets an organiser in once: owner-link [ADDRESS]", owner_link),
        Command("sample", "make the sample gathering", load_sample),
    )
