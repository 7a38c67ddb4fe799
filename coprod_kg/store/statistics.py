"""Statistics of the merged graph, kept in VoID beside the data that they count.

The statistics count themselves too: writing them changes what is counted,
so they are written until nothing changes any more, which is after two or three rounds because a
number that takes the place of another changes no count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import pyoxigraph as ox

from coprod_kg.store.counts import replace_triples
from coprod_kg.store.statement_forms import Subject, Tally

__all__ = [
    "COUNTED",
    "dataset_node",
    "read_statistics",
    "statistics_triples",
    "write_statistics",
]

_VOID: Final = "http://rdfs.org/ns/void#"
_EXTENSION: Final = "http://ldf.fi/void-ext#"
_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_INTEGER: Final = ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer")
_MOST_ROUNDS: Final = 10


def _void(name: str) -> ox.NamedNode:
    return ox.NamedNode(_VOID + name)


_TOTALS: Final[dict[tuple[str, ...], ox.NamedNode]] = {
    (): _void("triples"),
    ("subjects",): _void("distinctSubjects"),
    ("classes",): _void("classes"),
    ("properties",): _void("properties"),
}
_CLASS, _PROPERTY = _void("classPartition"), _void("propertyPartition")
_DATATYPE: Final = ox.NamedNode(f"{_EXTENSION}datatypePartition")
_PART: Final = _void("subset")
_TRIPLES: Final = _void("triples")
COUNTED: Final = frozenset({*_TOTALS.values(), _CLASS, _PROPERTY, _PART})
"""The properties of the dataset that are the statistics'."""


