"""Routes of the SPARQL endpoint: protocol, service description, query form."""

from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from coprod_kg.access import hidden
from coprod_kg.errors import NotAcceptable, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML, ROWS, Format
from coprod_kg.formats.negotiation import Offer, negotiate, offers_by_name
from coprod_kg.formats.table import read_table
from coprod_kg.publishing.service_description import service_description
from coprod_kg.queries.caveat import caveat_of_text
from coprod_kg.store.base import Query
from coprod_kg.web.address import root
from coprod_kg.web.cache import is_changing
from coprod_kg.web.pages.table import MOST_ROWS, view
from coprod_kg.web.protocol import SparqlRequest, is_iri, read, seconds, version
from coprod_kg.web.replies import Conditions, chosen, media_types, reply, wants_page
from coprod_kg.web.request_log import RequestLog, exchange
from coprod_kg.web.site import Site, take
from coprod_kg.web.update import updated

__all__ = ["blueprint", "lookup"]

_SMALL: Final = 256 << 10
"""Bytes below which an answer is read whole, to look for what must be known of it."""
EXAMPLE = """PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>

SELECT ?initiative ?initiativeLabel
WHERE {
  ?initiative a cp:Initiative ; rdfs:label ?initiativeLabel .
}
ORDER BY ?initiativeLabel
LIMIT 100"""


def blueprint(site: Site) -> Blueprint:
    """The routes of the endpoint."""
    routes = Blueprint("sparql", __name__)
    routes.add_url_rule(
        "/sparql", endpoint="query", view_func=partial(_sparql, site), methods=["GET", "POST"]
    )
    return routes


def _sparql(site: Site) -> Response:
    asked = read(request)
    if asked.update is not None:
        return updated(site, asked.update, asked.parameters)
    if asked.text is None:
        return _without_query(site, asked)
    known = exchange(request)
    query, conditions = lookup(asked, request.headers.get("Accept"), known, site)
    conditions = _seen(conditions, site.version(query.version))
    wanted = conditions.offers
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    if wants_page(wanted):
        return _page(site, query, conditions)
    answer = site.ask_store(query)
    said = ""
    if (answer.length or _SMALL) < _SMALL:  # a large one is sent as it comes, its headers first
        data = answer.read()
        answer, said = replace(answer, chunks=iter((data,))), caveat_of_text(data)
    response = reply(answer, _seen(conditions, answer.version))
    if said:
        response.headers["Answer-Caveat"] = said
    return response


def lookup(
    asked: SparqlRequest, accept: str | None, known: RequestLog, site: Site
) -> tuple[Query, Conditions]:
    """The query of a request, and the conditions that mark its answer.

    The application and the fast lookup both call it, so that both read a request alike.

    Args:
        asked: the request, which carries a query.
        accept: its header of that name.
        known: who sends it.
        site: says what its default graph and its deadline are, and the lineage of its versions.

    Raises:
        WrongUsage: a parameter of it makes no sense.
        NotFound, VersionGone: the lineage it names is not that of the data, or its version is not.
        NotAcceptable: nothing accepted can be written.
    """
    settings = site.settings
    wanted, text = chosen(asked.parameters, accept), asked.text or ""
    query = Query(
        text,
        media_types(wanted),
        asked.default_graphs,
        asked.named_graphs,
        version(asked.parameters),
        seconds(asked.parameters, settings),
        settings.default_graph == "union",
        hidden=hidden(known.hidden, settings.base_iri),
        asker=known.asker,
    )
    pinned, changing = site.is_fixed(asked.parameters), is_changing(text)
    return query, Conditions(0, pinned, wanted, changing=changing, lineage=site.lineage)


def _seen(conditions: Conditions, number: int) -> Conditions:
    """The conditions with the version that answered: a commit may have come between."""
    return replace(conditions, version=number)


def _page(site: Site, query: Query, conditions: Conditions) -> Response:
    types = (ROWS[0].media_type, GRAPHS[0].media_type)
    answer = site.ask_store(replace(query, media_types=types))
    data = take(answer)
    rows = answer.media_type == ROWS[0].media_type
    body = render_template(
        "sparql.html",
        text=query.text,
        answered=True,
        view=view(site, read_table(data)) if rows and data is not None else None,
        graph=data.decode("utf-8") if data is not None and not rows else None,
        most=MOST_ROWS,
        links=_links(query, ROWS if rows else GRAPHS),
        version=answer.version,
        caveat=caveat_of_text(data) if data is not None else "",
    )
    response = Response(body, content_type=HTML.content_type)
    return _seen(conditions, answer.version).mark(response, conditions.offers[0])


def _links(query: Query, formats: tuple[Format, ...]) -> list[tuple[str, str]]:
    """Links to the same answer in every other format: label and address."""
    pairs = [("query", query.text)]
    pairs += [("default-graph-uri", iri) for iri in query.default_graphs]
    pairs += [("named-graph-uri", iri) for iri in query.named_graphs]
    pairs += [("version", str(query.version))] if query.version is not None else []
    return [
        (form.label, f"/sparql?{urlencode([*pairs, ('format', form.name)])}") for form in formats
    ]


def _without_query(site: Site, asked: SparqlRequest) -> Response:
    wanted = _description_offers(asked)
    conditions = Conditions(site.version(), False, wanted)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    if wants_page(wanted):
        body: str | bytes = render_template(
            "sparql.html", text=EXAMPLE, answered=False, version=conditions.version
        )
    else:
        graphs = [row["graph"] for row in site.rows_of("view-graphs").texts()]
        union = site.settings.default_graph == "union"
        body = service_description(_endpoint(), graphs, union, wanted[0].format.media_type)
    response = Response(body, content_type=wanted[0].content_type)
    return conditions.mark(response, wanted[0])


def _endpoint() -> str:
    """The address of the endpoint as the client knows it."""
    address = f"{root().rstrip('/')}{request.path}"
    if not is_iri(address):
        raise WrongUsage("the host named is none", where="header Host")
    return address


def _description_offers(asked: SparqlRequest) -> tuple[Offer, ...]:
    formats = (*GRAPHS, HTML)
    named = asked.parameters.all("format")
    if named:
        return offers_by_name(named[0], formats)
    try:
        return negotiate(request.headers.get("Accept"), formats)
    except NotAcceptable:
        raise NotAcceptable(
            "the request carries no query, and what is here without one (the description of "
            "the service) is not in a format that the client accepts",
            where="parameter query",
            fix="Send a query, or accept text/turtle or text/html.",
        ) from None
