"""A version written out whole; it never waits for the writer or a query."""

from collections.abc import Mapping
from typing import IO, Final

import pyoxigraph as ox

from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots

__all__ = ["FORMATS", "dump"]

FORMATS: Final[Mapping[str, ox.RdfFormat]] = {
    "nquads": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG,
}
"""Name → what keeps the graphs apart."""


def dump(directory: DataDirectory, version: int | None, name: str, file: IO[bytes]) -> None:
    """Write a version to a file, as it comes out of the store: in constant memory.

    Args:
        directory: the data directory.
        version: which version, or None for the newest.
        name: one of `FORMATS`.
        file: what is written to.

    Raises:
        VersionGone: it is not kept.
    """
    snapshots = Snapshots(directory.snapshots)
    reader = snapshots.open(snapshots.current() if version is None else version)
    try:
        reader.store.dump(file, FORMATS[name])
    finally:
        reader.close()
