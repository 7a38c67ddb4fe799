"""The concepts that a property's values may be, from the schemes."""

from collections.abc import Iterator
from typing import Final

from coprod_kg.model.triple_index import TripleIndex
from coprod_kg.workbook.concepts import Choice, Choices, plain
from coprod_kg.workbook.properties import Property

__all__ = ["listed"]

_SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_IDENTIFIER: Final = "http://purl.org/dc/terms/identifier"
_ORDER: Final = "https://w3id.org/coprod/ontology#order"
_RANK: Final = "https://w3id.org/coprod/ontology#rank"


def listed(one: Property, ontology: TripleIndex, known: dict[str, Choices]) -> Choices | None:
    """The list of a property, or None where its values are no concepts.

    Args:
        one: the property.
        ontology: the ontology and its schemes.
        known: lists made before, by class or scheme; a new one is added.
    """
    for key, predicate in (
        *((kind, _TYPE) for kind in one.classes),
        *(((one.scheme, f"{_SKOS}inScheme"),) if one.scheme else ()),
    ):
        if key not in known:
            members = [
                subject
                for subject in ontology.subjects()
                if any(
                    getattr(value, "value", None) == key
                    for value in ontology.objects(subject, predicate)
                )
                and ontology.objects(subject, f"{_SKOS}inScheme")
            ]
            known[key] = _choices(members, ontology)
        if known[key].members:
            return known[key]
    return None


def _choices(members: list[str], ontology: TripleIndex) -> Choices:
    if not members:
        return Choices("", "", ())
    scheme = ontology.value(members[0], f"{_SKOS}inScheme") or ""
    last = scheme.rstrip("/#").rsplit("/", 1)[-1]
    title = ontology.text(scheme, f"{_SKOS}prefLabel") or last.replace("-", " ").capitalize()
    ordered = sorted(
        (_choice(member, ontology) for member in members),
        key=lambda choice: (choice.rank, plain(choice.label("en")), choice.code),
    )
    return Choices(last.replace("-", "_"), title, tuple(ordered))


def _choice(iri: str, ontology: TripleIndex) -> Choice:
    labels = {
        label.language or "": label.value for label in ontology.objects(iri, f"{_SKOS}prefLabel")
    }
    return Choice(
        iri=iri,
        code=ontology.value(iri, f"{_SKOS}notation") or iri.rsplit("/", 1)[-1],
        labels=labels,
        names=tuple(_names(iri, ontology)),
        definition=ontology.text(iri, f"{_SKOS}definition") or "",
        rank=int(ontology.value(iri, _ORDER) or ontology.value(iri, _RANK) or 0),
    )


def _names(iri: str, ontology: TripleIndex) -> Iterator[str]:
    for predicate in (f"{_SKOS}altLabel", _IDENTIFIER):
        yield from (node.value for node in ontology.objects(iri, predicate))
