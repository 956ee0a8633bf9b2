"""What the DNS says of the sender's domain, and what it should say, so that letters are believed.

SPF as RFC 7208 has it, DKIM as RFC 6376, DMARC as RFC 7489, and where returned letters go (RFC 5321, 5.1). Plain values
in and out: `ask` is whoever knows the DNS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Ask = Callable[[str, str], tuple[str, ...] | None]
"""(name, type) to the records there; empty when there are none, None when the DNS did not answer."""

LOOKUPS = 10
"""How many names a reader's server looks up for one SPF record before it gives up (RFC 7208, 4.6.4)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One record. `state` is good, weak, wrong, missing or silent (the DNS did not answer), `why` the reason's name.

    `write` is what should stand at `name` as a record of `type`; empty when what is there is right, or only its owner
    can say.
    """

    record: str
    name: str
    type: str
    state: str
    why: str
    found: tuple[str, ...] = ()
    write: str = ""


def judge(
    domain: str, ask: Ask, *, keys: Sequence[tuple[str, str]], sender: str, servers: Sequence[str]
) -> list[Finding]:
    """What there is to say of this domain: one SPF, one DKIM for each (name, record) of `keys`, one DMARC, one MX.

    `servers` are the mail servers that letters are given to, `sender` the address they come from.
    """
    signed = [_dkim(name, record, ask) for name, record in keys]
    unsigned = Finding("DKIM", f"…._domainkey.{domain}", "TXT", "weak", "no-key")
    return [_spf(domain, ask, servers), *(signed or [unsigned]), _dmarc(domain, ask, sender), _mx(domain, ask)]


def _spf(domain: str, ask: Ask, servers: Sequence[str]) -> Finding:
    def told(state: str, why: str, write: str = "") -> Finding:
        return Finding("SPF", domain, "TXT", state, why, tuple(found or ()), write)

    found = _of_kind(ask(domain, "TXT"), "v=spf1")
    if found is None:
        return told("silent", "silent")
    if not found:
        by_name = [f"a:{host}" for host in servers if "." in host and not re.fullmatch(r"[0-9.]+", host)]
        return told("missing", "no-spf", " ".join(("v=spf1", *by_name, "-all")) if by_name else "")
    if len(found) > 1:
        return told("wrong", "two-spf")
    if sum(1 for _ in _lookups(found[0], ask, LOOKUPS)) > LOOKUPS:
        return told("wrong", "spf-too-long")
    terms = found[0].lower().split()[1:]
    last = next((term for term in terms if term.lstrip("+-~?") == "all"), "")
    if last in ("all", "+all"):
        return told("wrong", "spf-lets-all", re.sub(r"(?i)\s\+?all\b", " -all", found[0]))
    if last == "?all" or not (last or any(term.startswith("redirect=") for term in terms)):
        return told("weak", "spf-refuses-none", re.sub(r"(?i)\s\?all\b", "", found[0]).strip() + " -all")
    return told("good", "spf-good")


def _lookups(record: str, ask: Ask, most: int) -> Iterator[str]:
    """The names that this record makes a reader's server look up, one more than `most` at most."""
    left = most
    for term in record.lower().split()[1:]:
        kind, _, value = re.sub(r"^[+\-~?]", "", term).replace("=", ":", 1).partition(":")
        if kind.partition("/")[0] not in ("include", "a", "mx", "ptr", "exists", "redirect"):
            continue
        yield value
        left -= 1
        if left < 0:
            return
        if kind in ("include", "redirect") and value and "%" not in value:
            for inner in _of_kind(ask(value, "TXT"), "v=spf1") or ():
                for name in _lookups(inner, ask, left):
                    yield name
                    left -= 1
                    if left < 0:
                        return


def _dkim(name: str, record: str, ask: Ask) -> Finding:
    def told(state: str, why: str, write: str = record) -> Finding:
        return Finding("DKIM", name, "TXT", state, why, tuple(found or ()), write)

    found = ask(name, "TXT")
    if found is None:
        return told("silent", "silent", "")
    if not found:
        return told("missing", "no-dkim")
    if len(found) > 1:
        return told("wrong", "two-dkim")
    has = _tags(found[0]).get("p", "")
    if not has:
        return told("wrong", "dkim-revoked")
    if has != _tags(record)["p"]:
        return told("wrong", "dkim-other-key")
    return told("good", "dkim-good", "")


def _dmarc(domain: str, ask: Ask, sender: str) -> Finding:
    labels = domain.split(".")
    for at in range(max(1, len(labels) - 1)):
        name = f"_dmarc.{'.'.join(labels[at:])}"
        found = _of_kind(ask(name, "TXT"), "v=DMARC1")
        if found is None:
            return Finding("DMARC", name, "TXT", "silent", "silent")
        if len(found) > 1:
            return Finding("DMARC", name, "TXT", "wrong", "two-dmarc", found)
        if found:
            policy = _tags(found[0]).get("p", "").lower()
            state, why = {
                "none": ("weak", "dmarc-none"),
                "quarantine": ("good", "dmarc-good"),
                "reject": ("good", "dmarc-good"),
            }.get(policy, ("wrong", "dmarc-no-policy"))
            write = re.sub(r"(?i)\bp\s*=\s*none", "p=quarantine", found[0]) if why == "dmarc-none" else ""
            return Finding("DMARC", name, "TXT", state, why, found, write)
    write = f"v=DMARC1; p=none; rua=mailto:{sender}"
    return Finding("DMARC", f"_dmarc.{domain}", "TXT", "missing", "no-dmarc", (), write)


def _mx(domain: str, ask: Ask) -> Finding:
    found = ask(domain, "MX")
    if found is None:
        return Finding("MX", domain, "MX", "silent", "silent")
    if any(one.split()[-1] == "." for one in found):
        return Finding("MX", domain, "MX", "wrong", "mx-nobody", found)
    if found or ask(domain, "A") or ask(domain, "AAAA"):
        return Finding("MX", domain, "MX", "good", "mx-good", found)
    return Finding("MX", domain, "MX", "missing", "no-mx")


def _of_kind(found: tuple[str, ...] | None, version: str) -> tuple[str, ...] | None:
    """Those records that begin with this version."""
    if found is None:
        return None
    return tuple(one for one in found if re.match(rf"{version}(?:[\s;]|\Z)", one, re.IGNORECASE))


def _tags(record: str) -> dict[str, str]:
    parts = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): re.sub(r"\s", "", value) for name, _, value in parts if name.strip()}
