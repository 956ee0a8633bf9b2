"""A real OpenID provider on this machine, Canaille, in a process of its own: `with running(back) as provider`.

Its people: whoever comes in under `name` has the address `name@example.org`, which the provider vouches for unless the
name begins with `unproved`; `nameless` has no address at all. Everybody's password is PASSWORD.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx
from bs4 import BeautifulSoup, Tag

from tests.postgres import free_port

PASSWORD = "on-se-retrouve-le-7-avril"  # noqa: S105 of people who live for one test
# To the first it says a person's address in the token, to the others beside it, as many do; to the last it signs that.
CLIENT, BESIDE_CLIENT, SIGNED_CLIENT = "palabre", "palabre-beside", "palabre-signed"
SECRET = "known-to-both-houses"  # noqa: S105 of a provider that lives for one test
PEOPLE = ("odile", "malik", "unproved-odile", "nameless")
READY_S = 60


@dataclass(frozen=True)
class Provider:
    """`issuer` is where it is found and what it calls itself."""

    issuer: str

    def send_back(self, way: str, name: str, *, answer: str = "accept") -> str:
        """What a browser of somebody called `name` does at this provider; the address it is sent back to.

        It asks whether we may know their address: `accept` or `deny`.
        """
        with httpx.Client(timeout=READY_S) as browser:
            page = self._follow(browser, browser.get(way))
            for typed in ({"login": name}, {"password": PASSWORD}, {"answer": answer}):
                page = self._follow(browser, self._submit(browser, page, typed))
            return urljoin(str(page.url), page.headers["location"])

    def _follow(self, browser: httpx.Client, answer: httpx.Response) -> httpx.Response:
        """Go where it leads, as long as that is in its own house."""
        while answer.is_redirect:
            there = urljoin(str(answer.url), answer.headers["location"])
            if not there.startswith(self.issuer):
                break
            answer = browser.get(there)
        return answer

    @staticmethod
    def _submit(browser: httpx.Client, page: httpx.Response, typed: dict[str, str]) -> httpx.Response:
        soup = BeautifulSoup(page.text, "html.parser")
        field = soup.find(["input", "button"], {"name": next(iter(typed))})
        form = field.find_parent("form") if isinstance(field, Tag) else None
        assert isinstance(form, Tag), page.text
        known = {str(one["name"]): str(one.get("value", "")) for one in form.select("input[name]")}
        return browser.post(urljoin(str(page.url), str(form.get("action", ""))), data={**known, **typed})


@contextmanager
def running(back: str) -> Iterator[Provider]:
    """A provider that sends people back to `back` and nowhere else; it ends with the block."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.provider", str(port), back],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait(process, f"{issuer}/.well-known/openid-configuration")
        yield Provider(issuer)
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _wait(process: subprocess.Popen[bytes], place: str) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if process.poll() is not None:
            told = process.stderr.read().decode() if process.stderr else ""
            raise AssertionError(f"the provider ended: {told[-2000:]}")
        try:
            if httpx.get(place).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"the provider did not answer within {READY_S} s")


def main(port: int, back: str) -> None:
    """Answer until killed."""
    from canaille import create_app  # noqa: PLC0415  only its own process has it
    from canaille.app import models  # noqa: PLC0415
    from canaille.backends import Backend  # noqa: PLC0415
    from canaille.oidc import provider as oidc  # noqa: PLC0415
    from flask import request  # noqa: PLC0415
    from joserfc.jwk import JWKRegistry  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    key = JWKRegistry.generate_key("RSA", 2048)
    key.ensure_kid()
    app = create_app(
        config={
            "TESTING": True,
            "SECRET_KEY": SECRET,
            "WTF_CSRF_ENABLED": False,
            "PREFERRED_URL_SCHEME": "http",
            "SERVER_NAME": f"localhost:{port}",
            "CANAILLE": {
                "DATABASE": "memory",
                "JAVASCRIPT": False,
                "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}},
                "LOGGING": {"version": 1},
            },
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
        }
    )
    vouched = "{% if user.preferred_email and not user.user_name.startswith('unproved') %}true{% endif %}"
    app.config["CANAILLE_OIDC"]["USERINFO_MAPPING"]["EMAIL_VERIFIED"] = vouched

    in_full = oidc.OpenIDCode.generate_user_info

    def in_the_token(grant: oidc.OpenIDCode, user: models.User, scope: str) -> oidc.UserInfo:
        is_full = request.authorization is not None and request.authorization.username == CLIENT
        return in_full(grant, user, scope) if is_full else oidc.UserInfo(sub=user.user_name)

    oidc.OpenIDCode.generate_user_info = in_the_token

    @app.before_request
    def forget() -> None:
        # Its memory, asked for what has this and that, gives what has either: codes and consents of other people.
        if request.path == "/oauth/authorize":
            for kind in (models.AuthorizationCode, models.Consent):
                for one in Backend.instance.query(kind):
                    Backend.instance.delete(one)

    with app.app_context():
        backend = Backend.instance
        for name in PEOPLE:
            emails = [] if name == "nameless" else [f"{name.removeprefix('unproved-')}@example.org"]
            user = models.User(
                user_name=name, family_name="Martin", formatted_name=name, emails=emails, password=PASSWORD
            )
            backend.save(user)
        for name, signing in ((CLIENT, None), (BESIDE_CLIENT, None), (SIGNED_CLIENT, "RS256")):
            client = models.Client(
                client_id=name,
                client_secret=SECRET,
                client_name="Palabre",
                client_uri=back.partition("/entrer")[0],
                redirect_uris=[back],
                grant_types=["authorization_code"],
                response_types=["code"],
                token_endpoint_auth_method="client_secret_basic",  # noqa: S106 a method
                userinfo_signed_response_alg=signing,
                scope=["openid", "email"],
            )
            backend.save(client)
    make_server("localhost", port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
