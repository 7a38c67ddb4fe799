"""``/sign-in``: Basic authentication, so that a person's browser can read what takes a token.

A browser sends what it was given (Basic, RFC 7617) with every request to this server, whichever
page caused it, so only reading takes it (`coprod_kg.web.authorisation.holder`): nothing can be
written by a form of another site.
"""

from functools import partial
from typing import Final

from flask import Blueprint, Flask, Response, redirect, request
from werkzeug.wrappers import Response as Redirection

from coprod_kg.errors import Unauthorised
from coprod_kg.web.authorisation import holder
from coprod_kg.web.request_log import exchange
from coprod_kg.web.site import Site

__all__ = ["blueprint", "offer"]

_CHALLENGE: Final = 'Basic realm="coprod-kg: any name, and your token as the password"'


def blueprint(site: Site) -> Blueprint:
    """The route."""
    routes = Blueprint("signing", __name__)
    routes.add_url_rule("/sign-in", endpoint="sign-in", view_func=partial(_sign_in, site))
    return routes


def offer(app: Flask, site: Site) -> None:
    """Challenge browsers for a token where one is missing; give pages the name of the token."""

    def challenge(response: Response) -> Response:
        page = request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"
        if response.status_code == 401 and page and request.method in ("GET", "HEAD"):
            response.headers.add("WWW-Authenticate", f'{_CHALLENGE}, charset="UTF-8"')
        return response

    def signed() -> dict[str, object]:
        known = exchange(request)
        matters = known.guarded or site.settings.read_access == "token"
        return {"may_sign_in": matters, "signed_in": known.grant.name if known.grant else ""}

    app.after_request(challenge)
    app.context_processor(signed)


def _sign_in(site: Site) -> Redirection:
    if holder(request, site.tokens) is None:
        raise Unauthorised(
            "this page takes a token", fix="Give any name, and your token as the password."
        )
    return redirect("/", 303)
