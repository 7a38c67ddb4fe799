"""Statements as documents and files: in one order, with the prefixes that they use."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import NotFound
from coprod_kg.model.namespaces import prefixes
from coprod_kg.publishing.json_context import compacted

__all__ = ["SERIALISATIONS", "serialised", "serialised_all", "serialised_lines", "written"]

SERIALISATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "ttl": ("text/turtle", "RDF_TURTLE"),
    "nt": ("application/n-triples", "RDF_N_TRIPLES"),
    "jsonld": ("application/ld+json", "JSON_LD"),
}
"""Suffix → media type, and the name of the file type in the table of the European Union."""

_NO_MORE: Final[Mapping[str, str]] = {}


def serialised(triples: Iterable[ox.Triple], name: str, root: str) -> bytes:
    """An organisation's statements as a file: the same bytes whenever they are the same.

    Args:
        triples: the statements.
        name: how its name ends.
        root: the address of the service, whose context the JSON-LD names.

    Raises:
        NotFound: there is no such file.
    """
    if name not in SERIALISATIONS:
        raise NotFound(f"there is no file .{name}", fix="There are: " + ", ".join(SERIALISATIONS))
    return _file(sorted(triples, key=str), name, root)


def serialised_all(triples: Iterable[ox.Triple], root: str) -> dict[str, bytes]:
    """An organisation's statements as each file that there is: name ending → bytes."""
    ordered = sorted(triples, key=str)
    return {name: _file(ordered, name, root) for name in SERIALISATIONS}


def _file(ordered: Sequence[ox.Triple], name: str, root: str) -> bytes:
    if name == "jsonld":  # the prefixes are the context's
        expanded = ox.serialize(ordered, format=ox.RdfFormat.JSON_LD)
        return compacted(expanded or b"", root)
    form = ox.RdfFormat.from_media_type(SERIALISATIONS[name][0])
    return _written(ordered, form or ox.RdfFormat.TURTLE, _NO_MORE)


def serialised_lines(lines: bytes, name: str, root: str) -> bytes:
    """The same of statements as N-Triples."""
    quads = ox.parse(lines, format=ox.RdfFormat.N_TRIPLES)
    return serialised((quad.triple for quad in quads), name, root)


def written(
    triples: Iterable[ox.Triple], media_type: str, more: Mapping[str, str] = _NO_MORE
) -> bytes:
    """Statements in a format, in one order.

    Args:
        triples: the statements.
        media_type: of the format; Turtle where there is none of that name.
        more: prefixes beside those of this installation.
    """
    form = ox.RdfFormat.from_media_type(media_type) or ox.RdfFormat.TURTLE
    return _written(sorted(triples, key=str), form, more)


def _written(ordered: Sequence[ox.Triple], form: ox.RdfFormat, more: Mapping[str, str]) -> bytes:
    named = None
    if form != ox.RdfFormat.N_TRIPLES:
        known = {space: prefix for prefix, space in {**prefixes(), **more}.items()}
        spaces = {_space(iri) for iri in _names(ordered)}
        named = {known[space]: space for space in sorted(spaces & known.keys())}
    return ox.serialize(ordered, format=form, prefixes=named) or b""


def _names(triples: Iterable[ox.Triple]) -> set[str]:
    """The IRIs in some statements, those of datatypes among them."""
    terms: set[object] = set()
    for triple in triples:
        terms.update(triple)
    found = {term.value for term in terms if isinstance(term, ox.NamedNode)}
    return found | {term.datatype.value for term in terms if isinstance(term, ox.Literal)}


def _space(iri: str) -> str:
    """The IRI up to the last # or /."""
    return iri[: max(iri.rfind("#"), iri.rfind("/")) + 1]
