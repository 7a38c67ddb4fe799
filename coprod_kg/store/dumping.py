"""A version written out whole, or what everybody may see of it; it never waits for the writer."""

from collections.abc import Mapping
from typing import IO, Final

import pyoxigraph as ox

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
        reader.store.dump(file, FORMATS[name])
    finally:
        reader.close()
