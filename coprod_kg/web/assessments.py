"""Route of assessments: where an initiative or organisation stands and why, as JSON or as text."""

import json
from typing import Final

from flask import Blueprint, Response, request

from coprod_kg.assessment.explanation import Explainer
from coprod_kg.assessment.search import find
from coprod_kg.assessment.text import as_lines
from coprod_kg.assessment.values import as_values
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.formats.media_types import Format, Offer, negotiate
from coprod_kg.model.advice import LANGUAGES
from coprod_kg.web.protocol import parameters
from coprod_kg.web.site import Site
from coprod_kg.web.thing_address import refuse_withdrawn

__all__ = ["blueprint"]

_JSON: Final = Format("json", "application/json", "page", "JSON")
_TEXT: Final = Format("txt", "text/plain", "page", "text")


def blueprint(site: Site) -> Blueprint:
    """The route of assessments."""
    routes = Blueprint("assessments", __name__)

    def show(kind: str, name: str) -> Response:
        """One assessment: what `coprod-kg assess` says."""
        given = parameters(request)
        offer = _offer(given.one("format"))
        language = _language(given.one("lang"))
        settings = site.settings
        with site.making():
            seen = site.restricted_store
            version = seen.version()
            explainer = Explainer(seen, settings, language)
            try:
                (subject,) = find([f"{kind}/{name}"], seen, settings.base_iri, language)
            except NotFound:
                refuse_withdrawn(site, f"{settings.base_iri}id/{kind}/{name}", version)
                raise
            explanation = explainer.explain(subject)
        if offer.format == _TEXT:
            every = given.one("every_stage") == "1"
            lines = as_lines(explanation, settings.base_iri, every=every)
            body = "".join(f"{line}\n" for line in lines)
        else:
            values = as_values(explanation, explainer.profiles)
            body = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        response = Response(body, content_type=offer.content_type)
        response.headers["Dataset-Version"] = str(version)
        response.headers["Content-Language"] = language
        response.vary.add("Accept-Language")
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag()
        response.make_conditional(request)
        return response

    routes.add_url_rule("/assessments/<kind>/<name>", endpoint="show", view_func=show)
    return routes


def _language(named: str | None) -> str:
    """The language that the client names, or reads best; English where it reads none of them."""
    if not named:
        return request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])
    if named in LANGUAGES:
        return named
    raise WrongUsage(
        f"there is no language {named[:80]!r} here",
        where="parameter lang",
        fix=f"The languages are: {', '.join(LANGUAGES)}.",
    )


def _offer(named: str | None) -> Offer:
    """The format that the client names, or reads best."""
    if not named:
        return negotiate(request.headers.get("Accept"), (_JSON, _TEXT))[0]
    for known in (_JSON, _TEXT):
        if named == known.name:
            return Offer(known, known.content_type)
    raise WrongUsage(
        f"there is no format {named[:80]!r} here",
        where="parameter format",
        fix="The formats are: json, txt.",
    )
