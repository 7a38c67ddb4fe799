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

from flask import Blueprint, Response, request

from coprod_kg.errors import NotFound
from coprod_kg.formats.media_types import GRAPHS, HTML, Format, Offer, negotiate
from coprod_kg.model.files import files
from coprod_kg.model.namespaces import LICENCE
from coprod_kg.publishing.changelog import changelog_text
from coprod_kg.publishing.documents import document
from coprod_kg.publishing.ontology import ontology
from coprod_kg.publishing.shapes import shape_files
from coprod_kg.publishing.vocabularies import vocabularies, vocabulary_files
from coprod_kg.web.pages.model import changes, picture, pictures, rendered, shape_names
from coprod_kg.web.protocol import parameters
from coprod_kg.web.replies import offers_among
from coprod_kg.web.site import Site

__all__ = ["blueprint"]

_MARKDOWN: Final = Format("md", "text/markdown", "graph", "Markdown", ("text/plain",))
_SSSOM: Final = Format(
    "tsv", "text/tab-separated-values", "page", "SSSOM", ("text/plain", "text/html")
)
_SVG: Final = Format("svg", "image/svg+xml", "page", "picture")
_KEPT: Final = "public, max-age=300, must-revalidate"
_LICENCE: Final = f'<{LICENCE}>; rel="license"'


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
    render = cache(lambda page: rendered(site.queries, page.template, page.base))
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
    offer = offers_among(formats, named)[0]
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
        return _sent(changes(), offer)
    return _sent(changelog_text(), offer)


def _picture(name: str) -> Response:
    if name not in pictures():
        found = {diagram: f"/ontology/diagrams/{diagram}.svg" for diagram in pictures()}
        raise _unknown(f"picture {name[:80]}", found, name)
    return _sent(picture(name), Offer(_SVG, _SVG.content_type))


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
    names = shape_names()
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
