"""The smallest honest registration on the same stack: a form, one INSERT, a page."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from flask import Flask, redirect, request
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, create_engine, insert
from werkzeug.wrappers import Response

FIELDS = ("email", "name", "territory", "trade", "structure")
metadata = MetaData()
people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    *(Column(name, Text, nullable=False) for name in FIELDS),
    Column("registered_at", DateTime(timezone=True), nullable=False),
)
FORM = (
    "<!doctype html><html lang=fr><title>Inscription</title><form method=post>"
    + "".join(f"<label>{name}<input name={name} required></label>" for name in FIELDS)
    + "<button>Envoyer</button></form>"
)


def create_app() -> Flask:
    """An app over the database of CEILING_URL; `people` must be there already."""
    app = Flask(__name__)
    engine = create_engine(os.environ["CEILING_URL"], pool_size=8, max_overflow=8)

    @app.get("/")
    def form() -> str:
        return FORM

    @app.post("/")
    def save() -> Response:
        with engine.begin() as connection:
            row = {name: request.form[name] for name in FIELDS}
            connection.execute(insert(people).values(**row, registered_at=datetime.now(UTC)))
        return redirect("/ok", 303)

    @app.get("/ok")
    def thanks() -> str:
        return "<!doctype html><html lang=fr><title>Merci</title><p>Merci"

    return app
