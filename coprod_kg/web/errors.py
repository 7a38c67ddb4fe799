"""Error handler: any error as a problem document, a page or lines of text.

Who reads decides how: ``text/html`` preferred gives a page, ``text/plain`` named gives lines of
text, everything else (``*/*`` and result formats too) gives ``application/problem+json``
(RFC 9457), indented, so that it can be read at a terminal as it is.
"""

import json
import re
from typing import Final

from flask import Flask, Response, current_app, g, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from coprod_kg.errors import (
    CoprodError,
    LimitReached,
    MethodRefused,
    NotAcceptable,
    NotFound,
    RequestError,
    TooLarge,
)
from coprod_kg.formats.media_types import HTML, Format, negotiate
from coprod_kg.publishing.problems import PROBLEMS, name_of
from coprod_kg.queries.labels import LANGUAGES, language_of_text, text_in
from coprod_kg.store.worker_client import NeedsThread
from coprod_kg.web.request_log import request_log

_CHALLENGE: Final = 'Basic realm="coprod-kg: any name, and your token as the password"'

__all__ = ["document", "kind_of", "problem", "register"]

_JSON = Format("json", "application/problem+json", "rows", "problem document")
_TEXT = Format("txt", "text/plain", "rows", "text")


def register(app: Flask) -> None:
    """Let every error of the application end here."""
    app.add_template_filter(_sentence, "sentence")
    app.register_error_handler(CoprodError, problem)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _unexpected)
    app.register_error_handler(NeedsThread, _left_to_thread)


def problem(error: CoprodError) -> Response:
    """The error as the client can read it best."""
    request_log(request).outcome = kind_of(error)
    if isinstance(error, LimitReached):
        request_log(request).refused = error.setting
        current_app.logger.warning("%s %s: %s", request.method, request.path, error.what)
    elif error.status >= 500:
        current_app.logger.error("%s %s: %s", request.method, request.path, error, exc_info=error)
    told = document(error)
    kind = _kind()
    if kind == HTML:
        text = request.args.get("query") if request.path == "/sparql" else None
        sent = g.get("sent_form") if error.status in (400, 401, 403) else None
        closed = current_app.config["SETTINGS"].read_access == "token"
        g.language = language = _language()
        told |= {"title": text_in(error.title, language)}
        said_in = {
            name: (text_in(words, language), language_of_text(words, language))
            for name, words in (("detail", error.what), ("fix", error.fix or ""))
        }
        body = render_template(
            "problem.html", problem=told, said=said_in, text=text, sent=sent, closed=closed
        )
    elif kind == _TEXT:
        body = _text(told)
    else:
        body = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    response = Response(body, status=error.status, content_type=kind.content_type)
    response.headers["Cache-Control"] = "no-store"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="coprod-kg"'
        page = request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"
        if page and request.method in ("GET", "HEAD"):  # a browser asks for the token
            response.headers.add("WWW-Authenticate", f'{_CHALLENGE}, charset="UTF-8"')
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def kind_of(error: CoprodError) -> str:
    """The kind of an error in words with hyphens, such as ``query-timeout``."""
    return name_of(type(error))


def document(error: CoprodError) -> dict[str, str | int]:
    """The members of the problem document (RFC 9457) of an error."""
    told: dict[str, str | int] = {
        "type": PROBLEMS + kind_of(error),
        "title": error.title,
        "status": error.status,
        "detail": error.what,
    }
    if error.where:
        told["where"] = error.where
    if error.fix:
        told["fix"] = error.fix
    return told


def _kind() -> Format:
    try:
        return negotiate(request.headers.get("Accept"), (_JSON, _TEXT, HTML))[0].format
    except NotAcceptable:
        return _JSON


def _language() -> str:
    """The language of the page that was asked for, as its address says it."""
    first = request.path.strip("/").partition("/")[0]
    asked = request.args.get("lang", "") if first == "queries" else first
    return asked if asked in LANGUAGES else LANGUAGES[0]


def _text(told: dict[str, str | int]) -> str:
    lines = [f"{told['status']} {told['title']}", _sentence(str(told["detail"]))]
    lines += [f"Where: {told['where']}"] if "where" in told else []
    lines += [str(told["fix"])] if "fix" in told else []
    return "\n".join(lines) + "\n"


def _sentence(words: str) -> str:
    """The words of an error as a sentence, unless they begin with a name, such as of a file."""
    begun = words[0].upper() + words[1:] if re.match(r"[a-z]+ ", words) else words
    return begun if "\n" in begun or begun.endswith((".", "?", "!", ":")) else f"{begun}."


def _left_to_thread(_: NeedsThread) -> Response:
    """Nothing that is sent: the request is answered anew in a thread (`coprod_kg.server.asgi`)."""
    request_log(request).needs_thread = True
    return Response(status=503)


def _from_http(error: HTTPException) -> Response:
    """The error for what the framework refuses before a route is reached."""
    if error.response is not None or (error.code or 500) < 400:
        theirs = error.get_response(request.environ)
        return Response(theirs.response, theirs.status, theirs.headers)
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _unexpected(error.original_exception)
    response = problem(_ours(error))
    allow = dict(error.get_headers(request.environ)).get("Allow")
    if allow:
        response.headers["Allow"] = allow
    response.status_code = error.code or 500
    return response


def _ours(error: HTTPException) -> CoprodError:
    if error.code == 404:
        return NotFound(
            "there is nothing at this address", where=request.path[:200], fix="Begin at /."
        )
    if error.code == 405:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return MethodRefused(
            f"{request.method} does not fit {request.path[:200]}", fix=f"It takes {allowed}."
        )
    if error.code == 413:
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        return TooLarge(
            f"the body is larger than {limit // 1024**2} MiB, the limit here (body-mb)",
            fix="Send less at once.",
        )
    return RequestError(f"the request cannot be read: {error.name}")


def _unexpected(error: BaseException) -> Response:
    current_app.logger.error(
        "%s %s: unexpected %s",
        request.method,
        request.path,
        type(error).__name__,
        exc_info=error,
    )
    unexpected = CoprodError(
        "this is a fault of the service, not of the request; it was logged",
        fix="Please report it with the time and the address.",
    )
    return problem(unexpected)
