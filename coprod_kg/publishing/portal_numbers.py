"""The numbers of a service's data: as its statistics say them, and as queries count them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from coprod_kg.model.graph import Graph, text_of

__all__ = ["Number", "numbers"]

_TOTALS: Final = (
    ("statements", "void:triples", "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"),
    ("subjects", "void:distinctSubjects", "SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s ?p ?o }"),
)
_PARTS: Final = (
    (
        ("void:classPartition", "void:class", "void:entities"),
        "SELECT ?c (COUNT(*) AS ?n) WHERE { ?s a ?c FILTER(ISIRI(?c)) } GROUP BY ?c",
    ),
    (
        ("void:propertyPartition", "void:property", "void:triples"),
        "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p",
    ),
)
_LINKS: Final = (
    "SELECT (COUNT(*) AS ?n) WHERE {{ ?s <{path}> ?o "
    'FILTER(ISIRI(?o) && STRSTARTS(STR(?o), "{space}")) }}'
)


@dataclass(frozen=True, slots=True)
class Number:
    """How much there is of something, as it is said and as it is counted."""

    what: str
    said: str
    counted: str


def numbers(void: Graph, ask: Callable[[str], list[list[str]]]) -> Iterator[Number]:
    """The numbers of everything: totals, classes, properties, links to datasets of others.

    Args:
        void: the statistics.
        ask: the rows of the answer to a query.
    """
    # the part of a property is divided by classes too: by those that it leads to
    parts = {part for _, part in void.pairs("void:propertyPartition")}
    divided = (node for node, _ in void.pairs("void:classPartition"))
    whole = next((node for node in divided if node not in parts), None)

    def value_of(node: object, path: str) -> str:
        return text_of(void.value(node, path)) or "nothing"

    def counted(text: str) -> str:
        return next((row[-1] for row in ask(text)), "nothing")

    for what, path, text in _TOTALS:
        yield Number(what, value_of(whole, path), counted(text))
    for (link, of, number), text in _PARTS:
        stated = {value_of(part, of): value_of(part, number) for part in void.objects(whole, link)}
        counts = {row[0]: row[-1] for row in ask(text)}
        for name in sorted({*stated, *counts}):
            yield Number(name, stated.get(name, "0"), counts.get(name, "0"))
    for links in void.objects(whole, "void:subset"):
        path = value_of(links, "void:linkPredicate")
        space = value_of(void.value(links, "void:objectsTarget"), "void:uriSpace")
        text = _LINKS.format(path=path, space=space)
        yield Number(f"{path} to {space}", value_of(links, "void:triples"), counted(text))
