"""The catalogue of a version in DCAT-AP 3.0.1: which datasets there are, and which changed.

What every installation says stands in ``catalogue.ttl``; here is added what comes from the data of
each organisation, and by `datasets` what all of them have.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.installed import linked_datasets
from coprod_kg.model.namespaces import named, term
from coprod_kg.publishing.datasets import (
    LANGUAGES,
    Datasets,
    distribution,
    moment,
    number,
    template,
)
from coprod_kg.publishing.serialisations import SERIALISATIONS, serialised_all
from coprod_kg.store.description import DescriptionChange, VersionToDescribe
from coprod_kg.store.statement_forms import Subject

__all__ = ["describe"]

_NODES: Final = (
    *("", "#record"),
    *(f"#{name}{part}" for name in SERIALISATIONS for part in ("", "-sha256")),
)
"""What the names of the nodes that describe the dataset of an organisation end with."""


def describe(version: VersionToDescribe) -> DescriptionChange:
    """What changes in what is said of a version; see `coprod_kg.store.description.Describer`."""
    base = version.base_iri
    graph, path = ox.NamedNode(f"{base}graph/catalogue"), named("void:sparqlEndpoint")
    endpoint = next((quad.object for quad in version.match(graph, path, None, graph)), None)
    root = endpoint.value.removesuffix("sparql") if isinstance(endpoint, ox.NamedNode) else base
    return _Version(version, Datasets(version, root)).change()


@dataclass(frozen=True, slots=True)
class _Version:
    """What the catalogue says of a version that is being made."""

    version: VersionToDescribe
    datasets: Datasets

    @property
    def catalogue(self) -> ox.NamedNode:
        return ox.NamedNode(f"{self.datasets.base}catalogue")

    def change(self) -> DescriptionChange:
        """Every part that may have changed."""
        said: dict[Subject, list[ox.Triple]] = {}
        base, whole = self.datasets.base, self.version.whole
        start, stem = f"{base}dataset/organisation-", f"{base}graph/organisation/"
        graphs = self.version.graphs
        touched = {graph.removeprefix(stem) for graph in graphs if graph.startswith(stem)}
        parts: list[ox.NamedNode] = []
        gone = self._listed(start) - touched if whole else set[str]()
        triples = [*self._static(), *self._dated()]
        for name in sorted(touched):
            told = list(_organisation(self.datasets, name))
            triples += told
            if told:
                parts.append(ox.NamedNode(f"{start}{name}"))
            else:
                gone.add(name)
        own = [self.datasets.node(name) for name in ("all", "model", "releases")]
        tags = self.version.tags
        releases = [self.datasets.node(f"release-{name}") for name in tags]
        members = [triple for node in (*own, *parts, *releases) for triple in self._members(node)]
        for triple in (*triples, *(members if whole else ())):
            said.setdefault(triple.subject, []).append(triple)
        for name in gone:
            for suffix in _NODES:
                said.setdefault(ox.NamedNode(f"{start}{name}{suffix}"), [])
        subjects = {subject: list(dict.fromkeys(told)) for subject, told in said.items()}
        if whole:
            return DescriptionChange(subjects)
        left = [t for name in gone for t in self._members(ox.NamedNode(f"{start}{name}"))]
        return DescriptionChange(subjects, left, members)

    def _members(self, node: ox.NamedNode) -> Iterator[ox.Triple]:
        """What says that a dataset is in the catalogue, and its record."""
        record = ox.NamedNode(f"{node.value}#record")
        yield ox.Triple(self.catalogue, named("dcat:dataset"), node)
        yield ox.Triple(self.catalogue, named("dcat:record"), record)

    def _listed(self, start: str) -> set[str]:
        """The organisations that have a dataset in the catalogue: its IRI without its start."""
        nodes = self.datasets.values(self.catalogue, "dcat:dataset")
        return {node.value.removeprefix(start) for node in nodes if node.value.startswith(start)}

    def _is_release_due(self, release: str) -> bool:
        """Whether a release is to be described: one that is not listed yet, or any where all is."""
        node, graph = self.datasets.node(f"release-{release}"), self.datasets.graph
        quads = self.version.match(None, named("dcat:dataset"), node, graph)
        return self.version.whole or not any(True for _ in quads)

    def _own(self) -> list[str]:
        """The datasets of ours that are told anew: those that changed."""
        version = self.version
        model = f"{self.datasets.base}graph/ontology" in version.graphs
        tagged = any(self._is_release_due(name) for name in version.tags)
        found = ["all"]
        found += ["model"] if version.whole or model else []
        return found + (["releases"] if version.whole or tagged else [])

    def _static(self) -> Iterator[ox.Triple]:
        """What every installation says, as far as it may have changed."""
        told = {self.catalogue, *map(self.datasets.node, self._own())}
        for triple in template("catalogue.ttl", self.datasets.base):
            subject, value = (self._placed(node) for node in (triple.subject, triple.object))
            if str(subject).startswith("<template:"):
                continue
            if self.version.whole or subject in told:
                yield ox.Triple(subject, triple.predicate, value)
        if self.version.whole:
            yield from linked_datasets()

    def _placed(self, node: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> ox.NamedNode:
        """A term of the template with the address of the service in the place of ``root:``."""
        if isinstance(node, ox.NamedNode) and node.value.startswith("root:"):
            return ox.NamedNode(self.datasets.root + node.value.removeprefix("root:"))
        return node  # type: ignore[return-value]  # a literal stays one; the template has nothing else

    def _dated(self) -> Iterator[ox.Triple]:
        """The catalogue and the datasets of ours, with what changes from version to version."""
        version, datasets = self.version, self.datasets
        now = version.made.isoformat(timespec="milliseconds")
        first = datasets.made(1) or now
        yield ox.Triple(self.catalogue, named("dcterms:issued"), moment(first))
        yield ox.Triple(self.catalogue, named("dcterms:modified"), moment(now))
        for value in datasets.values(datasets.graph, "dcterms:publisher"):
            yield ox.Triple(self.catalogue, named("dcterms:publisher"), value)
        for name in self._own():
            yield from datasets.own(name, first, now)
        for name, tagged in version.tags.items():
            if self._is_release_due(name):
                yield from datasets.release(name, tagged)


def _organisation(datasets: Datasets, name: str) -> Iterator[ox.Triple]:
    """The dataset of what an organisation's graphs hold; nothing where that is nothing."""
    base, root = datasets.base, datasets.root
    graph = ox.NamedNode(f"{base}graph/organisation/{name}")
    links = ox.NamedNode(f"{base}graph/same-as/{name}")
    triples = [
        quad.triple
        for part in (graph, links)
        for quad in datasets.version.match(None, None, None, part)
    ]
    if not triples:
        return
    node, slug = datasets.node(f"organisation-{name}"), f"organisation-{name}"
    subject = ox.NamedNode(f"{base}id/organisation/{name}")
    version = str(datasets.version.number)
    yield from datasets.common(node)
    runs = any(triple.predicate.value == term("runBy") for triple in triples)
    kind = "organisation" if runs else "claims"
    yield from datasets.named(kind, node, _names(subject, triples, name))
    yield from datasets.record(node, *_sent(datasets, graph))
    for path, value in (
        ("rdf:type", named("void:Dataset")),
        ("void:triples", number(len(triples))),
        ("void:rootResource", subject),
        # where the graph is hidden, this is how its dataset is found
        ("prov:wasDerivedFrom", graph),
        ("dcterms:isPartOf", datasets.node("all")),
        ("dcat:version", ox.Literal(version)),
    ):
        yield ox.Triple(node, named(path), value)
    yield from _languages_and_places(node, triples)
    yield from _senders(datasets, node, graph)
    for form, content in serialised_all(triples, root).items():
        address = f"{root}dump/{version}/{slug}.{form}"
        yield from distribution(node, form, address, SERIALISATIONS[form], content)


