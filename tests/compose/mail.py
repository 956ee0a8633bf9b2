"""The same stack with a key that signs, a mailbox for what comes back and a key for a provider's hook."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.day.browser import Browser
from tests.compose.stack import NAME, Broken, Stack
from tests.unit.notifications.postbox import Postbox

FILES = ("--file", "docker-compose.yml", "--file", "infra/compose/dkim.yml")
SELECTOR = "s1._domainkey.palabre.example"
HOOK = "a-hook-of-the-provider-shows-this-key"
KNOWN = "select email from organisers order by created_at limit 2"
ARRIVES_WITHIN_S, LOOKED_INTO_WITHIN_S = 60, 120


def broken(stack: Stack) -> list[str]:
    """Start everything anew, send two letters and let them come back; what is not right. Raises Broken."""
    first, second = (stack.sql("registration", KNOWN).split() * 2)[:2]
    with _postbox(stack) as postbox:
        _up(stack, postbox)
        zone = _printed(stack)
        signed, returned = _letter(stack, first), _letter(stack, second)
        found = [] if _is_believed(signed, zone) else ["mail: the signature is not believed"]
        if (noted := _hooked(stack, _id_of(signed))) != [1, 0]:
            found.append(f"mail: the hook told of one letter twice and was answered {noted}")
        postbox.messages.append(_report(_id_of(returned)))
        for name, letter, within_s in (
            ("hook", signed, ARRIVES_WITHIN_S),
            ("mailbox", returned, LOOKED_INTO_WITHIN_S),
        ):
            if not _is_bounced(stack, _id_of(letter), within_s):
                found.append(f"mail: what came back by the {name} is not noted")
    return found


@contextmanager
def _postbox(stack: Stack) -> Iterator[Postbox]:
    postbox = Postbox(host=stack.this_machine())
    try:
        yield postbox
    finally:
        postbox.stop()


def _up(stack: Stack, postbox: Postbox) -> None:
    folder = (stack.folder / "keys").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    # As the override says: who is not the operator cannot come so far as to read it.
    (folder / "dkim").mkdir(parents=True)
    key = folder / "dkim" / "s1.pem"
    key.write_bytes(
        generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    key.chmod(0o644)
    folder.chmod(0o700)
    told = {
        "PALABRE_DKIM": f"{SELECTOR}=/run/keys/{key.name}",
        "PALABRE_KEYS": str(folder),
        "PALABRE_BOUNCES": postbox.url,
        "PALABRE_RETURNS_KEY": HOOK,
    }
    _env_file(stack).write_text(
        stack.env_file.read_text(encoding="utf-8")
        + "".join(f"{name}={value}\n" for name, value in told.items()),
        encoding="utf-8",
    )
    _compose(stack, "up", "--detach", "--pull", "never", "--no-build", "--wait")


def _env_file(stack: Stack) -> Path:
    return stack.folder / "mail.env"


def _compose(stack: Stack, *words: str) -> str:
    given = ("--project-name", stack.project, "--env-file", str(_env_file(stack)))
    return stack.docker("compose", *given, *FILES, *words)


def _printed(stack: Stack) -> dict[bytes, bytes]:
    """The DNS as the operator is told to write it."""
    said = _compose(
        stack, "exec", "-T", "notifications-mail", "python", "-m", "services.notifications.signatures"
    )
    name, _, record = said.strip().partition(" TXT ")
    return {name.encode(): record.strip('"').encode()}


def _letter(stack: Stack, email: str) -> bytes:
    """A way in for an organiser, as it came over the line. Raises Broken."""
    before = len(stack.catcher.raw)
    person = Browser(stack.lines(), f"https://{NAME}")
    page = person.get("/entrer")
    form = page.form("/entrer$", having="email")
    form.fill(email=email)
    person.send(form)
    give_up = time.monotonic() + ARRIVES_WITHIN_S
    while time.monotonic() < give_up:
        for letter, raw in zip(stack.catcher.letters[before:], stack.catcher.raw[before:], strict=False):
            if letter["to"] == email and letter["kind"] == "sign-in":
                return raw
        time.sleep(0.3)
    raise Broken(f"mail: no letter to an organiser after {ARRIVES_WITHIN_S} s")


def _is_believed(raw: bytes, zone: dict[bytes, bytes]) -> bool:
    try:
        return bool(dkim.DKIM(raw).verify(dnsfunc=lambda name, timeout=5: zone.get(name)))
    except dkim.DKIMException:
        return False


def _id_of(raw: bytes) -> str:
    return raw.partition(b"\r\nMessage-ID: ")[2].partition(b"\r\n")[0].decode()


def _hooked(stack: Stack, message_id: str) -> list[int]:
    """What a provider is answered that tells of the same letter twice."""
    items = [{"message_id": message_id, "kind": "bounced", "status": "5.1.1", "said": "550 5.1.1 no such user"}]
    with stack.lines().client(f"https://{NAME}", Authorization=f"Bearer {HOOK}") as client:
        answers = [client.post("/api/notifications/returns", json={"items": items}) for _ in range(2)]
    return [answer.json().get("noted", answer.status_code) for answer in answers]


def _report(message_id: str) -> bytes:
    """A return of RFC 3464 as Postfix writes it."""
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; somebody@mx.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n"
    ).encode()


def _is_bounced(stack: Stack, message_id: str, within_s: float) -> bool:
    give_up = time.monotonic() + within_s
    asked = f"select state from letters where message_id = '{message_id}'"  # noqa: S608
    while stack.sql("notifications", asked) != "bounced":
        if time.monotonic() > give_up:
            return False
        time.sleep(1)
    return True
