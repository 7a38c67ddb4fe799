"""Routes of the Reconciliation Service API 0.2: names in a table are matched with what is here.

OpenRefine asks it. A batch of names has candidates, each with a score and what that is made of;
names are completed while they are typed, a thing is shown in a small frame, and values of
properties are handed out for a column. Everybody sees what anybody may see.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as Redirection

from coprod_kg import __version__
from coprod_kg.errors import NotFound, TooLarge, UnsupportedMedia, WrongUsage
from coprod_kg.formats.media_types import HTML
from coprod_kg.formats.table import Cell
from coprod_kg.model.namespaces import expand, last_part
from coprod_kg.queries.labels import best
from coprod_kg.web.address import root
from coprod_kg.web.candidates import (
    KINDS,
    Candidate,
    Entity,
    Wanted,
    entities,
    found,
    kind_name,
    values_of,
)
from coprod_kg.web.explorer.page import LANGUAGES, Page
from coprod_kg.web.headers import FRAMED_POLICY
from coprod_kg.web.name_index import folded
from coprod_kg.web.names import kind_of
from coprod_kg.web.pages.table import words
from coprod_kg.web.protocol import FORM, Parameters, check_plain, read_form
from coprod_kg.web.replies import LATEST
from coprod_kg.web.site import ONTOLOGY, Site

__all__ = ["blueprint"]

BATCH: Final = 50
"""Queries in one batch; OpenRefine sends ten."""
_IDS: Final = 1000
"""Things whose values are asked for in one request."""
_SUGGESTED: Final = 20
_SUGGESTS: Final = "Ask for entity, property or type."
_SHOWN: Final = ("cp:runBy", "cp:country", "cp:sector", "cp:currentStage", "cp:startDate")
"""What the preview tells of an initiative or organisation."""
_DESCRIBED_AS: Final = {"cp:Country": "skos:Concept"}
"""The class under which the statistics count what is of another one."""


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
            return _sent(page, _candidates(page, _document(queries, "queries")))
    if extend is not None:
        with site.making():
            return _sent(page, _extended(page, _document(extend, "extend")))
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


def _candidates(page: Page, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The result of each query of a batch."""
    if len(batch) > BATCH:
        raise TooLarge(
            f"a batch has {BATCH} queries at most, not {len(batch)}",
            where="parameter queries",
            fix="Send them in several batches; batchSize in the manifest is the limit.",
        )
    wanted = {key: _wanted(key, query) for key, query in batch.items()}
    return {key: {"result": _result(page, query)} for key, query in wanted.items()}


def _result(page: Page, wanted: Wanted) -> list[dict[str, Any]]:
    fitting = found(page, wanted)
    shown = {entity.iri: entity for entity in entities(page, [fit.iri for fit in fitting])}
    return [
        Candidate(shown[fit.iri], fit).described(page.language)
        for fit in fitting
        if fit.iri in shown
    ]


def _wanted(key: str, query: object) -> Wanted:
    """One query of a batch.

    Raises:
        WrongUsage: it is not as the specification has it.
    """

    def wrong(what: str, fix: str) -> WrongUsage:
        return WrongUsage(f"the query {key[:40]!r} {what}", where="parameter queries", fix=fix)

    if not isinstance(query, dict):
        raise wrong("is no object", 'Write for example {"q0": {"query": "Denmark"}}.')
    text, types = query.get("query", ""), query.get("type", [])
    types = [types] if isinstance(types, str) else types
    limit, properties = query.get("limit", 10), query.get("properties", [])
    if not isinstance(text, str) or not isinstance(types, list):
        raise wrong("is not as it should be", "query is a text, type a text or a list of texts.")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 1 <= limit <= 1e9:
        raise wrong("has a limit that is none", "Write a whole number from 1.")
    if not isinstance(properties, list):
        raise wrong("has properties that are no list", 'Write [{"pid": "IRI", "v": "value"}].')
    values: dict[str, list[str]] = {}
    for setting in properties:
        if not isinstance(setting, dict) or not isinstance(setting.get("pid"), str):
            raise wrong("has a property without pid", 'Write [{"pid": "IRI", "v": "value"}].')
        several = setting.get("v")
        several = several if isinstance(several, list) else [several]
        values.setdefault(setting["pid"], []).extend(text for text in map(_text, several) if text)
    if not text.strip() and not any(values.values()):
        raise wrong("has no text", "Give it a query, or properties with values.")
    kinds = (
        [kind for kind, name in KINDS.items() if expand(name) in types] if types else list(KINDS)
    )
    return Wanted(text.strip()[:200], kinds, values, min(int(limit), 100))


