"""Who asks, by the token in the request; it never shows, keeps or logs one."""

from typing import Final

from flask import Flask, Request, request

from coprod_kg.access import SAY_WHO, Grant, Private, Tokens
from coprod_kg.errors import Unauthorised
from coprod_kg.settings import Settings
from coprod_kg.web.exchange import exchange

__all__ = ["close", "curator", "guard", "holder"]

_OPEN: Final = ("/healthz", "/readyz", "/robots.txt", "/static/")
"""What everybody may see, also where reading takes a token."""

_FORM: Final = "submissions.POST /submissions"
"""Where the browser's form for a file is sent."""

_NUMBERS: Final = "health.metrics"
"""What monitoring reads, however its address is written."""


def holder(request: Request, tokens: Tokens) -> Grant | None:
    """What the sender of a request may do, or None where it carries no token.

    Browsers send a token as a password (Basic, RFC 7617), also when the page of somebody else
    makes them; it counts for reading only.

    Raises:
        Unauthorised: what it carries is no token of this service.
    """
    known = exchange(request)
    if known.grant is not None or "Authorization" not in request.headers:
        return known.grant
    sent = request.authorization
    token = sent.token if sent is not None and sent.type == "bearer" else None
    if sent is not None and sent.type == "basic":
        if request.method not in ("GET", "HEAD"):
            return None
        token = sent.password
    if token is None:
        raise Unauthorised("only tokens are known here", where="header Authorization", fix=SAY_WHO)
    known.grant = tokens.grant(token.strip())
    return known.grant


def curator(request: Request, tokens: Tokens, what: str) -> Grant:
    """The curator who sends a request.

    Args:
        request: the request.
        tokens: the tokens of the installation.
        what: what only a curator may do, as the beginning of a sentence.

    Raises:
        Unauthorised: it carries no token that counts.
        Forbidden: the token is a contributor's.
    """
    grant = holder(request, tokens)
    if grant is None:
        raise Unauthorised(f"{what} takes a curator's token", fix=SAY_WHO)
    grant.check_curator()
    return grant


def close(app: Flask, tokens: Tokens, settings: Settings) -> None:
    """Let nobody read, or see the numbers, without a token where the settings say so."""
    reading = settings.read_access == "token"
    numbers = settings.metrics_access == "token"
    numbers = numbers or (reading and settings.metrics_access == "reading")

    def check() -> None:
        if request.method == "OPTIONS":
            return  # a preflight carries no token (Fetch standard, CORS protocol)
        public = request.path.startswith(_OPEN)
        closed = numbers if request.endpoint == _NUMBERS else reading and not public
        exchange(request).unshared = closed
        # A form carries its token in a field, which the route reads.
        in_field = request.endpoint == _FORM and request.mimetype == "multipart/form-data"
        if closed and not in_field and holder(request, tokens) is None:
            raise Unauthorised("reading takes a token here", fix=SAY_WHO)

    if reading or numbers:
        app.before_request(check)


def guard(app: Flask, tokens: Tokens, private: Private) -> None:
    """Let each request see the private data of nobody but of the organisation that sends it."""

    def look() -> None:
        if private.organisations():
            known = exchange(request)
            public = request.path.startswith(_OPEN)
            grant = None if public else holder(request, tokens)
            known.guarded, known.hidden = True, private.hidden_from(grant)
            known.unshared = known.unshared or "Authorization" in request.headers

    app.before_request(look)
