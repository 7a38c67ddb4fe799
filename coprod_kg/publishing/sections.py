"""Sections of the ontology page: each diagram with the terms explained below it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from coprod_kg.publishing.diagrams import Diagram, diagrams
from coprod_kg.publishing.ontology import Term, ontology

__all__ = ["Section", "sections"]


@dataclass(frozen=True, slots=True)
class Section:
    """A diagram, and the terms that are explained below it.

    Attributes:
        diagram: the diagram, or None for terms that are in no diagram.
        classes: by label.
        properties: by label.
    """

    diagram: Diagram | None
    classes: tuple[Term, ...]
    properties: tuple[Term, ...]


@cache
def sections() -> tuple[Section, ...]:
    """Every picture with its terms; the first, which shows the whole, has none."""
    first, *others = diagrams()
    home: dict[str, str] = {}
    for name, iri in _claims(others):
        home.setdefault(iri, name)
    for title in ("The other way round", "Said of"):  # what no picture draws itself
        for term in ontology().terms.values():
            words = [
                word.iri for fact in term.facts if fact.title == title for word in fact.phrases[0]
            ]
            for iri in words:
                if iri in home and term.kind != "class":
                    home.setdefault(term.iri, home[iri])
    told = [
        _section(
            diagram,
            [term for term in ontology().terms.values() if home.get(term.iri) == diagram.name],
        )
        for diagram in others
    ]
    rest = [term for term in ontology().terms.values() if term.iri not in home]
    return (Section(first, (), ()), *told, *([_section(None, rest)] if rest else []))


def _claims(several: list[Diagram]) -> Iterator[tuple[str, str]]:
    for diagram in several:
        yield from (
            (diagram.name, box.iri) for box in diagram.boxes if box.name not in diagram.guests
        )
    for diagram in several:
        yield from ((diagram.name, relation.iri) for relation in diagram.relations if relation.iri)


def _section(diagram: Diagram | None, found: list[Term]) -> Section:
    return Section(
        diagram,
        tuple(term for term in found if term.kind == "class"),
        tuple(term for term in found if term.kind != "class"),
    )
