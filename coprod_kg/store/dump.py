"""Dump of a version, or of its public part, as N-Quads or TriG."""

from collections.abc import Iterator, Mapping
from typing import IO, Final

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.snapshots import Reader

__all__ = ["FORMATS", "dump"]

FORMATS: Final[Mapping[str, ox.RdfFormat]] = {
    "nquads": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG,
}
"""Name → what keeps the graphs apart."""


def dump(reader: Reader, name: str, file: IO[bytes]) -> None:
    """Write a version to a file, as it comes out of the store: in constant memory.

    Args:
        reader: the version, open; it is closed.
        name: one of `FORMATS`.
        file: what is written to.
    """
    try:
        ox.serialize(_quads(reader.store), file, FORMATS[name])
    finally:
        reader.close()


def _quads(store: ox.Store) -> Iterator[ox.Quad]:
    """Each graph as clients know it; the merge of them all would say everything twice."""
    yield from merged.client_default_quads(store)
    for graph in merged.named_graphs(store):
        yield from store.quads_for_pattern(None, None, None, graph)
