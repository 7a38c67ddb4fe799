"""The first copy of an engine's data, made in a data directory that holds none yet.

Graphs go into the store some at a time, each lot with a note on disk, so that a copy that was
broken off goes on after the last lot. Until it is whole no version is published.
"""

import json
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory, write_durably
from coprod_kg.store.graph_writer import GraphWriter
from coprod_kg.store.remote import control
from coprod_kg.store.remote.control import State
from coprod_kg.store.remote.pair import Pair

__all__ = ["copied", "copy"]

_NOTES: Final = "copied"
"""The file in the data directory, lines of JSON: of which state the copy is, then each lot."""


@dataclass(slots=True)
class _Notes:
    """Which graphs were copied, beginning with which version of the engine."""

    path: Path
    lineage: str
    version: int
    graphs: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> "_Notes | None":
        """The notes of a copy that was broken off, perhaps in the middle of the last line."""
        try:
            text = path.read_bytes()
            head, *lots = text[: text.rindex(b"\n")].splitlines()
        except (FileNotFoundError, ValueError):
            return None
        os.truncate(path, text.rindex(b"\n") + 1)
        lineage, version = json.loads(head)
        graphs = {graph for lot in lots for graph in json.loads(lot)}
        return cls(path, lineage, version, graphs)

    @classmethod
    def begin(cls, path: Path, state: State, graphs: Collection[str] = ()) -> "_Notes":
        """The notes of a copy that begins with a state, or goes on with it."""
        lines = [[state.lineage, state.version], sorted(graphs)]
        write_durably(path, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
        return cls(path, state.lineage, state.version, set(graphs))

    def add(self, graphs: Collection[str]) -> None:
        """Note that some graphs are in the store, on disk."""
        self.graphs |= set(graphs)
        with self.path.open("ab") as file:
            file.write(json.dumps(sorted(graphs)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def copied(directory: DataDirectory) -> Collection[str] | None:
    """The graphs, as the engine names them, that are here of a copy that was broken off.

    None where no copy was: then the store is that of a version.
    """
    notes = _Notes.read(directory.root / _NOTES)
    return notes.graphs if notes else None


def copy(pair: Pair, store: ox.Store, directory: DataDirectory) -> None:
    """Copy what the engine holds into an empty store, or go on where that was broken off.

    Args:
        pair: of the engine and the directory, joined.
        store: of the directory, open for writing; one that holds a version stays as it is.
        directory: that is held.

    Raises:
        StoreUnavailable: the engine does not answer.
    """
    notes = _Notes.read(directory.root / _NOTES)
    if notes is None and next(iter(store.named_graphs()), None) is not None:
        return
    state = pair.state()
    if state is None or not (state.version or notes):
        return
    if notes is None or notes.lineage != state.lineage or notes.version > state.version:
        store.clear()
        notes = _Notes.begin(directory.root / _NOTES, state)
    elif notes.version < state.version:
        later = control.changed_since(pair.engine, notes.version)
        notes = _Notes.begin(notes.path, state, notes.graphs - later.keys())
    changed = control.changed_since(pair.engine, 0)
    _fetch(pair, store, notes, {g: there for g, there in changed.items() if g not in notes.graphs})
    while (after := pair.state()) is not None and after.commit != state.commit:
        _fetch(pair, store, notes, control.changed_since(pair.engine, state.version))
        state = after
    notes.path.unlink()


def _fetch(pair: Pair, store: ox.Store, notes: _Notes, changed: Mapping[str, bool]) -> None:
    for graphs in pair.fetched(changed):
        GraphWriter(store).apply([Change(graphs)])
        store.flush()  # before the note, or a loss of power would leave the note alone
        notes.add([merged.graph_node(graph).value for graph in graphs])
        sys.stderr.write(f"coprod-kg: {len(notes.graphs):,} graphs are here\n")
