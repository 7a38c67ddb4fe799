"""``/sign-in``: Basic authentication, so that a person's browser can read what takes a token.

A browser sends what it was given (Basic, RFC 7617) with every request to this server, whichever
page caused it, so only reading takes it (`coprod_kg.web.authorisation.holder`): nothing can be
written by a form of another site.
"""

from functools import partial

from flask import Blueprint, Flask, redirect, request
from werkzeug.wrappers import Response as Redirection

from coprod_kg.errors import Unauthorised
from coprod_kg.web.authorisation import holder
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site

__all__ = ["blueprint", "offer"]


def blueprint(site: Site) -> Blueprint:
    """The route."""
    routes = Blueprint("signing", __name__)
    routes.add_url_rule("/sign-in", endpoint="sign-in", view_func=partial(_sign_in, site))
    return routes


def offer(app: Flask, site: Site) -> None:
    """Give pages the name of the token, and the offer to sign in where that matters."""

    def signed() -> dict[str, object]:
        log = request_log(request)
        matters = log.guarded or site.settings.read_access == "token"
        return {"may_sign_in": matters, "signed_in": log.grant.name if log.grant else ""}

    app.context_processor(signed)


def _sign_in(site: Site) -> Redirection:
    if holder(request, site.tokens) is None:
        raise Unauthorised(
            "this page takes a token", fix="Give any name, and your token as the password."
        )
    return redirect("/", 303)
