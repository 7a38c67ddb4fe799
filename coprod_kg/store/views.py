"""Views: copies of versions from which some graphs are removed, and what is recorded of them.

A view is a copy of a snapshot (hard links) from which the hidden graphs were taken, so that no
query can reach them, however it is written. It is made when it is first asked for, and lies
beside the snapshots until its version goes.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import NOTHING, Hidden
from coprod_kg.store.copied_description import CopiedDescription
from coprod_kg.store.snapshots import Reader, Snapshots

__all__ = ["Views", "hide"]


@dataclass(frozen=True, slots=True)
class Views:
    """The versions below one folder, whole or with some data hidden.

    Attributes:
        snapshots: the versions.
        base_iri: the IRI under which graphs are named.
    """

    snapshots: Snapshots
    base_iri: str

    def open(self, version: int | None, hidden: Hidden = NOTHING) -> Reader:
        """Open a version for reading.

        Args:
            version: its number, or None for the newest.
            hidden: what is not in it.

        Raises:
            VersionGone: it is not kept.
        """
        newest_or_given = self.snapshots.current() if version is None else version
        whole = self.snapshots.open_for_queries(newest_or_given)
        if not hidden.graphs and merged.is_current(whole.store, self.base_iri, whole.version):
            return whole
        try:
            return self._view(whole, hidden)
        finally:
            whole.close()

    def _view(self, whole: Reader, hidden: Hidden) -> Reader:
        named = "\n".join((self.base_iri, *hidden.graphs, *hidden.rules))
        path = self.snapshots.views / f"{whole.version}-{sha256(named.encode()).hexdigest()[:24]}"
        if not path.exists():
            with self._making() as unfinished:
                if not path.exists():
                    whole.store.backup(str(unfinished))
                    store = ox.Store(str(unfinished))
                    merged.build(store, self.base_iri, whole.version)
                    hide(store, self.base_iri, hidden)
                    store.flush()
                    del store  # it holds the lock of the folder
                    unfinished.rename(path)
        return Reader.of(whole.version, path)

    @contextmanager
    def _making(self) -> Iterator[Path]:
        """Where to make a view: one is made at a time, and what a crash left is removed."""
        folder = self.snapshots.views
        folder.mkdir(exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unfinished = folder / ".unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            yield unfinished
        finally:
            os.close(lock)


def hide(store: ox.Store, base_iri: str, hidden: Hidden) -> None:
    """Remove what is hidden from a store, and have its description speak of what is left.

    Args:
        store: is changed.
        base_iri: the IRI under which graphs are named.
        hidden: what is removed.
    """
    description = CopiedDescription(store, base_iri)
    for graph in map(ox.NamedNode, hidden.graphs):
        quads = store.quads_for_pattern(None, None, None, graph)
        description.change({quad.subject for quad in quads}, partial(_remove, store, graph))
    for rule in hidden.rules:
        record = ox.NamedNode(hidden.record)
        rows = store.query(rule, default_graph=record)
        # All rows first: what is removed must not change what else is found.
        terms = [row[0] for row in rows] if isinstance(rows, ox.QuerySolutions) else []
        about = [
            quad
            for term in terms
            if isinstance(term, ox.NamedNode)
            for quad in (
                *store.quads_for_pattern(term, None, None, record),
                *store.quads_for_pattern(None, None, term, record),
            )
        ]
        description.change({quad.subject for quad in about}, partial(_forget, store, about))
    description.leave_out(hidden.graphs)


def _remove(store: ox.Store, graph: ox.NamedNode) -> None:
    merged.remove_from_merge(store, graph)
    store.remove_graph(graph)


def _forget(store: ox.Store, quads: list[ox.Quad]) -> None:
    for quad in quads:
        merged.remove_quad(store, quad)
