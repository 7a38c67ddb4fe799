"""Paths of the model's folders: ontology, shapes, queries, examples, docs and deploy.

In an installed wheel they travel inside the package, in a checkout they stand at its top.
"""

from pathlib import Path

from coprod_kg.errors import ModelError

__all__ = ["files"]

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
