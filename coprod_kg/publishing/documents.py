"""Several of the model's files as one RDF document in any format."""

from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.files import read
from coprod_kg.model.namespaces import prefixes

__all__ = ["document"]

Node: TypeAlias = Any  # a term of pyoxigraph: subjects and objects are of different unions

_TURTLE = "text/turtle"


@cache
def document(paths: tuple[Path, ...], media_type: str) -> bytes:
    """The statements of these files as one document.

    In Turtle they are joined as they were written, since people read it: their blank nodes have
    no labels that could meet, which a test of the files says.

    Raises:
        ModelError: one of the files is not Turtle.
    """
    if media_type == _TURTLE:
        return b"\n".join(path.read_bytes() for path in paths)
    form = ox.RdfFormat.from_media_type(media_type)
    if form is None:
        raise ModelError(f"no format has the media type {media_type}")
    named = None if form == ox.RdfFormat.N_TRIPLES else dict(prefixes())
    return ox.serialize(_labelled(list(read(*paths))), format=form, prefixes=named) or b""


def _labelled(triples: list[ox.Triple]) -> list[ox.Triple]:
    """The triples with blank nodes named in their order, so that a document is always the same."""
    names: dict[str, ox.BlankNode] = {}

    def named(node: Node) -> Node:
        if not isinstance(node, ox.BlankNode):
            return node
        return names.setdefault(node.value, ox.BlankNode(f"b{len(names)}"))

    return [
        ox.Triple(named(triple.subject), triple.predicate, named(triple.object))
        for triple in triples
    ]
