"""What travels inside the wheel besides the code; it never changes a file of the checkout.

An editable install reads the folders where they lie, so nothing is copied for it.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("ontology", "shapes", "queries", "examples", "docs", "deploy")
SUFFIXES = frozenset(
    {".csv", ".json", ".jsonld", ".md", ".rq", ".ru", ".service", ".tsv", ".ttl", ".xlsx", ".yml"}
)


class ModelFiles(BuildHookInterface):  # type: ignore[type-arg] # hatchling names no parameter
    """Puts the model, shapes, queries, examples, and the operator's files into the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which files go where; hatchling calls this before it builds."""
        if version == "editable":
            return
        for folder in FOLDERS:
            for path in sorted(Path(self.root, folder).rglob("*")):
                if path.suffix in SUFFIXES:
                    inside = path.relative_to(self.root).as_posix()
                    build_data["force_include"][str(path)] = f"coprod_kg/_files/{inside}"
