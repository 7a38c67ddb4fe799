"""Headers that every response carries, errors too; it never looks at a body."""

from flask import Flask, Response, request

__all__ = ["register"]

_EXPOSED = (
    "Content-Location, Content-Disposition, Dataset-Version, ETag, Link, Location, Retry-After"
)
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def register(app: Flask) -> None:
    """Add the headers to every response of the application."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = _EXPOSED
    if request.method == "OPTIONS":
        allowed = headers.get("Allow", "GET, HEAD, POST, OPTIONS")
        headers["Access-Control-Allow-Methods"] = allowed
        headers["Access-Control-Allow-Headers"] = (
            "Accept, Authorization, Content-Type, If-None-Match"
        )
        headers["Access-Control-Max-Age"] = "86400"
    response.vary.add("Accept")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", _POLICY)
    return response
