"""Routes of the kinds of problems, the ``type`` of every problem document: a page or RDF."""

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotFound
from coprod_kg.formats.media_types import GRAPHS, HTML
from coprod_kg.publishing.problems import as_rdf, problem_kinds
from coprod_kg.web.protocol import parameters
from coprod_kg.web.replies import offers_among
from coprod_kg.web.site import Site

__all__ = ["blueprint"]


def blueprint(_: Site) -> Blueprint:
    """The routes of the kinds of problems."""
    routes = Blueprint("problems", __name__)
    routes.add_url_rule("/problem", endpoint="all", view_func=_show)
    routes.add_url_rule("/problem/<name>", endpoint="kind", view_func=_show)
    return routes


def _show(name: str | None = None) -> Response:
    """One kind, or all of them."""
    kinds = problem_kinds()
    if name is not None and name not in kinds:
        raise NotFound(f"there is no kind of problem {name[:80]!r}", fix="/problem lists them.")
    offer = offers_among((*GRAPHS, HTML), parameters(request).one("format"))[0]
    shown = kinds if name is None else {name: kinds[name]}
    if offer.format == HTML:
        body: str | bytes = render_template("problems.html", kinds=shown, alone=name)
    else:
        body = as_rdf(shown, offer.format.media_type)
    response = Response(body, content_type=offer.content_type)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
