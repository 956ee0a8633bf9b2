"""A real Chromium, as infra/setup/browser.py finds it; without one, browser tests are skipped and say why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import request
from werkzeug.serving import make_server

from infra.setup import browser
from services.chassis import pages
from services.chassis.db import Database, own_tables
from tests.embedded import platform
from tests.unit.chassis.face import an_app

__all__ = ["platform"]

HERE = Path(__file__).parent
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    lacking = pytest.mark.skip(reason=browser.why_not()) if ours and browser.find() is None else None
    for item in ours:
        item.add_marker(pytest.mark.browser)
        if lacking:
            item.add_marker(lacking)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Where the browser is and how it is started. CHROMIUM names one."""
    found = browser.find()
    return {"executable_path": found, "args": list(_QUIET)}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """A reader of French whose pages do not move while we look at them."""
    return {"locale": "fr-FR", "timezone_id": "Europe/Paris", "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a house app that shows each piece of the face once."""
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "templates").symlink_to(HERE / "templates")
    database = Database(f"sqlite:///{folder}/gallery.db", "registration")
    own_tables().create_all(database.engine)
    app = an_app(database, folder)

    @app.route("/gallery", methods=["GET", "POST"])
    def show() -> str:
        wrong = {"name": ["Écrivez votre prénom."], "trade": ["Choisissez."], "": ["Il reste une place."]}
        form = pages.Form(request.form, errors=wrong if request.method == "POST" else {})
        if request.args.get("told"):
            pages.tell("Votre place est gardée.", undo="/gallery")
        return pages.render("gallery.html", form=form, gathering={"slug": "spring", "title": "Le printemps"})

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    database.dispose()