def dataset_node(base_iri: str) -> ox.NamedNode:
    """The IRI of the dataset of everything, whose statistics these are."""
    return ox.NamedNode(f"{base_iri}dataset/all")


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a number stands: a link from the larger part, what the part is of, the number.

    Attributes:
        more: what else is said of the part.
    """

    node: ox.NamedNode
    parent: ox.NamedNode | None
    link: ox.NamedNode
    of: ox.NamedNode
    value: ox.NamedNode
    number: ox.NamedNode
    more: tuple[tuple[ox.NamedNode, ox.NamedNode], ...] = ()

    def triples(self, count: int) -> list[ox.Triple]:
        found = [
            ox.Triple(self.node, self.of, self.value),
            ox.Triple(self.node, self.number, ox.Literal(str(count), datatype=_INTEGER)),
            *(ox.Triple(self.node, path, value) for path, value in self.more),
        ]
        return found + ([ox.Triple(self.parent, self.link, self.node)] if self.parent else [])


def _totals(tally: Tally) -> Tally:
    """The numbers that are written: the counts, and how many classes and properties there are."""
    found = +tally
    found["classes",] = sum(1 for key in found if key[:1] == ("class",) and len(key) == 2)
    found["properties",] = sum(1 for key in found if key[:1] == ("property",))
    return found


def _entry(key: tuple[str, ...], dataset: ox.NamedNode) -> _Entry:
    def node(parts: tuple[str, ...]) -> ox.NamedNode:
        digest = sha256("\n".join(parts).encode()).hexdigest()[:16]
        return ox.NamedNode(f"{dataset.value}#{parts[0]}-{digest}")

    value = ox.NamedNode(key[-1])
    if key[0] == "link":
        path = ox.NamedNode(key[1])
        ends = ((_void("subjectsTarget"), dataset), (_void("objectsTarget"), value))
        more = ((_TYPE, _void("Linkset")), *ends)
        return _Entry(node(key), dataset, _PART, _void("linkPredicate"), path, _TRIPLES, more)
    if key[0] == "property":
        return _Entry(node(key), dataset, _PROPERTY, _void("property"), value, _TRIPLES)
    if len(key) == 2:
        return _Entry(node(key), dataset, _CLASS, _void("class"), value, _void("entities"))
    if key[0] == "leads":
        parent = node(("class", *key[1:3]))
        return _Entry(node(key), parent, _CLASS, _void("class"), value, _TRIPLES)
    parent = node(key[:-1])
    if len(key) == 3:
        return _Entry(node(key), parent, _PROPERTY, _void("property"), value, _TRIPLES)
    of = ox.NamedNode(f"{_EXTENSION}datatype")
    return _Entry(node(key), parent, _DATATYPE, of, value, _TRIPLES)


def _written(key: tuple[str, ...], count: int, dataset: ox.NamedNode) -> list[ox.Triple]:
    if not count:
        return []
    if key in _TOTALS:
        number = ox.Literal(str(count), datatype=_INTEGER)
        return [ox.Triple(dataset, _TOTALS[key], number)]
    return _entry(key, dataset).triples(count)


def statistics_triples(written: Tally, base_iri: str) -> Iterator[ox.Triple]:
    """The triples by which statistics stand in a graph."""
    dataset = dataset_node(base_iri)
    for key, count in written.items():
        yield from _written(key, count, dataset)


def read_statistics(store: ox.Store, graph: ox.NamedNode, base_iri: str) -> Tally:
    """The statistics as they are written in a graph."""
    dataset, found = dataset_node(base_iri), Tally()
    for key, path in _TOTALS.items():
        found[key] = _number(store, graph, dataset, path)
    for key, node in _parts(store, graph, dataset, ()):
        number = _void("entities") if len(key) == 2 and key[0] == "class" else _void("triples")
        found[key] = _number(store, graph, node, number)
    for quad in store.quads_for_pattern(dataset, _PART, None, graph):
        part = quad.object
        if isinstance(part, ox.NamedNode):
            ends = (_name(store, graph, part, name) for name in ("linkPredicate", "objectsTarget"))
            found["link", *ends] = _number(store, graph, part, _TRIPLES)
    return +found


def _name(store: ox.Store, graph: ox.NamedNode, node: ox.NamedNode, path: str) -> str:
    quads = store.quads_for_pattern(node, _void(path), None, graph)
    return next((q.object.value for q in quads if isinstance(q.object, ox.NamedNode)), "")


def _parts(
    store: ox.Store, graph: ox.NamedNode, node: Subject, key: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Subject]]:
    for link, of, word in (
        (_CLASS, _void("class"), "class"),
        (_PROPERTY, _void("property"), "property"),
        (_DATATYPE, ox.NamedNode(f"{_EXTENSION}datatype"), ""),
    ):
        for quad in store.quads_for_pattern(node, link, None, graph):
            part = quad.object
            if not isinstance(part, ox.NamedNode):
                continue
            for named in store.quads_for_pattern(part, of, None, graph):
                if isinstance(named.object, ox.NamedNode):
                    inner = (*(key or (word,)), named.object.value)
                    if key and link == _CLASS:
                        inner = ("leads", *inner[1:])
                    yield inner, part
                    yield from _parts(store, graph, part, inner)


def _number(store: ox.Store, graph: ox.NamedNode, node: Subject, path: ox.NamedNode) -> int:
    quads = store.quads_for_pattern(node, path, None, graph)
    return next((int(q.object.value) for q in quads if isinstance(q.object, ox.Literal)), 0)


def write_statistics(
    store: ox.Store, graph: ox.NamedNode, base_iri: str, tally: Tally, written: Tally
) -> Tally:
    """Write the statistics into a graph and its merge, until they count themselves rightly.

    Args:
        store: a published store.
        graph: where they stand.
        base_iri: where the dataset has its name.
        tally: the counts of all that is there; is brought up to date.
        written: what is written in the graph already.

    Returns:
        What is written now.
    """
    dataset = dataset_node(base_iri)
    for _ in range(_MOST_ROUNDS):
        wanted = _totals(tally)
        keys = [key for key in wanted.keys() | written.keys() if wanted[key] != written[key]]
        if not keys:
            break
        gone, added = set[ox.Triple](), set[ox.Triple]()
        for key in keys:
            gone |= set(_written(key, written[key], dataset))
            added |= set(_written(key, wanted[key], dataset))
        replace_triples(store, graph, gone - added, added - gone, tally)
        written = wanted
    return written
