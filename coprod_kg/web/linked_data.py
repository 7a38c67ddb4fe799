"""Routes of resources and their documents as linked data: ``/id``, ``/page``, ``/doc``.

``/id/KIND/ID`` is the thing, so it redirects (303) to ``/page/…`` for people or ``/doc/…`` for
machines. The concepts of the schemes have the same under ``/vocab/SCHEME/CONCEPT``.
"""

import re
from functools import partial
from typing import Final

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML
from coprod_kg.formats.negotiation import Offer, negotiate, offers_by_name
from coprod_kg.queries.caveat import caveat_of_claims
from coprod_kg.web.pages.disclaimer import claims
from coprod_kg.web.pages.resource import portrait
from coprod_kg.web.protocol import parameters
from coprod_kg.web.replies import LATEST, Conditions, media_types, reply, wants_page
from coprod_kg.web.site import VOCABULARY, Site

__all__ = ["blueprint"]

_SUFFIXES: Final = tuple(form.name for form in (*GRAPHS, HTML))
_SEGMENT: Final = re.compile(r"[^\x00-\x20<>\"{}|^`\\/?#\[\]]+")


def blueprint(site: Site) -> Blueprint:
    """The routes of things, their pages and their documents."""
    routes = Blueprint("things", __name__)
    for rule, kind in (("/id/<kind>/<name>", "id"), ("/vocab/<kind>/<name>", "vocab")):
        routes.add_url_rule(rule, endpoint=kind, view_func=partial(_thing, site, kind))
    for what, view in (("page", _page), ("doc", _document)):
        for rule, space in (
            (f"/{what}/<kind>/<name>", "id"),
            (f"/{what}/vocab/<kind>/<name>", "vocab"),
        ):
            routes.add_url_rule(
                rule, endpoint=f"{what}-{space}", view_func=partial(view, site, space)
            )
    return routes


def _thing(site: Site, space: str, kind: str, name: str) -> Response:
    """The thing itself: see other, at the page or the document."""
    name, suffix = _split(name)
    _check(site, _iri(site, space, kind, name), site.version())
    named = suffix or parameters(request).one("format")
    formats = (*GRAPHS, HTML)
    wanted = (
        offers_by_name(named, formats)
        if named
        else negotiate(request.headers.get("Accept"), formats)
    )
    tail = _tail(site, space, kind, name)
    if wants_page(wanted):
        return _see(f"/page/{tail}")
    return _see(f"/doc/{tail}" + (f".{wanted[0].format.name}" if named else ""))


def _see(address: str) -> Response:
    response = Response(status=303, headers={"Location": address})
    response.headers["Cache-Control"] = LATEST
    return response


def _document(site: Site, space: str, kind: str, name: str) -> Response:
    """All statements about the thing, as RDF."""
    name, suffix = _split(name)
    iri = _iri(site, space, kind, name)
    wanted = _offers(suffix)
    conditions = Conditions(site.version(), False, wanted)
    tail = _tail(site, space, kind, name)
    unchanged = conditions.unchanged(lambda offer: f"/doc/{tail}.{offer.format.name}")
    if unchanged is not None:
        return unchanged
    _check(site, iri, conditions.version)
    text = site.about("view-document", iri)
    answer = site.ask(text, media_types(wanted), conditions.version)
    response = reply(answer, conditions)
    chosen = next(form for form in GRAPHS if form.media_type == answer.media_type)
    response.headers["Content-Location"] = f"/doc/{tail}.{chosen.name}"
    said = caveat_of_claims(claims(site, answer.version, iri), "about this thing")
    if said:
        response.headers["Answer-Caveat"] = said
    links = [f'<{_path(site, iri)}>; rel="describes"', f'</page/{tail}>; rel="alternate"']
    response.headers["Link"] = ", ".join(links)
    return response


def _page(site: Site, space: str, kind: str, name: str) -> Response:
    """What the graph says of the thing, for people."""
    iri = _iri(site, space, kind, name)
    offer = Offer(HTML, HTML.content_type)
    conditions = Conditions(site.version(), False, (offer,))
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    _check(site, iri, conditions.version)
    tail = _tail(site, space, kind, name)
    body = render_template(
        "thing.html",
        iri=iri,
        thing=portrait(site, iri, conditions.version),
        links=[(form.label, f"/doc/{tail}.{form.name}", form.media_type) for form in GRAPHS],
        version=conditions.version,
        claims=claims(site, conditions.version, iri),
    )
    return conditions.mark(Response(body, content_type=HTML.content_type), offer)


def _offers(suffix: str | None) -> tuple[Offer, ...]:
    named = suffix or parameters(request).one("format")
    if named:
        return offers_by_name(named, GRAPHS)
    return negotiate(request.headers.get("Accept"), GRAPHS)


def _split(name: str) -> tuple[str, str | None]:
    """The name and the suffix that says the format, where there is one."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, suffix) if dot and stem and suffix in _SUFFIXES else (name, None)


def _iri(site: Site, space: str, kind: str, name: str) -> str:
    if not (_SEGMENT.fullmatch(kind) and _SEGMENT.fullmatch(name)):
        raise NotFound("there is no thing of that name")
    start = VOCABULARY if space == "vocab" else f"{site.settings.base_iri}id/"
    return f"{start}{kind}/{name}"


def _path(site: Site, iri: str) -> str:
    return site.path(iri) or iri


def _tail(site: Site, space: str, kind: str, name: str) -> str:
    path = _path(site, _iri(site, space, kind, name))
    return path.removeprefix("/id/" if space == "id" else "/")


def _check(site: Site, iri: str, version: int) -> None:
    try:
        found = site.view("view-exists", iri, version)
        known = found is not None and bool(found.truth)
    except WrongUsage:  # it cannot be the name of anything
        known = False
    if not known:
        raise NotFound(f"nothing is known about {iri}", fix="Begin at /, or ask at /sparql.")
