"""Premises of a reasoner: the ontology, the schemes and, on demand, data.

Two things are done to the triples on the way. Literals whose datatype is not in the OWL 2 map
(dates above all) are left out, because HermiT refuses them. And all organisations that the data
name are said to differ, because OWL would otherwise allow two names for one.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError, Unreadable
from coprod_kg.model.namespaces import expand, shorten, term

__all__ = ["BASE_IRI", "premises"]

BASE_IRI = "https://w3id.org/coprod/"
_OWL_2_MAP = frozenset(
    {
        "rdf:langString",
        "xsd:anyURI",
        "xsd:base64Binary",
        "xsd:boolean",
        "xsd:byte",
        "xsd:dateTime",
        "xsd:dateTimeStamp",
        "xsd:decimal",
        "xsd:double",
        "xsd:float",
        "xsd:hexBinary",
        "xsd:int",
        "xsd:integer",
        "xsd:language",
        "xsd:long",
        "xsd:Name",
        "xsd:NCName",
        "xsd:negativeInteger",
        "xsd:NMTOKEN",
        "xsd:nonNegativeInteger",
        "xsd:nonPositiveInteger",
        "xsd:normalizedString",
        "xsd:positiveInteger",
        "xsd:short",
        "xsd:string",
        "xsd:token",
        "xsd:unsignedByte",
        "xsd:unsignedInt",
        "xsd:unsignedLong",
        "xsd:unsignedShort",
    }
)


def premises(
    folder: Path, data: Sequence[Path] = (), base_iri: str = BASE_IRI
) -> tuple[ox.Triple, ...]:
    """The triples to reason on.

    Args:
        folder: the folder of the ontology, with ``coprod.ttl`` and ``vocab/``.
        data: RDF files to add, in the format that the ending of each name tells.
        base_iri: what relative IRIs in the data stand under.

    Raises:
        ModelError: a file of the ontology cannot be read.
        Unreadable: a data file cannot be read.
    """
    triples: list[ox.Triple] = []
    for path in (folder / "coprod.ttl", *sorted((folder / "vocab").glob("*.ttl"))):
        try:
            triples += _read(path, base_iri)
        except (OSError, SyntaxError, ValueError) as error:
            raise ModelError(f"it cannot be read: {error}", where=str(path)) from error
    for path in data:
        try:
            triples += _read(path, base_iri)
        except (OSError, SyntaxError, ValueError) as error:
            raise Unreadable(f"it cannot be read: {error}", where=str(path)) from error
    return (*triples, *_all_different(_organisations(triples)))


def _read(path: Path, base_iri: str) -> Iterator[ox.Triple]:
    for quad in ox.parse(path=path, base_iri=base_iri):
        value = quad.object
        if not isinstance(value, ox.Literal) or shorten(value.datatype.value) in _OWL_2_MAP:
            yield quad.triple


def _organisations(triples: Iterable[ox.Triple]) -> list[ox.NamedNode]:
    kinds = {expand("org:Organization"), expand("org:OrganizationalUnit")}
    iris: set[str] = set()
    for triple in triples:
        predicate, value = triple.predicate.value, triple.object
        if not isinstance(value, ox.NamedNode) or not isinstance(triple.subject, ox.NamedNode):
            continue
        if predicate == expand("rdf:type") and value.value in kinds:
            iris.add(triple.subject.value)
        elif predicate == term("runBy"):
            iris.add(value.value)
        elif predicate == term("runs"):
            iris.add(triple.subject.value)
    return [ox.NamedNode(iri) for iri in sorted(iris)]


def _all_different(members: Sequence[ox.NamedNode]) -> Iterator[ox.Triple]:
    if len(members) < 2:
        return
    first, rest, nil = (ox.NamedNode(expand(f"rdf:{name}")) for name in ("first", "rest", "nil"))
    axiom, cells = ox.BlankNode(), [ox.BlankNode() for _ in members]
    yield ox.Triple(
        axiom, ox.NamedNode(expand("rdf:type")), ox.NamedNode(expand("owl:AllDifferent"))
    )
    yield ox.Triple(axiom, ox.NamedNode(expand("owl:distinctMembers")), cells[0])
    following: list[ox.BlankNode | ox.NamedNode] = [*cells[1:], nil]
    for cell, member, after in zip(cells, members, following, strict=True):
        yield ox.Triple(cell, first, member)
        yield ox.Triple(cell, rest, after)
