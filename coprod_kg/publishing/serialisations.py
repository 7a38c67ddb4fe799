"""Statements as documents and files: in one order, with the prefixes that they use."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import NotFound
from coprod_kg.model.namespaces import prefixes
from coprod_kg.publishing.json_context import compacted

__all__ = ["SERIALISATIONS", "serialised", "serialised_lines", "written"]

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
    content = written(triples, SERIALISATIONS[name][0])
    return compacted(content, root) if name == "jsonld" else content


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
    ordered = sorted(triples, key=str)
    named = None
    if form != ox.RdfFormat.N_TRIPLES:
        known = {space: prefix for prefix, space in {**prefixes(), **more}.items()}
        spaces = {_space(iri) for iri in {iri for triple in ordered for iri in _names(triple)}}
        named = {known[space]: space for space in sorted(spaces & known.keys())}
    return ox.serialize(ordered, format=form, prefixes=named) or b""


def _names(triple: ox.Triple) -> Iterator[str]:
    for term in (triple.subject, triple.predicate, triple.object):
        if isinstance(term, ox.NamedNode):
            yield term.value
        elif isinstance(term, ox.Literal):
            yield term.datatype.value


def _space(iri: str) -> str:
    """The IRI up to the last # or /."""
    return iri[: max(iri.rfind("#"), iri.rfind("/")) + 1]
