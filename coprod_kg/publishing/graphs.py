"""The graphs of the store that hold the model and the list of saved queries."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyoxigraph as ox

from coprod_kg import __version__
from coprod_kg.model.files import files, read
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import named
from coprod_kg.publishing.datasets import template
from coprod_kg.queries.description import catalogue
from coprod_kg.queries.library import load
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query, Store

__all__ = ["catalogue_graph", "model_graph", "publish_model", "publish_service"]

_IDENTIFIER = "http://purl.org/dc/terms/identifier"
_THEMES = "http://publications.europa.eu/resource/authority/data-theme/"
_VCARD = "http://www.w3.org/2006/vcard/ns#"


def model_graph(base_iri: str) -> str:
    """The IRI of the graph that holds the ontology, the concept schemes and the profiles."""
    return f"{base_iri}graph/ontology"


def catalogue_graph(base_iri: str) -> str:
    """The IRI of the graph that describes the data, and lists the saved queries."""
    return f"{base_iri}graph/catalogue"


def publish_service(store: Store, settings: Settings) -> None:
    """Publish the model, the saved queries and what the settings say, as a service does first."""
    folders = [files("queries") / "questions", *([settings.queries] if settings.queries else [])]
    publish_model(store, settings.base_iri, folders, settings.root, settings)


def publish_model(
    store: Store,
    base_iri: str,
    folders: Sequence[Path] = (),
    root: str = "",
    settings: Settings | None = None,
) -> bool:
    """Put the ontology, the schemes and the profiles of the stages into the store.

    Each graph carries the hash of the files it was made from, so a store that has them already
    is left alone, and both graphs are one commit.

    Args:
        store: where they go.
        base_iri: where the graphs have their names.
        folders: those of saved queries to be listed; the list stays as it is where there are none.
        root: the public address of the service, where it has one.
        settings: name the publisher, the contact and the themes, where they are named.

    Returns:
        Whether a commit was needed.

    Raises:
        ModelError: one of the files is not Turtle, or a saved query is at fault.
    """
    known = Model.installed()
    model = [*known.ontology, *known.stages]
    listed = [path for folder in folders for path in sorted(folder.glob("*.rq"))]
    wanted: dict[str, bytes] = {}
    said = _said(base_iri, root, settings) if listed else b""
    for graph, paths in ((model_graph(base_iri), model), (catalogue_graph(base_iri), listed)):
        mark = _mark(graph, paths, b"" if paths is model else said)
        if not paths or _holds(store, graph, mark):
            continue
        triples = (
            (ox.serialize(read(*paths), format=ox.RdfFormat.N_TRIPLES) or b"")
            if paths is model
            else _listed(folders, base_iri, root) + said
        )
        wanted[graph] = triples + mark.encode() + b"\n"
    if wanted:
        store.commit(Change(replace=wanted))
    return bool(wanted)


def _said(base_iri: str, root: str, settings: Settings | None) -> bytes:
    """What the settings say of this installation, as N-Triples."""
    triples = _statements(base_iri, root or base_iri, settings or Settings())
    return ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""


def _statements(base_iri: str, root: str, settings: Settings) -> Iterator[ox.Triple]:
    """What the settings say of an installation; nothing for what is not set."""
    graph = ox.NamedNode(catalogue_graph(base_iri))
    yield ox.Triple(graph, named("void:sparqlEndpoint"), ox.NamedNode(f"{root}sparql"))
    name, page, contact = settings.publisher, settings.publisher_url, settings.contact
    if name:
        node = ox.NamedNode(f"{base_iri}catalogue#publisher")
        yield ox.Triple(graph, named("dcterms:publisher"), node)
        yield ox.Triple(node, named("rdf:type"), named("foaf:Agent"))
        yield ox.Triple(node, named("foaf:name"), ox.Literal(name))
        if page:
            yield ox.Triple(node, named("foaf:homepage"), ox.NamedNode(page))
    if contact:
        node = ox.NamedNode(f"{base_iri}catalogue#contact")
        address = "hasURL" if contact.startswith(("http://", "https://")) else "hasEmail"
        link = contact if ":" in contact else f"mailto:{contact}"
        yield ox.Triple(graph, named("dcat:contactPoint"), node)
        yield ox.Triple(node, named("rdf:type"), ox.NamedNode(f"{_VCARD}Kind"))
        yield ox.Triple(node, ox.NamedNode(f"{_VCARD}fn"), ox.Literal(name or link))
        yield ox.Triple(node, ox.NamedNode(f"{_VCARD}{address}"), ox.NamedNode(link))
    for code in settings.theme:
        theme = ox.NamedNode(_THEMES + code)
        yield ox.Triple(graph, named("dcat:theme"), theme)
        labels = template("themes.ttl", base_iri)
        yield from (triple for triple in labels if triple.subject == theme)


def _mark(graph: str, paths: Sequence[Path], said: bytes) -> str:
    """The triple that says what a graph was made from, and by which release."""
    parts = [__version__.encode(), *(path.read_bytes() for path in paths)]
    parts += [said] if said else []
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return f'<{graph}> <{_IDENTIFIER}> "sha256:{digest}" .'


def _holds(store: Store, graph: str, mark: str) -> bool:
    asked = Query(f"ASK {{ GRAPH <{graph}> {{ {mark} }} }}", ("application/sparql-results+json",))
    return b"true" in store.query(asked).read()


def _listed(folders: Sequence[Path], base_iri: str, root: str) -> bytes:
    queries = {name: query for folder in folders for name, query in load(folder).items()}
    return catalogue(queries, base_iri, root)
