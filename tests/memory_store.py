"""A real store in memory, for tests of what stands above a store; it keeps one version at a time.

It answers with the engine that the durable store uses, without its processes, limits or disk.
"""

import io
from collections.abc import Iterator
from dataclasses import replace

import pyoxigraph as ox

from coprod_kg.errors import NotFound, QuerySyntax, StoreError, VersionGone
from coprod_kg.store.base import Answer, Change, Commit, Query, Retention, Update
from coprod_kg.store.formats import choose
from coprod_kg.store.identity import FORMAT, Identity
from coprod_kg.store.merged import MERGED, in_graph

__all__ = ["MemoryStore"]


LINEAGE = Identity(FORMAT, "0a1b2c3d")


class MemoryStore:
    """A versioned set of named graphs that is gone when the test ends.

    Args:
        base_iri: what relative IRIs of queries are resolved against.
        whole: answers of at most so many bytes come with their length, others stream.
    """

    def __init__(self, base_iri: str = "https://w3id.org/coprod/", whole: int = 1_000_000) -> None:
        self._engine = ox.Store()
        self._base_iri = base_iri
        self._whole = whole
        self._version = 0
        self._merge = 0, ox.Store()
        self.asked: list[Query] = []
        self.cited: list[int] = []

    def version(self) -> int:
        return self._version

    def versions(self) -> tuple[int, ...]:
        return (self._version,)

    def identity(self) -> Identity:
        return LINEAGE

    def cite(self, version: int) -> None:
        self.cited.append(version)

    def kept(self, version: int) -> Retention:
        return Retention((), None, self._version - version)

    def query(self, query: Query) -> Answer:
        self.asked.append(replace(query))
        if query.hidden.graphs:
            raise StoreError("this store cannot hide data")
        if query.version is not None and query.version > self._version:
            raise NotFound(f"there is no version {query.version} yet")
        if query.version not in (None, self._version):
            raise VersionGone(f"version {query.version} is not kept")
        try:
            results = self._run(query)
        except SyntaxError as error:
            raise QuerySyntax(str(error.msg)) from None
        media_type, serialise = choose(results, query.media_types)
        file = io.BytesIO()
        serialise(file)  # type: ignore[arg-type]  # the engine only writes to it
        data = file.getvalue()
        length = len(data) if len(data) <= self._whole else None
        return Answer(media_type, self._version, length, _pieces(data))

    def commit(self, change: Change) -> Commit:
        for graph, data in change.replace.items():
            self._engine.remove_graph(ox.NamedNode(graph))
            self._add(graph, data)
        for graph, data in change.add.items():
            self._add(graph, data)
        self._version += 1
        return Commit(self._version)

    def update(self, update: Update) -> Commit:
        try:
            self._engine.update(update.text, base_iri=self._base_iri)
        except SyntaxError as error:
            raise QuerySyntax(str(error.msg)) from None
        return self.commit(Change(add=update.add, activity=update.activity))

    def load(self, graph: str, turtle: bytes) -> None:
        """Add Turtle to a graph as one commit."""
        triples = ox.parse(turtle, format=ox.RdfFormat.TURTLE, base_iri=self._base_iri)
        lines = ox.serialize((quad.triple for quad in triples), format=ox.RdfFormat.N_TRIPLES)
        self.commit(Change(add={graph: lines or b""}))

    def _run(self, query: Query) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
        default = [ox.NamedNode(iri) for iri in query.default_graphs]
        named = [ox.NamedNode(iri) for iri in query.named_graphs]
        if not default and not named:
            engine = self._merged() if query.union else self._engine
            return engine.query(query.text, base_iri=self._base_iri)
        return self._engine.query(
            query.text,
            base_iri=self._base_iri,
            default_graph=list(default),
            named_graphs=list(named),
        )

    def _merged(self) -> ox.Store:
        """The same graphs, and in the default graph each of their triples once."""
        version, store = self._merge
        if version != self._version:
            store = ox.Store()
            store.extend(self._engine)
            store.extend(in_graph(quad, MERGED) for quad in self._engine)
            self._merge = self._version, store
        return store

    def _add(self, graph: str, data: bytes) -> None:
        self._engine.load(data, format=ox.RdfFormat.N_TRIPLES, to_graph=ox.NamedNode(graph))


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 65536):
        yield data[start : start + 65536]
