"""Routes of the SPARQL endpoint, its page with the editor, and updates."""

import json
from dataclasses import replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotAcceptable, WrongUsage
from coprod_kg.formats.media_types import (
    GRAPHS,
    HTML,
    ROWS,
    Format,
    Offer,
    negotiate,
    offers_by_name,
)
from coprod_kg.formats.table import read_table
from coprod_kg.model.namespaces import prefixes
from coprod_kg.publishing.service_description import service_description
from coprod_kg.publishing.shapes import rulebooks
from coprod_kg.queries.caveat import caveat_of_text
from coprod_kg.queries.question import SMALL, bytes_within
from coprod_kg.store.base import Query
from coprod_kg.updates import update, with_dataset
from coprod_kg.web.address import root
from coprod_kg.web.authorisation import curator
from coprod_kg.web.headers import SCRIPTED_POLICY
from coprod_kg.web.lookup import lookup
from coprod_kg.web.pages.table import MOST_ROWS, view
from coprod_kg.web.protocol import Parameters, SparqlRequest, iris, is_iri, read
from coprod_kg.web.question import saved
from coprod_kg.web.replies import Conditions, check_preconditions, committed, reply, wants_page
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site

__all__ = ["SCRIPT", "blueprint"]


EXAMPLE = """PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>

SELECT ?initiative ?initiativeLabel
WHERE {
  ?initiative a cp:Initiative ; rdfs:label ?initiativeLabel .
}
ORDER BY ?initiativeLabel
LIMIT 100"""

SCRIPT: Final = Path(__file__).parent / "static" / "editor.js"


def blueprint(site: Site) -> Blueprint:
    """The routes of the endpoint."""
    routes = Blueprint("sparql", __name__)
    routes.add_url_rule(
        "/sparql", endpoint="query", view_func=partial(_sparql, site), methods=["GET", "POST"]
    )
    routes.add_url_rule("/sparql/terms", endpoint="terms", view_func=partial(_terms, site))
    return routes


def _sparql(site: Site) -> Response:
    asked = read(request)
    if asked.update is not None:
        return _update(site, asked.update, asked.parameters)
    if asked.text is None:
        return _description(site, asked)
    log = request_log(request)
    query, conditions = lookup(asked, request.headers.get("Accept"), log, site)
    conditions = _with_version(conditions, site.version(query.version))
    wanted = conditions.offers
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    if wants_page(wanted):
        return _answer_page(site, query, conditions)
    answer = site.ask_store(query)
    said = ""
    if (answer.length or SMALL) < SMALL:  # a large one is sent as it comes, its headers first
        data = answer.read()
        answer, said = replace(answer, chunks=iter((data,))), caveat_of_text(data)
    response = reply(answer, _with_version(conditions, answer.version))
    if said:
        response.headers["Answer-Caveat"] = said
    return response


def _with_version(conditions: Conditions, number: int) -> Conditions:
    """The conditions with the version that answered: a commit may have come between."""
    return replace(conditions, version=number)


def _answer_page(site: Site, query: Query, conditions: Conditions) -> Response:
    """The page of a query and its answer."""
    types = (ROWS[0].media_type, GRAPHS[0].media_type)
    answer = site.ask_store(replace(query, media_types=types))
    data = bytes_within(answer)
    rows = answer.media_type == ROWS[0].media_type
    body = _page(
        site,
        text=query.text,
        answered=True,
        view=view(site, read_table(data)) if rows and data is not None else None,
        graph=data.decode("utf-8") if data is not None and not rows else None,
        most=MOST_ROWS,
        links=_links(query, ROWS if rows else GRAPHS),
        version=answer.version,
        caveat=caveat_of_text(data) if data is not None else "",
    )
    response = _scripted(Response(body, content_type=HTML.content_type))
    marked = replace(conditions, version=answer.version)
    return marked.mark(response, conditions.offers[0])


def _terms(site: Site) -> Response:
    """The words that a query can use, for the editor."""
    offer = Offer(ROWS[0], "application/json")
    conditions = Conditions(site.version(), False, (offer,))
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    body = json.dumps(_completions(site, conditions.version), ensure_ascii=False)
    return conditions.mark(Response(body, content_type=offer.content_type), offer)


def _page(site: Site, **shown: object) -> str:
    examples = sorted(site.queries.values(), key=lambda query: query.summary)
    return render_template("sparql.html", examples=examples, edited=SCRIPT.exists(), **shown)


