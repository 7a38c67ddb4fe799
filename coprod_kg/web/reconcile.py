"""Routes of the Reconciliation Service API 0.2: names in a table are matched with what is here.

OpenRefine asks it. A batch of names has candidates, each with a score and what that is made of;
names are completed while they are typed, a thing is shown in a small frame, and values of
properties are handed out for a column. Everybody sees what anybody may see.
"""

import json
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as Redirection

from coprod_kg import __version__
from coprod_kg.errors import NotFound, UnsupportedMedia, WrongUsage
from coprod_kg.formats.media_types import HTML
from coprod_kg.model.namespaces import expand
from coprod_kg.web.address import root
from coprod_kg.web.candidates import (
    KINDS,
    Entity,
    Wanted,
    entities,
    found,
    kind_name,
    values_of,
)
from coprod_kg.web.data_extension import (
    extended,
    properties_of,
    property_cells,
    property_names,
)
from coprod_kg.web.explorer.page import LANGUAGES, Page
from coprod_kg.web.headers import FRAMED_POLICY
from coprod_kg.web.name_index import folded
from coprod_kg.web.protocol import FORM, Parameters, check_plain, read_form
from coprod_kg.web.query_batch import BATCH, results
from coprod_kg.web.replies import LATEST
from coprod_kg.web.site import ONTOLOGY, Site
from coprod_kg.web.thing_address import refuse_withdrawn

__all__ = ["blueprint"]

_SUGGESTED: Final = 20
_SUGGESTS: Final = "Ask for entity, property or type."
_SHOWN: Final = ("cp:runBy", "cp:country", "cp:sector", "cp:currentStage", "cp:startDate")
"""What the preview tells of an initiative or organisation."""


def blueprint(site: Site) -> Blueprint:
    """The routes, in English and below the code of each other language."""
    routes = Blueprint("reconcile", __name__)
    for rule, endpoint, view, methods in (
        ("", "service", _service, ["GET", "POST"]),
        ("/suggest/<what>", "suggest", _suggest, ["GET"]),
        ("/properties", "properties", _proposed, ["GET"]),
        ("/preview", "preview", _preview, ["GET"]),
        ("/view", "view", _view, ["GET"]),
    ):
        bound = partial(view, site)
        english = {"language": LANGUAGES[0]}
        routes.add_url_rule(f"/reconcile{rule}", endpoint, bound, methods=methods, defaults=english)
        routes.add_url_rule(
            f"/<language:language>/reconcile{rule}", endpoint, bound, methods=methods
        )
    return routes


def _page(site: Site, language: str) -> Page:
    site.see_public()
    return Page(site, language)


def _service(site: Site, language: str) -> Response:
    """The manifest; or the candidates of a batch, or the values of properties."""
    page = _page(site, language)
    given = _given(page)
    queries, extend = given.one("queries"), given.one("extend")
    if queries is not None:
        with site.making():
            return _sent(page, results(page, _document(queries, "queries")))
    if extend is not None:
        with site.making():
            return _sent(page, extended(page, _document(extend, "extend")))
    if request.method == "POST":
        raise WrongUsage(
            "the form has neither queries nor extend",
            where="the form",
            fix="Send a batch in the field queries, or a data extension query in extend.",
        )
    return _sent(page, _manifest(page))


def _given(page: Page) -> Parameters:
    if request.method != "POST":
        return page.given
    if request.mimetype != FORM:
        raise UnsupportedMedia(
            f"a POST of type {request.mimetype[:80] or '(none)'} is not read here",
            where="header Content-Type",
            fix=f"Send a form ({FORM}) with a field queries or extend.",
        )
    check_plain(request)
    return Parameters(page.given.pairs + read_form(request.get_data(cache=False)).pairs)


