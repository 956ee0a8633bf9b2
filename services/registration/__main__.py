"""python -m services.registration serve | work | relay | migrate | invite-owner ADDRESS | sample | …"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from services.chassis.cli import Command, main
from services.chassis.db import Database
from services.chassis.settings import Settings
from services.registration import addresses, sample, sign_ins
from services.registration.app import service
from services.registration.links import Links


def invite_owner(database: Database, settings: Settings, args: list[str]) -> int:
    """Print a link by which the person of this address comes in once."""
    if len(args) != 1:
        sys.stderr.write("invite-owner needs one e-mail address\n")
        return 2
    try:
        with database.transaction() as session:
            token = sign_ins.first_link(session, args[0], datetime.now(UTC))
    except addresses.NotAnAddress:
        sys.stderr.write(f"{args[0]} is not an e-mail address\n")
        return 2
    sys.stdout.write(Links(settings.public_url, settings.secret_key).sign_in(token) + "\n")
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
        Command("invite-owner", "print a one-time link for the organiser of this address", invite_owner),
        Command("sample", "make the sample gathering", load_sample),
    )
