"""Citation of an answer in a notebook, asked for when it is looked at."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from coprod_kg.queries.citation import TITLE, tex

__all__ = ["LazyCitation", "plainly"]


class LazyCitation:
    """The citation of an answer, asked for when a property is read."""

    def __init__(self, write: Callable[[str], str]) -> None:
        """Take what writes it as ``text``, ``bibtex`` or ``csl``."""
        self._write = cache(write)

    @property
    def text(self) -> str:
        """One sentence, with the hash of the answer and the address where it stays."""
        return self._write("text").strip()

    @property
    def bibtex(self) -> str:
        """The citation as BibTeX, for a bibliography."""
        return self._write("bibtex").strip()

    @property
    def csl(self) -> list[dict[str, Any]]:
        """The citation as CSL-JSON, for Zotero, pandoc and others."""
        items: list[dict[str, Any]] = json.loads(self._write("csl"))
        return items

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def plainly(form: str, version: int, sha256: str) -> str:
    """The citation of an answer that no saved query gave: as ``text``, ``bibtex`` or ``csl``."""
    description = f"a SPARQL query; SHA-256 of the answer {sha256}"
    name = f"coprod-kg-v{version}-{sha256[:8]}"
    if form == "text":
        return f"{TITLE}, version {version}, {description}."
    if form == "bibtex":
        fields = {"title": TITLE, "version": str(version), "note": description}
        lines = [f"  {key} = {{{tex(value)}}}," for key, value in fields.items()]
        return "\n".join([f"@misc{{{name},", *lines, "}"])
    item = {
        "id": name,
        "type": "dataset",
        "title": TITLE,
        "version": str(version),
        "note": description,
    }
    return json.dumps([item])