def _document(text: str, name: str) -> dict[str, Any]:
    """An object of JSON in a parameter.

    Raises:
        WrongUsage: it is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise WrongUsage(
            f"{name} is no JSON object",
            where=f"parameter {name}",
            fix='Write for example {"q0": {"query": "Denmark"}}.'
            if name == "queries"
            else 'Write for example {"ids": ["IRI"], "properties": [{"id": "IRI"}]}.',
        )
    return value


def _sent(page: Page, value: object) -> Response:
    body = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    response = Response(body, content_type="application/json")
    response.headers["Dataset-Version"] = str(page.version)
    response.headers["Content-Language"] = page.language
    if request.method in ("GET", "HEAD"):
        response.headers["Cache-Control"] = LATEST
        response.add_etag()
        response.make_conditional(request)
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def _start(page: Page) -> str:
    """Where the service is in the language of the request."""
    code = "" if page.language == LANGUAGES[0] else f"{page.language}/"
    return f"{root()}{code}reconcile"


def _types(page: Page) -> list[dict[str, str]]:
    return [
        {"id": expand(name), "name": kind_name(kind, page.language)} for kind, name in KINDS.items()
    ]


def _manifest(page: Page) -> dict[str, Any]:
    start = _start(page)
    return {
        "versions": ["0.2"],
        "name": f"Mainstreaming co-production ({page.language})",
        # every identifier is a whole IRI: those of countries have another beginning than ours
        "identifierSpace": "http://www.ietf.org/rfc/rfc3986",
        "schemaSpace": ONTOLOGY,
        "documentation": f"{root()}docs/portal#matching-names",
        "serviceVersion": __version__,
        "defaultTypes": _types(page),
        "view": {"url": f"{start}/view?id={{{{id}}}}"},
        "preview": {"url": f"{start}/preview?id={{{{id}}}}", "width": 420, "height": 260},
        "suggest": {
            what: {"service_url": start, "service_path": f"/suggest/{what}"}
            for what in ("entity", "property", "type")
        },
        "extend": {
            "propose_properties": {"service_url": start, "service_path": "/properties"},
            "property_settings": [],
        },
        "batchSize": BATCH,
    }


def _proposed(site: Site, language: str) -> Response:
    """The properties that may be asked of things of a type."""
    page = _page(site, language)
    asked = page.given.one("type") or ""
    classes = [name for name in KINDS.values() if asked in ("", expand(name))]
    limit = _number(page.given, "limit", 1000)
    known = list(properties_of(page, classes).items())[:limit] if classes else []
    told: dict[str, Any] = {"properties": [{"id": name, "name": text} for name, text in known]}
    return _sent(page, {**({"type": asked} if asked else {}), "limit": limit, **told})


def _suggest(site: Site, language: str, what: str) -> Response:
    """Names that begin as what was typed: of things, properties or types."""
    page = _page(site, language)
    prefix = (page.given.one("prefix") or "").strip()[:200]
    start = _number(page.given, "cursor", 0)
    end = start + _SUGGESTED
    if what == "entity":
        types = page.given.all("type")
        kinds = [kind for kind, name in KINDS.items() if not types or expand(name) in types]
        fitting = found(page, Wanted(prefix, kinds, limit=end)) if prefix else []
        shown = entities(page, [fit.iri for fit in fitting][start:end])
        return _sent(page, {"result": [_suggested(entity, language) for entity in shown]})
    if what == "property":
        known = list(properties_of(page, list(KINDS.values())).items())
    elif what == "type":
        known = [(kind["id"], kind["name"]) for kind in _types(page)]
    else:
        raise NotFound(f"nothing of the kind {what[:40]!r} is suggested", fix=_SUGGESTS)
    fits = [pair for pair in known if _begins(pair, prefix)][start:end]
    return _sent(page, {"result": [{"id": iri, "name": name} for iri, name in fits]})


def _begins(known: tuple[str, str], prefix: str) -> bool:
    """Whether each word typed begins a word of a name, or the text is the identifier."""
    there = folded(known[1])
    typed = folded(prefix)
    return known[0] == prefix or all(any(word.startswith(part) for word in there) for part in typed)


def _suggested(entity: Entity, language: str) -> dict[str, Any]:
    return {
        "id": entity.iri,
        "name": entity.name,
        **entity.told,
        "notable": [entity.typed(language)],
    }


def _number(given: Parameters, name: str, default: int) -> int:
    text = given.one(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise WrongUsage(
            f"{text[:40]!r} is no whole number",
            where=f"parameter {name}",
            fix=f"Write for example {name}=20.",
        )
    return int(text)


def _named(page: Page) -> Entity:
    """The thing that the address names.

    Raises:
        Withdrawn: a version removed it.
        NotFound: there is none.
    """
    iri = page.given.one("id") or ""
    known = entities(page, [iri])
    if not known:
        refuse_withdrawn(page.site, iri, page.version)
        raise NotFound(
            f"{iri[:200]!r} is nothing that names are matched with",
            where="parameter id",
            fix="Give the id of a candidate.",
        )
    return known[0]


def _preview(site: Site, language: str) -> Response:
    """A thing in a few lines, for a frame of another site."""
    page = _page(site, language)
    entity = _named(page)
    facts = values_of(page, [entity.iri], [*map(expand, _SHOWN)]).get(entity.iri, {})
    labels = property_names(page, list(facts))
    told = [
        (
            labels[name],
            [
                cell.get("name") or cell.get("str") or cell.get("date", "")[:10]
                for cell in property_cells(page, facts[name], set())
            ],
        )
        for name in map(expand, _SHOWN)
        if name in facts
    ]
    body = render_template(
        "reconcile-preview.html",
        entity=entity,
        kind=kind_name(entity.kind, language),
        facts=told,
        link=f"{_start(page)}/view?id=",
        code=language,
    )
    response = Response(body, content_type=HTML.content_type)
    response.headers["Content-Security-Policy"] = FRAMED_POLICY
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = LATEST
    response.headers["Dataset-Version"] = str(page.version)
    return response


def _view(site: Site, language: str) -> Redirection:
    """The page of a thing."""
    page = _page(site, language)
    entity = _named(page)
    return redirect(page.place(entity.iri) or entity.iri, 303)