def _text(value: object) -> str:
    """A value of a property as a text: of an entity its identifier."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _extended(page: Page, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The values of some properties of some things."""
    ids, properties = asked.get("ids"), asked.get("properties")
    if (
        not isinstance(ids, list)
        or not isinstance(properties, list)
        or not all(isinstance(iri, str) for iri in ids)
        or not all(
            isinstance(setting, dict) and isinstance(setting.get("id"), str)
            for setting in properties
        )
    ):
        raise WrongUsage(
            "ids or properties are not lists of what they should be",
            where="parameter extend",
            fix='Write {"ids": ["IRI"], "properties": [{"id": "IRI"}]}.',
        )
    if len(ids) > _IDS:
        raise TooLarge(
            f"values of {_IDS} things are given at most, not of {len(ids)}",
            where="parameter extend",
            fix="Ask in several requests.",
        )
    names = list(dict.fromkeys(setting["id"] for setting in properties))
    values = values_of(page, list(dict.fromkeys(ids)), names)
    kinds: dict[str, set[str]] = {name: set() for name in names}
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for iri in ids:
        of = values.get(iri, {})
        rows[iri] = {name: _cells(page, of.get(name, ()), kinds[name]) for name in names}
    labels = _property_names(page, names)
    meta: list[dict[str, Any]] = []
    for name in names:
        told: dict[str, Any] = {"id": name, "name": labels[name]}
        kind = next(iter(kinds[name])) if len(kinds[name]) == 1 else ""
        if kind in KINDS:
            told["type"] = {"id": expand(KINDS[kind]), "name": kind_name(kind, page.language)}
        meta.append(told)
    return {"meta": meta, "rows": rows}


def _cells(
    page: Page, values: Sequence[tuple[Cell, list[Cell]]], kinds: set[str]
) -> list[dict[str, Any]]:
    """Values of one property; of texts in several languages those in the reader's."""
    texts = [value for value, _ in values if value.language]
    chosen = best(texts, page.language)
    cells = []
    for value, named in values:
        if value.kind == "uri":
            label = page.label(value.value) or best(named, page.language)
            kinds.add(kind_of(page.site, value.value) if label else "")
            known = {"id": value.value, "name": label.value} if label else {"str": value.value}
            cells.append(known)
        elif value.language is None or (chosen and value.language == chosen.language):
            kinds.add("")
            cells.append(_literal(value))
    return cells


def _literal(value: Cell) -> dict[str, Any]:
    kind = (value.datatype or "").rpartition("#")[2]
    try:
        if kind in ("integer", "nonNegativeInteger", "int", "long"):
            return {"int": int(value.value)}
        if kind in ("decimal", "double", "float"):
            number = float(value.value)
            return {"float": number} if abs(number) < float("inf") else {"str": value.value}
    except ValueError:
        return {"str": value.value}
    if kind == "date" and len(value.value) == 10:
        return {"date": f"{value.value}T00:00:00Z"}
    return {"str": value.value}


def _property_names(page: Page, properties: Sequence[str]) -> dict[str, str]:
    """What properties are called, where nobody says it by the last part of their IRI."""
    named = page.names([name for name in properties if ":" in name])
    return {
        name: named[name].value if name in named else words(last_part(name)) for name in properties
    }


def _properties(page: Page, classes: Sequence[str]) -> dict[str, str]:
    """The properties that things of some classes have, each with its name, in their order."""
    graph = f"{page.site.settings.base_iri}graph/catalogue"
    counted = [expand(_DESCRIBED_AS.get(name, name)) for name in classes]
    names: dict[str, list[Cell]] = {}
    for row in page.ask("view-properties", thing=graph, **{"class": counted}).rows:
        of = names.setdefault(row["property"].value, [])
        of += [row["name"]] if "name" in row else []
    chosen = {name: best(cells, page.language) for name, cells in names.items()}
    told = [(name, cell.value if cell else words(last_part(name))) for name, cell in chosen.items()]
    return dict(sorted(told, key=lambda pair: (folded(pair[1]), pair[0])))


def _proposed(site: Site, language: str) -> Response:
    """The properties that may be asked of things of a type."""
    page = _page(site, language)
    asked = page.given.one("type") or ""
    classes = [name for name in KINDS.values() if asked in ("", expand(name))]
    limit = _number(page.given, "limit", 1000)
    known = list(_properties(page, classes).items())[:limit] if classes else []
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
        known = list(_properties(page, list(KINDS.values())).items())
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
        NotFound: there is none.
    """
    iri = page.given.one("id") or ""
    known = entities(page, [iri])
    if not known:
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
    labels = _property_names(page, list(facts))
    told = [
        (
            labels[name],
            [
                cell.get("name") or cell.get("str") or cell.get("date", "")[:10]
                for cell in _cells(page, facts[name], set())
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
