"""Moving a version of a data directory to an engine, graph by graph, and comparing what is there.

Graphs are sent with a note of each, so a run that was broken off goes on where it was; then all
are read back and compared. The version is stated last: until then no service takes the engine for
whole.
"""

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import QueryTimeout, StoreError, WrongUsage
from coprod_kg.store import merged
from coprod_kg.store.identity import Identity
from coprod_kg.store.remote import control
from coprod_kg.store.remote.client import Engine
from coprod_kg.store.remote.pair import content
from coprod_kg.store.snapshots import Reader

__all__ = ["MovedGraph", "compare", "move"]

_PIECE: Final = 8 << 20
"""Bytes that are sent at a time."""


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
        WrongUsage: the engine holds a version already, or cannot keep a graph of some name.
        StoreError: what came back is not what was sent.
    """
    state = control.read(engine)
    if state is not None:
        raise WrongUsage(
            f"the engine at {engine.url} holds version {state.version} of lineage {state.lineage}",
            fix="Empty its dataset first, or name another one.",
        )
    engine.kind.check_names(_names(reader.store))
    noted = control.moved(engine)
    _send(reader, engine, noted.keys())
    for moved in compare(reader, engine):
        yield replace(moved, before=noted.get(moved.graph) == moved.digest)
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
                f"{ours[0]} triples are here and {theirs[0]} in the engine, or others",
                where=graph,
                fix="Empty the dataset that was to be filled, and begin again.",
            )
        yield MovedGraph(graph, *ours)


def digest_of(triples: bytes) -> tuple[int, str]:
    """How many triples N-Triples are, and their digest, whatever their order and blank labels."""
    store = ox.Store()  # spells the terms as the data directory does
    store.bulk_load(triples, ox.RdfFormat.N_TRIPLES)
    lines = content(store, merged.MERGED)
    if b"_:" in lines:
        dataset = ox.Dataset(store)
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        lines = "\n".join(f"{quad.triple} ." for quad in dataset).encode()
    ordered = sorted(lines.splitlines())
    return len(ordered), sha256(b"\n".join(ordered)).hexdigest()


def _names(store: ox.Store) -> set[str]:
    return {graph.value for graph in store.named_graphs() if isinstance(graph, ox.NamedNode)}


def _send(reader: Reader, engine: Engine, noted: Collection[str]) -> None:
    """Send the graphs that are not noted, several in one request, with their part of the merge.

    The note goes in the same request, so a graph is there whole and noted, or can be sent again: in
    two requests its blank nodes would be others the second time.
    """
    waiting, size, whole = list[bytes](), 0, set[str]()
    missing = sorted(_names(reader.store) - set(noted))
    for count, graph in enumerate(missing, 1):
        triples = content(reader.store, ox.NamedNode(graph))
        pieces = [*_pieces(triples)] or [b""]
        for number, piece in enumerate(pieces, 1):
            waiting += (_placed(piece, graph), _placed(piece, control.MERGED))
            size += 2 * len(piece)
            if number == len(pieces):
                waiting.append(control.moving(graph, digest_of(triples)[1], reader.version))
                whole.add(graph)
            if size > _PIECE:
                _add(engine, b"".join(waiting), whole)
                sys.stderr.write(f"coprod-kg: {count:,} of {len(missing):,} graphs are sent\n")
                waiting, size, whole = [], 0, set()
    if waiting:
        _add(engine, b"".join(waiting), whole)


def _add(engine: Engine, quads: bytes, noted: Collection[str]) -> None:
    """Send some graphs; once more where that failed, unless the engine has what they note.

    A part of a graph without its note has no blank nodes: it may be there twice.
    """
    try:
        engine.add(quads)
    except (StoreError, QueryTimeout) as error:
        sys.stderr.write(f"coprod-kg: {error.what}; it is asked what it has\n")
        if not noted or not control.moved(engine).keys() >= set(noted):
            engine.add(quads)


def _placed(triples: bytes, graph: str) -> bytes:
    """N-Triples as N-Quads of a graph."""
    end = f" <{graph}> .\n".encode()
    return b"".join(line.removesuffix(b" .") + end for line in triples.splitlines() if line)


def _pieces(triples: bytes) -> Iterator[bytes]:
    """Lines of some megabytes; all at once where a blank node may stand in several."""
    start, most = 0, len(triples) if b"_:" in triples else _PIECE
    while start < len(triples):
        end = triples.find(b"\n", start + most)
        end = len(triples) if end < 0 else end + 1
        yield triples[start:end]
        start = end


def _check_merge(reader: Reader, engine: Engine) -> None:
    wanted = len(list(reader.store.quads_for_pattern(None, None, None, merged.MERGED)))
    text = f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{control.MERGED}> {{ ?s ?p ?o }} }}"
    held = int(control.rows(engine, text, 600.0)[0]["n"])
    if held < wanted:  # it may have more where several graphs share a blank node
        raise StoreError(
            f"the merge of all graphs has {held} triples in the engine and {wanted} here",
            where=control.MERGED,
            fix="Empty the engine's dataset and begin again.",
        )
