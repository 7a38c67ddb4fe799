"""Routes of the model: ontology, shapes, schemes and diagrams, each as a page or as RDF.

Everything comes from the files of this installation and not from the store, so an answer stays the
same until another release is installed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, render_template, request

from coprod_kg.errors import NotFound
from coprod_kg.formats.media_types import GRAPHS, HTML, Format
from coprod_kg.formats.negotiation import Offer, negotiate, offers_by_name
from coprod_kg.model.files import files
from coprod_kg.model.licence import LICENCE
from coprod_kg.model.namespaces import prefixes, shorten
from coprod_kg.publishing.changelog import changelog, changelog_text
from coprod_kg.publishing.diagrams import diagrams
from coprod_kg.publishing.documents import document
from coprod_kg.publishing.ontology import Term, ontology
from coprod_kg.publishing.questions import questions_by_term
from coprod_kg.publishing.sections import sections
from coprod_kg.publishing.shapes import ShapeRule, rulebooks, shape_files
from coprod_kg.publishing.vocabularies import vocabularies, vocabulary_files
from coprod_kg.queries.library import SavedQuery
from coprod_kg.web.protocol import parameters
from coprod_kg.web.site import ONTOLOGY, VOCABULARY, Site

__all__ = ["blueprint"]

_SHAPES: Final = prefixes()["cps"]
_MARKDOWN: Final = Format("md", "text/markdown", "graph", "Markdown", ("text/plain",))
_SSSOM: Final = Format(
    "tsv", "text/tab-separated-values", "page", "SSSOM", ("text/plain", "text/html")
)
_SVG: Final = Format("svg", "image/svg+xml", "page", "picture")
_KEPT: Final = "public, max-age=300, must-revalidate"
_LICENCE: Final = f'<{LICENCE}>; rel="license"'
_LEGEND: Final = (
    ("class", "class", 0),
    ("concept", "kind of concept, with a scheme", 80),
    ("defined", "told from other statements", 312),
    ("outside", "from another vocabulary", 520),
)
_BOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "submission": (
        "What data must have",
        "A class may have more said of it than is listed here; nothing else is checked.",
    ),
    "stages": (
        "What a stage demands",
        "The profile of each stage. An assessment shows for every criterion whether it is met "
        "and by which statements; the highest stage whose criteria are met is set beside the one "
        "that is claimed.",
    ),
    "house": (
        "What the ontology itself must have",
        "These keep the terms in one style. No submission is checked by them.",
    ),
}

_CHECKS: Final[Mapping[str, str]] = {
    "KnownTerm": "A class or a property named with cp: is one that the ontology defines. The "
    "report suggests the nearest name.",
    "OwnSubject": "A submission says things only about what is named under the base, for example "
    "<id/initiative/my-initiative>.",
    "KnownReference": "Whatever is referred to under the base is described in the same file, in "
    "another of the same call, or known already.",
    "OwnReference": "Whatever is referred to is named as it is named under the base: http for "
    "https in it, or a letter in capitals, names something else.",
    "OneName": "A thing is called what its owner calls it, also in the data of others.",
    "OwnDescription": "An organisation describes itself, its units and what it runs, and makes "
    "claims about anything. What another one describes it refers to.",
    "CoveredThing": "Of everything that is described it is said what it is, or that follows from "
    "what is said of it; and it is of a class that a shape is for.",
    "PlainText": "A text has no sign in it that XML cannot hold, such as a vertical tab.",
    "ProperName": "A name names something: N/A, ?, unknown and their kind are no names.",
    "KnownKey": "Every key of a JSON-LD file has a meaning in its context, or is null there.",
    "NamedGraph": "The names of graphs in TriG and N-Quads are not kept: all statements of a file "
    "enter the one graph of its organisation.",
}


@dataclass(frozen=True, slots=True)
class _Page:
    """Something that can be had as a page and as RDF.

    Attributes:
        base: its address without a suffix.
        paths: the files it states.
        template: of its page.
    """

    base: str
    paths: tuple[Path, ...]
    template: str


def blueprint(site: Site) -> Blueprint:
    """The routes of the model."""
    routes = Blueprint("model", __name__)
    render = cache(partial(_render, questions_by_term(site.queries)))
    model = _Page("/ontology", (files("ontology") / "coprod.ttl",), "model.html")
    shapes = _Page("/shapes", shape_files(), "model-shapes.html")
    for page in (model, shapes):
        name, view = page.base.strip("/"), partial(_answer, page, render)
        routes.add_url_rule(page.base, endpoint=name, view_func=view)
        routes.add_url_rule(f"{page.base}.<suffix>", endpoint=f"{name}-as", view_func=view)
    routes.add_url_rule("/vocab/<name>", endpoint="scheme", view_func=partial(_scheme, render))
    routes.add_url_rule("/vocab", endpoint="schemes", view_func=_schemes)
    routes.add_url_rule("/ontology/changelog", endpoint="changelog", view_func=_changelog)
    routes.add_url_rule("/ontology/diagrams/<name>.svg", endpoint="picture", view_func=_picture)
    routes.add_url_rule("/ontology/alignments", endpoint="mappings", view_func=_mappings)
    routes.add_url_rule("/ontology/alignments/<name>", endpoint="alignment", view_func=_alignment)
    term = partial(_term, partial(_answer, model, render))
    routes.add_url_rule("/ontology/<name>", endpoint="term", view_func=term)
    routes.add_url_rule("/shapes/<name>", endpoint="shape", view_func=_shape)
    return routes


def _answer(page: _Page, render: Callable[[_Page], str], suffix: str | None = None) -> Response:
    """The page or the document, in the format that the client reads best."""
    formats = (*GRAPHS, HTML)
    named = suffix or parameters(request).one("format")
    if suffix is not None and suffix not in {form.name for form in formats}:
        raise _unknown(
            f"format {suffix}", {form.name: f"{page.base}.{form.name}" for form in formats}, suffix
        )
    header = request.headers.get("Accept")
    offer = (offers_by_name(named, formats) if named else negotiate(header, formats))[0]
    if offer.format == HTML:
        body: str | bytes = render(page)
    else:
        body = document(page.paths, offer.format.media_type)
    response = _sent(body, offer)
    response.headers["Content-Location"] = f"{page.base}.{offer.format.name}"
    others = [
        f'<{page.base}.{form.name}>; rel="alternate"; type="{form.media_type}"'
        for form in formats
        if form != offer.format
    ]
    response.headers["Link"] = ", ".join([*others, _LICENCE])
    return response


def _sent(body: str | bytes, offer: Offer) -> Response:
    """The response, or a 304 where the client has it already."""
    response = Response(body, content_type=offer.content_type)
    response.headers["Cache-Control"] = _KEPT
    response.add_etag()
    response.make_conditional(request)
    return response


def _render(questions: Mapping[str, list[SavedQuery]], page: _Page) -> str:
    name = page.base.rpartition("/")[2]
    return render_template(
        page.template,
        model=ontology(),
        sections=sections(),
        books=rulebooks(),
        titles=_BOOKS,
        checks=_CHECKS,
        prefixes=prefixes(),
        vocabularies=vocabularies(),
        one=vocabularies().get(name),
        takers=[
            term
            for term in ontology().terms.values()
            if term.scheme == name and term.kind != "class"
        ],
        questions=questions,
        rules=_rules_by_term(),
        legend=_LEGEND,
        formats=GRAPHS,
        link=_link,
        source=_source,
    )


def _scheme(render: Callable[[_Page], str], name: str) -> Response:
    stem, _, suffix = name.partition(".")
    paths = vocabulary_files()
    if stem not in vocabularies() or stem not in paths:
        raise _unknown(
            f"scheme {stem[:80]}",
            {vocabulary: f"/vocab/{vocabulary}" for vocabulary in vocabularies()},
            stem,
        )
    page = _Page(f"/vocab/{stem}", (paths[stem],), "model-vocabulary.html")
    return _answer(page, render, suffix or None)


def _schemes() -> Response:
    return _see("/ontology#section-schemes")


def _changelog() -> Response:
    offer = negotiate(request.headers.get("Accept"), (_MARKDOWN, HTML, *GRAPHS))[0]
    if offer.format in GRAPHS:  # what RDF there is of a change is in the ontology
        return _see(f"/ontology.{offer.format.name}")
    if offer.format == HTML:
        text = render_template("model-changelog.html", releases=changelog(), terms=ontology().terms)
        return _sent(text, offer)
    return _sent(changelog_text(), offer)


def _picture(name: str) -> Response:
    known = {diagram.name: diagram for diagram in diagrams()}
    if name not in known:
        found = {diagram: f"/ontology/diagrams/{diagram}.svg" for diagram in known}
        raise _unknown(f"picture {name[:80]}", found, name)
    text = render_template("model-picture.svg", one=known[name], legend=_LEGEND, link=_link)
    return _sent(text.strip() + "\n", Offer(_SVG, _SVG.content_type))


def _term(model: Callable[[], Response], name: str) -> Response:
    """The place of a term, or the ontology by the name of one of its versions."""
    if f"{ontology().iri}/{name}" == ontology().header["owl:versionIRI"]:
        return model()
    if name in _old_versions():
        return _old_version(_old_versions()[name])
    if name in ontology().terms:
        return _see(f"/ontology#{name}")
    known = {f"cp:{term}": f"/ontology#{term}" for term in ontology().terms}
    raise _unknown(f"term cp:{name[:80]} in the ontology", known, f"cp:{name}")


def _mappings() -> Response:
    """The mappings to other vocabularies in one table, as SSSOM."""
    text = (files("ontology") / "alignments" / "coprod.sssom.tsv").read_text(encoding="utf-8")
    return _sent(text, negotiate(request.headers.get("Accept"), (_SSSOM,))[0])


def _alignment(name: str) -> Response:
    """The mappings to one other vocabulary."""
    paths = {
        path.stem.removeprefix("coprod-to-"): path
        for path in (files("ontology") / "alignments").glob("coprod-to-*.ttl")
    }
    if name not in paths:
        known = {alignment: f"/ontology/alignments/{alignment}" for alignment in paths}
        raise _unknown(f"alignment {name[:80]}", known, name)
    offer = negotiate(request.headers.get("Accept"), GRAPHS)[0]
    return _sent(document((paths[name],), offer.format.media_type), offer)


@cache
def _old_versions() -> Mapping[str, Path]:
    """Number of an earlier version → its file, kept as it was published."""
    return {path.stem: path for path in (files("ontology") / "versions").glob("*.ttl")}


def _old_version(path: Path) -> Response:
    """The statements of an earlier version; for a reader of pages, what changed since."""
    header = request.headers.get("Accept")
    offer = negotiate(header, (*GRAPHS, HTML))[0]
    if offer.format == HTML:
        return _see("/ontology/changelog")
    return _sent(document((path,), offer.format.media_type), offer)


def _shape(name: str) -> Response:
    subjects = [subject for book in rulebooks() for subject in book.subjects]
    names = [subject.name for subject in subjects]
    names += [rule.name for subject in subjects for rule in subject.rules]
    names += [*_CHECKS, "prefixes", *(f"prefix-{prefix}" for prefix in prefixes())]
    if name in names:
        return _see(f"/shapes#{name}")
    raise _unknown(f"shape cps:{name[:80]}", {term: f"/shapes#{term}" for term in names}, name)


def _see(address: str) -> Response:
    return Response(status=303, headers={"Location": address, "Cache-Control": _KEPT})


def _unknown(what: str, known: Mapping[str, str], name: str) -> NotFound:
    lower = {term.lower(): term for term in known}
    near = get_close_matches(name.lower(), lower, n=3, cutoff=0.5)
    fix = ", ".join(f"{lower[term]} ({known[lower[term]]})" for term in near)
    listed = "All of it is at /ontology, /shapes and /vocab."
    return NotFound(f"there is no {what}", fix=f"Did you mean {fix}? {listed}" if fix else listed)


@cache
def _rules_by_term() -> Mapping[str, list[ShapeRule]]:
    """IRI of a property → the rules for data that look at it."""
    found: dict[str, list[ShapeRule]] = {}
    for book in rulebooks():
        for subject in book.subjects if book.name == "submission" else ():
            for rule in subject.rules:
                if len(rule.path) == 1:
                    found.setdefault(rule.path[0].iri, []).append(rule)
    return found


def _link(iri: str, alone: bool = False) -> str:
    """Where on this server a name of the model is told; the name itself if it is not ours."""
    if iri == ONTOLOGY.rstrip("#"):
        return "/ontology"
    for start, address in ((ONTOLOGY, "/ontology#"), (_SHAPES, "/shapes#")):
        if iri.startswith(start):
            return iri if alone else address + iri.removeprefix(start)
    if iri.startswith(VOCABULARY):
        return "/vocab/" + iri.removeprefix(VOCABULARY)
    if not alone and iri in _outside():
        return f"/ontology#{_outside()[iri].name}"
    return iri


@cache
def _outside() -> Mapping[str, Term]:
    return {term.iri: term for term in ontology().outside}


def _source(iri: str) -> str:
    """The text of a link to a source."""
    if iri == ONTOLOGY.rstrip("#"):
        return "this ontology"
    if iri.startswith("https://doi.org/"):
        return "doi:" + iri.removeprefix("https://doi.org/")
    short = shorten(iri)
    return short if short != iri else iri.partition("://")[2].rstrip("/")
