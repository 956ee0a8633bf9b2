"""What mail servers send back: a letter's own return told apart from robots' replies and from people.

Reports are read as RFC 3464 has them, and so are the servers that send prose instead (qmail, Exim, old Exchange).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import cast

# More than this of a returned message says nothing new.
READ = 262_144
_SAID = 300


@dataclass(frozen=True, slots=True)
class Return:
    """One letter that came back.

    `message_ids` are those found in the message, one of which may be the letter's. `is_final`: it will not arrive.
    `is_dead`: nothing sent to this address will, so nobody should go on writing to it. `said` is the server's own
    word.
    """

    message_ids: tuple[str, ...]
    email: str
    is_final: bool
    is_dead: bool
    said: str

    @classmethod
    def of(cls, message_id: str, kind: str, status: str, said: str) -> Return:
        """What a provider tells of the letter it got under this Message-ID: `kind` is bounced or delayed, `status` a
        code of RFC 3463 or empty.
        """
        is_final = kind == "bounced"
        is_dead = is_final and _is_dead(status, said)
        return cls((f"<{message_id.strip().strip('<>')}>",), "", is_final, is_dead, _short(said or status))


def read(raw: bytes) -> Return | None:
    """The return this message is; None for everything else: replies of people and robots, letters that arrived."""
    message = cast(EmailMessage, message_from_bytes(raw[:READ], policy=policy.compat32))
    ids = tuple(
        dict.fromkeys(_ID.findall(raw[:READ].decode("latin-1").replace("=\r\n", "").replace("=\n", "")))
    )
    report = next((part for part in message.walk() if part.get_content_type() == _REPORT), None)
    if report is not None:
        return _reported(report, ids)
    if _is_reply(message):
        return None
    return _told(message, ids)


_REPORT = "message/delivery-status"
# Ours are made of the letter's id.
_ID = re.compile(r"<[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}@[A-Za-z0-9.\-]+>")


def _reported(report: Message, ids: tuple[str, ...]) -> Return | None:
    for fields in _fields(report):
        action = fields.get("action", "").partition(" ")[0].lower()
        status = (_STATUS.search(fields.get("status", "")) or [""])[0]
        if action not in ("failed", "delayed"):
            continue
        said = _after(fields.get("diagnostic-code", "")) or fields.get("status", "")
        email = _after(fields.get("original-recipient", "") or fields.get("final-recipient", ""))
        is_final = action == "failed"
        return Return(ids, email.strip("<>"), is_final, is_final and _is_dead(status, said), _short(said))
    return None


def _fields(report: Message) -> Iterator[dict[str, str]]:
    """The groups of fields of a report: the message's first, then one for each address.

    Some servers armour the part or part its groups wrongly, so a text that could not be read is read again.
    """
    groups = report.get_payload()
    if isinstance(groups, list):
        for group in groups:
            if isinstance(group, Message):
                found = {name.lower(): " ".join(str(value).split()) for name, value in group.items()}
                body = group.get_payload(decode=False)
                if not found and isinstance(body, str):
                    found = _by_line(body)
                yield found
    else:
        yield _by_line(_text(report))


def _by_line(text: str) -> dict[str, str]:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", text)
    return {name.lower(): value.strip() for name, value in re.findall(r"(?m)^([A-Za-z-]+):(.*)$", unfolded)}


def _told(message: Message, ids: tuple[str, ...]) -> Return | None:
    """A return in prose, as qmail, Exim and gateways of the nineties write it; None when it does not say so."""
    failed = str(message.get("X-Failed-Recipients", ""))
    text = _prose(message)
    # What follows is the letter itself, whose words are nobody's report.
    text = _COPY.split(text, maxsplit=1)[0]
    if not (failed or _RETURNED.search(text) or _RETURNED.search(_subject(message))):
        return None
    if not _is_robot(message):
        return None
    email = failed.partition(",")[0].strip() or (_ADDRESSEE.findall(text) or [""])[0]
    said = _short(next((line for line in text.splitlines() if _NOBODY.search(line) or _CODE.search(line)), ""))
    if _LATER.search(text):
        return Return(ids, email, is_final=False, is_dead=False, said=said)
    status = (_CODE.search(text) or [""])[0].partition(" ")[2]
    return Return(ids, email, is_final=True, is_dead=_is_dead(status, text), said=said)


def _is_robot(message: Message) -> bool:
    """Whether no person sent this: returns come from nobody (RFC 5321, 4.5.5), or from the master of the mail."""
    path = str(message.get("Return-Path", "")).strip()
    sender = str(message.get("From", "")).lower()
    return path == "<>" or "mailer-daemon" in sender or "postmaster" in sender


def _is_reply(message: Message) -> bool:
    """An out-of-office note or another robot's answer (RFC 3834)."""
    submitted = str(message.get("Auto-Submitted", "")).lower()
    return (
        submitted.startswith("auto-replied")
        or "x-autoreply" in message
        or "x-autorespond" in message
        or str(message.get("Precedence", "")).lower() == "auto_reply"
    )


