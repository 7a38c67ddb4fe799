"""Changes of things between versions as a Linked Data Event Stream (LDES on TREE), in RDF."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from hashlib import sha256
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.namespaces import named
from coprod_kg.publishing.serialisations import written
from coprod_kg.store.changes import VersionChanges

__all__ = ["feed_document"]

_LDES: Final = "https://w3id.org/ldes#"
_TREE: Final = "https://w3id.org/tree#"
_AS: Final = "https://www.w3.org/ns/activitystreams#"
_KINDS: Final = {"created": "Create", "updated": "Update", "removed": "Delete"}


def feed_document(
    root: str,
    base_iri: str,
    versions: Iterable[int],
    changes: VersionChanges | None,
    number: int | None,
    media_type: str,
) -> bytes:
    """A node of the stream: the first, which leads to one for each version, or one of those.

    Args:
        root: the public address of the service.
        base_iri: where things have their names.
        versions: those that the first node leads to; none where this is the node of a version.
        changes: those of the version, where it is its node.
        number: of that version.
        media_type: of the format.
    """
    triples = _triples(root, base_iri, versions, changes, number)
    return written(triples, media_type, {"ldes": _LDES, "tree": _TREE, "as": _AS})


def _triples(
    root: str,
    base_iri: str,
    versions: Iterable[int],
    changes: VersionChanges | None,
    number: int | None,
) -> Iterator[ox.Triple]:
    stream, first = ox.NamedNode(f"{root}changes#stream"), ox.NamedNode(f"{root}changes")
    node = first if number is None else ox.NamedNode(f"{root}changes/{number}")
    yield ox.Triple(stream, named("rdf:type"), ox.NamedNode(f"{_LDES}EventStream"))
    yield ox.Triple(stream, ox.NamedNode(f"{_LDES}timestampPath"), ox.NamedNode(f"{_AS}published"))
    yield ox.Triple(stream, ox.NamedNode(f"{_LDES}versionOfPath"), ox.NamedNode(f"{_AS}object"))
    yield ox.Triple(stream, ox.NamedNode(f"{_TREE}view"), first)
    yield ox.Triple(node, named("rdf:type"), ox.NamedNode(f"{_TREE}Node"))
    for version in versions:
        page = ox.NamedNode(f"{root}changes/{version}")
        relation = ox.NamedNode(f"{root}changes#to-{version}")
        yield ox.Triple(first, ox.NamedNode(f"{_TREE}relation"), relation)
        yield ox.Triple(relation, named("rdf:type"), ox.NamedNode(f"{_TREE}Relation"))
        yield ox.Triple(relation, ox.NamedNode(f"{_TREE}node"), page)
    if changes is None:
        return
    made = changes.made.astimezone(UTC).isoformat(timespec="milliseconds")
    for change in changes.things:
        # A fragment, as an IRI within an IRI would need escapes; the same whenever it is made.
        fragment = sha256(change.iri.encode()).hexdigest()[:16]
        member = ox.NamedNode(f"{root}changes/{changes.version}#{fragment}")
        yield ox.Triple(stream, ox.NamedNode(f"{_TREE}member"), member)
        yield ox.Triple(member, named("rdf:type"), ox.NamedNode(_AS + _KINDS[change.kind]))
        yield ox.Triple(member, ox.NamedNode(f"{_AS}object"), ox.NamedNode(change.iri))
        moment = ox.Literal(made, datatype=named("xsd:dateTime"))
        yield ox.Triple(member, ox.NamedNode(f"{_AS}published"), moment)
        origin = ox.NamedNode(f"{base_iri}version/{changes.version}")
        yield ox.Triple(member, named("prov:wasGeneratedBy"), origin)
