"""Views: copies of versions from which the data of some organisations is removed.

A view is a copy of a snapshot (hard links) from which the hidden graphs were taken, so that no
query can reach them, however it is written. It is made when it is first asked for, and lies
beside the snapshots until its version goes.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.snapshots import Reader, Snapshots

__all__ = ["Views", "hide"]

_PROV: Final = "http://www.w3.org/ns/prov#"
_GENERATED: Final = ox.NamedNode(f"{_PROV}wasGeneratedBy")
_DERIVED: Final = ox.NamedNode(f"{_PROV}wasDerivedFrom")
_USED: Final = ox.NamedNode(f"{_PROV}used")
_SENDERS: Final = (
    ox.NamedNode(f"{_PROV}wasAssociatedWith"),
    ox.NamedNode(f"{_PROV}wasAttributedTo"),
)
_PART_OF: Final = ox.NamedNode("http://purl.org/dc/terms/isPartOf")


@dataclass(frozen=True, slots=True)
class Views:
    """The versions below one folder, whole or with some organisations hidden.

    Attributes:
        snapshots: the versions.
        base_iri: the IRI under which graphs are named.
    """

    snapshots: Snapshots
    base_iri: str

    def open(self, version: int | None, hidden: Sequence[str] = ()) -> Reader:
        """Open a version for reading.

        Args:
            version: its number, or None for the newest.
            hidden: the organisations whose data is not in it, in order.

        Raises:
            VersionGone: it is not kept.
        """
        whole = self.snapshots.open(self.snapshots.current() if version is None else version)
        if not hidden and merged.is_kept(whole.store, self.base_iri, whole.version):
            return whole
        try:
            return self._view(whole, hidden)
        finally:
            whole.close()

    def _view(self, whole: Reader, hidden: Sequence[str]) -> Reader:
        named = "\n".join((self.base_iri, *hidden))
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


def hide(store: ox.Store, base_iri: str, organisations: Sequence[str]) -> None:
    """Remove some organisations from a store: their graphs, and their provenance.

    The graph of provenance loses the submissions of their data with files, reports and senders
    that sent nothing else. What other organisations say of them stays: it is theirs.

    Args:
        store: is changed.
        base_iri: the IRI under which graphs are named.
        organisations: the last parts of their IRIs.
    """
    graphs = [
        ox.NamedNode(f"{base_iri}graph/{kind}/{name}")
        for name in organisations
        for kind in ("organisation", "assessment")
    ]
    for graph in graphs:
        merged.withdraw(store, graph)
        store.remove_graph(graph)
    _Record(store, ox.NamedNode(f"{base_iri}graph/provenance")).forget(graphs)


@dataclass(frozen=True, slots=True)
class _Record:
    """The graph of provenance."""

    store: ox.Store
    graph: ox.NamedNode

    def forget(self, graphs: Sequence[ox.NamedNode]) -> None:
        """Take out all that is about some graphs and nothing else."""
        submissions = {
            submission for graph in graphs for submission in self._objects(graph, _GENERATED)
        }
        files = {file for graph in graphs for file in self._objects(graph, _DERIVED)}
        files |= {file for submission in submissions for file in self._objects(submission, _USED)}
        reports = {
            report
            for submission in submissions
            for report in self._subjects(_GENERATED, submission)
        }
        calls = {call for submission in submissions for call in self._objects(submission, _PART_OF)}
        calls = {call for call in calls if self._subjects(_PART_OF, call) <= submissions}
        files = {file for file in files if self._subjects(_USED, file) <= submissions}
        gone = {*graphs, *submissions, *files, *reports, *calls}
        senders = {
            sender for node in gone for path in _SENDERS for sender in self._objects(node, path)
        }
        self._remove(gone)
        self._remove({sender for sender in senders if not any(self._about(None, None, sender))})

    def _remove(self, terms: set[ox.NamedNode]) -> None:
        for term in terms:
            for quad in [*self._about(term, None, None), *self._about(None, None, term)]:
                merged.discard(self.store, quad)

    def _about(
        self, subject: ox.NamedNode | None, path: ox.NamedNode | None, value: ox.NamedNode | None
    ) -> Iterator[ox.Quad]:
        return self.store.quads_for_pattern(subject, path, value, self.graph)

    def _objects(self, subject: ox.NamedNode, path: ox.NamedNode) -> set[ox.NamedNode]:
        objects = (triple.object for triple in self._about(subject, path, None))
        return {node for node in objects if isinstance(node, ox.NamedNode)}

    def _subjects(self, path: ox.NamedNode, value: ox.NamedNode) -> set[ox.NamedNode]:
        subjects = (triple.subject for triple in self._about(None, path, value))
        return {node for node in subjects if isinstance(node, ox.NamedNode)}
