"""Routes of a saved query's answer and of its citation."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Final

from flask import Blueprint, Response, g, render_template, request

from coprod_kg.errors import NotAcceptable, NotFound
from coprod_kg.formats.media_types import (
    CHARTS,
    CRATE,
    EXCEL_CSV,
    FORMATS,
    GRAPHS,
    HTML,
    ROWS,
    WORKBOOK,
    Format,
    Offer,
    by_name,
    negotiate,
    offers_by_name,
)
from coprod_kg.queries.crate import PROFILE
from coprod_kg.queries.derived import DERIVED, formats_of
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.question import Question
from coprod_kg.sparql.tokens import is_changing
from coprod_kg.web.pages.query import QueryPage
from coprod_kg.web.protocol import Parameters, parameters, version
from coprod_kg.web.question import (
    pages,
    question_of,
    read_language,
    saved,
    with_answer_headers,
    with_embedded_caveat,
    with_identity_headers,
    with_page_links,
)
from coprod_kg.web.replies import LATEST, Conditions, media_types, offers_among, reply, wants_page
from coprod_kg.web.site import Site

__all__ = ["add_routes"]

_MADE: Final = (*DERIVED, CRATE)
_CITATIONS: Final = (
    Format("txt", "text/plain", "page", "text"),
    Format("bib", "application/x-bibtex", "page", "BibTeX", ("text/x-bibtex",), ("bibtex",)),
    Format("csl.json", "application/vnd.citationstyles.csl+json", "page", "CSL-JSON", (), ("csl",)),
)


def add_routes(routes: Blueprint, site: Site) -> None:
    """The routes of answers and citations."""
    for endpoint, rule, view in (
        ("one", "", _answer),
        ("cite", "/cite", _cite),
        ("cite-as", "/cite.<path:form>", _cite),
    ):
        routes.add_url_rule(
            f"/queries/<name>{rule}", endpoint=endpoint, view_func=partial(view, site)
        )


def _answer(site: Site, name: str) -> Response:
    query, suffix = _found(site, name)
    given = parameters(request)
    if not suffix and _wants_description(query, given):
        return Response(status=303, headers={"Location": f"/doc/queries/{query.name}"})
    wanted = _offers(query, given, suffix, site)
    number, made = version(given), wanted[0].format in _MADE
    speaking = read_language(given)
    page = QueryPage.of(site, query, number, speaking) if wants_page(wanted) else None
    shown, fixed = site.version(number), site.is_pinned(given)
    # A page says how long its link answers, which changes.
    about = (page.stamp if page else "", is_changing(query.text), query.text)
    conditions = Conditions(shown, fixed and page is None, wanted, *about)
    question = question_of(site, query, given, number)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return with_identity_headers(unchanged, question, (shown, site.lineage))
    question = question.with_permitted_values(every=page is not None)
    question.query(())  # a value that does not fit is told before anything is asked
    _ = question.claims  # asked first: a large answer is held while it is sent
    # The place is taken before the query has one, which would be held while this one waits.
    with site.making() if made else nullcontext():
        if wanted[0].format == CRATE:
            return _download(replace(question, version=shown), conditions)
        page_links = pages(site, question)
        if made:
            return with_page_links(_download(question, conditions), page_links)
        answer, found = question.measured(query.media_types if page else media_types(wanted))
        conditions = replace(conditions, version=answer.version)
        if page:
            g.language = question.language
            body = page.written(question, answer, found, page_links)
            response = conditions.mark(Response(body, content_type=HTML.content_type), wanted[0])
        else:
            answer = with_embedded_caveat(answer, question, site.lineage, found)
            response = reply(answer, conditions, filename=query.name)
        place = (answer.version, site.lineage)
        return with_page_links(with_answer_headers(response, question, place, found), page_links)


def _download(question: Question, conditions: Conditions) -> Response:
    """The answer as a chart, a workbook or a crate.

    Raises:
        LimitReached: the answer is too large for that.
        CoprodError: what asking raises, or it cannot be drawn.
    """
    offer, name = conditions.offers[0], question.saved.name
    fix = "Take it as CSV, or bind more parameters."
    found = question.measure(f"for {offer.format.label}", fix)
    conditions = replace(conditions, version=found.version)
    response = Response(found.in_format(offer.format), content_type=offer.content_type)
    kept = offer.format in (WORKBOOK, EXCEL_CSV, CRATE)
    if offer.format == CRATE:
        name = f"{name}-v{found.version}"
        response.headers.add("Link", f'<{PROFILE}>; rel="profile"')
    ending = "vl.json" if offer.format.name == "vega" else offer.format.name
    kind = "attachment" if kept else "inline"
    response.headers["Content-Disposition"] = f'{kind}; filename="{name}.{ending}"'
    place = (found.version, question.endpoint.store.identity().lineage)
    return with_answer_headers(conditions.mark(response, offer), found.question, place, found)


def _found(site: Site, name: str) -> tuple[SavedQuery, str | None]:
    """The query that the last part of the address names, with or without a suffix."""
    slug, dot, suffix = name.partition(".")
    query = saved(site, slug)
    known = {form.name for form in (*FORMATS, *_MADE)}
    if dot and suffix not in known:
        raise NotFound(
            f"there is no format {suffix[:20]!r} of it",
            fix="The suffixes are: " + ", ".join(f".{ending}" for ending in sorted(known)),
        )
    return query, suffix or None


def _offers(
    query: SavedQuery, given: Parameters, suffix: str | None, site: Site
) -> tuple[Offer, ...]:
    """The formats wanted: the one that is made of rows, if it comes first, else only the others."""
    named = suffix or given.one("format")
    plain = GRAPHS if query.is_graph else ROWS
    if named and not set(by_name(named)).isdisjoint(plain):
        return offers_by_name(named, plain)
    formats = (*formats_of(query, site.settings.queries), HTML)
    if named and set(by_name(named)) & set(CHARTS) - set(formats):
        raise NotFound(
            f"the question {query.name} has no chart",
            fix="Its formats are: " + ", ".join(form.name for form in formats) + ".",
        )
    wanted = offers_among(formats, named)
    if wanted[0].format in _MADE:
        return wanted[:1]
    return tuple(offer for offer in wanted if offer.format not in _MADE)


def _wants_description(query: SavedQuery, given: Parameters) -> bool:
    """Whether a client takes RDF only, and the answer is none: then it is told of the query."""
    formats = formats_of(query)
    if given.one("format") or query.is_graph:
        return False
    try:
        accept = request.headers.get("Accept")
        return negotiate(accept, (*formats, HTML, *GRAPHS))[0].format in GRAPHS
    except NotAcceptable:
        return False


def _cite(site: Site, name: str, form: str | None = None) -> Response:
    """The citation of an answer, as a page, text, BibTeX or CSL-JSON."""
    query, given = saved(site, name), parameters(request)
    offer = _citation_offer(form, given.one("format"))
    site.is_pinned(given)
    number = site.version(version(given))
    found = (
        question_of(site, query, given, number, ("from", "to")).with_permitted_values().measure()
    )
    citation = found.cited()
    if offer.format == HTML:
        shown = {"query": query, "text": citation.text(), "link": citation.link}
        g.language = found.question.language
        body = render_template("cite.html", version=number, labels_in=g.language, **shown)
    else:
        texts = {"txt": citation.text, "bib": citation.bibtex, "csl.json": citation.csl_text}
        body = texts[offer.format.name]()
    response = Response(body, content_type=offer.content_type)
    response.headers["Dataset-Version"] = str(number)
    response.headers["Cache-Control"] = LATEST
    return with_answer_headers(response, found.question, (number, site.lineage), found)


def _citation_offer(suffix: str | None, named: str | None) -> Offer:
    wanted = suffix or named
    if not wanted:
        return negotiate(request.headers.get("Accept"), (*_CITATIONS, HTML))[0]
    for form in _CITATIONS:
        if wanted.lower() in (form.name, form.media_type, *form.names):
            return Offer(form, form.content_type)
    raise NotFound(
        f"there is no citation as {wanted[:40]!r}",
        fix="The formats are: " + ", ".join(form.name for form in _CITATIONS) + ".",
    )
