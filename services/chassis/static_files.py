"""Styles, scripts and pictures: read once, compressed once, and kept by browsers for a year under their hash."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, request

HOUSE = Path(__file__).parent / "static"
_YEAR_S = 365 * 24 * 3600
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".webp": "image/webp"}


@dataclass(frozen=True)
class _File:
    body: bytes
    packed: bytes | None
    version: str
    kind: str


def _read(folder: Path) -> dict[str, _File]:
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file():
            body = path.read_bytes()
            packed = gzip.compress(body, 9, mtime=0)
            kind = _KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            name = path.relative_to(folder).as_posix()
            found[name] = _File(
                body, packed if len(packed) < len(body) * 0.9 else None, sha256(body).hexdigest()[:10], kind
            )
    return found


def install(app: Flask, service: str) -> None:
    """Serve the house's files under `/static/` and the service's own under `/api/<service>/static/`.

    `asset("house.css")` in a template is the address of a file; the service's own wins over the house's.
    """
    if app.has_static_folder:
        raise ValueError("make the app with static_folder=None: its files are served here")
    house, own = _read(HOUSE), _read(Path(app.root_path) / "static")
    own_prefix = f"/api/{service}/static/"

    def asset(name: str) -> str:
        if name in own:
            return f"{own_prefix}{name}?v={own[name].version}"
        return f"/static/{name}?v={house[name].version}"

    files = Blueprint("static_files", __name__)
    files.add_url_rule("/static/<path:name>", "house", lambda name: _answer(house, name))
    files.add_url_rule(f"{own_prefix}<path:name>", "own", lambda name: _answer(own, name))
    app.register_blueprint(files)
    app.jinja_env.globals["asset"] = asset


def _answer(files: dict[str, _File], name: str) -> Response:
    file = files.get(name) or abort(404)
    packed = file.packed if request.accept_encodings["gzip"] > 0 else None
    response = Response(packed or file.body, content_type=file.kind)
    if file.kind.startswith("text/"):
        response.content_type = f"{file.kind}; charset=utf-8"
    if packed:
        response.content_encoding = "gzip"
    if file.packed:
        response.vary.add("Accept-Encoding")
    response.set_etag(file.version + ("-gz" if packed else ""))
    if request.args.get("v") == file.version:
        response.cache_control.max_age, response.cache_control.public = _YEAR_S, True
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    response.make_conditional(request)
    return response
