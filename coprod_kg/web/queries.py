"""Routes of the saved queries: list, page, answer."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from zlib import crc32

from flask import Blueprint, Response, jsonify, render_template, request

from coprod_kg.errors import NotAcceptable, NotFound
from coprod_kg.formats.media_types import (
    CHARTS,
    CRATE,
    FORMATS,
    GRAPHS,
    HTML,
    ROWS,
    Format,
    by_name,
)
from coprod_kg.formats.negotiation import Offer, negotiate, offers_by_name
from coprod_kg.formats.table import read_table
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.caveat import caveat, caveat_of_claims
from coprod_kg.queries.charts.chart import described, has_chart
from coprod_kg.queries.citation import Citation
from coprod_kg.queries.derived import MADE, AskedQuery, formats_made
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.parameters import RESERVED
from coprod_kg.queries.runs.run import Run
from coprod_kg.store.base import Answer, Query
from coprod_kg.web import query_citing, query_differences, query_submitting
from coprod_kg.web.address import root
from coprod_kg.web.cache import is_changing
from coprod_kg.web.pages.chart import drawn, settled
from coprod_kg.web.pages.disclaimer import claims
from coprod_kg.web.pages.search import found
from coprod_kg.web.pages.table import MOST_ROWS, view
from coprod_kg.web.paging import PageLinks, linked, pages, part
from coprod_kg.web.parameter_values import permitted
from coprod_kg.web.protocol import Parameters, parameters, seconds, version
from coprod_kg.web.query_citing import CitationRequest, named, pairs
from coprod_kg.web.query_crate import taken
from coprod_kg.web.query_freshness import last_run, last_runs
from coprod_kg.web.replies import LATEST, Conditions, media_types, reply, wants_page
from coprod_kg.web.site import Site, take

__all__ = ["blueprint", "formats_of"]

_LIST = (ROWS[0], HTML)
_MOST_OPTIONS = 500
"""So many values are offered in a list; with more of them a value is typed."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form of a saved query's page."""

    name: str
    description: str
    takes: str
    values: tuple[str, ...]
    options: tuple[tuple[str, str], ...]


def blueprint(site: Site) -> Blueprint:
    """The routes of the saved queries."""
    routes = Blueprint("queries", __name__)
    routes.add_url_rule("/queries", endpoint="all", view_func=partial(_all, site))
    routes.add_url_rule("/queries/<name>", endpoint="one", view_func=partial(_one, site))
    query_citing.add_routes(routes, site)
    query_differences.add_routes(routes, site)
    query_submitting.add_routes(routes, site)
    return routes


def _all(site: Site) -> Response:
    given = parameters(request)
    named = given.one("format")
    wanted = offers_by_name(named, _LIST) if named else negotiate(_accept(), _LIST)
    tags = tuple(dict.fromkeys(tag for tag in given.all("tag") if tag))
    seen = found(site.queries, given.one("q") or "", tags)
    if wants_page(wanted):
        body = render_template("queries.html", found=seen, runs=last_runs(site))
        response = Response(body, content_type=HTML.content_type)
    else:
        runs = last_runs(site)
        listed = [_described(query, runs.get(query.name)) for query in seen.queries]
        response = jsonify({"queries": listed})
    response.headers["Cache-Control"] = LATEST
    return response


def _described(query: SavedQuery, run: Run | None) -> dict[str, object]:
    url = f"{root()}queries/{query.name}"
    last = run.described() if run else None
    return {"name": query.name, "url": url, **query.described(), "last_run": last}


def _one(site: Site, name: str) -> Response:
    query, suffix = _found(site, name)
    given = parameters(request)
    own = site.settings.queries
    if not suffix and _wants_description(query, given):
        return Response(status=303, headers={"Location": f"/doc/queries/{query.name}"})
    wanted = settled(_offers(query, given, suffix, own))
    values = given.grouped(leave_out=RESERVED)
    number = version(given)
    run = last_run(site, query) if number is None and wants_page(wanted) else None
    page, fixed = wants_page(wanted), site.is_fixed(given)
    shown = site.version(number)
    kept = _kept(site, shown) if page else ""
    about = (_stamp(run, kept), is_changing(query.text), query.text)
    # A page says how long its link answers, which changes.
    conditions = Conditions(shown, fixed and not page, wanted, *about)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        place = (conditions.version, site.lineage)
        return named(unchanged, query, pairs(query, values, part(given, query)), place)
    made = wanted[0].format in MADE
    query = permitted(site, query, number, None if page else values)
    bind, chosen = partial(query.bind, values, site.settings.base_iri), part(given, query)
    asking = Query(
        chosen.text(bind),
        query.media_types if page or made else media_types(wanted),
        version=number,
        seconds=seconds(given, site.settings),
        union=True,
    )
    citing = CitationRequest(site, query, values, asking, chosen, claims(site, number))
    # The place is taken before the query has one, which would be held while this one waits.
    with site.making() if made or wanted[0].format == CRATE else nullcontext():
        if wanted[0].format == CRATE:
            return taken(citing, conditions)
        around = pages(site, asking, bind, chosen)
        answer, content = citing.measured(citing.answer(asking))
        conditions = replace(conditions, version=answer.version)
        asked = AskedQuery(query, values, answer.version, own, claims=citing.claims)
        if made:
            response = drawn(answer, asked, conditions, citing.quoted)
        elif page:
            cited = citing.citation(answer.version, content) if content else None
            body = _page(site, asked, asking, answer, (around, cited, run, kept))
            response = conditions.mark(Response(body, content_type=HTML.content_type), wanted[0])
        else:
            response = reply(citing.leading(answer, content), conditions, filename=query.name)
        return linked(citing.marked(response, answer.version, content), around)


