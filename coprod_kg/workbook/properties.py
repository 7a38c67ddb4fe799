"""The properties of a class, as the submission shapes and the ontology describe them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.triple_index import TripleIndex

__all__ = ["Property", "beyond_shapes", "from_ontology", "properties"]

_SH: Final = "http://www.w3.org/ns/shacl#"
_RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_OWL: Final = "http://www.w3.org/2002/07/owl#"
_SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
_IN_SCHEME: Final = f"{_SKOS}inScheme"


@dataclass(frozen=True, slots=True)
class Property:
    """A property as the shapes describe it.

    Attributes:
        path: its IRI.
        name: what the shape calls it.
        note: what the shape says it is for.
        required: whether a thing without it is refused.
        many: whether it may have several values.
        classes: the classes its values may have.
        scheme: the scheme its values are in, where the shape says that rather than a class.
        datatypes: the datatypes its values may have.
        link: whether its values are IRIs.
        order: where it stands.
    """

    path: str
    name: str = ""
    note: str = ""
    required: bool = False
    many: bool = False
    classes: tuple[str, ...] = ()
    scheme: str | None = None
    datatypes: frozenset[str] = frozenset()
    link: bool = False
    order: float = 0

    @property
    def datatype(self) -> str | None:
        """The one datatype, or None."""
        return next(iter(self.datatypes)) if len(self.datatypes) == 1 else None


def properties(shapes: TripleIndex, ontology: TripleIndex, kind: str) -> Iterator[Property]:
    """The properties of a class, in order: its own, then those of the classes above it.

    A property that the shapes speak of only where another is there follows that one.
    """
    found: dict[str, Property] = {}
    for ancestor in _lineage(kind, ontology):
        for shape in _targeting(shapes, "targetClass", ancestor):
            for prop in _of_shape(shapes, shape):
                found[prop.path] = _joined(found.get(prop.path), prop)
    for path in list(found):
        yield found[path]
        for shape in _targeting(shapes, "targetSubjectsOf", path):
            for prop in _of_shape(shapes, shape):
                if prop.path not in found:
                    found[prop.path] = prop
                    yield replace(prop, required=False)


def beyond_shapes(ontology: TripleIndex, kind: str) -> list[str]:
    """The properties with text or numbers that the ontology gives a class, in order of name."""
    return sorted(
        subject
        for subject in ontology.subjects()
        if ontology.value(subject, f"{_RDFS}domain") == kind
        and any(
            kind.value == f"{_OWL}DatatypeProperty"
            for kind in ontology.objects(subject, f"{_RDF}type")
        )
    )


def from_ontology(ontology: TripleIndex, path: str) -> Property:
    """A property that no shape speaks of, as the ontology describes it."""
    types = {node.value for node in ontology.objects(path, f"{_RDF}type")}
    kind = ontology.value(path, f"{_RDFS}range")
    literal = f"{_OWL}DatatypeProperty" in types
    return Property(
        path=path,
        name=ontology.text(path, f"{_SKOS}prefLabel") or "",
        note=ontology.text(path, f"{_SKOS}scopeNote") or "",
        many=f"{_OWL}FunctionalProperty" not in types,
        classes=(kind,) if kind and not literal else (),
        datatypes=frozenset({kind}) if kind and literal else frozenset(),
        link=f"{_OWL}ObjectProperty" in types,
    )


def _lineage(kind: str, ontology: TripleIndex) -> list[str]:
    """A class and those above it, the nearest first."""
    lineage = [kind]
    for ancestor in lineage:
        above = ontology.objects(ancestor, f"{_RDFS}subClassOf")
        lineage += [
            up.value for up in above if isinstance(up, ox.NamedNode) and up.value not in lineage
        ]
    return lineage


def _targeting(shapes: TripleIndex, target: str, value: str) -> Iterator[str]:
    for shape in shapes.subjects():
        if any(node.value == value for node in shapes.objects(shape, f"{_SH}{target}")):
            yield shape


def _of_shape(shapes: TripleIndex, shape: str) -> list[Property]:
    made = (_property(shapes, node) for node in shapes.objects(shape, f"{_SH}property"))
    return sorted((entry for entry in made if entry), key=lambda entry: entry.order)


def _property(shapes: TripleIndex, node: Any) -> Property | None:
    path = shapes.objects(node, f"{_SH}path")
    most = shapes.value(node, f"{_SH}maxCount")
    if not path or not isinstance(path[0], ox.NamedNode) or most == "0":
        return None
    violation = shapes.value(node, f"{_SH}severity") in (None, f"{_SH}Violation")
    choices = [node, *_members(shapes, shapes.objects(node, f"{_SH}or"))]
    classes = [value.value for part in choices for value in shapes.objects(part, f"{_SH}class")]
    datatypes = {
        value.value for part in choices for value in shapes.objects(part, f"{_SH}datatype")
    }
    return Property(
        path=path[0].value,
        name=shapes.text(node, f"{_SH}name") or "",
        note=shapes.text(node, f"{_SH}description") or "",
        required=violation and (shapes.value(node, f"{_SH}minCount") or "0") != "0",
        many=most != "1",
        classes=tuple(classes),
        scheme=_scheme(shapes, node),
        datatypes=frozenset(datatypes),
        link=shapes.value(node, f"{_SH}nodeKind") == f"{_SH}IRI",
        order=float(shapes.value(node, f"{_SH}order") or 0),
    )


def _members(shapes: TripleIndex, heads: Iterable[Any]) -> Iterator[Any]:
    for head in heads:
        yield from shapes.members(head)


def _scheme(shapes: TripleIndex, node: Any) -> str | None:
    """The scheme that a nested shape asks for with ``skos:inScheme``."""
    for nested in shapes.objects(node, f"{_SH}node"):
        for constraint in shapes.objects(nested, f"{_SH}property"):
            if shapes.value(constraint, f"{_SH}path") == _IN_SCHEME:
                return shapes.value(constraint, f"{_SH}hasValue")
    return None


def _joined(before: Property | None, one: Property) -> Property:
    """Two shapes of one property joined: the first names it, both restrict it."""
    if before is None:
        return one
    return replace(
        before,
        required=before.required or one.required,
        many=before.many and one.many,
        classes=before.classes or one.classes,
        scheme=before.scheme or one.scheme,
        datatypes=before.datatypes or one.datatypes,
        link=before.link or one.link,
    )
