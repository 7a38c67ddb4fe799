"""Reader of the model's Turtle files."""

from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError

__all__ = ["read"]


def read(*paths: Path) -> list[ox.Triple]:
    """The triples of some files in their order; blank nodes of two files are never the same.

    Raises:
        ModelError: a file cannot be opened, or is not Turtle.
    """
    return [triple for path in paths for triple in _triples(path)]


def _triples(path: Path) -> Iterable[ox.Triple]:
    try:
        parsed = ox.parse(path=path, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True)
        return [quad.triple for quad in parsed]
    except (OSError, SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}:{line}" if line else str(path)
        raise ModelError(f"it cannot be read as Turtle: {error}", where=where) from None
