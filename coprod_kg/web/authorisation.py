"""Authentication by token (Bearer or Basic), and what its holder may read and write."""

from typing import Final

from flask import Flask, Request, request
from werkzeug.datastructures import Authorization

from coprod_kg.access import SAY_WHO, Grant, Private, Tokens
from coprod_kg.errors import Unauthorised
from coprod_kg.settings import Settings
from coprod_kg.web.request_log import RequestLog, request_log

__all__ = ["admit", "curator", "granted", "guard", "holder"]

_OPEN: Final = ("/healthz", "/readyz", "/robots.txt", "/static/")
"""What everybody may see, also where reading takes a token."""

_FORM: Final = "submissions.POST /submissions"
"""Where the browser's form for a file is sent."""

_READ_BY_POST: Final = "/self-assessment"
"""The form whose answers come by POST so that no log has them: it changes nothing by itself."""

_NUMBERS: Final = "health.metrics"
"""What monitoring reads, however its address is written."""


def holder(request: Request, tokens: Tokens) -> Grant | None:
    """The grant of the token in a request, or None where it carries no token.

    Browsers send a token as a password (Basic, RFC 7617), also for requests that the page of
    another site makes (CSRF), so Basic counts for reading only.

    Raises:
        Unauthorised: its token is none of this service.
    """
    log = request_log(request)
    return granted(log, request.headers.get("Authorization"), tokens)


def granted(log: RequestLog, authorization: str | None, tokens: Tokens) -> Grant | None:
    """The grant of the token in an ``Authorization`` header; looked up once a request."""
    if log.grant is not None or authorization is None:
        return log.grant
    sent = Authorization.from_header(authorization)
    token = sent.token if sent is not None and sent.type == "bearer" else None
    if sent is not None and sent.type == "basic":
        if log.method not in ("GET", "HEAD") and not log.path.endswith(_READ_BY_POST):
            return None
        token = sent.password
    if token is None:
        raise Unauthorised("only tokens are known here", where="header Authorization", fix=SAY_WHO)
    log.grant = tokens.grant(token.strip())
    return log.grant


def admit(
    log: RequestLog, authorization: str | None, tokens: Tokens, private: Private, *, closed: bool
) -> None:
    """Note what is hidden from the client of a request; refuse clients that may not read.

    The one place for these rules: the application and the fast lookup both call it.

    Args:
        log: the request.
        authorization: the header of that name.
        tokens: the tokens of the installation.
        private: whose data not everybody sees.
        closed: whether a token is needed to read what is asked for.

    Raises:
        Unauthorised: what it carries is no token of this service, or it needs one.
    """
    public = log.path.startswith(_OPEN)
    log.unshared = closed
    if closed and granted(log, authorization, tokens) is None:
        raise Unauthorised("reading takes a token here", fix=SAY_WHO)
    if private.organisations():
        grant = None if public else granted(log, authorization, tokens)
        log.guarded, log.hidden = True, private.hidden_from(grant)
        log.unshared = log.unshared or authorization is not None


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


def guard(app: Flask, tokens: Tokens, private: Private, settings: Settings) -> None:
    """Run `admit` before each request, with the settings on who may read pages and metrics."""
    reading = settings.read_access == "token"
    numbers = settings.metrics_access == "token"
    numbers = numbers or (reading and settings.metrics_access == "reading")

    def look() -> None:
        log, sent = request_log(request), request.headers.get("Authorization")
        public = request.path.startswith(_OPEN)
        closed = numbers if request.endpoint == _NUMBERS else reading and not public
        closed = closed and request.method != "OPTIONS"  # no preflight carries a token (Fetch)
        # A form carries its token in a field, which the route reads.
        in_field = request.endpoint == _FORM and request.mimetype == "multipart/form-data"
        admit(log, sent, tokens, private, closed=closed and not in_field)
        log.unshared = log.unshared or closed

    app.before_request(look)
