"""Relabelling of blank nodes by order of occurrence, so that a repeated answer is the same bytes.

The engine labels the nodes that a CONSTRUCT makes otherwise each time. The order of the graph is
kept.
"""

import re
from collections.abc import Iterator
from typing import Final

import pyoxigraph as ox

__all__ = ["labelled"]

_NAMED: Final = re.compile(rb"_:|nodeID")


def labelled(data: bytes, media_type: str) -> bytes:
    """The same graph, in the same order and format, with blank nodes ``b0``, ``b1`` and so on.

    Args:
        data: a graph that the store wrote; one without blank nodes stays as it is.
        media_type: its format.
    """
    form = ox.RdfFormat.from_media_type(media_type)
    if form is None or not _NAMED.search(data):
        return data
    triples = (quad.triple for quad in ox.parse(data, form))
    return ox.serialize(_renamed(triples), format=form) or b""


_Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


def _renamed(triples: Iterator[ox.Triple]) -> Iterator[ox.Triple]:
    called: dict[ox.BlankNode, ox.BlankNode] = {}

    def new(node: ox.BlankNode) -> ox.BlankNode:
        return called.setdefault(node, ox.BlankNode(f"b{len(called)}"))

    def within(term: _Term) -> _Term:
        if isinstance(term, ox.Triple):
            return whole(term)
        return new(term) if isinstance(term, ox.BlankNode) else term

    def whole(triple: ox.Triple) -> ox.Triple:
        subject = triple.subject
        subject = new(subject) if isinstance(subject, ox.BlankNode) else subject
        return ox.Triple(subject, triple.predicate, within(triple.object))

    yield from map(whole, triples)
