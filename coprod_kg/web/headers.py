"""Headers that every response carries, errors too; it never looks at a body."""

from flask import Flask, Response, request

from coprod_kg.web.exchange import exchange

__all__ = ["register"]

_EXPOSED = (
    "Answer-Rows, Cache-Status, Content-Location, Content-Disposition, Content-SHA256, "
    "Dataset-Version, ETag, Link, Location, Query-SHA256, Retry-After, "
    "Small-Counts"
)
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


_SERVICE = (
    '</openapi.json>; rel="service-desc"; type="application/json", '
    '</docs>; rel="service-doc"; type="text/html"'
)
"""Where programs and people read what can be asked here (RFC 8631)."""

_ALWAYS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", _EXPOSED),
    ("Link", _SERVICE),
    ("Vary", "Accept"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)
"""What `_add` adds to an answer that is data and that everybody may see."""

_CACHE = {"hit": "hit", "miss": "fwd=miss", "bypass": "fwd=bypass"}
"""What our cache did, in the words of RFC 9211."""


def of_data(cache: str) -> list[tuple[str, str]]:
    """The headers of an answer that is data and that everybody may see.

    Args:
        cache: what the cache did: ``hit``, ``miss`` or ``bypass``.
    """
    return [("Cache-Status", f"coprod-kg; {_CACHE[cache]}"), *_ALWAYS]


def register(app: Flask) -> None:
    """Add the headers to every response of the application."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = _EXPOSED
    cached = exchange(request).notes.get("cache")
    if isinstance(cached, str) and response.status_code < 300:
        headers["Cache-Status"] = f"coprod-kg; {_CACHE[cached]}"
    if request.method == "OPTIONS":
        allowed = headers.get("Allow", "GET, HEAD, POST, OPTIONS")
        headers["Access-Control-Allow-Methods"] = allowed
        headers["Access-Control-Allow-Headers"] = (
            "Accept, Authorization, Content-Type, If-Match, If-None-Match"
        )
        headers["Access-Control-Max-Age"] = "86400"
    headers.add("Link", _SERVICE)
    response.vary.add("Accept")
    if exchange(request).guarded:
        response.vary.add("Authorization")
    if exchange(request).unshared and "Cache-Control" in headers:
        headers["Cache-Control"] = headers["Cache-Control"].replace("public", "private")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", _POLICY)
    return response
