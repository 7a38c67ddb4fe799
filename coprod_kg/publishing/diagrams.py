"""Diagrams of the model: boxes placed by ``diagrams.toml``, arrows from the axioms.

The layout is not computed, so a diagram changes only when the ontology or the file does. A template
writes the SVG.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files as resources
from textwrap import wrap

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import Graph, Node, text_of
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, shorten, terms
from coprod_kg.publishing.arrows import Arrow, Box, Relation, arrows, box
from coprod_kg.publishing.ontology import ontology
from coprod_kg.publishing.wording import class_phrase, name_of, plain

__all__ = ["Diagram", "diagrams"]

_FILE = "diagrams.toml"
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WIDEST = 24  # letters of a title in a box


@dataclass(frozen=True, slots=True)
class Diagram:
    """One picture.

    Attributes:
        name: its slug.
        title: what it shows.
        text: the same in a sentence or two.
        boxes: the classes.
        arrows: what leads from one to another.
        relations: everything it says, for its text alternative.
        guests: the classes in it that another picture explains.
        width: of the picture.
        height: of the picture.
    """

    name: str
    title: str
    text: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    relations: tuple[Relation, ...]
    guests: tuple[str, ...]
    width: int
    height: int

    def labels(self) -> dict[str, str]:
        """Name → label of every class in it."""
        return {box.name: box.label for box in self.boxes}


@dataclass(frozen=True, slots=True)
class _Plan:
    """One entry of the file."""

    name: str
    title: str
    text: str
    boxes: Mapping[str, tuple[int, int, int, int]]
    full: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    within: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def diagrams() -> tuple[Diagram, ...]:
    """Every picture, in the order of the file.

    Raises:
        ModelError: the file names a class or a property that the ontology has not.
    """
    text = resources("coprod_kg.publishing").joinpath(_FILE).read_text(encoding="utf-8")
    return tuple(_diagram(_Plan(**table)) for table in tomllib.loads(text)["diagram"])


def _diagram(plan: _Plan) -> Diagram:
    said = Model.installed().graph
    nodes = {name: _node(name) for name in plan.boxes}
    hidden = {
        hidden_name for names in (plan.leave_out, *plan.within.values()) for hidden_name in names
    }
    for name in (*hidden, *plan.full):
        _node(name)
    relations = tuple(
        relation
        for relation in (*_wider(said, nodes), *_led(said, nodes))
        if _local(relation.iri) not in hidden
        if relation.source != relation.target or relation.source in plan.full
    )
    boxes = {name: _box(said, plan, nodes, name) for name in plan.boxes}
    return Diagram(
        plan.name,
        plan.title,
        plan.text,
        tuple(boxes.values()),
        tuple(
            arrows(
                boxes, (relation for relation in relations if relation.source != relation.target)
            )
        ),
        (*relations, *_inside(said, plan)),
        tuple(plan.guests),
        max(placed.right for placed in boxes.values()) + 24,
        max(placed.bottom for placed in boxes.values()) + 12,
    )


def _node(name: str) -> ox.NamedNode:
    known = ":" in name or name in ontology().terms
    if not known:
        raise ModelError(f"the ontology has no term {name}", where=_FILE)
    return ox.NamedNode(expand(name if ":" in name else f"cp:{name}"))


def _spoken(label: str) -> str:
    """A label, or the words of a short name such as ``org:hasUnit``."""
    return _CAPITAL.sub(" ", label.rpartition(":")[2]).capitalize() if ":" in label else label


def _local(iri: str) -> str:
    return iri.rpartition("#")[2]


def _box(said: Graph, plan: _Plan, nodes: Mapping[str, ox.NamedNode], name: str) -> Box:
    node = nodes[name]
    lines = [*_kind(said, nodes, node)]
    lines += [
        f"{relation.label} → {relation.target}"
        for relation in _inside(said, plan)
        if relation.source == name
    ]
    if name in plan.full:
        lines += [f"↺ {relation.label}" for relation in _led(said, {name: node})]
        lines += _attributes(said, node)
    label = _spoken(name_of(said, node).text)
    return Box(
        name,
        node.value,
        label,
        tuple(wrap(label, _WIDEST)),
        tuple(lines),
        _style(said, node),
        said.text(node, "skos:definition"),
        *box(plan.boxes[name]),
    )


def _style(said: Graph, node: ox.NamedNode) -> str:
    if node.value not in terms():
        return "outside"
    if ox.NamedNode(expand("skos:Concept")) in said.objects(node, "rdfs:subClassOf"):
        return "concept"
    return "defined" if said.objects(node, "owl:equivalentClass") else "class"


def _kind(said: Graph, nodes: Mapping[str, ox.NamedNode], node: Node) -> Iterator[str]:
    """A line that says what the picture does not: a scheme, or a wider class that is not in it."""
    scheme = next(
        (term.scheme for term in ontology().terms.values() if term.iri == text_of(node)), ""
    )
    if scheme:
        yield f"scheme {scheme}"
    elif isinstance(node, ox.NamedNode) and node.value not in terms():
        yield shorten(node.value)
    else:
        for wide in _above(said, node):
            if wide not in nodes.values() and wide.value in terms():
                yield f"a kind of {name_of(said, wide).text}"


def _attributes(said: Graph, node: Node) -> Iterator[str]:
    for subject in said.subjects("rdfs:domain", node):
        if said.is_a(subject, "owl:DatatypeProperty"):
            kinds = [
                plain(class_phrase(said, kind)) for kind in said.objects(subject, "rdfs:range")
            ]
            short = kinds[0].rpartition(":")[2] if kinds else ""
            typed = f": {short}" if short not in ("", "Literal", "boolean") else ""
            yield name_of(said, subject).text + typed


def _above(said: Graph, node: Node) -> Iterator[ox.NamedNode]:
    """The wider classes that are named in so many words."""
    for parent in said.objects(node, "rdfs:subClassOf"):
        if isinstance(parent, ox.NamedNode):
            yield parent
    for expression in said.objects(node, "owl:equivalentClass"):
        for part in said.members(said.value(expression, "owl:intersectionOf")):
            if isinstance(part, ox.NamedNode):
                yield part
    for class_node in said.instances("owl:Class"):
        for meaning in said.objects(class_node, "owl:equivalentClass"):
            if node in said.members(said.value(meaning, "owl:unionOf")):
                yield class_node


def _wider(said: Graph, nodes: Mapping[str, ox.NamedNode]) -> Iterator[Relation]:
    names = {node: name for name, node in nodes.items()}
    for name, node in nodes.items():
        for wide in _above(said, node):
            if wide in names:
                yield Relation(name, names[wide], "kind of")


def _led(said: Graph, nodes: Mapping[str, ox.NamedNode]) -> Iterator[Relation]:
    """The properties whose domain and range are both there, each with its inverse."""
    names: dict[Node, str] = {node: name for name, node in nodes.items()}
    for property_node in said.instances("owl:ObjectProperty"):
        if said.objects(property_node, "owl:inverseOf") or property_node.value.startswith(
            expand("skos:")
        ):
            continue
        for source in _members(said, property_node, "rdfs:domain"):
            for target in _members(said, property_node, "rdfs:range"):
                if source in names and target in names:
                    yield _relation(said, property_node, names[source], names[target])


def _relation(said: Graph, node: ox.NamedNode, source: str, target: str) -> Relation:
    back = [
        _spoken(name_of(said, subject).text) for subject in said.subjects("owl:inverseOf", node)
    ]
    label = _spoken(name_of(said, node).text)
    if label != name_of(said, node).text:
        label, back = label.lower(), [text.lower() for text in back]
    return Relation(source, target, label, node.value, "".join(back[:1]))


def _members(said: Graph, node: Node, name: str) -> Iterator[Node]:
    for value in said.objects(node, name):
        union = tuple(said.members(said.value(value, "owl:unionOf")))
        yield from union or (value,)


def _inside(said: Graph, plan: _Plan) -> Iterator[Relation]:
    """The relations that are written into a box although they lead to another class."""
    for name, properties in plan.within.items():
        for property_node in properties:
            first, *others = _members(said, _node(property_node), "rdfs:range")
            target = name_of(said, first).text + (" …" if others else "")
            yield _relation(said, _node(property_node), name, target)