def _page(
    site: Site,
    asked: AskedQuery,
    asking: Query,
    answer: Answer,
    about: tuple[PageLinks, Citation | None, Run | None, str],
) -> str:
    """The page of a saved query, with its chart where it has one."""
    query, data = asked.query, take(answer)
    rows = answer.media_type == ROWS[0].media_type
    table = read_table(data) if rows and data is not None else None
    links = _links(asked, asking.version)
    drawable = table is not None and has_chart(query, asked.own)
    return render_template(
        "query.html",
        query=query,
        text=asking.text,
        fields=_fields(query, asked.values),
        view=view(site, table, query) if table is not None else None,
        graph=data.decode("utf-8") if data is not None and not rows else None,
        most=MOST_ROWS,
        described=described(query, table, asked.own, asked.claims)
        if table is not None and drawable
        else None,
        chart=dict(links).get(CHARTS[0].label),
        links=links,
        around=about[0],
        cited=about[1],
        run=about[2],
        kept=about[3],
        before=max(
            (number for number in site.store.versions() if number < answer.version), default=0
        ),
        version=answer.version,
        caveat=caveat(table, asked.claims) if table is not None else caveat_of_claims(asked.claims),
    )


def _stamp(run: Run | None, kept: str) -> str:
    """What makes a page differ without a new version: the last run, and the note on its link."""
    known = f"{run.version}-{run.time}-" if run else ""
    return f"{known}{crc32(kept.encode()):08x}" if kept else known


def _kept(site: Site, number: int) -> str:
    """How long the permanent link to a version answers, in a sentence."""
    kept, settings = site.store.kept(number), site.settings
    if kept.names:
        return f"The link always answers: version {number} has the name {kept.names[0]}."
    if kept.cited is not None and kept.cited < settings.keep_cited:
        others = max(1, settings.keep_cited - kept.cited)
        return (
            f"Version {number} was cited. The link answers at least until {others} other "
            f"{'version was' if others == 1 else 'versions were'} cited after it."
        )
    newer = max(1, settings.keep_versions - kept.newer)
    until = f"until the data has changed {newer} more {'time' if newer == 1 else 'times'}"
    if not settings.keep_cited:
        return f"The link answers {until}."
    return (
        f"The link answers {until}. Take the citation as text, BibTeX or CSL-JSON, and it answers "
        f"longer: until {settings.keep_cited} other versions were cited after this one."
    )


def _found(site: Site, name: str) -> tuple[SavedQuery, str | None]:
    """The query that the last part of the address names, with or without a suffix."""
    slug, dot, suffix = name.partition(".")
    if slug not in site.queries:
        raise NotFound(
            f"there is no saved query {slug[:80]!r}", fix="All of them are listed at /queries."
        )
    known = {form.name for form in (*FORMATS, *MADE, CRATE)}
    if dot and suffix not in known:
        raise NotFound(
            f"there is no format {suffix[:20]!r} of it",
            fix="The suffixes are: " + ", ".join(f".{ending}" for ending in sorted(known)),
        )
    return site.queries[slug], suffix or None


def formats_of(query: SavedQuery, own: Path | None = None) -> tuple[Format, ...]:
    """The formats that the answer of a saved query can be written in, best first."""
    written = GRAPHS if query.form in ("CONSTRUCT", "DESCRIBE") else ROWS
    return (*written, *formats_made(query, own), CRATE)


def _offers(
    query: SavedQuery, given: Parameters, suffix: str | None, own: Path | None
) -> tuple[Offer, ...]:
    formats = (*formats_of(query, own), HTML)
    named = suffix or given.one("format")
    if named and set(by_name(named)) & set(CHARTS) - set(formats):
        raise NotFound(
            f"the question {query.name} has no chart",
            fix="Its formats are: " + ", ".join(form.name for form in formats) + ".",
        )
    return offers_by_name(named, formats) if named else negotiate(_accept(), formats)


def _wants_description(query: SavedQuery, given: Parameters) -> bool:
    """Whether a client takes RDF only, and the answer is none: then it is told of the query."""
    formats = formats_of(query)
    if given.one("format") or GRAPHS[0] in formats:
        return False
    try:
        return negotiate(_accept(), (*formats, HTML, *GRAPHS))[0].format in GRAPHS
    except NotAcceptable:
        return False


def _accept() -> str | None:
    return request.headers.get("Accept")


def _links(asked: AskedQuery, number: int | None) -> list[tuple[str, str]]:
    """Links to the same answer in every other format: label and address."""
    pairs = [(name, value) for name, several in asked.values.items() for value in several]
    pairs += [("version", str(number))] if number is not None else []
    tail = f"?{urlencode(pairs)}" if pairs else ""
    formats = formats_of(asked.query, asked.own)
    return [(form.label, f"/queries/{asked.query.name}.{form.name}{tail}") for form in formats]


def _fields(query: SavedQuery, values: Mapping[str, Sequence[str]]) -> list[Field]:
    vocabulary = schemes()
    fields = []
    for parameter in query.parameters:
        concepts = vocabulary[parameter.scope].concepts if parameter.type == "concept" else {}
        called = dict(parameter.allowed or ()) | {
            slug: concept.label() for slug, concept in concepts.items()
        }
        values_there = parameter.permitted(vocabulary)
        few = values_there if len(values_there) <= _MOST_OPTIONS else ()
        options = tuple((value, called.get(value, value)) for value in few)
        chosen = tuple(values.get(parameter.name, ()))
        fields.append(
            Field(parameter.name, parameter.description, parameter.takes, chosen, options)
        )
    return fields