def _is_dead(status: str, said: str) -> bool:
    """Whether the address itself is at fault, by RFC 3463; a full mailbox or a refused content is not its death."""
    if status in _GENERAL:
        precise = _STATUS.search(said)
        if precise is None or precise[0] in _GENERAL:
            return bool(_NOBODY.search(said))
        status = precise[0]
    return status in _DEAD


_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_CODE = re.compile(r"\b5\d\d[ -](?:#?5\.\d{1,3}\.\d{1,3})?")
# 5.1.4 is an address that two people have, 5.1.7 and 5.1.8 are about the sender.
_DEAD = frozenset(("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.9", "5.1.10", "5.2.1", "5.4.4"))
_GENERAL = frozenset(("", "5.0.0", "5.5.0", "5.3.0", "5.4.0"))
_NOBODY = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|mailbox|person|domain)|does(?:n.t| not) exist"
    r"|not found|no mailbox|invalid recipient|recipient (?:address )?rejected: (?:user|undeliverable|unknown)"
    r"|unrouteable address|couldn't find any host|account (?:is )?(?:disabled|closed)|RecipientNotFound"
    r"|utilisateur inconnu|destinataire inconnu|adresse (?:inconnue|d'expédition introuvable)|introuvable"
    r"|n.existe (?:pas|plus)|bo[iî]te (?:aux lettres )?inconnue",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"undeliver(?:able|ed)|delivery (?:has )?failed|(?:could|was) not be(?:en)? delivered|wasn't able to deliver"
    r"|returned mail|delivery status notification|failure notice|non remis|n'a pas pu être (?:remis|distribué)"
    r"|échec de (?:la )?(?:remise|distribution)|mail delivery (?:failed|subsystem)|delivery (?:temporarily )?delayed",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"will (?:be|continue to be) (?:re)?tr(?:ied|ying)|do not need to resend|warning: message.{0,80}delayed|retard"
    r"|has not yet been delivered",
    re.IGNORECASE,
)
_COPY = re.compile(r"(?m)^-{2,}.*(?:copy of|original message|message d'origine|Below this line).*$")
_ADDRESSEE = re.compile(r"<?([^\s<>:;,\"]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,})>?\s*:?")


def _after(value: str) -> str:
    """A typed field without its type: `rfc822; ada@example.org`, `smtp; 550 No such user`."""
    return value.partition(";")[2].strip() if ";" in value else value.strip()


def _subject(message: Message) -> str:
    from_header = EmailMessage(policy=policy.default)
    from_header["Subject"] = " ".join(str(message.get("Subject", "")).split())
    return str(from_header["Subject"])


def _prose(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            return _text(part)
    return ""


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _short(said: str) -> str:
    return " ".join(said.split())[:_SAID]
