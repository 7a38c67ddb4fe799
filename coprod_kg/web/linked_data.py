"""Routes of everything that has an IRI in the data: the thing, its page and its document.

``/id/KIND/ID`` is the thing, so it redirects (303) to ``/page/…`` for people or ``/doc/…`` for
machines. Concepts have the same under ``/vocab/SCHEME/CONCEPT``, and so have the records of this
service: ``/graph/…``, ``/submission/…``, ``/version/N``, ``/model/…``.
"""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotAcceptable, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML, Offer
from coprod_kg.formats.table import commented, with_first_chunk
from coprod_kg.publishing.profiles import ALTERNATES, OWN, named_profile, profiles
from coprod_kg.queries.caveat import caveat_of_claims, caveat_of_document
from coprod_kg.queries.question import Question
from coprod_kg.store.base import Answer
from coprod_kg.web.address import root
from coprod_kg.web.memento import http_date, moments
from coprod_kg.web.pages.resource import resource_view
from coprod_kg.web.protocol import Parameters, parameters
from coprod_kg.web.replies import (
    LATEST,
    PINNED,
    Conditions,
    media_types,
    offers_among,
    reply,
    wants_page,
)
from coprod_kg.web.site import Site
from coprod_kg.web.thing_address import RECORDS, ThingAddress, record_kind, thing_address
from coprod_kg.web.thing_profiles import asked_profile, profile_document, with_profile_headers

__all__ = ["blueprint"]

_MORE: Final = ("Accept-Datetime", "Accept-Profile", "If-None-Match")
"""Headers with which more is asked of a document than what stands in it."""


def blueprint(site: Site) -> Blueprint:
    """The routes of things, their pages and their documents."""
    routes = Blueprint("things", __name__)
    for what, view in (("", _thing), ("page", _page), ("doc", _document)):
        start, prefix = (f"/{what}", f"{what}-") if what else ("", "")
        for space, rules in (
            ("id", [f"{start or '/id'}/<kind>/<name>"]),
            ("vocab", [f"{start}/vocab/<kind>/<name>"]),
            ("record", [f"{start}/{record}/<path:name>" for record in RECORDS]),
            # A saved query is its own page, at its own address.
            ("query", ["/doc/queries/<name>"] if what == "doc" else []),
        ):
            bound = partial(view, site, space)
            for rule in rules:
                routes.add_url_rule(rule, endpoint=f"{prefix}{space}", view_func=bound)
    return routes


def _thing(site: Site, space: str, **_: str) -> Response:
    """The thing itself: see other, at the page or the document."""
    address = thing_address(site, space)
    given = parameters(request)
    form, asked = address.suffix or _form(given), given.one("_profile")
    # a page is in no profile: who asks for one in the address wants a document
    formats = GRAPHS if asked else (*GRAPHS, HTML)
    wanted = offers_among(formats, form)
    if wants_page(wanted):
        return _see(address.page, pinned=address.pinned)
    profile = named_profile(asked) if asked else profiles()[OWN]
    document = address.document(
        wanted[0].format.name if form else "", profile.token if profile else ALTERNATES
    )
    response = _see(document, pinned=address.pinned)
    response.vary.add("Accept-Profile")
    return response


def _by_moment() -> bool:
    """Whether the client names a moment, and not a version."""
    return "Accept-Datetime" in request.headers and not request.args.get("version")


def _redirect_to_version(address: str) -> Response:
    """Found: the version of that moment has an address of its own (RFC 7089, pattern 1.1)."""
    response = Response(status=302, headers={"Location": address, "Cache-Control": LATEST})
    response.vary.add("Accept-Datetime")
    return response


def _see(address: str, *, pinned: bool) -> Response:
    response = Response(status=303, headers={"Location": address})
    response.headers["Cache-Control"] = PINNED if pinned else LATEST
    return response


def _document(site: Site, space: str, **_: str) -> Response:
    """All statements about the thing, as RDF."""
    at_hand = _document_at_hand(site, space)
    if at_hand is not None:
        return at_hand
    address = thing_address(site, space)
    if address.suffix == HTML.name:
        return _see(address.page, pinned=address.pinned)
    if _by_moment():
        return _redirect_to_version(address.document(address.suffix or ""))
    wanted, profile = _offers(address.suffix), asked_profile(space)
    if profile is None or profile.token != OWN:
        return _with_memento_headers(
            site, profile_document(site, address, wanted, profile), f"/doc/{address.tail}", address
        )
    conditions = Conditions(address.version, address.pinned, wanted)
    unchanged = conditions.unchanged(lambda offer: address.document(offer.format.name))
    if unchanged is not None:
        if space == "id":
            with_profile_headers(unchanged, address, profile)
        return _with_memento_headers(site, unchanged, f"/doc/{address.tail}", address)
    # Asked first: an answer holds its slot until it is sent, and this would wait for another.
    said = caveat_of_claims(site.claims(address.version, address.iri), "about this thing")
    answer = _document_query(site, address).answer(media_types(wanted))
    return _document_response(site, answer, conditions, address, said)


