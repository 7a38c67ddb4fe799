"""Routes of the catalogue: its pages in DCAT-AP, the statistics in VoID, the sitemap.

They show what anybody may see, whoever asks: what a portal copies is public.
"""

import re
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML
from coprod_kg.model.namespaces import LICENCE, last_part
from coprod_kg.publishing.portal_documents import Paging, dataset_views, portal_document
from coprod_kg.web.address import root
from coprod_kg.web.described import (
    Documents,
    catalogue_offers,
    conditions,
    datasets,
    lines,
)
from coprod_kg.web.dumps import known_files
from coprod_kg.web.protocol import Parameters, parameters
from coprod_kg.web.replies import LATEST, offers_among, see_page, wants_page
from coprod_kg.web.site import Site

__all__ = ["blueprint"]

PAGE: Final = 100
"""Datasets on one page of the catalogue, and the most that a client may ask for."""


def blueprint(site: Site) -> Blueprint:
    """The routes of the catalogue."""
    routes = Blueprint("catalogue", __name__)
    documents = Documents()
    for rule, endpoint, view in (
        ("/catalogue", "catalogue", partial(_catalogue, site, documents)),
        ("/catalogue.<suffix>", "catalogue-as", partial(_catalogue, site, documents)),
        ("/.well-known/void", "void", partial(_void, site, documents)),
        ("/sitemap.xml", "sitemap", partial(_sitemap, site)),
    ):
        routes.add_url_rule(rule, endpoint=endpoint, view_func=view)
    return routes


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the catalogue.

    Attributes:
        number: its own, from 1.
        size: how many datasets a page has.
        total: how many datasets there are.
    """

    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // self.size))


def _requested_page(given: Parameters, total: int) -> _Page:
    """The page asked for, the first where none is.

    Raises:
        WrongUsage: the limit is no positive number; one above `PAGE` counts as `PAGE`.
        NotFound: there is no such page.
    """
    size, number = given.one("limit") or str(PAGE), given.one("page") or "1"
    if not re.fullmatch("[1-9][0-9]{0,8}", size):
        raise WrongUsage(f"{size[:20]!r} is no number of datasets", where="parameter limit")
    page = _Page(
        int(number) if re.fullmatch("[0-9]{1,9}", number) else 0, min(int(size), PAGE), total
    )
    if not 1 <= page.number <= page.last:
        raise NotFound(f"there is no page {number[:20]}", fix=f"There are {page.last}.")
    return page


def _catalogue(site: Site, documents: Documents, suffix: str | None = None) -> Response:
    """The catalogue: a page for people, else RDF, in parts that are all of one version."""
    site.see_public()
    given = parameters(request)
    stated = conditions(site, given, catalogue_offers(given, suffix))
    unchanged = stated.unchanged()
    if unchanged is not None:
        return unchanged
    number, offer = stated.version, stated.offers[0]
    every = datasets(site, number)
    if not every and offer.format != HTML:
        # an empty catalogue would have a portal delete what it copied
        raise NotFound(f"version {number} has no description", fix="Ask for a newer version.")
    page = _requested_page(given, len(every))
    shown = [iri for iri, _ in every[(page.number - 1) * page.size : page.number * page.size]]
    links = ['</catalogue>; rel="canonical"', f'<{LICENCE}>; rel="license"']
    if offer.format == HTML:
        said = lines(site, "view-dataset-list", number, dataset=tuple(shown)) if shown else b""
        body: str | bytes = _for_people(said, shown, page, number)
    else:
        paging, files = _paging(site, suffix, number, page), known_files(site, number)
        media_type = offer.format.media_type

        def document() -> bytes:
            said = lines(site, "view-catalogue", number, dataset=tuple(shown))
            return portal_document(said, media_type, paging, files)

        depends = media_type, root(), suffix, page, tuple(sorted(files.items(), key=str))
        body = documents.get(site, number, depends, document)
        links += [
            f'<{address}>; rel="{"prev" if name == "previous" else name}"'
            for name, address in (paging.links.items() if paging else ())
        ]
    response = Response(body, content_type=offer.content_type)
    response.headers["Link"] = ", ".join(links)
    return stated.mark(response, offer)


def _for_people(said: bytes, shown: list[str], page: _Page, number: int) -> str:
    return render_template(
        "catalogue.html",
        datasets=dataset_views(said, shown),
        formats=[(form.label, f"/catalogue.{form.name}", form.media_type) for form in GRAPHS],
        page=page.number,
        pages=page.last,
        total=page.total,
        limit=page.size if page.size != PAGE else None,
        version=number,
        canonical=f"{root()}catalogue",
    )


def _paging(site: Site, suffix: str | None, number: int, page: _Page) -> Paging | None:
    """Where a page stands; none where there is only one."""
    if page.last == 1:
        return None
    start = f"{root()}catalogue" + (f".{suffix}" if suffix else "")

    def address(other: int) -> str:
        # with its lineage: after a restore the same number may stand for other data
        pairs = {"page": other, "version": number, "lineage": site.lineage}
        pairs |= {"limit": page.size} if page.size != PAGE else {}
        return f"{start}?{urlencode(pairs)}"

    links = {"first": address(1), "last": address(page.last)}
    if page.number > 1:
        links["previous"] = address(page.number - 1)
    if page.number < page.last:
        links["next"] = address(page.number + 1)
    return Paging(f"{site.settings.base_iri}catalogue", address(page.number), page.total, links)


def _void(site: Site, documents: Documents) -> Response:
    """The statistics of the data in VoID."""
    site.see_public()
    given = parameters(request)
    wanted = offers_among((*GRAPHS, HTML), given.one("format"))
    if wants_page(wanted):
        return see_page("/dataset/all", given)
    stated = conditions(site, given, wanted)
    unchanged = stated.unchanged()
    if unchanged is not None:
        return unchanged
    offer = stated.offers[0]
    media_type, number = offer.format.media_type, stated.version
    body = documents.get(
        site,
        number,
        media_type,
        lambda: portal_document(lines(site, "view-void", number), media_type),
    )
    return stated.mark(Response(body, content_type=offer.content_type), offer)


def _sitemap(site: Site) -> Response:
    """The pages that search engines are to know, with the day on which each changed last."""
    site.see_public()
    every = datasets(site, site.version())
    days = {f"{root()}dataset/{last_part(iri)}": modified[:10] for iri, modified in every}
    newest = max(days.values(), default="")
    pages = {root(): newest, f"{root()}catalogue": newest, **days}
    body = render_template("sitemap.xml", pages=pages)
    response = Response(body, content_type="application/xml; charset=utf-8")
    response.headers["Cache-Control"] = LATEST
    return response
