"""Paths of the model's folders (ontology, shapes, queries, …), and their Turtle files read.

In an installed wheel they travel inside the package, in a checkout they stand at its top.
"""

from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError

__all__ = [
    "files",
    "read",
]


_PACKAGE = Path(__file__).resolve().parents[1]
_ROOTS = (_PACKAGE / "_files", _PACKAGE.parent)


def files(name: str) -> Path:
    """The folder ``ontology``, ``shapes``, ``queries``, ``examples``, ``docs`` or ``deploy``.

    Raises:
        ModelError: this installation has no such folder.
    """
    for root in _ROOTS:
        if (root / name).is_dir():
            return root / name
    raise ModelError(
        f"there is no folder {name!r} in this installation",
        fix="Install coprod-kg again from its wheel, or work in a full checkout.",
    )


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
        place = f"{path}:{line}" if line else str(path)
        raise ModelError(f"it cannot be read as Turtle: {error}", where=place) from None