def _document_at_hand(site: Site, space: str) -> Response | None:
    """The document of a thing where one short query tells all of it; None where more is asked.

    The document itself tells whether anything is known about the thing, and what its claims rest
    on, which three queries tell in all other cases.
    """
    if space not in ("id", "vocab") or any(name in request.headers for name in _MORE):
        return None
    if parameters(request).one("_profile"):
        return None
    address = thing_address(site, space, looks=False)
    if address.suffix == HTML.name:
        return None
    # The first two are told after whether the thing is known; what cannot be read back is counted
    # by a query.
    with suppress(NotAcceptable, WrongUsage, SyntaxError):
        wanted = _offers(address.suffix)
        query = _document_query(site, address).query(media_types(wanted))
        answer = site.answer_at_hand(query)
        if answer is None:
            return None
        data = answer.read()
        said = caveat_of_document(data, answer.media_type, address.iri)
        if said is None:
            return None
        whole = replace(answer, chunks=iter((data,)), length=len(data))
        conditions = Conditions(address.version, address.pinned, wanted)
        return _document_response(site, whole, conditions, address, said)
    return None


def _document_response(
    site: Site, answer: Answer, conditions: Conditions, address: ThingAddress, said: str
) -> Response:
    """The response with a thing's document in our own terms."""
    media_type, profile = answer.media_type, profiles()[OWN]
    answer = with_first_chunk(answer, lambda first: commented(first, media_type, said))
    response = reply(answer, conditions)
    chosen = next(form for form in GRAPHS if form.media_type == media_type)
    response.headers["Content-Location"] = address.document(chosen.name)
    if said:
        response.headers["Answer-Caveat"] = said
    thing = site.path(address.iri) or address.iri
    links = [f'<{thing}>; rel="describes"', f'<{address.page}>; rel="alternate"; type="text/html"']
    response.headers["Link"] = ", ".join(links)
    if address.space == "id":
        with_profile_headers(response, address, profile)
    return _with_memento_headers(site, response, f"/doc/{address.tail}", address)


def _with_memento_headers(
    site: Site, response: Response, original: str, address: ThingAddress
) -> Response:
    """The response with what Memento (RFC 7089) wants of it."""
    timemap = f"/versions?{urlencode({'of': original, 'format': 'link'})}"
    response.headers.add("Link", f'<{original}>; rel="original timegate"')
    response.headers.add("Link", f'<{timemap}>; rel="timemap"; type="application/link-format"')
    response.vary.add("Accept-Datetime")
    if address.query and (made := moments(site).get(address.version)):
        response.headers["Memento-Datetime"] = http_date(made)
    return response


def _document_query(site: Site, address: ThingAddress) -> Question:
    """The bound query whose answer is the document."""
    if address.space in ("id", "vocab"):
        return site.about("view-document", address.iri, address.version)
    if record_kind(site, address.iri) != "graph":
        return site.about("view-record", address.iri, address.version)
    triples = _size(site, address)
    values = {"triples": str(triples), "dump": _dump(address.iri)}
    return site.about("view-graph", address.iri, address.version, **values)


def _page(site: Site, space: str, **_: str) -> Response:
    """What the graph says of the thing, for people."""
    address = thing_address(site, space)
    if _by_moment():
        return _redirect_to_version(address.page)
    offer = Offer(HTML, HTML.content_type)
    conditions = Conditions(address.version, address.pinned, (offer,))
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return _with_memento_headers(site, unchanged, f"/page/{address.tail}", address)
    shown: dict[str, Any] = {}
    if space == "record" and record_kind(site, address.iri) == "graph":
        shown = {"triples": _size(site, address), "dump": _dump(address.iri)}
    elif space == "record" and record_kind(site, address.iri) == "version":
        made = int(address.iri.rpartition("/")[2])
        shown = {"made_version": made, "kept": made in site.store.versions()}
    body = render_template(
        "thing.html",
        iri=address.iri,
        canonical=root() + address.page.lstrip("/"),
        thing=resource_view(site, address.iri, address.version),
        links=[(form.label, address.document(form.name), form.media_type) for form in GRAPHS],
        version=address.version,
        claims=site.claims(address.version, address.iri),
        **shown,
    )
    response = conditions.mark(Response(body, content_type=HTML.content_type), offer)
    return _with_memento_headers(site, response, f"/page/{address.tail}", address)


def _offers(suffix: str | None) -> tuple[Offer, ...]:
    return offers_among(GRAPHS, suffix or _form(parameters(request)))


def _form(given: Parameters) -> str | None:
    """The format that the address names: by ``format``, or as a media type by ``_mediatype``."""
    media_type = given.one("_mediatype")
    known = {form.media_type: form.name for form in (*GRAPHS, HTML)}
    return given.one("format") or known.get(media_type or "", media_type)


def _size(site: Site, address: ThingAddress) -> int:
    """How many statements a graph holds."""
    table = site.about("view-graph-size", address.iri, address.version).table()
    return int(table.rows[0]["triples"].value) if table and table.rows else 0


def _dump(graph: str) -> str:
    """Where the statements of a graph are."""
    return f"{root()}data?{urlencode({'graph': graph})}"
