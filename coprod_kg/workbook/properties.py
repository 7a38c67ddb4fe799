"""The properties of a class, as the submission shapes and the ontology describe them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyoxigraph as ox

from coprod_kg.model.graph import Graph, text_of
from coprod_kg.model.namespaces import named

__all__ = ["Property", "beyond_shapes", "from_ontology", "properties"]


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
    classes: tuple[ox.NamedNode, ...] = ()
    scheme: ox.NamedNode | None = None
    datatypes: frozenset[str] = frozenset()
    link: bool = False
    order: float = 0

    @property
    def datatype(self) -> str | None:
        """The one datatype, or None."""
        return next(iter(self.datatypes)) if len(self.datatypes) == 1 else None


def properties(shapes: Graph, ontology: Graph, kind: str) -> Iterator[Property]:
    """The properties of a class, in order: its own, then those of the classes above it.

    A property that the shapes constrain only together with another one follows that one.
    """
    by_path: dict[str, Property] = {}
    for ancestor in _lineage(named(kind), ontology):
        for shape in shapes.subjects("sh:targetClass", ancestor):
            for prop in _of_shape(shapes, shape):
                by_path[prop.path] = _join(by_path.get(prop.path), prop)
    for path in list(by_path):
        yield by_path[path]
        for shape in shapes.subjects("sh:targetSubjectsOf", ox.NamedNode(path)):
            for prop in _of_shape(shapes, shape):
                if prop.path not in by_path:
                    by_path[prop.path] = prop
                    yield replace(prop, required=False)


def beyond_shapes(ontology: Graph, kind: str) -> list[str]:
    """The properties with text or numbers that the ontology gives a class, in order of name."""
    subjects = ontology.subjects("rdfs:domain", named(kind))
    return sorted(node.value for node in subjects if ontology.is_a(node, "owl:DatatypeProperty"))


def from_ontology(ontology: Graph, path: str) -> Property:
    """A property that no shape speaks of, as the ontology describes it."""
    node = ox.NamedNode(path)
    kind = ontology.value(node, "rdfs:range")
    literal = ontology.is_a(node, "owl:DatatypeProperty")
    return Property(
        path=path,
        name=ontology.text(node, "skos:prefLabel"),
        note=ontology.text(node, "skos:scopeNote"),
        many=not ontology.is_a(node, "owl:FunctionalProperty"),
        classes=(kind,) if kind and not literal else (),
        datatypes=frozenset({kind.value}) if kind and literal else frozenset(),
        link=ontology.is_a(node, "owl:ObjectProperty"),
    )


def _lineage(kind: ox.NamedNode, ontology: Graph) -> list[ox.NamedNode]:
    """A class and those above it, the nearest first."""
    lineage = [kind]
    for ancestor in lineage:
        above = ontology.objects(ancestor, "rdfs:subClassOf")
        lineage += [
            superclass
            for superclass in above
            if isinstance(superclass, ox.NamedNode) and superclass not in lineage
        ]
    return lineage


def _of_shape(shapes: Graph, shape: Any) -> list[Property]:
    shape_properties = (_property(shapes, node) for node in shapes.objects(shape, "sh:property"))
    return sorted((prop for prop in shape_properties if prop), key=lambda prop: prop.order)


def _property(shapes: Graph, node: Any) -> Property | None:
    path = shapes.value(node, "sh:path")
    most = text_of(shapes.value(node, "sh:maxCount"))
    if not isinstance(path, ox.NamedNode) or most == "0":
        return None
    severity = shapes.value(node, "sh:severity")
    choices = [node, *shapes.members(shapes.value(node, "sh:or"))]
    return Property(
        path=path.value,
        name=shapes.text(node, "sh:name"),
        note=shapes.text(node, "sh:description"),
        required=severity in (None, named("sh:Violation"))
        and text_of(shapes.value(node, "sh:minCount")) not in ("", "0"),
        many=most != "1",
        classes=tuple(kind for part in choices for kind in shapes.objects(part, "sh:class")),
        scheme=_scheme(shapes, node),
        datatypes=frozenset(
            kind.value for part in choices for kind in shapes.objects(part, "sh:datatype")
        ),
        link=shapes.value(node, "sh:nodeKind") == named("sh:IRI"),
        order=float(text_of(shapes.value(node, "sh:order")) or 0),
    )


def _scheme(shapes: Graph, node: Any) -> ox.NamedNode | None:
    """The scheme that a nested shape asks for with ``skos:inScheme``."""
    for nested in shapes.objects(node, "sh:node"):
        for constraint in shapes.objects(nested, "sh:property"):
            if shapes.value(constraint, "sh:path") == named("skos:inScheme"):
                scheme: ox.NamedNode = shapes.value(constraint, "sh:hasValue")
                return scheme
    return None


def _join(first: Property | None, second: Property) -> Property:
    """Two shapes of one property joined: the first names it, both restrict it."""
    if first is None:
        return second
    return replace(
        first,
        required=first.required or second.required,
        many=first.many and second.many,
        classes=first.classes or second.classes,
        scheme=first.scheme or second.scheme,
        datatypes=first.datatypes or second.datatypes,
        link=first.link or second.link,
    )