def _names(subject: ox.NamedNode, triples: Iterable[ox.Triple], name: str) -> dict[str, str]:
    """The names of an organisation by language; under no language the one for any other."""
    found = {
        triple.object.language or "": triple.object.value
        for triple in triples
        if triple.subject == subject
        and triple.predicate == named("rdfs:label")
        and isinstance(triple.object, ox.Literal)
    }
    other = found.get("en") or next(iter(found.values()), name)
    return {**found, "": found.get("") or other}


def _sent(datasets: Datasets, graph: ox.NamedNode) -> tuple[str, str]:
    """When data of a graph was sent first and last."""
    records = datasets.records
    times = [
        time.value
        for submission in datasets.values(graph, "prov:wasGeneratedBy", records)
        if isinstance(submission, ox.NamedNode)
        for time in datasets.values(submission, "prov:endedAtTime", records)
    ]
    now = datasets.version.made.isoformat(timespec="milliseconds")
    return min(times, default=now), max(times, default=now)


def _senders(datasets: Datasets, node: ox.NamedNode, graph: ox.NamedNode) -> Iterator[ox.Triple]:
    records = datasets.records
    agents = datasets.values(graph, "prov:wasAttributedTo", records)
    for agent in agents:
        if isinstance(agent, ox.NamedNode) and (
            names := datasets.values(agent, "rdfs:label", records)
        ):
            yield ox.Triple(node, named("dcterms:creator"), agent)
            yield ox.Triple(agent, named("rdf:type"), named("foaf:Agent"))
            yield ox.Triple(agent, named("foaf:name"), names[0])


def _languages_and_places(node: ox.NamedNode, triples: Iterable[ox.Triple]) -> Iterator[ox.Triple]:
    """Languages and places that the data itself has."""
    country = ox.NamedNode(term("country"))
    for triple in triples:
        value = triple.object
        if isinstance(value, ox.Literal) and value.language in LANGUAGES:
            yield ox.Triple(node, named("dcterms:language"), LANGUAGES[value.language])
        if triple.predicate == country and isinstance(value, ox.NamedNode):
            yield ox.Triple(node, named("dcterms:spatial"), value)
            yield ox.Triple(value, named("rdf:type"), named("dcterms:Location"))
