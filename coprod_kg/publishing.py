"""The model in the store, where queries see it; it never touches an organisation's graph."""

import hashlib
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.files import files
from coprod_kg.store.base import Change, Query, Store

__all__ = ["model_graph", "publish_model"]

_IDENTIFIER = "http://purl.org/dc/terms/identifier"


def model_graph(base_iri: str) -> str:
    """The IRI of the graph that holds the ontology, the concept schemes and the profiles."""
    return f"{base_iri}graph/ontology"


def publish_model(store: Store, base_iri: str) -> bool:
    """Put the ontology, the schemes and the profiles of the stages into the store.

    The graph carries the hash of the files it was made from, so a store that has them already
    is left alone.

    Returns:
        Whether a commit was needed.

    Raises:
        ModelError: one of the files is not Turtle.
    """
    paths = _paths()
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()
    graph = model_graph(base_iri)
    mark = f'<{graph}> <{_IDENTIFIER}> "sha256:{digest}" .'
    asked = Query(f"ASK {{ GRAPH <{graph}> {{ {mark} }} }}", ("application/sparql-results+json",))
    if b"true" in store.query(asked).read():
        return False
    triples = b"".join(_triples(path) for path in paths) + mark.encode() + b"\n"
    store.commit(Change(replace={graph: triples}))
    return True


def _paths() -> list[Path]:
    folder = files("ontology")
    profiles = sorted((files("shapes") / "stages").glob("*.ttl"))
    return [folder / "coprod.ttl", *sorted((folder / "vocab").glob("*.ttl")), *profiles]


def _triples(path: Path) -> bytes:
    try:
        quads = ox.parse(path=path, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True)
        triples = [quad.triple for quad in quads]
    except (SyntaxError, ValueError) as error:
        raise ModelError(f"it cannot be read as Turtle: {error}", where=str(path)) from error
    return ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""
