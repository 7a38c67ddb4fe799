"""Content of the pages of the model: ontology, shapes, schemes and diagrams."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from flask import render_template

from coprod_kg.formats.media_types import GRAPHS
from coprod_kg.model.namespaces import prefixes, shorten
from coprod_kg.publishing.changelog import changelog
from coprod_kg.publishing.diagrams import diagrams
from coprod_kg.publishing.ontology import Term, ontology
from coprod_kg.publishing.questions import questions_by_term
from coprod_kg.publishing.sections import sections
from coprod_kg.publishing.shapes import ShapeRule, rulebooks
from coprod_kg.publishing.vocabularies import vocabularies
from coprod_kg.queries.library import SavedQuery
from coprod_kg.web.site import ONTOLOGY, VOCABULARY

__all__ = ["changes", "picture", "pictures", "rendered", "shape_names"]

_SHAPES: Final = prefixes()["cps"]
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


def rendered(queries: Mapping[str, SavedQuery], template: str, base: str) -> str:
    """A page of the model.

    Args:
        queries: the saved queries, which are listed with the terms that they name.
        template: of the page.
        base: its address.
    """
    name = base.rpartition("/")[2]
    return render_template(
        template,
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
        questions=questions_by_term(queries),
        rules=_rules_by_term(),
        legend=_LEGEND,
        formats=GRAPHS,
        link=_link,
        source=_source,
    )


def changes() -> str:
    """The page of what each release of the ontology changed."""
    return render_template("model-changelog.html", releases=changelog(), terms=ontology().terms)


def pictures() -> list[str]:
    """The names of the diagrams."""
    return [diagram.name for diagram in diagrams()]


def picture(name: str) -> str:
    """A diagram as SVG."""
    (known,) = (diagram for diagram in diagrams() if diagram.name == name)
    text = render_template("model-picture.svg", one=known, legend=_LEGEND, link=_link)
    return text.strip() + "\n"


def shape_names() -> list[str]:
    """The names that have a place on the page of the shapes."""
    subjects = [subject for book in rulebooks() for subject in book.subjects]
    names = [subject.name for subject in subjects]
    names += [rule.name for subject in subjects for rule in subject.rules]
    return [*names, *_CHECKS, "prefixes", *(f"prefix-{prefix}" for prefix in prefixes())]


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
