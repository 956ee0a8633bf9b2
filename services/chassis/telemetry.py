"""What the house writes down about itself: one JSON line a deed, with the trace id and never a person's data."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import Any

import structlog
from sqlalchemy.exc import StatementError
from structlog.typing import EventDict

from services.chassis.settings import Settings

_ADDRESS = re.compile(r"[^\s<>()'\",;:=]+@[^\s<>()'\",;:=]+")
# Of the libraries only what is wrong, and of the server that it listens and ends.
_LIBRARIES = logging.WARNING


def configure(settings: Settings, service: str, role: str) -> None:
    """Write log lines of this process as JSON on stderr, each with the service's name and the process's role.

    Lines of the libraries come the same way.
    """
    about: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_people,
    ]
    as_json = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*about, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, role=role)
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), structlog.stdlib.add_logger_name, *about],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json],
        )
    )
    logging.basicConfig(level=_LIBRARIES, handlers=[lines], force=True)


def without_people(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The error as text, without what it says of people: a database quotes the row it refuses, and others quote forms.

    Of a database's error stay its kind and its code, of any other its words without e-mail addresses.
    """
    told = event.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()[1]
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["exception"] = _story(error)
    if isinstance(event.get("event"), str):
        event["event"] = _ADDRESS.sub("<address>", event["event"])
    return event


def _story(error: BaseException) -> str:
    parts = []
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        frames = "".join(traceback.format_tb(one.__traceback__))
        parts.append(f"{frames}{type(one).__module__}.{type(one).__qualname__}: {_words(one)}")
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\nwhich came of\n".join(parts)


def _words(error: BaseException) -> str:
    origin = error.orig if isinstance(error, StatementError) else error
    code = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorname", None)
    if code or isinstance(error, StatementError):
        return f"{type(origin).__name__} {code or ''}".strip()
    return _ADDRESS.sub("<address>", str(error))
