"""Headers that every response carries, errors too: security, CORS, ``Vary``, cache status.

All addresses here begin at the root of the service. Where the public reaches it under a path, that
path is put before each of them in this one place, in headers and on pages.
"""

import re
from functools import cache
from typing import Final

from flask import Flask, Response, request

from coprod_kg.web.request_log import RequestLog, request_log

__all__ = ["FRAMED_POLICY", "SCRIPTED_POLICY", "cache_control", "common", "register"]

_EXPOSED = (
    "Answer-Caveat, Answer-Rows, Cache-Status, Content-Location, Content-Disposition, "
    "Content-Profile, Content-SHA256, Dataset-Version, ETag, Link, Location, Memento-Datetime, "
    "Query-SHA256, Retry-After, Small-Counts"
)
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FRAMED_POLICY = _POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")
"""The policy of a view that other sites may show in a frame; nothing else may be."""
SCRIPTED_POLICY = f"{_POLICY}; script-src 'self'; connect-src 'self'"
"""The policy of a page whose script, a file of ours, asks this service and nobody else."""

_SERVICE = (
    '</openapi.json>; rel="service-desc"; type="application/json", '
    '</docs>; rel="service-doc"; type="text/html"'
)
"""Where programs and people read what can be asked here (RFC 8631)."""

_ALWAYS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", _EXPOSED),
    ("Link", _SERVICE),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
]

_ASKED = (
    "Accept, Accept-Datetime, Accept-Encoding, Accept-Language, Accept-Profile, Authorization, "
    "Cache-Control, Content-Encoding, Content-Language, Content-Type, If-Match, "
    "If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Pragma, Prefer, Range, "
    "Slug, X-Requested-With"
)
"""What pages of other sites may send; a preflight names what they are about to."""

_ON_PAGE: Final = re.compile(rb'(?<=[ \n])(href|src|action|formaction)="/(?!/)')
_IN_LINK: Final = re.compile(r"(?<=<)/(?!/)")

_CACHE = {"hit": "hit", "miss": "fwd=miss", "bypass": "fwd=bypass"}
"""What our cache did, in the words of RFC 9211."""


def common(
    log: RequestLog, status: int, media_type: str, prefix: str = ""
) -> list[tuple[str, str]]:
    """The headers of every response beside its own, from the application or the fast lookup.

    Args:
        log: the request and what is known of its answer.
        status: of the response.
        media_type: of its body, without parameters.
        prefix: the path under which the public reaches the service.
    """
    found = [*_always(prefix), ("Vary", "Accept, Authorization" if log.guarded else "Accept")]
    cached = log.notes.get("cache")
    if isinstance(cached, str) and status < 300:
        found.append(("Cache-Status", f"coprod-kg; {_CACHE[cached]}"))
    if media_type == "text/html":
        found.append(("Content-Security-Policy", _POLICY))
    return found


@cache
def _always(prefix: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, _IN_LINK.sub(f"{prefix}/", value)) for name, value in _ALWAYS)


def cache_control(log: RequestLog, value: str) -> str:
    """A ``Cache-Control`` value, made private where not every client may see the answer."""
    return value.replace("public", "private") if log.unshared else value


def register(app: Flask) -> None:
    """Add the headers to every response of the application."""
    prefix = app.config["SETTINGS"].prefix
    if prefix:
        # registered first, it runs last: after every address has been written
        app.after_request(lambda response: _moved(response, prefix))
    app.after_request(_add)


def _moved(response: Response, prefix: str) -> Response:
    """The response with the path of the public address before all addresses of this service."""
    headers = response.headers
    for name in ("Location", "Content-Location"):
        if headers.get(name, "").startswith("/"):
            headers[name] = prefix + headers[name]
    if links := headers.getlist("Link"):
        headers.setlist("Link", [_IN_LINK.sub(f"{prefix}/", link) for link in links])
    if response.mimetype in ("text/html", "image/svg+xml") and not response.direct_passthrough:
        page = response.get_data()
        response.set_data(_ON_PAGE.sub(rb'\1="' + prefix.encode() + b"/", page))
    return response


def _add(response: Response) -> Response:
    headers, log = response.headers, request_log(request)
    for name, value in common(log, response.status_code, response.mimetype or ""):
        if name == "Vary":
            response.vary.update(value.split(", "))
        elif name == "Link":
            headers.add(name, value)
        else:
            headers.setdefault(name, value)
    if request.method == "OPTIONS":
        allowed = headers.get("Allow", "GET, HEAD, POST, OPTIONS")
        headers["Access-Control-Allow-Methods"] = allowed
        headers["Access-Control-Allow-Headers"] = _ASKED
        headers["Access-Control-Max-Age"] = "86400"
    if "Cache-Control" in headers:
        headers["Cache-Control"] = cache_control(log, headers["Cache-Control"])
    return response
