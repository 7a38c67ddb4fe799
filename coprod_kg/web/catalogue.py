"""Routes for portals: the catalogue in DCAT-AP, the statistics in VoID, a page for each dataset.

They show what anybody may see, whoever asks: what a portal copies is public.
"""

import json
import re
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML, Offer
from coprod_kg.formats.table import Table
from coprod_kg.model.licence import LICENCE, LICENCE_NAME
from coprod_kg.model.namespaces import expand, last_part
from coprod_kg.publishing.portal_documents import (
    DatasetView,
    File,
    Paging,
    dataset_views,
    dublin_core,
    portal_document,
    schema_org,
)
from coprod_kg.queries.ask import Question, taken
from coprod_kg.web.address import root
from coprod_kg.web.dumps import known_files
from coprod_kg.web.protocol import Parameters, is_iri, parameters, version
from coprod_kg.web.replies import LATEST, PINNED, Conditions, offers_among
from coprod_kg.web.site import Site

__all__ = ["blueprint"]

PAGE: Final = 100
"""Datasets on one page of the catalogue."""
_LINES: Final = "application/n-triples"
_MOST_BYTES: Final = 64 << 20
_MOST_LISTS: Final = 4
_LISTS: dict[tuple[str, int, tuple[str, ...]], tuple[tuple[str, str], ...]] = {}
"""Lineage, version, organisations left out → the datasets."""
_LINKSET: Final = "application/linkset+json"


def blueprint(site: Site) -> Blueprint:
    """The routes of the catalogue and its datasets."""
    routes = Blueprint("catalogue", __name__)
    for rule, endpoint, view in (
        ("/catalogue", "catalogue", _catalogue),
        ("/catalogue.<suffix>", "catalogue-as", _catalogue),
        ("/.well-known/void", "void", _void),
        ("/dataset/<name>", "dataset", _dataset),
        ("/dataset/<name>/linkset", "linkset", _linkset),
        ("/sitemap.xml", "sitemap", _sitemap),
    ):
        routes.add_url_rule(rule, endpoint=endpoint, view_func=partial(view, site))
    return routes


def _graph(site: Site) -> str:
    return f"{site.settings.base_iri}graph/catalogue"


def _offers(given: Parameters, suffix: str | None = None) -> tuple[Offer, ...]:
    formats = (*GRAPHS, HTML)
    if suffix is not None and suffix not in {form.name for form in formats}:
        raise NotFound(f"there is no format {suffix[:20]!r} of it")
    return offers_among(formats, suffix or given.one("format"))


def _conditions(site: Site, given: Parameters, offers: tuple[Offer, ...]) -> Conditions:
    return Conditions(site.version(version(given)), site.is_fixed(given), offers)


def _lines(site: Site, name: str, number: int, **values: tuple[str, ...]) -> bytes:
    """The answer of one of our own queries as N-Triples."""
    given = {"thing": (_graph(site),), **values}
    question = Question(site.endpoint, site.views[name], given, number)
    data = taken(question.answer((_LINES,)), _MOST_BYTES)
    if data is None:
        raise WrongUsage("this is too much for one document", fix="Ask for a page: ?page=1")
    return data


def _datasets(site: Site, number: int) -> tuple[tuple[str, str], ...]:
    """Every dataset and when it was changed last, as everybody sees it who is answered here.

    Kept for a few versions: with ten thousand datasets the list takes a second, and each page of
    the catalogue needs to know how many there are.
    """
    key = site.lineage, number, site.private.organisations()
    if key not in _LISTS:
        answer = site.about("view-datasets", _graph(site), number).answer(("text/csv",))
        lines = (taken(answer, _MOST_BYTES) or b"").decode().splitlines()[1:]
        pairs = (line.rpartition(",") for line in lines)
        if len(_LISTS) >= _MOST_LISTS:
            _LISTS.clear()
        _LISTS[key] = tuple((iri, modified) for iri, _, modified in pairs)
    return _LISTS[key]