def _scripted(response: Response) -> Response:
    if SCRIPT.exists():
        response.headers["Content-Security-Policy"] = SCRIPTED_POLICY
    return response


def _links(query: Query, formats: tuple[Format, ...]) -> list[tuple[str, str]]:
    """Links to the same answer in every other format: label and address."""
    pairs = [("query", query.text)]
    pairs += [("default-graph-uri", iri) for iri in query.default_graphs]
    pairs += [("named-graph-uri", iri) for iri in query.named_graphs]
    pairs += [("version", str(query.version))] if query.version is not None else []
    return [
        (form.label, f"/sparql?{urlencode([*pairs, ('format', form.name)])}") for form in formats
    ]


def _description(site: Site, asked: SparqlRequest) -> Response:
    """What is here without a query: the description of the service, or the form."""
    wanted = _description_offers(asked)
    conditions = Conditions(site.version(), False, wanted)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    if wants_page(wanted):
        example = asked.parameters.one("example") or ""
        text = _text_of(site, example) if example else EXAMPLE
        body: str | bytes = _page(
            site, text=text, example=example, answered=False, version=conditions.version
        )
    else:
        graphs = [row["graph"] for row in site.rows_of("view-graphs").texts()]
        union = site.settings.default_graph == "union"
        body = service_description(
            _endpoint(), graphs, union, wanted[0].format.media_type, _numbers(site)
        )
    response = _scripted(Response(body, content_type=wanted[0].content_type))
    return conditions.mark(response, wanted[0])


def _numbers(site: Site) -> dict[str, dict[str, int]]:
    """What is counted of the graphs, as the catalogue has it."""
    base = site.settings.base_iri
    table = site.about(
        "view-totals", f"{base}graph/catalogue", dataset=f"{base}dataset/all"
    ).table()
    found: dict[str, dict[str, int]] = {}
    for row in table.texts() if table else ():
        found.setdefault(row.get("graph", ""), {})[row["property"]] = int(row["number"])
    return found


def _text_of(site: Site, name: str) -> str:
    """The text of a saved query without its header."""
    lines = saved(site, name).text.splitlines()
    return "\n".join(line for line in lines if not line.startswith("#+"))


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


def _completions(site: Site, version: int) -> dict[str, Any]:
    """The words that a query can use: each short name with its meaning, and what asks for it.

    Counts come from the statistics of the version (VoID), the properties of a class from the
    shapes, the rest from the ontology and the schemes.
    """
    graph = f"{site.settings.base_iri}graph/catalogue"
    found = site.about("view-terms", graph, version).table()
    words = []
    for row in found.rows if found else ():
        short = _short(row["term"].value)
        if short:
            number = row["number"].value if "number" in row else "0"
            told = {"name": short, "kind": row["kind"].value, "number": int(number)}
            told |= {key: row[key].value for key in ("text",) if key in row}
            words.append({**told, "label": row["name"].value if "name" in row else ""})
    return {"prefixes": dict(prefixes()), "words": words, "properties": _by_class()}


@cache
def _by_class() -> dict[str, list[str]]:
    """Class → the properties that the shapes ask of its things."""
    found: dict[str, dict[str, None]] = {}
    for subject in (subject for book in rulebooks() for subject in book.subjects):
        named = [word.iri for target in subject.targets for word in target if word.iri]
        paths = [word.iri for rule in subject.rules for word in rule.path if word.iri]
        for iri in named:
            found.setdefault(_short(iri), {}).update(dict.fromkeys(map(_short, paths)))
    return {name: [path for path in paths if path] for name, paths in found.items() if name}


def _short(iri: str) -> str:
    """The IRI with the longest prefix that leaves a name SPARQL takes as it is, else nothing."""
    best = ""
    for prefix, namespace in prefixes().items():
        name = iri.removeprefix(namespace)
        plain = name.replace("-", "").replace("_", "").isalnum() and name.isascii()
        if iri.startswith(namespace) and plain and not name.startswith("-"):
            best = f"{prefix}:{name}"
    return best


def _update(site: Site, text: str, given: Parameters) -> Response:
    """Carry out the update of a request."""
    grant = curator(request, site.tokens, "SPARQL Update")
    check_preconditions((), "The dataset")  # it has no strong tag, so only * is met
    notes = request_log(request).notes
    notes["query"] = sha256(text.encode()).hexdigest()[:16]
    notes["query_text"] = text
    whole = with_dataset(text, iris(given, "using-graph-uri"), iris(given, "using-named-graph-uri"))
    return committed(update(site.store, whole, grant.name, site.settings, text))
