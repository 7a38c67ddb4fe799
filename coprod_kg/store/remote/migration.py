"""Moving a version of a data directory to an engine, graph by graph, and comparing what is there.

A graph is put there as a draft under its own name, read back, and noted when its triples are the
same; so a run that was broken off goes on where it was. The version is stated last: until then no
service takes the engine for whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import StoreError, WrongUsage
from coprod_kg.store import merged
from coprod_kg.store.identity import Identity
from coprod_kg.store.remote import control
from coprod_kg.store.remote.client import Engine
from coprod_kg.store.remote.pair import content
from coprod_kg.store.snapshots import Reader

__all__ = ["MovedGraph", "compare", "move"]

_PIECE: Final = 8 << 20
"""Bytes that are put into the merge at a time."""


@dataclass(frozen=True, slots=True)
class MovedGraph:
    """A graph that is the same on both sides.

    Attributes:
        graph: its IRI in the engine.
        triples: how many it has.
        digest: of its triples, in canonical form: SHA-256.
        before: whether an earlier run had moved it.
    """

    graph: str
    triples: int
    digest: str
    before: bool = False


def move(reader: Reader, engine: Engine, identity: Identity, base_iri: str) -> Iterator[MovedGraph]:
    """Put a version into an engine that holds none of our data; go on where a run was broken off.

    Args:
        reader: the version, open.
        engine: where it goes.
        identity: of the data directory.
        base_iri: under which things and graphs are named.

    Yields:
        Each graph, once both sides were compared.

    Raises:
        WrongUsage: the engine holds a version already.
        StoreError: what came back is not what was sent.
    """
    state = control.read(engine)
    if state is not None:
        raise WrongUsage(
            f"the engine at {engine.url} holds version {state.version} of lineage {state.lineage}",
            fix="Empty its dataset first, or name another one.",
        )
    noted = control.moved(engine)
    for graph in sorted(_names(reader.store)):
        local = content(reader.store, ox.NamedNode(graph))
        triples, digest = digest_of(local)
        if noted.get(graph) != digest:
            engine.put(graph, local)
            found = digest_of(engine.graph(graph))
            if found != (triples, digest):
                raise StoreError(
                    f"the engine holds {found[0]} triples where {triples} were sent, or others",
                    where=graph,
                    fix="Does this engine keep literals as they are? docs/engines.md has those "
                    "that do.",
                )
            note = control.moving(graph, digest, reader.version)
            if b"_:" in local:  # in one request with the note, or a second run would double them
                engine.update(f"ADD GRAPH <{graph}> TO GRAPH <{control.MERGE}> ; {note}", 600.0)
            else:
                for piece in _pieces(local):
                    engine.put(control.MERGE, piece, add=True)
                engine.update(note)
        yield MovedGraph(graph, triples, digest, noted.get(graph) == digest)
    _check_merge(reader, engine)
    commit = f"{identity.lineage}-{reader.version}"
    control.begin(
        engine,
        control.State(reader.version, commit, identity.lineage, identity.ancestors, base_iri),
    )


def compare(reader: Reader, engine: Engine) -> Iterator[MovedGraph]:
    """Compare each graph of a version with the engine's.

    Raises:
        StoreError: one differs.
    """
    for graph in sorted(_names(reader.store)):
        ours = digest_of(content(reader.store, ox.NamedNode(graph)))
        theirs = digest_of(engine.graph(graph))
        if ours != theirs:
            raise StoreError(
                f"{ours[0]} triples are here and {theirs[0]} in the engine, or others", where=graph
            )
        yield MovedGraph(graph, *ours)


def digest_of(triples: bytes) -> tuple[int, str]:
    """How many triples N-Triples are, and their digest, whatever their order and blank labels."""
    store = ox.Store()  # spells the terms as the data directory does
    store.bulk_load(triples, ox.RdfFormat.N_TRIPLES)
    lines = content(store, merged.MERGE)
    if b"_:" in lines:
        dataset = ox.Dataset(store)
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        lines = "\n".join(f"{quad.triple} ." for quad in dataset).encode()
    ordered = sorted(lines.splitlines())
    return len(ordered), sha256(b"\n".join(ordered)).hexdigest()


def _names(store: ox.Store) -> set[str]:
    return {graph.value for graph in store.named_graphs() if isinstance(graph, ox.NamedNode)}


def _pieces(triples: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(triples):
        end = triples.find(b"\n", start + _PIECE)
        end = len(triples) if end < 0 else end + 1
        yield triples[start:end]
        start = end


def _check_merge(reader: Reader, engine: Engine) -> None:
    wanted = len(list(reader.store.quads_for_pattern(None, None, None, merged.MERGE)))
    text = f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{control.MERGE}> {{ ?s ?p ?o }} }}"
    held = int(control.rows(engine, text, 600.0)[0]["n"])
    if held < wanted:  # it may have more where several graphs share a blank node
        raise StoreError(
            f"the merge of all graphs has {held} triples in the engine and {wanted} here",
            where=control.MERGE,
            fix="Empty the engine's dataset and begin again.",
        )
