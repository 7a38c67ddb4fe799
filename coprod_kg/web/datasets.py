"""Routes of one dataset: its page, what the catalogue says of it, what belongs to it."""

import json
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotFound
from coprod_kg.formats.media_types import GRAPHS, HTML
from coprod_kg.model.namespaces import LICENCE, LICENCE_NAME, expand, last_part
from coprod_kg.publishing.page_metadata import dublin_core, schema_org
from coprod_kg.publishing.portal_documents import DatasetView, File, dataset_views, portal_document
from coprod_kg.web.address import root
from coprod_kg.web.described import Documents, catalogue_offers, conditions, lines, rows
from coprod_kg.web.dumps import known_files
from coprod_kg.web.protocol import is_iri, parameters, version
from coprod_kg.web.replies import LATEST, PINNED
from coprod_kg.web.site import Site
from coprod_kg.web.thing_address import refuse_withdrawn

__all__ = ["blueprint"]

_LINKSET: Final = "application/linkset+json"
_NO_FILES: Final[Mapping[str, File]] = MappingProxyType({})


def blueprint(site: Site) -> Blueprint:
    """The routes of one dataset."""
    routes = Blueprint("datasets", __name__)
    for rule, endpoint, view in (
        ("/dataset/<name>", "dataset", partial(_dataset, site, Documents())),
        ("/dataset/<name>/linkset", "linkset", partial(_linkset, site)),
    ):
        routes.add_url_rule(rule, endpoint=endpoint, view_func=view)
    return routes


def _dataset(site: Site, documents: Documents, name: str) -> Response:
    """One dataset: its page, or what the catalogue says of it."""
    site.see_public()
    given = parameters(request)
    stem, _, suffix = name.rpartition(".")
    named = bool(stem) and suffix in {form.name for form in (*GRAPHS, HTML)}
    slug = stem if named else name
    stated = conditions(site, given, catalogue_offers(given, suffix if named else None))
    unchanged = stated.unchanged()
    if unchanged is not None:
        return unchanged
    number, offer = stated.version, stated.offers[0]
    files = known_files(site, number) if slug == "all" else _NO_FILES
    said, view = _found(site, slug, number, files)
    if offer.format == HTML:
        body: str | bytes = _page(site, slug, view, number)
    else:
        media_type = offer.format.media_type

        def document() -> bytes:
            statistics = lines(site, "view-void", number) if slug == "all" else b""
            return portal_document(said + statistics, media_type, None, files)

        depends = media_type, slug, tuple(sorted(files.items(), key=str))
        body = documents.get(site, number, depends, document)
    response = Response(body, content_type=offer.content_type)
    # one header: some programs read only the first of several
    response.headers["Link"] = ", ".join(
        "; ".join((f"<{target}>", *(f'{key}="{value}"' for key, value in attributes.items())))
        for target, attributes in _signposts(slug, view)
    )
    response.headers["Content-Location"] = f"/dataset/{slug}.{offer.format.name}"
    return stated.mark(response, offer)


def _found(
    site: Site, slug: str, number: int, made: Mapping[str, File] = _NO_FILES
) -> tuple[bytes, DatasetView]:
    """What the catalogue says of a dataset, and what is known of files that were made since.

    Raises:
        Withdrawn: it is no more, as its organisation is.
        NotFound: there is none of that name.
    """
    iri = f"{site.settings.base_iri}dataset/{slug}"
    said = lines(site, "view-catalogue", number, dataset=(iri,)) if is_iri(iri) else b""
    if f"<{expand('dcat:dataset')}> <{iri}> .".encode() not in said:
        organisation = f"{site.settings.base_iri}id/organisation/{slug.partition('-')[2]}"
        if slug.startswith("organisation-"):
            refuse_withdrawn(site, organisation, number, iri)
        raise NotFound(f"there is no dataset {slug[:100]!r}", fix="/catalogue lists them.")
    return said, dataset_views(said, [iri], made)[0]


def _page(site: Site, slug: str, view: DatasetView, number: int) -> str:
    whole = slug == "all"
    classes = rows(site, "view-classes", number) if whole else ()
    initiatives = (row for row in classes if row["class"].value.endswith("#Initiative"))
    told = schema_org(view, f"{root()}catalogue")
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
        classes=classes,
        coverage=rows(site, "view-coverage", number) if whole else (),
        initiatives=next((int(row["entities"].value) for row in initiatives), 0),
        licence=(LICENCE, LICENCE_NAME),
        version=number,
        canonical=f"{root()}dataset/{slug}",
        last=last_part,
        path=site.path,
    )


def _signposts(slug: str, view: DatasetView) -> list[tuple[str, dict[str, str]]]:
    """The links by which a program finds its way from the page (FAIR Signposting, level 2)."""
    start = f"{root()}dataset/{slug}"
    documents = [(f"{start}.{form.name}", form.media_type) for form in GRAPHS]
    files = [
        (file.address, "application/gzip" if file.address.endswith(".gz") else file.media_type)
        for file in view.files
    ]
    agents = view.values["dcterms:creator"] or view.values["dcterms:publisher"]
    return [
        (view.iri, {"rel": "cite-as"}),
        *((address, {"rel": "describedby", "type": media}) for address, media in documents),
        *((address, {"rel": "item", "type": media}) for address, media in files),
        (LICENCE, {"rel": "license"}),
        *((agent, {"rel": "author"}) for agent in agents),
        ("https://schema.org/Dataset", {"rel": "type"}),
        ("https://schema.org/AboutPage", {"rel": "type"}),
        (f"{start}/linkset", {"rel": "linkset", "type": _LINKSET}),
    ]


def _linkset(site: Site, name: str) -> Response:
    """The same links as a document of their own (RFC 9264)."""
    site.see_public()
    given = parameters(request)
    number = site.version(version(given))
    _, view = _found(site, name, number)
    page = f"{root()}dataset/{name}"
    told: dict[str, Any] = {"anchor": page}
    for target, attributes in _signposts(name, view):
        if attributes["rel"] != "linkset":
            kind = {"type": attributes["type"]} if "type" in attributes else {}
            told.setdefault(attributes["rel"], []).append({"href": target, **kind})
    back = [{"href": page, "type": "text/html"}]
    sets = [told, *({"anchor": file.address, "collection": back} for file in view.files)]
    sets += [{"anchor": f"{page}.{form.name}", "describes": back} for form in GRAPHS]
    response = Response(json.dumps({"linkset": sets}, indent=1) + "\n", content_type=_LINKSET)
    response.headers["Cache-Control"] = PINNED if site.is_pinned(given) else LATEST
    response.headers["Dataset-Version"] = str(number)
    return response
