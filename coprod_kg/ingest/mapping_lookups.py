"""Functions for a mapping's queries: names to concepts, names to identifiers.

It is loaded by its path into the engine's process, whose libraries are older than ours, together
with ``workbook/concepts.py`` and ``workbook/identifiers.py``: standard library, and those two.
"""

import csv
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

__all__ = ["Lookups"]

NAMES: Final = "names.csv"
UNMATCHED: Final = "unmatched.json"
_MOST_UNMATCHED: Final = 1000
_WORKBOOK: Final = Path(__file__).parents[1] / "workbook"


def _module(name: str) -> ModuleType:
    """A module of the workbook, which needs nothing of its package."""
    spec = importlib.util.spec_from_file_location(name, _WORKBOOK / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Lookups:
    """The functions, and the names without a match.

    Args:
        names: the file ``scheme,name,iri,label`` of everything that a concept may be called.
    """

    def __init__(self, names: Path) -> None:
        self._concepts, self._identifiers = _module("concepts"), _module("identifiers")
        self._iris: dict[str, dict[str, dict[str, str]]] = {}
        self._unmatched: dict[tuple[str, str, str], list[str]] = {}
        with names.open(encoding="utf-8", newline="") as file:
            for scheme, name, iri, label in csv.reader(file):
                iris_by_name = self._iris.setdefault(scheme, {})
                iris_by_name.setdefault(self._concepts.plain(name), {})[iri] = label

    def concept(self, scheme: str, name: str, place: str) -> str:
        """The IRI of a concept by any of its names, else an empty text, and the name is recorded.

        Args:
            scheme: the scheme, such as ``country``.
            name: the name in the source.
            place: the place of the name, such as ``row 7``.
        """
        if not name.strip():
            return ""
        iris_by_name = self._iris.get(scheme, {})
        labels = iris_by_name.get(self._concepts.plain(name), {})
        if len(labels) == 1:
            return next(iter(labels))
        if len(self._unmatched) < _MOST_UNMATCHED:
            near = self._concepts.near(self._concepts.plain(name), iris_by_name)
            meant = list(labels.values()) or [
                concept for key in near for concept in iris_by_name[key].values()
            ]
            self._unmatched[scheme, name, place] = list(dict.fromkeys(meant))
        return ""

    def identifier(self, scope: str, name: str) -> str:
        """The identifier that a workbook of an organisation gets for a thing of this name."""
        identifier: str = self._identifiers.scoped(scope, self._identifiers.slug(name))
        return identifier

    def register(self, database: Any) -> None:
        """Register the functions with DuckDB."""
        text = "VARCHAR"
        database.create_function("concept", self.concept, [text, text, text], text)
        database.create_function("identifier", self.identifier, [text, text], text)

    def write_unmatched(self, path: Path) -> None:
        """Write the names without a match as JSON."""
        rows = [[*key, meant] for key, meant in self._unmatched.items()]
        path.write_text(json.dumps(rows), encoding="utf-8")
