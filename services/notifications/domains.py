"""The sender's domain, looked up in the DNS once a day and when somebody asks: are our letters believed?

The web reaches nobody outside, so the sender of letters looks, and what it found waits in a table for the page.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import structlog
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.ledger import upsert
from services.chassis.settings import Settings
from services.notifications import records, signatures
from services.notifications.models import SenderDomain
from services.notifications.records import Finding

log = structlog.get_logger()

AGAIN, PATIENCE = timedelta(days=1), timedelta(minutes=1)
ONE_S, ALL_S = 3.0, 20.0
"""How long one question to the DNS may take, and all of them."""


def domain_of(settings: Settings) -> str:
    """The sender's domain; empty when it is none of the DNS."""
    domain = settings.sender.rpartition("@")[2].strip("> ").lower()
    return domain if "." in domain and not domain.endswith((".localdomain", ".local", ".localhost")) else ""


def of(session: Session, settings: Settings) -> SenderDomain | None:
    """What is known of the sender's domain; None before anybody looked or asked."""
    domain = domain_of(settings)
    return session.get(SenderDomain, domain) if domain else None


def findings(row: SenderDomain | None) -> list[Finding]:
    """What the DNS said the last time; empty before."""
    told = row.told if row is not None else []
    return [Finding(**{**one, "found": tuple(one["found"])}) for one in told]


def ask(session: Session, settings: Settings, now: datetime) -> None:
    """Have the domain looked up soon."""
    if domain := domain_of(settings):
        session.execute(
            upsert(session)(SenderDomain)
            .values(name=domain, next_at=now, asked_at=now, told=[])
            .on_conflict_do_update(index_elements=[SenderDomain.name], set_={"next_at": now, "asked_at": now})
        )


def find(session: Session, now: datetime) -> list[list[str]]:
    """Claim the domain when it is time to look it up: letters leave for it, or somebody asked."""
    settings: Settings | None = session.info.get("settings")
    domain = domain_of(settings) if settings is not None else ""
    if settings is None or not domain:
        return []
    row = session.get(SenderDomain, domain)
    if row is None and settings.smtp_url == "held:":
        return []
    if row is not None and now < row.next_at <= now + AGAIN:
        return []
    claimed = session.execute(
        upsert(session)(SenderDomain)
        .values(name=domain, next_at=now + PATIENCE, told=[])
        .on_conflict_do_update(
            index_elements=[SenderDomain.name],
            set_={"next_at": now + PATIENCE},
            where=(SenderDomain.next_at <= now) | (SenderDomain.next_at > now + AGAIN),
        )
        .returning(SenderDomain.name)
    ).first()
    return [[]] if claimed is not None else []


def look(database: Database, settings: Settings) -> int:
    """The Celery task `notifications.look_up_domain`: how many records are well."""
    domain = domain_of(settings)
    if not domain:
        return 0
    found = records.judge(
        domain,
        resolver(settings.resolver),
        keys=[(key.name, key.record) for key in signatures.keys(settings.dkim, settings.sender)],
        sender=settings.sender,
        servers=_servers(settings.smtp_url),
    )
    with database.transaction() as session:
        row = session.get(SenderDomain, domain, with_for_update=True)
        if row is not None:
            now = datetime.now(UTC)
            row.told, row.looked_at, row.next_at = [asdict(one) for one in found], now, now + AGAIN
    good = sum(one.state == "good" for one in found)
    log.info("domain_looked_up", good=good, of=len(found))
    return good


def resolver(server: str = "") -> records.Ask:
    """Asks a DNS server, at 192.0.2.1 or 192.0.2.1:53, or this machine's own; what lasts too long is no answer."""
    # Here, because only who looks has it in its memory, once a day.
    from dns.exception import DNSException  # noqa: PLC0415
    from dns.resolver import NXDOMAIN, NoAnswer, Resolver  # noqa: PLC0415

    until = time.monotonic() + ALL_S

    def ask(name: str, kind: str) -> tuple[str, ...] | None:
        left = until - time.monotonic()
        if left <= 0:
            return None
        try:
            asked = Resolver(configure=not server)
            if server:
                there = urlsplit(f"//{server}")
                asked.nameservers, asked.port = [there.hostname or ""], there.port or 53
            found = asked.resolve(name, kind, lifetime=min(ONE_S, left), search=False)
        except (NXDOMAIN, NoAnswer):
            return ()
        except (DNSException, OSError, ValueError):
            return None
        if kind == "TXT":
            return tuple(b"".join(one.strings).decode("utf-8", "replace") for one in found)
        return tuple(str(one) for one in found)

    return ask


def _servers(smtp_url: str) -> Sequence[str]:
    hosts = (urlsplit(url).hostname or "" for url in smtp_url.split())
    return [host for host in hosts if host]
