"""Routes of the SPARQL endpoint."""

from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, request

from coprod_kg.queries.ask import SMALL
from coprod_kg.queries.caveat import caveat_of_text
from coprod_kg.web.lookup import lookup
from coprod_kg.web.pages.sparql import answered, described, terms
from coprod_kg.web.protocol import read
from coprod_kg.web.replies import Conditions, reply, wants_page
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site
from coprod_kg.web.update import updated

__all__ = ["blueprint"]


def blueprint(site: Site) -> Blueprint:
    """The routes of the endpoint."""
    routes = Blueprint("sparql", __name__)
    routes.add_url_rule(
        "/sparql", endpoint="query", view_func=partial(_sparql, site), methods=["GET", "POST"]
    )
    routes.add_url_rule("/sparql/terms", endpoint="terms", view_func=partial(terms, site))
    return routes


def _sparql(site: Site) -> Response:
    asked = read(request)
    if asked.update is not None:
        return updated(site, asked.update, asked.parameters)
    if asked.text is None:
        return described(site, asked)
    log = request_log(request)
    query, conditions = lookup(asked, request.headers.get("Accept"), log, site)
    conditions = _seen(conditions, site.version(query.version))
    wanted = conditions.offers
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    if wants_page(wanted):
        return answered(site, query, conditions)
    answer = site.ask_store(query)
    said = ""
    if (answer.length or SMALL) < SMALL:  # a large one is sent as it comes, its headers first
        data = answer.read()
        answer, said = replace(answer, chunks=iter((data,))), caveat_of_text(data)
    response = reply(answer, _seen(conditions, answer.version))
    if said:
        response.headers["Answer-Caveat"] = said
    return response


def _seen(conditions: Conditions, number: int) -> Conditions:
    """The conditions with the version that answered: a commit may have come between."""
    return replace(conditions, version=number)
