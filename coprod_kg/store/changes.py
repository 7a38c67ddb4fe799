"""The list of the things that each version changed: ``changes/N.json`` in the data directory.

It stays when the version itself is no longer kept, so that a thing that was withdrawn can be told
from one that never was.
"""

import gzip
import json
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from coprod_kg.store.directory import write_durably

__all__ = ["Changed", "Removed", "ThingChange", "VersionChanges", "read_changes", "write_changes"]


class Changed(NamedTuple):
    """What a commit changed.

    Attributes:
        things: IRI, ``created``, ``updated`` or ``removed``, and the graphs.
        others: whether anything else changed but records of this software: the model, or what is
            said of a blank node or of a thing that is named elsewhere.
    """

    things: Sequence[tuple[str, str, list[str]]] = ()
    others: bool = False


@dataclass(frozen=True, slots=True)
class ThingChange:
    """What a version did to a thing.

    Attributes:
        iri: of the thing.
        kind: ``created``, ``updated`` or ``removed``.
        graphs: those whose change touched it.
    """

    iri: str
    kind: str
    graphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionChanges:
    """The things that a version changed, as far as the reader may know of them.

    Attributes:
        version: its number.
        made: when.
        things: they.
        others: whether anything else may have changed (`Changed.others`).
    """

    version: int
    made: datetime
    things: tuple[ThingChange, ...]
    others: bool = True


def write_changes(
    folder: Path,
    version: int,
    made: datetime,
    changed: Changed,
    *,
    again: bool,
) -> None:
    """Note what a version changed.

    Args:
        folder: of the lists.
        version: its number.
        made: when.
        changed: that.
        again: whether the commit is applied a second time, after a crash: what changed the first
            time is no change then, and the list that was written then is the better one.
    """
    folder.mkdir(0o700, exist_ok=True)
    path = folder / f"{version}.json.gz"
    if again and path.exists():
        return
    told = {
        "made": made.isoformat(timespec="milliseconds"),
        "things": sorted(changed.things),
        "others": changed.others,
    }
    write_durably(path, gzip.compress(json.dumps(told).encode(), mtime=0))


def read_changes(folder: Path, version: int, hidden: Collection[str] = ()) -> VersionChanges | None:
    """What a version changed, or None where that was not noted.

    Args:
        folder: of the lists.
        version: its number.
        hidden: the graphs that the reader may not know of.
    """
    try:
        told = json.loads(gzip.decompress((folder / f"{version}.json.gz").read_bytes()))
    except FileNotFoundError:
        return None
    things = (
        ThingChange(iri, kind, tuple(graph for graph in graphs if graph not in hidden))
        for iri, kind, graphs in told["things"]
    )
    seen = tuple(change for change in things if change.graphs)
    made = datetime.fromisoformat(told["made"])
    return VersionChanges(version, made, seen, told.get("others", True))  # older releases: unknown


class Removed:
    """Which versions removed a thing, from the lists of all versions; read once and kept."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._folder = folder
        self._read = 0
        self._removals: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
        self._lock = threading.Lock()

    def find(self, iri: str, version: int, newest: int, hidden: Collection[str] = ()) -> int | None:
        """The last version up to a given one that removed a thing, or None where none did.

        Args:
            iri: the thing.
            version: the version in which it is looked for; there need be none of that number.
            newest: the newest version that there is.
            hidden: the graphs that the reader may not know of.
        """
        with self._lock:
            for number in range(self._read + 1, newest + 1):
                changes = read_changes(self._folder, number)
                for change in changes.things if changes else ():
                    if change.kind == "removed":
                        self._removals.setdefault(change.iri, []).append((number, change.graphs))
            self._read = max(self._read, newest)
        return next(
            (
                number
                for number, graphs in reversed(self._removals.get(iri, []))
                if number <= version and set(graphs) - set(hidden)
            ),
            None,
        )