def _catalogue(site: Site, suffix: str | None = None) -> Response:
    """The catalogue: a page for people, else RDF, in parts that are all of one version."""
    site.see_public()
    given = parameters(request)
    offers = _offers(given, suffix)
    conditions = _conditions(site, given, offers)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    number = conditions.version
    datasets = _datasets(site, number)
    if not datasets and offers[0].format != HTML:
        # an empty catalogue would have a portal delete what it copied
        raise NotFound(f"version {number} has no description", fix="Ask for a newer version.")
    size = _size(given)
    pages = max(1, -(-len(datasets) // size))
    page = _page_number(given, pages)
    shown = [iri for iri, _ in datasets[(page - 1) * size : page * size]]
    lines = _lines(site, "view-catalogue", number, dataset=tuple(shown)) if shown else b""
    offer = offers[0]
    if offer.format == HTML:
        views = dataset_views(lines, shown)
        body: str | bytes = render_template(
            "catalogue.html",
            datasets=views,
            formats=[(form.label, f"/catalogue.{form.name}", form.media_type) for form in GRAPHS],
            page=page,
            pages=pages,
            total=len(datasets),
            limit=size if size != PAGE else None,
            version=number,
            canonical=f"{root()}catalogue",
        )
    else:
        files = known_files(site, number)
        addresses = {f"{root()}dump/{number}.{name}.gz": file for name, file in files.items()}
        paging = _paging(site, suffix, number, (page, pages, len(datasets), size))
        body = portal_document(lines, offer.format.media_type, paging, addresses)
    response = Response(body, content_type=offer.content_type)
    links = ['</catalogue>; rel="canonical"', f'<{LICENCE}>; rel="license"']
    if offer.format != HTML and paging:
        links += [
            f'<{address}>; rel="{"prev" if name == "previous" else name}"'
            for name, address in paging.links.items()
        ]
    response.headers["Link"] = ", ".join(links)
    return conditions.mark(response, offer)


def _size(given: Parameters) -> int:
    """How many datasets a page has."""
    text = given.one("limit") or str(PAGE)
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise WrongUsage(f"{text[:20]!r} is no number of datasets", where="parameter limit")
    return min(int(text), PAGE)


def _page_number(given: Parameters, pages: int) -> int:
    text = given.one("page") or "1"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= pages:
        raise NotFound(f"there is no page {text[:20]}", fix=f"There are {pages}.")
    return int(text)


def _paging(
    site: Site, suffix: str | None, number: int, place: tuple[int, int, int, int]
) -> Paging | None:
    """Where a page stands; none where there is only one."""
    page, pages, total, size = place
    if pages == 1:
        return None
    start = f"{root()}catalogue" + (f".{suffix}" if suffix else "")

    def address(other: int) -> str:
        # with its lineage: after a restore the same number may stand for other data
        pairs = {"page": other, "version": number, "lineage": site.lineage}
        pairs |= {"limit": size} if size != PAGE else {}
        return f"{start}?{urlencode(pairs)}"

    links = {"first": address(1), "last": address(pages)}
    if page > 1:
        links["previous"] = address(page - 1)
    if page < pages:
        links["next"] = address(page + 1)
    return Paging(f"{site.settings.base_iri}catalogue", address(page), total, links)


def _void(site: Site) -> Response:
    """The statistics of the data in VoID."""
    site.see_public()
    given = parameters(request)
    offers = offers_among(GRAPHS, given.one("format"))
    conditions = _conditions(site, given, offers)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    lines = _lines(site, "view-void", conditions.version)
    body = portal_document(lines, offers[0].format.media_type)
    return conditions.mark(Response(body, content_type=offers[0].content_type), offers[0])


def _dataset(site: Site, name: str) -> Response:
    """One dataset: its page, or what the catalogue says of it."""
    site.see_public()
    given = parameters(request)
    stem, dot, suffix = name.rpartition(".")
    named = bool(dot) and suffix in {form.name for form in (*GRAPHS, HTML)}
    slug = stem if named else name
    offers = _offers(given, suffix if named else None)
    conditions = _conditions(site, given, offers)
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    number, offer = conditions.version, offers[0]
    files = known_files(site, number) if slug == "all" else {}
    addresses = {f"{root()}dump/{number}.{form}.gz": file for form, file in files.items()}
    lines, view = _found(site, slug, number, addresses)
    if offer.format == HTML:
        body: str | bytes = _dataset_page(site, slug, view, number)
    else:
        if slug == "all":
            lines += _lines(site, "view-void", number)
        body = portal_document(lines, offer.format.media_type, None, addresses)
    response = Response(body, content_type=offer.content_type)
    for target, attributes in _signposts(slug, view):
        rel = "; ".join(f'{key}="{value}"' for key, value in attributes.items())
        response.headers.add("Link", f"<{target}>; {rel}")
    response.headers["Content-Location"] = f"/dataset/{slug}.{offer.format.name}"
    return conditions.mark(response, offer)


def _found(
    site: Site, slug: str, number: int, made: Mapping[str, File] = MappingProxyType({})
) -> tuple[bytes, DatasetView]:
    """What the catalogue says of a dataset, and what is known of files that were made since.

    Raises:
        NotFound: there is none of that name.
    """
    iri = f"{site.settings.base_iri}dataset/{slug}"
    lines = _lines(site, "view-catalogue", number, dataset=(iri,)) if is_iri(iri) else b""
    if f"<{expand('dcat:dataset')}> <{iri}> .".encode() not in lines:
        raise NotFound(f"there is no dataset {slug[:100]!r}", fix="/catalogue lists them.")
    return lines, dataset_views(lines, [iri], made)[0]


def _dataset_page(site: Site, slug: str, view: DatasetView, number: int) -> str:
    whole = slug == "all"
    classes = site.about("view-classes", _graph(site), number).table() if whole else None
    coverage = site.about("view-coverage", _graph(site), number).table() if whole else None
    told = schema_org(
        view, f"{root()}catalogue", [last_part(place) for place in view.values["dcterms:spatial"]]
    )
    return render_template(
        "dataset.html",
        dataset=view,
        slug=slug,
        title=view.titles.get("en") or slug,
        # a closing tag in a text must not end the element
        told=json.dumps(told, ensure_ascii=False, indent=1).replace("<", "\\u003c"),
        dublin_core=dublin_core(view),
        signposts=_signposts(slug, view),
        formats=[(form.label, f"/dataset/{slug}.{form.name}", form.media_type) for form in GRAPHS],
        classes=classes.rows if classes else (),
        coverage=coverage.rows if coverage else (),
        initiatives=_initiatives(classes),
        licence=(LICENCE, LICENCE_NAME),
        version=number,
        canonical=f"{root()}dataset/{slug}",
        last=last_part,
    )


def _initiatives(classes: Table | None) -> int:
    rows = classes.rows if classes else ()
    found = (row for row in rows if row["class"].value.endswith("#Initiative"))
    return next((int(row["entities"].value) for row in found), 0)


def _signposts(slug: str, view: DatasetView) -> list[tuple[str, dict[str, str]]]:
    """The links by which a program finds its way from the page (FAIR Signposting, level 2)."""
    start = f"{root()}dataset/{slug}"
    found = [(view.iri, {"rel": "cite-as"})]
    found += [
        (f"{start}.{form.name}", {"rel": "describedby", "type": form.media_type}) for form in GRAPHS
    ]
    for file in view.files:
        media = "application/gzip" if file.address.endswith(".gz") else file.media_type
        found.append((file.address, {"rel": "item", "type": media}))
    found.append((LICENCE, {"rel": "license"}))
    agents = view.values["dcterms:creator"] or view.values["dcterms:publisher"]
    found += [(agent, {"rel": "author"}) for agent in agents]
    found += [
        ("https://schema.org/Dataset", {"rel": "type"}),
        ("https://schema.org/AboutPage", {"rel": "type"}),
    ]
    found.append((f"{start}/linkset", {"rel": "linkset", "type": _LINKSET}))
    return found


def _linkset(site: Site, name: str) -> Response:
    """The same links as a document of their own (RFC 9264)."""
    site.see_public()
    given = parameters(request)
    number = site.version(version(given))
    _, view = _found(site, name, number)
    told: dict[str, Any] = {"anchor": f"{root()}dataset/{name}"}
    for target, attributes in _signposts(name, view):
        if attributes["rel"] != "linkset":
            kind = {"type": attributes["type"]} if "type" in attributes else {}
            told.setdefault(attributes["rel"], []).append({"href": target, **kind})
    back = [{"href": f"{root()}dataset/{name}", "type": "text/html"}]
    sets = [told, *({"anchor": file.address, "collection": back} for file in view.files)]
    sets += [
        {"anchor": f"{root()}dataset/{name}.{form.name}", "describes": back} for form in GRAPHS
    ]
    response = Response(json.dumps({"linkset": sets}, indent=1) + "\n", content_type=_LINKSET)
    response.headers["Cache-Control"] = PINNED if site.is_fixed(given) else LATEST
    response.headers["Dataset-Version"] = str(number)
    return response


def _sitemap(site: Site) -> Response:
    """The pages that search engines are to know, with the day on which each changed last."""
    site.see_public()
    datasets = _datasets(site, site.version())
    days: Mapping[str, str] = {
        f"{root()}dataset/{last_part(iri)}": modified[:10] for iri, modified in datasets
    }
    newest = max(days.values(), default="")
    pages = {root(): newest, f"{root()}catalogue": newest, **days}
    body = render_template("sitemap.xml", pages=pages)
    response = Response(body, content_type="application/xml; charset=utf-8")
    response.headers["Cache-Control"] = LATEST
    return response
